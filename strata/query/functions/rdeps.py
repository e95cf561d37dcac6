"""`rdeps(universe, x[, depth])`: what needs x, and x, among the universe and all that it needs."""

from __future__ import annotations

from strata.query.arguments import EVERYTHING, Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Node, Nodes

ARGUMENTS = (Argument.NODES, Argument.NODES, Argument.DEPTH)
OPTIONAL = 1
FIRST_SET = EVERYTHING


def call(graph: QueryGraph, universe: Nodes, start: Nodes, depth: int | None = None) -> Nodes:
    """Within the transitive closure of `universe`: `start` and all that needs it."""
    closure = graph.walk(universe, graph.needs)

    def readers(node: Node) -> list[Node]:
        return [r for r in graph.readers(node) if r in closure]

    begins = (n for n in start if n in closure or not graph.only_shown((n,)))
    return graph.walk(begins, readers, depth)
