"""Strata itself, as users have it: installed, with compiled bytecode, as a console script."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.harness.graphs import Graph
from benchmarks.harness.measure import Command
from benchmarks.peers.base import TOUCH, base_python, told, uv

ROOT = Path(__file__).parents[2]


class Strata:
    name = "strata"
    largest = 1_000_000

    def __init__(self, source: Path = ROOT) -> None:
        self._source = source

    def install(self, cache: Path) -> str:
        """What its source holds now, with the locked versions of what it needs."""
        folder = cache / "environments" / "strata"
        uv(
            *("sync", "--quiet", "--frozen", "--no-dev", "--no-editable", "--compile-bytecode"),
            *("--reinstall-package", "strata-build", "--python", base_python()),
            *("--project", str(self._source)),
            variables={"UV_PROJECT_ENVIRONMENT": str(folder)},
        )
        self.bin = folder / "bin"
        return told(str(self.bin / "strata"), "--version").removeprefix("strata ")

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        """Nothing: what a cell needs is in the cell."""

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        slots = ("-j", str(jobs)) if jobs else ()
        target = (f"//{notebook}",) if notebook else ()
        return self.command(folder, "build", *slots, *target)

    def command(self, folder: Path, *arguments: str, expect: str = "") -> Command:
        """Any command of it."""
        return Command((str(self.bin / "strata"), *arguments), folder, expect=expect)

    def forget(self, *states: Path) -> None:
        """What was built is forgotten; the environments of notebooks stay."""
        for state in states:
            for entry in [*state.glob("*"), *state.glob("cache/*")]:
                if entry.name in ("cache", "envs"):
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
