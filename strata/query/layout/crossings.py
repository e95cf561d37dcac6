"""The order of each layer, so that few edges cross.

Sweeps down and up put each node at the weighted median of its neighbours in the layer before, and
then neighbours in a layer change places where that helps: section 3 of Gansner, Koutsofios, North
and Vo, "A Technique for Drawing Directed Graphs" (1993). The best order met is kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from strata.query.layout.stations import Pieces

SWEEPS = 24
WORK = 150_000
"""How many pieces are looked at in all sweeps together, about: large graphs get fewer sweeps."""
IN_VAIN = 4
"""So many sweeps without gain end it."""


def ordered(parts: Pieces, keep_first: bool = False) -> list[list[int]]:
    """The layers, in an order with few crossings; with `keep_first` the first one is as it was."""
    first = list(parts.layers[0]) if keep_first else None
    layers = _start(parts)
    if first is not None:
        layers[0] = first
    position = [0] * len(parts.above)
    for layer in layers:
        _number(layer, position)
    best, fewest = [list(layer) for layer in layers], crossings(layers, parts.below)
    pieces = sum(map(len, parts.below)) + 1
    in_vain = 0
    for sweep in range(min(SWEEPS, max(2, WORK // pieces))):
        if not fewest or in_vain == IN_VAIN:
            break
        _sweep(layers, parts, position, down=sweep % 2 == 0, keep_first=keep_first)
        _transpose(layers, parts, position, keep_first)
        found = crossings(layers, parts.below)
        in_vain = 0 if found < fewest else in_vain + 1
        if found < fewest:
            best, fewest = [list(layer) for layer in layers], found
    return best


def crossings(layers: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """How many pairs of edges cross. Edges that share an end do not."""
    total = 0
    for upper, lower in pairwise(layers):
        position = {node: place for place, node in enumerate(lower)}
        seen: list[int] = []
        for node in upper:
            targets = sorted(position[n] for n in below[node])
            total += sum(len(seen) - bisect_right(seen, t) for t in targets)
            seen.extend(targets)
            seen.sort()  # two sorted runs: a merge, in C
    return total


def _number(layer: Sequence[int], position: list[int]) -> None:
    for place, node in enumerate(layer):
        position[node] = place


def _start(parts: Pieces) -> list[list[int]]:
    """Nodes in the order in which a depth-first search meets them: a tree has no crossing then."""
    layer_of = {node: number for number, layer in enumerate(parts.layers) for node in layer}
    found: list[list[int]] = [[] for _ in parts.layers]
    seen = bytearray(len(parts.above))
    for layer in parts.layers:
        for start in layer:
            stack = [start]
            while stack:
                node = stack.pop()
                if not seen[node]:
                    seen[node] = 1
                    found[layer_of[node]].append(node)
                    stack += reversed(_trunks_inside(parts.below[node], parts.count))
    return found


def _trunks_inside(nodes: Sequence[int], count: int) -> list[int]:
    """`nodes` with the stations in the middle, so that trunks have their branches at both sides."""
    others = [node for node in nodes if node < count]
    half = (len(others) + 1) // 2
    return others[:half] + [node for node in nodes if node >= count] + others[half:]


def _sweep(
    layers: list[list[int]], parts: Pieces, position: list[int], *, down: bool, keep_first: bool
) -> None:
    """Orders each layer by the one before it, from the top or from the bottom."""
    near = parts.above if down else parts.below
    numbers = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
    for number in numbers:
        if number == 0 and keep_first:
            continue
        layer = layers[number]
        medians = {
            node: _median(sorted(position[n] for n in near[node])) for node in layer if near[node]
        }
        moving = iter(sorted(medians, key=lambda node: (medians[node], position[node])))
        layers[number] = [next(moving) if node in medians else node for node in layer]
        _number(layers[number], position)


def _median(places: list[int]) -> float:
    """The median; of two in the middle, the one on the side where places lie closer counts more."""
    middle = len(places) // 2
    if len(places) % 2:
        return places[middle]
    if len(places) == 2:
        return sum(places) / 2
    left = places[middle - 1] - places[0]
    right = places[-1] - places[middle]
    if not left + right:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * right + places[middle] * left) / (left + right)


def _transpose(
    layers: list[list[int]], parts: Pieces, position: list[int], keep_first: bool
) -> None:
    """Swaps neighbours while that takes crossings away, at most a few times through. A layer is
    looked at again only if it changed, or one beside it."""
    due = set(range(keep_first, len(layers)))
    for _ in range(4):
        changed = [n for n in sorted(due) if _swap(layers[n], parts, position)]
        due = {near for n in changed for near in (n - 1, n, n + 1)}
        due &= set(range(keep_first, len(layers)))
        if not due:
            return


def _swap(layer: list[int], parts: Pieces, position: list[int]) -> bool:
    """Whether swapping neighbours, once from left to right, took crossings away."""
    ups = [sorted(position[n] for n in parts.above[node]) for node in layer]
    downs = [sorted(position[n] for n in parts.below[node]) for node in layer]
    gained = False
    for left in range(len(layer) - 1):
        right = left + 1
        gain = _gain(ups[left], ups[right]) + _gain(downs[left], downs[right])
        if gain > 0:
            layer[left], layer[right] = layer[right], layer[left]
            ups[left], ups[right] = ups[right], ups[left]
            downs[left], downs[right] = downs[right], downs[left]
            gained = True
    _number(layer, position)
    return gained


def _gain(left: list[int], right: list[int]) -> int:
    """How many crossings fewer there are when the node with neighbours `left` goes to the right."""
    if not left or not right or left[-1] <= right[0]:
        return 0  # nothing crosses as it is
    return _inversions(left, right) - _inversions(right, left)


def _inversions(left: list[int], right: list[int]) -> int:
    """How many pairs have the one of `left` after the one of `right`; both are sorted."""
    found = reached = 0
    for place in left:
        while reached < len(right) and right[reached] < place:
            reached += 1
        found += reached
    return found
