"""Graphs to ask about, made of a few words; nothing of a workspace, of runs or of git."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from strata.analysis.graph import CellGraph, Edge, GraphCell
from strata.core.errors import LabelError
from strata.core.label import Label
from strata.query.evaluation import evaluate
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, File, Kind, Node, Variable
from strata.query.parsing import parse
from strata.query.world import Recorded, Standing
from tests.factories import label


class Known:
    """All that can be asked about cells beside the graph: `files` are those that cells read."""

    def __init__(
        self,
        files: Mapping[Label, Collection[str]] | None = None,
        distributions: Mapping[Label, Collection[Distribution]] | None = None,
        standings: Mapping[Label, Standing] | None = None,
    ) -> None:
        self._files = files or {}
        self._distributions = distributions or {}
        self._standings = standings or {}

    def files(self, label: Label) -> Collection[str]:
        return self._files.get(label, ())

    def distributions(self, label: Label) -> Collection[Distribution]:
        return self._distributions.get(label, ())

    def files_at(self, path: str) -> Collection[str]:
        known = {file for files in self._files.values() for file in files}
        return known & {path}

    def versions(self, name: str) -> Collection[Distribution]:
        return {d for all in self._distributions.values() for d in all if d.name == name}

    def standing(self, labels: Collection[Label]) -> Mapping[Label, Standing]:
        return {one: self._standings[one] for one in labels if one in self._standings}

    def recorded(self, label: Label) -> Recorded | None:
        return Recorded(1.0, 1000) if label in self._standings else None

    def changed(self, revision: str, labels: Collection[Label]) -> Collection[Label]:
        return list(labels)[:1]


def cells_of(needs: Mapping[str, str]) -> CellGraph:
    """Cells of `//nb` in this order, and what each needs: a name is the cell, and the variable of
    it that is read; after a `-`, for order only."""
    cells = {}
    for name, below in needs.items():
        named, _, ordered = below.partition("-")
        edges = [Edge(label(name), label(one), (one,)) for one in named]
        edges += [Edge(label(name), label(one)) for one in ordered]
        path = f"nb/cells/{name}.py"
        cells[label(name)] = GraphCell(label(name), "python", path, tuple(edges), defines=(name,))
    return CellGraph(cells)


def graph_of(
    needs: Mapping[str, str],
    *,
    variables: bool = False,
    files: bool = False,
    implicit: bool = True,
    known: Known | None = None,
) -> QueryGraph:
    """The graph of `cells_of`, with these kinds shown beside cells."""
    return query_graph(
        cells_of(needs), variables=variables, files=files, implicit=implicit, known=known
    )


def query_graph(
    cells: CellGraph,
    *,
    variables: bool = False,
    files: bool = False,
    implicit: bool = True,
    known: Known | None = None,
) -> QueryGraph:
    """A graph with these kinds shown beside cells."""
    shown = {Kind.CELL, *([Kind.VARIABLE] * variables), *([Kind.FILE] * files)}
    known = known or Known()
    return QueryGraph(cells, known, known, known, shown, implicit)


def resolver(graph: QueryGraph) -> Callable[[str], Iterable[Node]]:
    """What words mean: `//...`, a package, a label or the name of a cell of `//nb`, any of them
    with a variable behind `%`, and paths of files."""
    cells = graph.cells.cells
    files = {file for one in cells for file in graph.inputs.files(one)}

    def resolve(word: str) -> Iterable[Node]:
        if word == "//...":
            return list(cells)
        if word in files:
            return [File(word)]
        cell, _, variable = word.partition("%")
        if word.startswith("//") and ":" not in word:
            return [one for one in cells if one.package == word[2:]]
        try:
            found = label(cell)
        except LabelError:
            found = None
        if found is None or found not in cells:
            raise LabelError(f"no cell '{word}'")
        return [Variable(found, variable) if variable else found]

    return resolve


def answer(text: str, graph: QueryGraph) -> list[str]:
    """What `text` answers, in order; labels of `//nb` without it."""
    found = evaluate(parse(text), graph, resolver(graph), text)
    return [str(node).removeprefix("//nb:") for node in graph.in_order(found)]
