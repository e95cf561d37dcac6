"""The workspaces that are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness.graphs import Graph, chains, fan, layers, place_of, size, write_cells
from benchmarks.peers.base import NOTHING, Peer
from benchmarks.peers.bazel import Bazel
from benchmarks.peers.doit import Doit
from benchmarks.peers.make import Make
from benchmarks.peers.ninja import Ninja
from benchmarks.peers.snakemake import Snakemake
from tests.e2e.workspaces import Workspace


@pytest.mark.parametrize("count", [1, 9, 10, 11, 100])
def test_there_are_as_many_cells_as_asked_for(count: int) -> None:
    graph = chains(count)
    assert size(graph) == count
    assert len({notebook.folder for notebook in graph}) == -(-count // 10)
    assert size(fan(count)) == count
    assert size(layers(count)) == count


def test_a_cell_needs_only_earlier_cells_of_its_notebook() -> None:
    for graph in (chains(25), fan(5)):
        for notebook in graph:
            for at, cell in enumerate(notebook.cells):
                assert set(cell.needs) <= {earlier.name for earlier in notebook.cells[:at]}


def test_a_cell_of_layers_needs_only_cells_before_it_and_notebooks_above() -> None:
    graph = layers(500)
    seen: dict[tuple[str, str], str] = {}
    for notebook in graph:
        layer = notebook.folder.partition("/")[0]
        for cell in notebook.cells:
            places = [place_of(notebook.folder, need) for need in cell.needs]
            assert all(seen[at] < layer or at[0] == notebook.folder for at in places)
            seen[notebook.folder, cell.name] = layer
    assert sum(cell.needs != () for notebook in graph for cell in notebook.cells) > 490


def test_a_way_through_layers_is_as_long_as_they_are_deep() -> None:
    depth: dict[tuple[str, str], int] = {}
    for notebook in layers(10_000):
        for cell in notebook.cells:
            places = (place_of(notebook.folder, need) for need in cell.needs)
            depth[notebook.folder, cell.name] = max((depth[at] + 1 for at in places), default=0)
    assert max(depth.values()) > 400


def test_the_same_is_generated_every_time() -> None:
    assert chains(100) == chains(100)
    assert layers(100) == layers(100)


def test_no_two_notebooks_are_alike() -> None:
    sources = ["".join(cell.source for cell in notebook.cells) for notebook in chains(50)]
    assert len(set(sources)) == 5


def test_strata_runs_every_cell_and_then_none(tmp_path: Path) -> None:
    for name, graph in (("chains", chains(20)), ("fan", fan(5)), ("layers", layers(45))):
        workspace = Workspace(tmp_path / name)
        write_cells(graph, workspace.root)
        assert len(workspace.build().ran) == size(graph)
        assert workspace.build().ran == []


@pytest.mark.parametrize("kind", [Make, Ninja, Doit, Snakemake, Bazel])
def test_a_tool_is_told_of_every_cell_and_edge(kind: type[Peer], tmp_path: Path) -> None:
    graph: Graph = chains(20)
    write_cells(graph, tmp_path)
    tool = kind()
    tool.write(graph, tmp_path)
    written = "".join(
        path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".py"
    )
    written += "".join(path.read_text() for path in tmp_path.glob("*.py"))
    for cell in graph[0].cells:
        assert f"cells/{cell.name}.py" in written
        assert f"out/{cell.name}" in written


def test_strata_finds_the_edges_of_layers(tmp_path: Path) -> None:
    graph = layers(85)
    write_cells(graph, tmp_path)
    found = Workspace(tmp_path).run("query", "--output=json", "//...")
    needs = {cell["label"]: set(cell["needs"]) for cell in found.report["cells"]}
    assert needs == {
        f"//{notebook.folder}:{cell.name}": {
            "//{}:{}".format(*place_of(notebook.folder, need)) for need in cell.needs
        }
        for notebook in graph
        for cell in notebook.cells
    }


@pytest.mark.parametrize("kind", [Ninja, Bazel])
def test_a_tool_that_is_asked_is_told_of_every_cell_and_edge(
    kind: type[Peer], tmp_path: Path
) -> None:
    """Of Bazel's files every line with a target is a call of Python."""
    graph = layers(85)
    write_cells(graph, tmp_path)
    kind().write(graph, tmp_path, NOTHING)
    edges: set[tuple[str, str]] = set()

    def filegroup(name: str, srcs: list[str]) -> None:
        edges.update((f"{folder}/out/{name}", place(folder, need)) for need in srcs)

    def place(folder: str, need: str) -> str:
        return "{}/out/{}".format(*place_of(folder, need.removeprefix(":")))

    for notebook in graph:
        folder = notebook.folder
        if kind is Bazel:
            exec((tmp_path / folder / "BUILD").read_text(), {"filegroup": filegroup})
    if kind is Ninja:
        for line in (tmp_path / "build.ninja").read_text().splitlines():
            out, _, needed = line.removeprefix("build ").partition(": phony ")
            edges.update(
                (out, need) for need in needed.split() if "/out/" in need and "/out/" in out
            )
    assert edges == {
        (f"{notebook.folder}/out/{cell.name}", place(notebook.folder, need))
        for notebook in graph
        for cell in notebook.cells
        for need in cell.needs
    }
