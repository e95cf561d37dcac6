"""`deps(x[, depth])`: x and everything it needs, at most `depth` edges away."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.NODES, Argument.DEPTH)
OPTIONAL = 1


def call(graph: QueryGraph, start: Nodes, depth: int | None = None) -> Nodes:
    """`start` and all it needs."""
    return graph.walk(start, graph.needs, depth)
