"""Parts of a graph that no edge joins, and how they are put side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from strata.query.layout.values import Point, Size

ASPECT = 1.5
"""How much wider than high a drawing is at best."""


def components(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The nodes that edges join, each part in order; parts in the order of their first nodes."""
    near: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
    seen = bytearray(count)
    found = []
    for start in range(count):
        if seen[start]:
            continue
        seen[start] = 1
        part = [start]
        for node in part:  # grows while it is read
            for other in near[node]:
                if not seen[other]:
                    seen[other] = 1
                    part.append(other)
        found.append(sorted(part))
    return found


def shelves(sizes: Sequence[Size], gap: float, aspect: float = ASPECT) -> tuple[list[Point], Size]:
    """Corners for boxes in rows, as they come, and the size of all of it: about `aspect`."""
    area = sum((size.width + gap) * (size.height + gap) for size in sizes)
    widest = max((size.width for size in sizes), default=0.0)
    limit = max(widest, math.sqrt(area * aspect))
    corners = []
    x = y = row = width = 0.0
    for size in sizes:
        if x and x + size.width > limit:
            x, y, row = 0.0, y + row + gap, 0.0
        corners.append(Point(x, y))
        width = max(width, x + size.width)
        row = max(row, size.height)
        x += size.width + gap
    return corners, Size(width, y + row)
