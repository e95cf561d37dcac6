"""GNU Make: https://www.gnu.org/software/make. Compares modification times."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.graphs import Graph
from benchmarks.harness.measure import Command
from benchmarks.peers.base import TOUCH, make_output_folders, on_path, output_of, source_of, told


class Make:
    name = "make"
    largest = 10_000

    def install(self, cache: Path) -> str:
        self._program = on_path("make", "make")
        return told(self._program, "--version").splitlines()[0].rpartition(" ")[2]

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        make_output_folders(graph, folder)
        notebooks = " ".join(notebook.folder for notebook in graph)
        lines = [f"all: {notebooks}", f".PHONY: all {notebooks}"]
        for notebook in graph:
            outputs = [output_of(notebook.folder, cell.name) for cell in notebook.cells]
            lines.append(f"{notebook.folder}: {' '.join(outputs)}")
            for cell in notebook.cells:
                out = output_of(notebook.folder, cell.name)
                inputs = [source_of(notebook.folder, cell.name), f"{notebook.folder}/notebook.toml"]
                inputs += [output_of(notebook.folder, name) for name in cell.needs]
                lines += [f"{out}: {' '.join(inputs)}", f"\t@{recipe.format(out='$@')}"]
        (folder / "Makefile").write_text("\n".join(lines) + "\n")

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        slots = (f"-j{jobs}",) if jobs else ()
        target = (notebook,) if notebook else ()
        return Command((self._program, "-rR", *slots, *target), folder)
