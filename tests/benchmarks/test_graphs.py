"""The workspaces that are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness.graphs import Graph, chains, fan, size, write_cells
from benchmarks.peers.base import Peer
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


def test_a_cell_needs_only_earlier_cells_of_its_notebook() -> None:
    for graph in (chains(25), fan(5)):
        for notebook in graph:
            for at, cell in enumerate(notebook.cells):
                assert set(cell.needs) <= {earlier.name for earlier in notebook.cells[:at]}


def test_the_same_is_generated_every_time() -> None:
    assert chains(100) == chains(100)


def test_no_two_notebooks_are_alike() -> None:
    sources = ["".join(cell.source for cell in notebook.cells) for notebook in chains(50)]
    assert len(set(sources)) == 5


def test_strata_runs_every_cell_and_then_none(tmp_path: Path) -> None:
    for name, graph in (("chains", chains(20)), ("fan", fan(5))):
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
