"""Generated workspaces, and the `strata` program run on them as a user would.

Nothing here reaches into Strata: tests see files, exit codes and `--json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STRATA = Path(sys.executable).with_name("strata")

TRACE = "STRATA_TEST_TRACE"
"""A declared variable that names the file in which traced cells write that they ran."""


@dataclass(frozen=True)
class Ended:
    """How one run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The object that `--json` printed."""
        return json.loads(self.out)  # type: ignore[no-any-return]

    def by_status(self, status: str) -> list[str]:
        """The labels of that status, sorted."""
        return sorted(c["label"] for c in self.report["cells"] if c["status"] == status)

    @property
    def ran(self) -> list[str]:
        return self.by_status("ran")

    @property
    def digests(self) -> dict[str, str]:
        """Variable to digest, over all cells."""
        return {
            f"{cell['label']}%{name}": output["digest"]
            for cell in self.report["cells"]
            for name, output in cell["outputs"].items()
        }


@dataclass
class Workspace:
    """A folder with one or more notebooks."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.write("strata.toml", "")

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def notebook(self, package: str, cells: Mapping[str, str], top: str = "") -> None:
        """A notebook with the cells `id: source`, in that order; `top` is TOML before them."""
        assert package, "'.' is the notebook at the root"
        lines = [f'notebook_id = "{package}"', f'name = "{package}"', top]
        for position, (cell, source) in enumerate(cells.items(), start=1):
            lines += ["[[cells]]", f'id = "{cell}"', f'file = "{cell}.py"', f"order = {position}"]
            self.write(f"{package}/cells/{cell}.py", source)
        self.write(f"{package}/notebook.toml", "\n".join(lines) + "\n")

    def cell(self, package: str, cell: str) -> Path:
        return self.root / package / "cells" / f"{cell}.py"

    def environ(self) -> dict[str, str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_")}
        return base | {"TERM": "dumb", "NO_COLOR": "1"} | self.variables

    def start(self, *arguments: str, **popen: Any) -> subprocess.Popen[str]:
        """The program, started in the root and not waited for."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | popen
        return subprocess.Popen(
            [str(STRATA), *arguments], cwd=self.root, env=self.environ(), text=True, **options
        )

    def run(self, *arguments: str, cwd: Path | None = None, timeout_s: float = 240) -> Ended:
        ended = subprocess.run(
            [str(STRATA), *arguments],
            cwd=cwd or self.root,
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )
        assert "strata/cli/" not in ended.stderr, ended.stderr  # no traceback of ours
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def build(self, *arguments: str, code: int = 0) -> Ended:
        """`strata build --json`, which must end with `code`."""
        ended = self.run("build", "--json", *arguments)
        assert ended.code == code, (ended.code, ended.out[-2000:], ended.err[-4000:])
        return ended


def traced(name: str, body: str) -> str:
    """A cell that leaves one line, its name, in the trace file each time it runs."""
    return (
        f"# @env {TRACE}\n"
        "import os as _os\n"
        f'_trace = _os.open(_os.environ["{TRACE}"], _os.O_WRONLY | _os.O_APPEND | _os.O_CREAT)\n'
        f'_os.write(_trace, b"{name}\\n")\n'
        f"_os.close(_trace)\n"
        f"{body}\n"
    )


def traces(path: Path) -> list[str]:
    """The names of the cells that ran, in order."""
    return path.read_text().split() if path.exists() else []


def chain(length: int, *, body: str = "x{i} = x{before} + 1") -> dict[str, str]:
    """Cells c0 … each reading the one before."""
    cells = {"c0": "x0 = 0"}
    for i in range(1, length):
        cells[f"c{i}"] = body.format(i=i, before=i - 1)
    return cells


def fan(width: int) -> dict[str, str]:
    """One source, `width` cells that read it, and one that sums them."""
    cells = {"source": "x = 1"}
    for i in range(width):
        cells[f"c{i}"] = f"y{i} = x + {i}"
    cells["total"] = "total = " + " + ".join(f"y{i}" for i in range(width))
    return cells


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def events(path: Path) -> Sequence[dict[str, Any]]:
    """The events that were written so far; a line cut short by a kill is left out."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found
