"""Bazel: https://bazel.build. Content digests; a server that stays, whose time counts too."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.graphs import Cell, Graph, Notebook, place_of
from benchmarks.harness.measure import Command
from benchmarks.peers.base import TOUCH, on_path, told

_OPTIONS = ("--noshow_progress", "--color=no", "--curses=no", "--spawn_strategy=local")
_ASKING = ("--noshow_progress", "--color=no", "--noimplicit_deps", "--notool_deps")


class Bazel:
    name = "bazel"
    largest = 1_000

    def install(self, cache: Path) -> str:
        self._program = on_path("bazel", "bazel-bootstrap")
        self._state = f"--output_user_root={cache / 'bazel'}"
        text = told("dpkg-query", "-W", "-f", "${Version}", "bazel-bootstrap")
        return f"{text} (client and server)"

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        """Cells that only are to be asked about are groups of what they need, without files."""
        (folder / "WORKSPACE").touch()
        for notebook in graph:
            build = build_file(folder, notebook)
            build.parent.mkdir(parents=True, exist_ok=True)
            build.write_text(_rules(notebook, recipe) if recipe else _groups(notebook))

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        slots = (f"--jobs={jobs}",) if jobs else ()
        target = f"//{notebook}:all" if notebook else "//..."
        return self._command(folder, "build", *_OPTIONS, *slots, target)

    def query(self, folder: Path, expression: str, *options: str, expect: str = "") -> Command:
        """Answers a question about what its files say, without what Bazel itself adds."""
        return self._command(folder, "query", *_ASKING, *options, expression, expect=expect)

    def stop(self, folder: Path) -> Command:
        """Ends the server of this workspace."""
        return self._command(folder, "shutdown")

    def _command(self, folder: Path, *arguments: str, expect: str = "") -> Command:
        # Without the server's limit a server of each workspace would stay for three hours.
        start = (self._program, self._state, "--max_idle_secs=60")
        return Command((*start, *arguments), folder, expect=expect)


def build_file(folder: Path, notebook: Notebook) -> Path:
    """Where its targets are."""
    return folder / notebook.folder / "BUILD"


def _rules(notebook: Notebook, recipe: str) -> str:
    rules = []
    for cell in notebook.cells:
        inputs = [f"cells/{cell.name}.py", "notebook.toml", *_needs(notebook, cell)]
        command = recipe.format(out="$@")
        rules.append(
            f'genrule(name = "{cell.name}", srcs = {inputs!r}, outs = ["out/{cell.name}"], '
            f'cmd = "{command}")\n'
        )
    return "".join(rules)


def _groups(notebook: Notebook) -> str:
    return "".join(
        f'filegroup(name = "{cell.name}", srcs = {_needs(notebook, cell)!r})\n'
        for cell in notebook.cells
    )


def _needs(notebook: Notebook, cell: Cell) -> list[str]:
    places = (place_of(notebook.folder, need) for need in cell.needs)
    return [
        f":{name}" if folder == notebook.folder else f"//{folder}:{name}" for folder, name in places
    ]
