"""Strongly connected components of a graph of any depth.

Tarjan's algorithm (SIAM J. Comput. 1(2), 1972) with an explicit stack: a notebook of ten thousand
cells in one chain must not meet the interpreter's recursion limit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

Vertex = TypeVar("Vertex", bound=Hashable)


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
