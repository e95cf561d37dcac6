"""Snakemake: https://snakemake.github.io. Rules with wildcards; times, code and parameters."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.graphs import Graph
from benchmarks.harness.measure import Command
from benchmarks.peers.base import TOUCH, cores, from_pypi, told


class Snakemake:
    name = "snakemake"
    largest = 1_000

    def install(self, cache: Path) -> str:
        self._program = str(from_pypi(cache, "snakemake") / "snakemake")
        return told(self._program, "--version")

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        """One rule for each position in a notebook, which all notebooks of `chains` share."""
        cells = {cell.name: cell for notebook in graph for cell in notebook.cells}
        last = [f'"{notebook.folder}/out/{notebook.cells[-1].name}"' for notebook in graph]
        lines = [f"rule all:\n    input: {', '.join(last)}"]
        for cell in cells.values():
            inputs = [f'"{{nb}}/cells/{cell.name}.py"', '"{nb}/notebook.toml"']
            inputs += [f'"{{nb}}/out/{name}"' for name in cell.needs]
            lines += [
                f"rule {cell.name}:",
                f"    input: {', '.join(inputs)}",
                f'    output: "{{nb}}/out/{cell.name}"',
                f'    shell: "{recipe.format(out="{output}")}"',
            ]
        (folder / "Snakefile").write_text("\n".join(lines) + "\n")

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        target = (f"{notebook}/out/c9",) if notebook else ()
        return Command((self._program, "--quiet", f"-j{jobs or cores()}", *target), folder)
