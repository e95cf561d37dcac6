"""Graphs to be drawn: numbers, and pairs of them."""

from __future__ import annotations

import random

from hypothesis import strategies as st

Edge = tuple[int, int]


@st.composite
def graphs(draw: st.DrawFn, *, cyclic: bool = True) -> tuple[int, list[Edge]]:
    count = draw(st.integers(1, 24))
    node = st.integers(0, count - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=50))
    return count, edges if cyclic else [(a, b) for a, b in edges if a < b]


def dag(count: int, seed: int, most: int = 3) -> list[Edge]:
    """Each node needs a few earlier ones."""
    chance = random.Random(seed)
    return [
        (chance.randrange(node), node)
        for node in range(1, count)
        for _ in range(chance.randint(0, most))
    ]
