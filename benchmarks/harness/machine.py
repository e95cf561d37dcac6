"""Where and when was measured: the head of every report."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path


def head(versions: Mapping[str, str], missing: Mapping[str, str], root: Path) -> str:
    """Lines of Markdown: machine, date, versions, and what could not be had."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = os.getloadavg()[0]
    lines = [
        f"- **When**: {now}, Strata at {_revision(root)}",
        f"- **Machine**: {_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{_memory_gb():.0f} GB, {platform.system()} {platform.release()}, load {load:.1f}",
        f"- **Python**: {platform.python_version()}",
        "- **Tools**: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    lines += [f"- **{name}**: {why}" for name, why in missing.items()]
    return "\n".join(lines) + "\n"


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal"):
            return int(line.split()[1]) / 1024**2
    return 0.0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _revision(root: Path) -> str:
    """The commit, and whether the tree has changes that are not in it."""
    try:
        asked = ("git", "-C", str(root), "describe", "--always", "--dirty=, with changes")
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "an unknown commit"
