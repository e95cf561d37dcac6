"""What a tool that is measured offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from benchmarks.harness.graphs import Graph
from benchmarks.harness.measure import Command, environment

TOUCH = "touch {out}"
"""The recipe of a graph that is measured when nothing is to do; `{out}` is the output."""

NOTHING = ""
"""The recipe of a graph that is only asked about; for tools that answer questions."""


class NotInstalled(Exception):
    """The tool cannot be had on this machine; says what would help."""


class Peer(Protocol):
    """A tool that brings a graph of cells up to date.

    `largest` is the number of cells beyond which it takes minutes, so that it is not measured.
    """

    name: str
    largest: int

    def install(self, cache: Path) -> str:
        """Makes it available, below `cache` where it needs a place; returns its version.

        Raises `NotInstalled`.
        """

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        """Writes beside the cells what it needs to know; cells run `recipe`."""

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        """Brings everything up to date, or one notebook; on `jobs` slots if it says so."""


def output_of(notebook: str, cell: str) -> str:
    """The file that stands for the result of a cell."""
    return f"{notebook}/out/{cell}"


def source_of(notebook: str, cell: str) -> str:
    """The file of a cell."""
    return f"{notebook}/cells/{cell}.py"


def make_output_folders(graph: Graph, folder: Path) -> None:
    """For tools that do not make them."""
    for notebook in graph:
        (folder / notebook.folder / "out").mkdir(exist_ok=True)


def on_path(name: str, package: str) -> str:
    """Where the program is. Raises `NotInstalled`."""
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"not installed: apt-get install {package}")
    return found


def from_pypi(cache: Path, package: str, *, python: str | None = None) -> Path:
    """The bin folder of an environment that holds the newest `package`, with compiled bytecode.

    Raises `NotInstalled` when it cannot be had.
    """
    folder = cache / "environments" / package
    finished = folder / ".finished"
    if not finished.exists():
        shutil.rmtree(folder, ignore_errors=True)
        interpreter = python or base_python()
        uv("venv", "--quiet", "--python", interpreter, str(folder))
        inside = str(folder / "bin" / "python")
        uv("pip", "install", "--quiet", "--compile-bytecode", "--python", inside, package)
        finished.touch()
    return folder / "bin"


def base_python() -> str:
    """The interpreter that this environment was made from."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def uv(*arguments: str, variables: dict[str, str] | None = None) -> None:
    """Runs uv. Raises `NotInstalled` with what it complains of."""
    told(on_path("uv", "uv"), *arguments, variables=variables)


def told(*argv: str, variables: dict[str, str] | None = None) -> str:
    """What a program prints. Raises `NotInstalled` with what it complains of."""
    ended = subprocess.run(
        argv,
        env=environment(variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        stdin=subprocess.DEVNULL,
    )
    if ended.returncode:
        lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
        raise NotInstalled(f"not installed: {(lines or ['it fails'])[0][:120]}")
    return ended.stdout.strip()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))
