"""What a process does, counted: modules imported, system calls, transactions, instructions.

Counts are the same on a busy machine and on a slow one, so that a regression can be a failed test.
What a count cannot be told without (strace, valgrind) is installed by `.ci/run`; elsewhere the test
is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.workspaces import STRATA, Workspace

ROOT = Path(__file__).parents[2]
_PYTHON = "PYTHON"
_LINE = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<rest>.*)$")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_COLLECTED = re.compile(rb"Collected : (\d+)")
LONG_WAY = "strata.cli.main"
"""The module that answers where no stamp does."""

_TRIES = 20
"""Stamps are not written for files that changed a moment ago: the next build writes them."""


@dataclass(frozen=True)
class Call:
    """One system call: its name, the path of a file that it is about, and all of it as printed."""

    name: str
    path: str
    text: str

    @property
    def looks_at_a_file(self) -> bool:
        return self.name in {"stat", "lstat", "newfstatat", "statx", "access", "faccessat2"}

    @property
    def opens(self) -> bool:
        return self.name in {"open", "openat", "openat2", "creat"}

    @property
    def failed(self) -> bool:
        return "= -1 " in self.text


def workspace_of(folder: Path, notebooks: int) -> Workspace:
    """Notebooks of ten cells, each reading the one before."""
    workspace = Workspace(folder)
    for number in range(notebooks):
        cells = {"c0": f"x0 = {number}"}
        cells |= {f"c{i}": f"# step {i}\nx{i} = x{i - 1} + {i}" for i in range(1, 10)}
        workspace.notebook(f"n{number:03}", cells)
    return workspace


def settled(workspace: Workspace, *arguments: str) -> Workspace:
    """`workspace`, built until `arguments` are answered from a stamp."""
    for _ in range(_TRIES):
        if LONG_WAY not in imported(workspace, *arguments):
            return workspace
    raise AssertionError("no stamp answers")


def system_calls_from_stamp(workspace: Workspace, *arguments: str) -> list[Call]:
    """Those of an answer from a stamp; tried again where Strata itself was edited meanwhile."""
    for _ in range(_TRIES):
        calls = system_calls(settled(workspace, *arguments), *arguments)
        if not any("/cli/" in call.path and "main." in call.path for call in calls if call.opens):
            return calls
    raise AssertionError("no stamp answers")


def without_stamps(workspace: Workspace) -> Workspace:
    """`workspace`, where the next command goes the long way."""
    shutil.rmtree(workspace.root / ".strata" / "stamps", ignore_errors=True)
    return workspace


def environ(workspace: Workspace) -> dict[str, str]:
    """What a user has: bytecode is written, and nothing is said to Python."""
    ours = {k: v for k, v in workspace.environ().items() if not k.startswith(_PYTHON)}
    return ours | {"PYTHONHASHSEED": "0"}


def imported(workspace: Workspace, *arguments: str) -> list[str]:
    """Every module that `strata ARGUMENTS` imports, and Python for itself."""
    return _imported([str(STRATA), *arguments], workspace.root, environ(workspace))


def imported_by_python(workspace: Workspace) -> list[str]:
    """What Python imports to do nothing."""
    return _imported(["-c", "pass"], workspace.root, environ(workspace))


def _imported(argv: Sequence[str], folder: Path, variables: dict[str, str]) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *argv],
        cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return [line.rpartition("|")[2].strip() for line in lines[1:]]


def system_calls(workspace: Workspace, *arguments: str) -> list[Call]:
    """Every system call of `strata ARGUMENTS` and its children. Skips where there is no strace."""
    _needs("strace", "-qq", "-o", os.devnull, "true")
    trace = workspace.root.parent / "strace"
    argv = ["strace", "-f", "-qq", "-s", "4096", "-o", str(trace), str(STRATA), *arguments]
    ended = subprocess.run(
        argv, cwd=workspace.root, env=environ(workspace), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    lines = trace.read_text().splitlines()
    return [call for line in lines if (call := _call(line, workspace.root))]


def _call(line: str, folder: Path) -> Call | None:
    found = _LINE.match(line)
    if found is None:  # a signal, or the end of a call that another process interrupted
        return None
    call = Call(found["name"], "", line)
    path = _PATH.search(found["rest"])
    if path is None or not (call.looks_at_a_file or call.opens):
        return call
    return replace(call, path=os.path.join(folder, path[1]))  # from the root of the workspace


@cache
def instructions(program: str, size: int) -> int:
    """What Python executes for `program`, which reads `size`. Skips where there is no valgrind.

    The same each time: strings have the same hashes, and what is imported was compiled before.
    """
    _needs("valgrind", "--version")
    # In a fresh clone the first of two counts would hold what compiling takes, and the second would
    # not: more than what is to be told from them.
    _run_alone([], program, size)
    callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}"]
    said = _run_alone(callgrind, program, size)
    found = _COLLECTED.search(said)
    assert found is not None, said
    return int(found[1])


def _run_alone(under: Sequence[str], program: str, size: int) -> bytes:
    """What is said on stderr. Without site-packages' hooks: starting Python takes long there."""
    paths = [str(ROOT), str(ROOT / "rules"), *(p for p in sys.path if p.endswith("-packages"))]
    text = f"import sys; sys.path += {paths}; size = {size}\n{program}"
    ended = subprocess.run(
        [*under, sys.executable, "-sSPc", text],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"},
        capture_output=True, check=False, timeout=250,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stderr


def instructions_each(program: str, few: int, many: int) -> float:
    """What one more costs."""
    return (instructions(program, many) - instructions(program, few)) / (many - few)


def instructions_of_a_call() -> float:
    """The unit: one call of a Python function in a loop, on this Python and this machine."""
    program = "def f(x):\n    return x\nfor i in range(size):\n    f(i)\n"
    return instructions_each(program, 1_000, 11_000)


def _needs(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"{command[0]} does not work here: {ended.stderr.strip()[:200]}")
