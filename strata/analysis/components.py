"""Strongly connected components of a graph of any depth, and what is gathered along its edges.

Tarjan's algorithm (SIAM J. Comput. 1(2), 1972) with an explicit stack: a notebook of ten thousand
cells in one chain must not meet the interpreter's recursion limit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Vertex = TypeVar("Vertex", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)


def strongly_connected(edges: Mapping[Vertex, Iterable[Vertex]]) -> list[tuple[Vertex, ...]]:
    """The components, each after every component that it has an edge to.

    Edges to vertices that are not keys of `edges` are ignored. The order is that of `edges`.
    """
    index: dict[Vertex, int] = {}
    low: dict[Vertex, int] = {}
    on_stack: set[Vertex] = set()
    stack: list[Vertex] = []
    components: list[tuple[Vertex, ...]] = []
    for root in edges:
        if root in index:
            continue
        work: list[tuple[Vertex, Iterator[Vertex]]] = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            vertex, successors = work[-1]
            for successor in successors:
                if successor not in edges:
                    continue
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(edges[successor])))
                    break
                if successor in on_stack:
                    low[vertex] = min(low[vertex], index[successor])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[vertex])
                if low[vertex] == index[vertex]:
                    components.append(_pop_component(stack, on_stack, vertex))
    return components


def _pop_component(stack: list[Vertex], on_stack: set[Vertex], root: Vertex) -> tuple[Vertex, ...]:
    members: list[Vertex] = []
    while True:
        vertex = stack.pop()
        on_stack.discard(vertex)
        members.append(vertex)
        if vertex == root:
            return tuple(reversed(members))


class Gathered(Generic[Vertex, Item]):
    """What the vertices that one can reach have together; `below` and `own` are asked once each.

    Walking down from every vertex anew would be quadratic in a notebook that is one long chain.
    """

    def __init__(
        self,
        below: Callable[[Vertex], Iterable[Vertex]],
        own: Callable[[Vertex], frozenset[Item]],
    ) -> None:
        self._below = below
        self._own = own
        self._of: dict[Vertex, frozenset[Item]] = {}

    def of(self, start: Vertex) -> frozenset[Item]:
        """All that `start` and everything it reaches have."""
        if start not in self._of:
            self._gather(start)
        return self._of[start]

    def _gather(self, start: Vertex) -> None:
        edges: dict[Vertex, tuple[Vertex, ...]] = {}
        stack = [start]
        while stack:
            vertex = stack.pop()
            if vertex not in edges and vertex not in self._of:
                edges[vertex] = tuple(self._below(vertex))
                stack.extend(edges[vertex])
        for group in strongly_connected(edges):
            parts = [self._own(member) for member in group]
            targets = (target for member in group for target in edges[member])
            parts += [self._of[target] for target in targets if target in self._of]
            self._of.update(dict.fromkeys(group, _union(parts)))


def _union(parts: list[frozenset[Item]]) -> frozenset[Item]:
    """One of the sets where it holds the others: along a chain they are mostly the same."""
    largest = max(parts, key=len)
    return largest if all(part <= largest for part in parts) else frozenset().union(*parts)
