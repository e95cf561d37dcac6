"""`some(x[, n])`: one node of x, or n, the first in the order of definition; x is not empty."""

from __future__ import annotations

from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.NODES, Argument.DEPTH)
OPTIONAL = 1


def call(graph: QueryGraph, start: Nodes, number: int = 1) -> Nodes:
    """All of `start` if it has fewer than `number`. Raises `ArgumentError` if it is empty."""
    if number < 1:
        raise ArgumentError(1, "some takes at least 1 node")
    if not start:
        raise ArgumentError(0, "some has nothing to choose from: this is empty")
    return frozenset(graph.in_order(start)[:number])
