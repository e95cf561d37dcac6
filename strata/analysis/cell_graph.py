"""Joined cells to the graph that questions are asked about."""

from __future__ import annotations

from collections.abc import Sequence

from strata.analysis.graph import CellGraph, Edge, GraphCell
from strata.analysis.join import JoinedCell
from strata.analysis.rule import ValueSource
from strata.core.label import Label


def cell_graph(joined: Sequence[JoinedCell]) -> CellGraph:
    """The graph of cells that questions are asked about."""
    return CellGraph({cell.label: _graph_cell(cell) for cell in joined})


def _graph_cell(joined: JoinedCell) -> GraphCell:
    names: dict[Label, list[str]] = {}
    for name, source in joined.sources.items():
        producers = (
            [a.producer for a in source.candidates]
            if isinstance(source, ValueSource)
            else [source.label]
        )
        for producer in producers:
            names.setdefault(producer, []).append(name)
    for label in joined.after:
        names.setdefault(label, [])
    directives = joined.cell.directives
    return GraphCell(
        joined.label,
        joined.cell.kind,
        joined.cell.path,
        tuple(Edge(joined.label, p, tuple(sorted(n))) for p, n in names.items()),
        directives.tags,
        directives.worker or "local",
        None if joined.problem is None else joined.problem.message,
    )
