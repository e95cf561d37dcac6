"""doit: https://pydoit.org. Python tasks; compares time stamps, sizes and MD5 sums."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.harness.graphs import Graph
from benchmarks.harness.measure import Command
from benchmarks.peers.base import (
    TOUCH,
    from_pypi,
    make_output_folders,
    output_of,
    source_of,
    told,
)

_TASKS = '''"""Every cell is a task; every notebook is a group of tasks."""
import json
import pathlib

DOIT_CONFIG = {"verbosity": 0}


def task_cell():
    for task in json.loads(pathlib.Path("tasks.json").read_text()):
        yield {**task, "actions": [(pathlib.Path(task["targets"][0]).touch,)]}
'''


class Doit:
    name = "doit"
    largest = 10_000

    def install(self, cache: Path) -> str:
        self._program = str(from_pypi(cache, "doit") / "doit")
        return told(self._program, "--version").splitlines()[0]

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        make_output_folders(graph, folder)
        tasks = [
            {
                "name": f"{notebook.folder}/{cell.name}",
                "file_dep": [
                    source_of(notebook.folder, cell.name),
                    f"{notebook.folder}/notebook.toml",
                    *(output_of(notebook.folder, name) for name in cell.needs),
                ],
                "targets": [output_of(notebook.folder, cell.name)],
            }
            for notebook in graph
            for cell in notebook.cells
        ]
        (folder / "tasks.json").write_text(json.dumps(tasks))
        (folder / "dodo.py").write_text(_TASKS)

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        slots = (f"-n{jobs}",) if jobs else ()
        target = (f"cell:{notebook}/*",) if notebook else ()
        return Command((self._program, "run", *slots, *target), folder)
