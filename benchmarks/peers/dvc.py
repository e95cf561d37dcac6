"""DVC: https://dvc.org. Stages in dvc.yaml; MD5 sums, with a cache of outputs."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.harness.graphs import Graph, Notebook
from benchmarks.harness.measure import Command, run
from benchmarks.peers.base import TOUCH, from_pypi, make_output_folders, told


class Dvc:
    name = "dvc"
    largest = 100

    def install(self, cache: Path) -> str:
        self._program = str(from_pypi(cache, "dvc") / "dvc")
        return told(self._program, "--version")

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        make_output_folders(graph, folder)
        for notebook in graph:
            (folder / notebook.folder / "dvc.yaml").write_text(_stages(notebook, recipe))
        shutil.rmtree(folder / ".dvc", ignore_errors=True)
        for arguments in (
            ("init", "--no-scm", "--quiet"),
            ("config", "core.analytics", "false"),
            ("config", "core.check_update", "false"),
        ):
            run(Command((self._program, *arguments), folder))

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        target = f"{notebook}/dvc.yaml" if notebook else "--all-pipelines"
        return Command((self._program, "repro", target), folder)


def _stages(notebook: Notebook, recipe: str) -> str:
    lines = ["stages:"]
    for cell in notebook.cells:
        lines += [
            f"  {cell.name}:",
            f"    cmd: {recipe.format(out=f'out/{cell.name}')}",
            "    deps:",
        ]
        lines += [f"    - cells/{cell.name}.py", "    - notebook.toml"]
        lines += [f"    - out/{name}" for name in cell.needs]
        lines += ["    outs:", f"    - out/{cell.name}"]
    return "\n".join(lines) + "\n"
