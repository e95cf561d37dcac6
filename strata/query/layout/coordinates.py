"""The x coordinate of every node: long edges straight, nodes over the middle of what they lead to.

After Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2002): nodes are
aligned with their median neighbours into blocks, once from each of four corners, and the mean of
the two middle results is taken. Blocks are compacted by longest paths over the graph of blocks,
not by the paper's classes, which need a correction (Brandes, Walter, Zink, "Erratum", 2020). That
edges may be fixed beside the middle of a node is after Rüegg, Schulze, Carstens and von Hanxleden,
"Size- and Port-Aware Horizontal Node Coordinate Assignment" (2015). Where that gets too wide, as it
does for tangled graphs, `settling` has another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from strata.core.dataclass import dataclass
from strata.query.layout.settling import settled
from strata.query.layout.stations import Fixed, Pieces

NODE_GAP = 26.0
STATION_GAP = 14.0

TOO_WIDE = 1.6
"""How much wider than its widest layer a drawing may be for the sake of straight lines."""


@dataclass(frozen=True, slots=True)
class _Corner:
    """The layers as they look from one corner."""

    layers: Sequence[Sequence[int]]
    near: Sequence[Sequence[int]]
    """The neighbours in the layer before."""
    position: Sequence[int]
    down: bool
    sign: int
    """1: as it is; -1: mirrored."""


def horizontal(
    parts: Pieces, layers: Sequence[Sequence[int]], widths: Sequence[float], fixed: Fixed
) -> list[float]:
    """The middle of each node and station; the left edge of the leftmost is at 0."""
    if not layers:
        return []
    position = [0] * len(parts.above)
    for layer in layers:
        for place, node in enumerate(layer):
            position[node] = place
    bending = _bending_a_trunk(parts, layers, position)
    four = []
    for corner in _corners(parts, layers):
        root, shift = _blocks(corner, bending, fixed)
        four.append(_compacted(corner, root, shift, widths, parts.count))
    found = _middle_of(four, widths)

    def apart(a: int, b: int) -> float:
        gap = NODE_GAP if a < parts.count and b < parts.count else STATION_GAP
        return (widths[a] + widths[b]) / 2 + gap

    widest = max(sum(apart(a, b) for a, b in pairwise(layer)) for layer in layers)
    if max(found) - min(found) > TOO_WIDE * widest:
        found = settled(parts, layers, apart, fixed)
    left = min(x - widths[node] / 2 for node, x in enumerate(found))
    return [x - left for x in found]


def _corners(parts: Pieces, layers: Sequence[Sequence[int]]) -> list[_Corner]:
    found = []
    for down in (True, False):
        rows = layers if down else layers[::-1]
        for sign in (1, -1):
            seen = rows if sign == 1 else [row[::-1] for row in rows]
            position = [0] * len(parts.above)
            for row in seen:
                for place, node in enumerate(row):
                    position[node] = place
            found.append(_Corner(seen, parts.above if down else parts.below, position, down, sign))
    return found


def _bending_a_trunk(
    parts: Pieces, layers: Sequence[Sequence[int]], position: Sequence[int]
) -> set[tuple[int, int]]:
    """Pieces that cross one between two stations, or branch off there: that one is to be straight,
    not they."""
    found = _branches(parts)
    for upper, lower in pairwise(layers):
        done = 0
        leftmost = 0
        for place, node in enumerate(lower):
            trunk = _station_above(parts, node)
            at_end = place == len(lower) - 1
            if trunk is None and not at_end:
                continue
            rightmost = len(upper) - 1 if trunk is None else position[trunk]
            for other in lower[done : place + 1]:
                for up in parts.above[other]:
                    inner = up >= parts.count and other >= parts.count
                    if not leftmost <= position[up] <= rightmost and not inner:
                        found.add((up, other))
            done = place + 1
            leftmost = rightmost
    return found


def _branches(parts: Pieces) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for station in range(parts.count, len(parts.above)):
        above, below = parts.above[station], parts.below[station]
        if any(node >= parts.count for node in below):
            found.update((station, node) for node in below if node < parts.count)
        if any(node >= parts.count for node in above):
            found.update((node, station) for node in above if node < parts.count)
    return found


def _station_above(parts: Pieces, node: int) -> int | None:
    """The station that leads to this one; a node has none."""
    if node < parts.count:
        return None
    return next((up for up in parts.above[node] if up >= parts.count), None)


def _blocks(
    corner: _Corner, bending: set[tuple[int, int]], fixed: Fixed
) -> tuple[list[int], list[float]]:
    """The first node of each node's block, and how far right of it this one is."""
    position = corner.position
    root = list(range(len(position)))
    shift = [0.0] * len(position)
    for layer in corner.layers[1:]:
        last = -1
        for node in layer:
            near = sorted(corner.near[node], key=position.__getitem__)
            for place in sorted({(len(near) - 1) // 2, len(near) // 2}) if near else ():
                other = near[place]
                pair = (other, node) if corner.down else (node, other)
                if position[other] > last and pair not in bending:
                    last = position[other]
                    root[node] = root[other]
                    upper, lower = fixed.get(pair, (0.0, 0.0))
                    step = (upper - lower) if corner.down else (lower - upper)
                    shift[node] = shift[other] + corner.sign * step
                    break
    return root, shift


def _compacted(
    corner: _Corner,
    root: Sequence[int],
    shift: Sequence[float],
    widths: Sequence[float],
    count: int,
) -> list[float]:
    """Coordinates with every block as far left as it can be, then as near to its right as it can.

    In the order of `corner`: for a mirrored one the result is mirrored back.
    """
    right_of: dict[int, dict[int, float]] = {block: {} for block in root}
    waiting = dict.fromkeys(right_of, 0)
    for layer in corner.layers:
        for a, b in pairwise(layer):
            gap = NODE_GAP if a < count and b < count else STATION_GAP
            apart = (widths[a] + widths[b]) / 2 + gap + shift[a] - shift[b]
            known = right_of[root[a]]
            if root[b] not in known:
                waiting[root[b]] += 1
                known[root[b]] = apart
            elif apart > known[root[b]]:
                known[root[b]] = apart
    order = [block for block, number in waiting.items() if not number]
    x = dict.fromkeys(right_of, 0.0)
    for block in order:  # grows while it is read
        for other, apart in right_of[block].items():
            x[other] = max(x[other], x[block] + apart)
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    for block in reversed(order):
        if right_of[block]:
            x[block] = max(x[block], min(x[o] - apart for o, apart in right_of[block].items()))
    return [corner.sign * (x[block] + by) for block, by in zip(root, shift, strict=True)]


def _middle_of(four: Sequence[Sequence[float]], widths: Sequence[float]) -> list[float]:
    """The four results laid over the narrowest of them; of each node, the two in the middle."""
    nodes = range(len(widths))
    lefts = [min(xs[n] - widths[n] / 2 for n in nodes) for xs in four]
    rights = [max(xs[n] + widths[n] / 2 for n in nodes) for xs in four]
    narrowest = min(range(4), key=lambda i: (rights[i] - lefts[i], i))
    # The first of each pair was pushed to the left, the second to the right.
    by = [
        lefts[narrowest] - lefts[i] if i % 2 == 0 else rights[narrowest] - rights[i]
        for i in range(4)
    ]
    found = []
    for node in nodes:
        places = sorted(xs[node] + by[i] for i, xs in enumerate(four))
        found.append((places[1] + places[2]) / 2)
    return found
