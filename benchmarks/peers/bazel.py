"""Bazel: https://bazel.build. Content digests; a server that stays, whose time counts too."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.graphs import Graph, Notebook
from benchmarks.harness.measure import Command
from benchmarks.peers.base import TOUCH, on_path, told

_OPTIONS = ("--noshow_progress", "--color=no", "--curses=no", "--spawn_strategy=local")


class Bazel:
    name = "bazel"
    largest = 1_000

    def install(self, cache: Path) -> str:
        self._program = on_path("bazel", "bazel-bootstrap")
        self._state = f"--output_user_root={cache / 'bazel'}"
        text = told("dpkg-query", "-W", "-f", "${Version}", "bazel-bootstrap")
        return f"{text} (client and server)"

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        (folder / "WORKSPACE").touch()
        for notebook in graph:
            (folder / notebook.folder / "BUILD").write_text(_rules(notebook, recipe))

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        slots = (f"--jobs={jobs}",) if jobs else ()
        target = f"//{notebook}:all" if notebook else "//..."
        return self._command(folder, "build", *_OPTIONS, *slots, target)

    def inputs(self, folder: Path, notebook: str) -> Command:
        """Says what a notebook needs, and runs nothing."""
        asked = f"deps(//{notebook}:all)"
        return self._command(folder, "query", "--noimplicit_deps", "--color=no", asked)

    def _command(self, folder: Path, *arguments: str) -> Command:
        # Without the server's limit a server of each workspace would stay for three hours.
        start = (self._program, self._state, "--max_idle_secs=60")
        return Command((*start, *arguments), folder)


def _rules(notebook: Notebook, recipe: str) -> str:
    rules = []
    for cell in notebook.cells:
        inputs = [f"cells/{cell.name}.py", "notebook.toml", *(f":{name}" for name in cell.needs)]
        command = recipe.format(out="$@")
        rules.append(
            f'genrule(name = "{cell.name}", srcs = {inputs!r}, outs = ["out/{cell.name}"], '
            f'cmd = "{command}")\n'
        )
    return "".join(rules)
