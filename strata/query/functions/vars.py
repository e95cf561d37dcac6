"""`vars(x)`: the variables that the cells of x define, as `//prep:clean%df`."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, Variable, cells_among

ARGUMENTS = (Argument.NODES,)
OPTIONAL = 0


def call(graph: QueryGraph, start: Nodes) -> Nodes:
    """Values and definitions; also where no kind but cells is shown."""
    return frozenset(
        Variable(label, name) for label in cells_among(start) for name in graph.variables(label)
    )
