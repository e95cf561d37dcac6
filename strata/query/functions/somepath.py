"""`somepath(a, b)`: one of the shortest ways from a down to b; empty where there is none."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Node, Nodes

ARGUMENTS = (Argument.NODES, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, first: Nodes, last: Nodes) -> Nodes:
    """Of the shortest ways the first, where ways are compared node by node in the order of
    definition.

    Breadth first. What is met is followed in order, so of all shortest ways to a node the first is
    the one it is met by.
    """
    ends = _unseen_ends(graph, last)
    came_from: dict[Node, Node | None] = dict.fromkeys(graph.in_order(first))
    frontier = list(came_from)
    while frontier:
        reached = next((node for node in frontier if node in last), None)
        if reached is not None:
            return graph.only_shown(_way_to(reached, came_from))
        met: list[Node] = []
        for node in frontier:
            for near in graph.in_order((*graph.needs(node), *ends.get(node, ()))):
                if near not in came_from:
                    came_from[near] = node
                    met.append(near)
        frontier = met
    return frozenset()


def _unseen_ends(graph: QueryGraph, last: Nodes) -> dict[Node, list[Node]]:
    """The nodes of `last` that no way leads to, as their kind is not shown, by what reads them."""
    found: dict[Node, list[Node]] = {}
    for end in last - graph.only_shown(last):
        for reader in graph.readers(end):
            found.setdefault(reader, []).append(end)
    return found


def _way_to(node: Node, came_from: dict[Node, Node | None]) -> list[Node]:
    way: list[Node] = []
    before: Node | None = node
    while before is not None:
        way.append(before)
        before = came_from[before]
    return way
