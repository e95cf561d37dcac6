"""The steps of a drawing, each for itself: cycles, layers, stations, crossings."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from strata.query.layout.crossings import crossings, ordered
from strata.query.layout.layered import links_between
from strata.query.layout.layers import layers_of, leading_back
from strata.query.layout.stations import pieces
from tests.query.drawn import Edge, dag, graphs


@given(graphs())
def test_turning_round_what_leads_back_leaves_no_cycle(graph: tuple[int, list[Edge]]) -> None:
    """The layers would not be found if there were one."""
    count, edges = graph
    back = leading_back(count, edges)
    down = [(b, a) if n in back else (a, b) for n, (a, b) in enumerate(edges) if a != b]
    layers_of(count, down, 10)


@given(graphs(cyclic=False))
def test_nothing_leads_back_where_there_is_no_cycle(graph: tuple[int, list[Edge]]) -> None:
    assert leading_back(*graph) == set()


@given(graphs(cyclic=False), st.integers(1, 6))
def test_layers_are_full_at_most_and_never_empty(
    graph: tuple[int, list[Edge]], widest: int
) -> None:
    count, edges = graph
    layer = layers_of(count, edges, widest)
    assert all(layer[a] < layer[b] for a, b in edges)
    assert max(Counter(layer).values()) <= widest
    assert set(layer) == set(range(max(layer) + 1))


@given(graphs(cyclic=False))
def test_ends_have_a_layer_of_their_own(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    top, bottom = count, count + 1
    gates = [(top, 0), (count - 1, bottom)]
    layer = layers_of(count + 2, [*edges, *gates], 5, [top], [bottom])
    assert layer[top] == 0 < min(layer[:count])
    assert layer[bottom] == max(layer) > max(layer[:count])


def test_a_box_is_next_to_what_needs_it() -> None:
    """Not in the first layer because nothing is above it."""
    assert layers_of(5, [(0, 1), (1, 2), (2, 3), (4, 3)], 10) == [0, 1, 2, 3, 2]


@given(graphs(cyclic=False), st.integers(0, 30))
def test_every_piece_leads_to_the_next_layer_and_stations_are_counted(
    graph: tuple[int, list[Edge]], most: int
) -> None:
    count, edges = graph
    parts = pieces(layers_of(count, edges, 5), links_between(edges), most)
    layer = {node: number for number, row in enumerate(parts.layers) for node in row}
    assert len(parts.above) - count <= most
    for (a, b), chain in zip(edges, parts.chains, strict=True):
        if chain is not None:
            assert (chain[0], chain[-1]) == (a, b)
            assert all(layer[y] == layer[x] + 1 for x, y in pairwise(chain))
            assert all(y in parts.below[x] for x, y in pairwise(chain))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(7, 13)), max_size=25, unique=True),
    st.permutations(range(7)),
    st.permutations(range(7, 14)),
)
def test_crossings_are_counted_as_one_would(
    edges: list[Edge], upper: list[int], lower: list[int]
) -> None:
    below: list[list[int]] = [[b for a, b in edges if a == node] for node in range(14)]
    place = {node: n for row in (upper, lower) for n, node in enumerate(row)}
    pairs = combinations(edges, 2)
    crossed = sum((place[a] - place[c]) * (place[b] - place[d]) < 0 for (a, b), (c, d) in pairs)
    assert crossings([upper, lower], below) == crossed


@given(graphs(cyclic=False))
def test_ordering_keeps_each_layer_and_adds_no_crossing(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    parts = pieces(layers_of(count, edges, 6), links_between(edges), 1000)
    found = ordered(parts)
    assert [sorted(row) for row in found] == [sorted(row) for row in parts.layers]
    assert len(found) < 2 or crossings(found, parts.below) <= crossings(parts.layers, parts.below)


def test_a_tree_is_drawn_without_a_crossing() -> None:
    chance = random.Random(5)
    edges = [(chance.randrange(max(0, n - 20), n), n) for n in range(1, 200)]
    parts = pieces(layers_of(200, edges, 1000), links_between(edges), 1000)
    assert crossings(parts.layers, parts.below) > 100
    assert crossings(ordered(parts), parts.below) == 0


def test_a_random_graph_has_at_most_half_the_crossings_of_its_first_order() -> None:
    edges = dag(100, seed=7)
    parts = pieces(layers_of(100, edges, 15), links_between(edges), 5000)
    assert crossings(ordered(parts), parts.below) < crossings(parts.layers, parts.below) / 2
