"""Which layer each node is in: every edge leads down, layers are not too wide, edges are short.

Layers are filled from the top, those first that have the longest way below them: Hu's rule
("Parallel sequencing and assembly line problems", 1961), which without a limit on the width gives
the longest path from above, and with one keeps a fan of two hundred readers from being one row.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import TypeAlias

Edges: TypeAlias = Sequence[tuple[int, int]]


def leading_back(count: int, edges: Edges) -> set[int]:
    """The places in `edges` of those that must be turned round so that there is no cycle.

    They are what leads back on a depth-first search that starts where nothing leads to, and then
    at the first node that is left. An edge from a node to itself is among them.
    """
    below: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    entered = bytearray(count)
    for place, (upper, lower) in enumerate(edges):
        below[upper].append((place, lower))
        entered[lower] = 1
    found: set[int] = set()
    is_open, seen = bytearray(count), bytearray(count)
    for start in chain((n for n in range(count) if not entered[n]), range(count)):
        if seen[start]:
            continue
        seen[start] = is_open[start] = 1
        stack = [(start, iter(below[start]))]
        while stack:
            node, rest = stack[-1]
            for place, lower in rest:
                if is_open[lower]:
                    found.add(place)
                elif not seen[lower]:
                    seen[lower] = is_open[lower] = 1
                    stack.append((lower, iter(below[lower])))
                    break
            else:
                is_open[node] = 0
                stack.pop()
    return found


def layers_of(
    count: int,
    edges: Edges,
    widest: int,
    first: Collection[int] = (),
    last: Collection[int] = (),
) -> list[int]:
    """Each node's layer, from 0, with at most `widest` nodes in a layer; no layer is empty.

    `edges` have no cycle. The nodes in `first` have a layer of their own above all others, those
    in `last` one below all others; neither layer has a limit.
    """
    above, below = _neighbours(count, edges)
    order = _downwards(above, below)
    height = [0] * count
    for node in reversed(order):
        height[node] = 1 + max((height[b] for b in below[node]), default=0)
    ends = {*first, *last}
    inner = [node for node in order if node not in ends]
    layer = [0] * count
    filled = _fill(inner, above, below, height, widest, layer, ends)
    _pull_down(inner, above, below, widest, layer, filled, ends)
    return _without_gaps(layer, inner, first, last)


def _neighbours(count: int, edges: Edges) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for upper, lower in edges:
        above[lower].append(upper)
        below[upper].append(lower)
    return above, below


def _downwards(above: list[list[int]], below: list[list[int]]) -> list[int]:
    """All nodes, each after those above it."""
    waiting = [len(nodes) for nodes in above]
    order = [node for node, number in enumerate(waiting) if not number]
    for node in order:  # grows while it is read
        for lower in below[node]:
            waiting[lower] -= 1
            if not waiting[lower]:
                order.append(lower)
    assert len(order) == len(above), "there is a cycle"
    return order


def _fill(
    inner: Iterable[int],
    above: list[list[int]],
    below: list[list[int]],
    height: list[int],
    widest: int,
    layer: list[int],
    ends: set[int],
) -> list[int]:
    """Fills the layers from the top; how many nodes are in each."""
    waiting = {n: sum(a not in ends for a in above[n]) for n in inner}
    ready = [(-height[n], n) for n, number in waiting.items() if not number]
    heapq.heapify(ready)
    filled: list[int] = []
    while ready:
        chosen = [heapq.heappop(ready)[1] for _ in range(min(widest, len(ready)))]
        for node in chosen:
            layer[node] = len(filled)
            for lower in below[node]:
                if lower not in ends:
                    waiting[lower] -= 1
                    if not waiting[lower]:
                        heapq.heappush(ready, (-height[lower], lower))
        filled.append(len(chosen))
    return filled


def _pull_down(
    inner: list[int],
    above: list[list[int]],
    below: list[list[int]],
    widest: int,
    layer: list[int],
    filled: list[int],
    ends: set[int],
) -> None:
    """Brings a node that more edges leave than enter next to those below it, if there is room."""
    for node in reversed(inner):
        if len(below[node]) <= len(above[node]):
            continue
        lowest = min((layer[b] - 1 for b in below[node] if b not in ends), default=len(filled) - 1)
        while lowest > layer[node] and filled[lowest] >= widest:
            lowest -= 1
        filled[layer[node]] -= 1
        filled[lowest] += 1
        layer[node] = lowest


def _without_gaps(
    layer: list[int], inner: list[int], first: Collection[int], last: Collection[int]
) -> list[int]:
    """The layers numbered anew, with the ends where they belong."""
    used = sorted({layer[node] for node in inner})
    number = {old: new for new, old in enumerate(used, start=bool(first))}
    found = [0] * len(layer)
    for node in inner:
        found[node] = number[layer[node]]
    for node in last:
        found[node] = len(used) + bool(first)
    return found
