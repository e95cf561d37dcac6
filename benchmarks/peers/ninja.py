"""Ninja: https://ninja-build.org. Keeps a log of commands; compares modification times."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.graphs import Graph, place_of
from benchmarks.harness.measure import Command
from benchmarks.peers.base import (
    TOUCH,
    NotInstalled,
    from_pypi,
    on_path,
    output_of,
    source_of,
    told,
)


class Ninja:
    name = "ninja"
    largest = 10_000

    def install(self, cache: Path) -> str:
        try:
            self._program = on_path("ninja", "ninja-build")
        except NotInstalled:
            self._program = str(from_pypi(cache, "ninja") / "ninja")
        return told(self._program, "--version")

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        lines = ["rule cell", f"  command = {recipe.format(out='$out')}"] if recipe else []
        rule = "cell" if recipe else "phony"
        for notebook in graph:
            outputs = []
            for cell in notebook.cells:
                out = output_of(notebook.folder, cell.name)
                before = [output_of(*place_of(notebook.folder, need)) for need in cell.needs]
                inputs = [source_of(notebook.folder, cell.name), *before]
                implicit = f"{notebook.folder}/notebook.toml"
                lines.append(f"build {out}: {rule} {' '.join(inputs)} | {implicit}")
                outputs.append(out)
            lines.append(f"build {notebook.folder}: phony {' '.join(outputs)}")
        lines.append(f"default {' '.join(notebook.folder for notebook in graph)}")
        (folder / "build.ninja").write_text("\n".join(lines) + "\n")

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        slots = (f"-j{jobs}",) if jobs else ()
        return Command((self._program, *slots, *([notebook] if notebook else [])), folder)

    def inputs(self, folder: Path, notebook: str, cell: str) -> Command:
        """Says what a cell needs, and runs nothing."""
        return Command((self._program, "-t", "inputs", output_of(notebook, cell)), folder)
