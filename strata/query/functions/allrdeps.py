"""`allrdeps(x[, depth])`: x and everything in the workspace that needs it."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.NODES, Argument.DEPTH)
OPTIONAL = 1
UNIVERSE = True


def call(graph: QueryGraph, start: Nodes, depth: int | None = None) -> Nodes:
    """`start` and all that needs it, at most `depth` edges away."""
    return graph.walk(start, graph.readers, depth)
