"""What the benchmarks measure with: processes that really run, and what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness.measure import (
    Command,
    Measured,
    RunFailed,
    Trial,
    descendants,
    environment,
    interleaved,
    run,
)

ROOT = Path(__file__).parents[2]


def python(code: str, folder: Path, expect: str = "") -> Command:
    return Command((sys.executable, "-ISc", code), folder, expect=expect)


def test_commands_run_in_turn_each_prepared(tmp_path: Path) -> None:
    log: list[str] = []
    trials = {
        name: Trial(python("pass", tmp_path), lambda name=name: log.append(name))  # type: ignore[misc]
        for name in ("a", "b")
    }
    found = interleaved(trials, repeats=2)
    assert log == ["a", "b", "a", "b"]
    assert [len(r.samples) for r in found.values() if isinstance(r, Measured)] == [2, 2]


def test_commands_of_one_trial_are_run_in_turn(tmp_path: Path) -> None:
    first, second = (python(f"open('log', 'a').write('{name}')", tmp_path) for name in "ab")
    interleaved({"both": Trial(first, others=(second,))}, repeats=3)
    assert (tmp_path / "log").read_text() == "aba"


_SERVER = "x = bytearray(10**8); import time; print('up', flush=True); time.sleep(600)"
_STARTING = f"""
import subprocess, sys
argv = [sys.executable, "-ISc", {_SERVER!r}]
subprocess.Popen(argv, stdout=subprocess.PIPE).stdout.readline()
"""
_MEASURING = f"""
import sys
from pathlib import Path
from benchmarks.harness.measure import *
adopt_orphans()
run(Command((sys.executable, "-ISc", {_STARTING!r}), Path()))
running = servers_peak_bytes()
stop_servers()
print(running > 10**8, servers_peak_bytes())
"""


def test_memory_of_what_is_left_running_counts_until_it_is_stopped() -> None:
    """In a process of its own, which adopts what it starts."""
    argv = [sys.executable, "-c", _MEASURING]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["True", "0"], ended.stderr


def test_a_command_that_has_used_its_budget_runs_once(tmp_path: Path) -> None:
    found = interleaved({"a": Trial(python("pass", tmp_path))}, repeats=5, budget_s=0.0)["a"]
    assert isinstance(found, Measured)
    assert len(found.samples) == 1


def test_a_command_that_fails_has_no_time(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="ended with 3: it broke"):
        run(python("print('it broke'); raise SystemExit(3)", tmp_path))


def test_a_command_that_did_not_do_what_is_measured_has_no_time(tmp_path: Path) -> None:
    run(python("print('10 cells: 0 ran')", tmp_path, expect=r"\b0 ran"))
    with pytest.raises(RunFailed):
        run(python("print('10 cells: 10 ran')", tmp_path, expect=r"\b0 ran"))


def test_one_failure_leaves_the_others(tmp_path: Path) -> None:
    trials = {"bad": Trial(python("1/0", tmp_path)), "good": Trial(python("pass", tmp_path))}
    found = interleaved(trials, repeats=2)
    assert isinstance(found["bad"], RunFailed)
    assert isinstance(found["good"], Measured)


def test_children_of_a_command_count(tmp_path: Path) -> None:
    work = "sum(range(10**7))"
    child = f"import os\nif not os.fork():\n    {work}\n    os._exit(0)\nos.wait()"
    assert run(python(child, tmp_path)).cpu_s > run(python("pass", tmp_path)).cpu_s


def test_users_have_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in environment()
    assert environment({"A": "b"})["A"] == "b"
    assert environment()["PATH"] == os.environ["PATH"]


def test_descendants_are_found_at_any_depth() -> None:
    parents = {2: 1, 3: 2, 4: 3, 5: 1, 6: 99}
    assert descendants(1, parents) == {2, 3, 4, 5}
    assert descendants(99, parents) == {6}
    assert descendants(4, parents) == set()
