"""Ctrl-C stops everything at once and saves what is done; a second one kills."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.workspaces import Workspace, alive, events

SLEEPER = """\
# @env STRATA_TEST_PIDS
import os, subprocess, sys, time
_child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(os.environ["STRATA_TEST_PIDS"], "a") as _file:
    _file.write(f"{os.getpid()} {_child.pid}\\n")
time.sleep(600)
"""

STUBBORN = (
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER.split("\n", 1)[1]
)


def _wait(condition: Callable[[], bool], what: str, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


class _Building:
    """A build with one quick cell and one that sleeps, waited for until both have begun."""

    def __init__(self, tmp_path: Path, sleeper: str) -> None:
        self.pids_file = tmp_path / "pids"
        self.log = tmp_path / "events"
        self.space = Workspace(tmp_path / "w", {"STRATA_TEST_PIDS": str(self.pids_file)})
        self.space.notebook("nb", {"quick": "x = 1", "slow": sleeper, "after": "y = x"})
        self.process = self.space.start(
            "build", "-j2", "--events", str(self.log), "//nb:quick", "//nb:slow",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _wait(self._begun, "both cells")
        self.pids = [int(pid) for pid in self.pids_file.read_text().split()]

    def _begun(self) -> bool:
        done = any(
            e["event"] == "cell_finished" and e["label"] == "//nb:quick" for e in events(self.log)
        )
        return done and self.pids_file.exists() and self.pids_file.read_text().endswith("\n")

    def gone(self) -> None:
        _wait(lambda: not any(alive(p) for p in self.pids), "the cell's processes to end")


def test_one_interrupt_stops_everything_and_keeps_what_is_done(tmp_path: Path) -> None:
    building = _Building(tmp_path, SLEEPER)
    building.process.send_signal(signal.SIGINT)
    out, _ = building.process.communicate(timeout=20)
    assert building.process.returncode == 130
    assert "interrupted" in out
    building.gone()
    ended = building.space.build("//nb:after")
    assert ended.by_status("cached") == ["//nb:quick"]


def test_a_second_interrupt_kills_what_will_not_end(tmp_path: Path) -> None:
    building = _Building(tmp_path, "# @env STRATA_TEST_PIDS\n" + STUBBORN)
    building.process.send_signal(signal.SIGINT)
    building.process.send_signal(signal.SIGINT)
    building.process.communicate(timeout=20)
    assert building.process.returncode == 130
    building.gone()


def test_the_cell_ends_when_the_build_is_killed(tmp_path: Path) -> None:
    """kill -9 gives Strata no chance to clean up: the kernel ends the cell."""
    building = _Building(tmp_path, SLEEPER)
    building.process.kill()
    building.process.communicate(timeout=20)
    cell, grandchild = building.pids
    _wait(lambda: not alive(cell), "the cell to end")
    os.kill(grandchild, signal.SIGKILL)
