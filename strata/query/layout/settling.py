"""x coordinates for tangled graphs: narrow before straight.

Blocks of long straight edges that cross each other push each other apart without end. Here every
layer is packed first, and then each in turn gives its nodes the places in its order that lie least
squares near to those of their neighbours: isotonic regression by pooling adjacent violators (Ayer,
Brunk, Ewing, Reid and Silverman, 1955).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from strata.query.layout.stations import Fixed, Pieces

SWEEPS = 12

Apart = Callable[[int, int], float]
"""How far apart the middles of two neighbours in a layer must be, at least."""


def settled(
    parts: Pieces, layers: Sequence[Sequence[int]], apart: Apart, fixed: Fixed
) -> list[float]:
    """The middle of each node and station."""
    x = [0.0] * len(parts.above)
    for layer in layers:
        _pack(layer, apart, x)
    pulls = _pulls(parts, fixed)
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _settle(layer, apart, pulls, x)
    return x


def _pack(layer: Sequence[int], apart: Apart, x: list[float]) -> None:
    """As near together as may be, around 0."""
    x[layer[0]] = 0.0
    for a, b in pairwise(layer):
        x[b] = x[a] + apart(a, b)
    half = x[layer[-1]] / 2
    for node in layer:
        x[node] -= half


def _pulls(parts: Pieces, fixed: Fixed) -> list[list[tuple[int, float, float]]]:
    """Of each node its neighbours, how far right of them it should be, and how much that counts:
    the longer an edge, the more its bends catch the eye."""
    found: list[list[tuple[int, float, float]]] = [[] for _ in parts.above]
    for upper, nodes in enumerate(parts.below):
        for lower in nodes:
            at_upper, at_lower = fixed.get((upper, lower), (0.0, 0.0))
            weight = (1.0, 2.0, 8.0)[(upper >= parts.count) + (lower >= parts.count)]
            found[upper].append((lower, at_lower - at_upper, weight))
            found[lower].append((upper, at_upper - at_lower, weight))
    return found


def _settle(
    layer: Sequence[int],
    apart: Apart,
    pulls: Sequence[Sequence[tuple[int, float, float]]],
    x: list[float],
) -> None:
    """Moves the nodes of one layer. What would be too near together moves as one run."""
    runs: list[tuple[float, float, int]] = []  # where, how much that counts, how many nodes
    room = [0.0]
    for a, b in pairwise(layer):
        room.append(room[-1] + apart(a, b))
    for node, before in zip(layer, room, strict=True):
        weight = sum(pull[2] for pull in pulls[node])
        wanted = x[node]
        if weight:
            wanted = sum((x[other] + by) * w for other, by, w in pulls[node]) / weight
        run = (wanted - before, weight or 0.1, 1)
        while runs and runs[-1][0] >= run[0]:
            at, counts, number = runs.pop()
            both = counts + run[1]
            run = ((at * counts + run[0] * run[1]) / both, both, number + run[2])
        runs.append(run)
    places = (at for at, _, number in runs for _ in range(number))
    for node, before, place in zip(layer, room, places, strict=True):
        x[node] = place + before
