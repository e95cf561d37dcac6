"""In which order an answer is printed: `--order_output`.

The words are those of Bazel (https://bazel.build/query/language, "On the ordering of results").
What is ours: a node that is not in the answer still puts its reader before what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from enum import StrEnum
from typing import TypeAlias

from strata.query.graph import QueryGraph
from strata.query.nodes import Node

Step: TypeAlias = Callable[[Node], Iterable[Node]]


class Order(StrEnum):
    """What `--order_output` says."""

    AUTO = "auto"
    """Definition order; a path from its start to its end."""
    DEPS = "deps"
    """Every node before what it needs, and what is not bound by that in definition order."""
    FULL = "full"
    """Every node before what it needs, and nothing depends on where cells stand in files."""
    NO = "no"
    """Whatever costs least."""


def ordered(
    graph: QueryGraph, nodes: Collection[Node], order: Order, *, is_path: bool = False
) -> list[Node]:
    """`nodes` in that order; `is_path` says that they are one path. Nodes of a cycle come in some
    order that is the same every time, and maybe behind what others of it need."""
    if order is Order.FULL:
        return _among(nodes, needing_first(sorted(nodes, key=str), _by_text(graph)))
    if order is Order.DEPS or (order is Order.AUTO and is_path):
        return _among(nodes, needing_first(_last_first(graph, nodes), _in_turn(graph)))
    return graph.in_order(nodes)


def needing_first(start: Iterable[Node], needs: Step) -> list[Node]:
    """All that can be reached from `start`, each node before what it needs: the reverse of the
    order in which a search in depth leaves them, linear, and without recursion."""
    left: list[Node] = []
    met: set[Node] = set()
    for root in start:
        if root in met:
            continue
        met.add(root)
        way: list[tuple[Node, Iterator[Node]]] = [(root, iter(needs(root)))]
        while way:
            node, rest = way[-1]
            near = next((n for n in rest if n not in met), None)
            if near is None:
                left.append(node)
                way.pop()
            else:
                met.add(near)
                way.append((near, iter(needs(near))))
    left.reverse()
    return left


def components(nodes: Iterable[Node], needs: Step, readers: Step) -> list[list[Node]]:
    """The strongly connected components of `nodes`, each before what it needs, its members in the
    order in which they are met (S. R. Kosaraju's algorithm; `needs` and `readers` stay inside)."""
    found: list[list[Node]] = []
    met: set[Node] = set()
    for root in needing_first(nodes, needs):
        if root in met:
            continue
        met.add(root)
        component = [root]
        for node in component:  # which grows
            near = [reader for reader in readers(node) if reader not in met]
            met.update(near)
            component += near
        found.append(component)
    return found


def _last_first(graph: QueryGraph, nodes: Collection[Node]) -> list[Node]:
    """Of two nodes that are not bound the one that is met last is the first."""
    found = graph.in_order(nodes)
    found.reverse()
    return found


def _in_turn(graph: QueryGraph) -> Step:
    return lambda node: _last_first(graph, graph.needs(node))


def _by_text(graph: QueryGraph) -> Step:
    return lambda node: sorted(graph.needs(node), key=str)


def _among(nodes: Collection[Node], found: Iterable[Node]) -> list[Node]:
    chosen = set(nodes)
    return [node for node in found if node in chosen]
