"""`worker(name, x)`: the cells of x that run on the worker `name`."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, cells_among

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, name: str, start: Nodes) -> Nodes:
    """The whole name; a cell that names none runs on `local`."""
    cells = graph.cells.cells
    return frozenset(label for label in cells_among(start) if cells[label].worker == name)
