"""Drawings: boxes apart, edges downwards and around boxes, the same each time, at any depth."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.query.layout import Layout, Place, Point, Size, layout
from strata.query.layout.frames import HEADING
from tests.query.drawn import Edge, dag, graphs

BOX = Size(150.0, 50.0)


def drawn(
    count: int, edges: Iterable[Edge], groups: dict[int, int] | None = None
) -> Layout[int, int]:
    """Boxes of different widths."""
    return layout({n: Size(100.0 + 37 * n % 90, 50.0) for n in range(count)}, edges, groups)


def alike(count: int, edges: Iterable[Edge]) -> Layout[int, int]:
    """Boxes of one size."""
    return layout(dict.fromkeys(range(count), BOX), edges)


def overlap(a: Place, b: Place) -> bool:
    across = min(a.right, b.right) - max(a.x, b.x)
    return across > 0.01 and min(a.bottom, b.bottom) - max(a.y, b.y) > 0.01


def inside(inner: Place, outer: Place) -> bool:
    return (
        inner.x >= outer.x - 0.01
        and inner.y >= outer.y - 0.01
        and inner.right <= outer.right + 0.01
        and inner.bottom <= outer.bottom + 0.01
    )


def passed(a: Point, b: Point) -> Place:
    """What a piece of a line can touch: it stays between its ends."""
    return Place(min(a.x, b.x), min(a.y, b.y), max(abs(a.x - b.x), 0.02), abs(a.y - b.y))


def near(point: Point, place: Place, side: float) -> bool:
    """Whether it is in the middle of that side of the box."""
    return abs(point.x - place.x - place.width / 2) < 0.01 and abs(point.y - side) < 0.01


def check_boxes(found: Layout[int, int]) -> None:
    whole = Place(0, 0, found.width, found.height)
    assert all(inside(place, whole) for place in [*found.places.values(), *found.frames.values()])
    assert not [pair for pair in combinations(found.places.values(), 2) if overlap(*pair)]
    assert not [pair for pair in combinations(found.frames.values(), 2) if overlap(*pair)]


@given(graphs())
def test_boxes_do_not_overlap_and_are_inside_the_drawing(graph: tuple[int, list[Edge]]) -> None:
    check_boxes(drawn(*graph))


@given(graphs(), st.integers(1, 5))
def test_frames_do_not_overlap_and_hold_their_boxes_below_the_heading(
    graph: tuple[int, list[Edge]], groups: int
) -> None:
    count, edges = graph
    group_of = {node: node * 7 % groups for node in range(count)}
    found = drawn(count, edges, group_of)
    check_boxes(found)
    assert set(found.frames) == set(group_of.values())
    for node, place in found.places.items():
        frame = found.frames[group_of[node]]
        assert inside(place, frame)
        assert place.y >= frame.y + HEADING - 0.01


@given(graphs(cyclic=False))
def test_where_there_is_no_cycle_every_edge_leads_down(graph: tuple[int, list[Edge]]) -> None:
    found = drawn(*graph)
    for upper, lower in graph[1]:
        assert found.places[upper].bottom < found.places[lower].y


@given(graphs(), st.integers(0, 4))
def test_a_route_joins_its_boxes_and_passes_no_other(
    graph: tuple[int, list[Edge]], groups: int
) -> None:
    """It may pass frames, but not what is in them."""
    count, edges = graph
    found = drawn(count, edges, {n: n * 5 % groups for n in range(count)} if groups else None)
    assert set(found.routes) == {(a, b) for a, b in edges if a != b}
    for (a, b), route in found.routes.items():
        start, end = found.places[a], found.places[b]
        down = route[0].y < route[-1].y
        assert near(route[0], start, start.bottom if down else start.y)
        assert near(route[-1], end, end.y if down else end.bottom)
        for piece in pairwise(route):
            assert not [p for p in found.places.values() if overlap(passed(*piece), p)]


@given(graphs(), st.integers(0, 3))
def test_the_same_input_gives_the_same_drawing(graph: tuple[int, list[Edge]], groups: int) -> None:
    count, edges = graph
    group_of = {n: n % groups for n in range(count)} if groups else None
    assert drawn(count, edges, group_of) == drawn(count, edges, group_of)


def test_nothing_has_no_size() -> None:
    assert alike(0, []) == Layout({}, {}, {}, 0.0, 0.0)


def test_a_chain_is_a_straight_line() -> None:
    found = alike(6, pairwise(range(6)))
    assert {place.x for place in found.places.values()} == {0.0}


def test_a_long_edge_is_straight_where_it_passes_layers() -> None:
    found = alike(6, [*pairwise(range(6)), (0, 5)])
    stations = {point.x for point in found.routes[0, 5][2:-2]}
    assert len(stations) == 1


def test_edges_that_leave_one_box_share_their_way_down() -> None:
    """A value that two cells far below read is one line until it branches."""
    found = alike(7, [*pairwise(range(7)), (0, 5), (0, 6)])
    assert set(found.routes[0, 5][:-2]) < set(found.routes[0, 6])


def test_a_fan_is_not_one_row() -> None:
    found = alike(201, [(0, n) for n in range(1, 201)])
    assert found.width < 3 * found.height
    check_boxes(found)


def test_boxes_that_nothing_joins_are_put_in_rows() -> None:
    found = alike(100, [])
    assert found.height < found.width < 3 * found.height


def test_groups_that_need_each_other_are_drawn() -> None:
    """Of two notebooks that read from each other one is above, and its lines from below lead up."""
    found = drawn(4, [(0, 2), (3, 1)], {0: 0, 1: 0, 2: 1, 3: 1})
    assert found.frames[0].bottom < found.frames[1].y
    assert found.routes[3, 1][0].y > found.routes[3, 1][-1].y


def test_what_is_joined_with_no_other_group_is_beside_what_is() -> None:
    found = drawn(4, [(0, 3), (1, 2)], {0: 0, 1: 0, 2: 0, 3: 1})
    assert found.places[1].x > found.places[0].right


@pytest.mark.parametrize(("deep", "groups", "most"), [(5000, 1, 0), (5000, 250, 0), (800, 40, 1)])
def test_a_graph_of_any_depth_is_drawn(deep: int, groups: int, most: int) -> None:
    """Thousands of layers; and edges that would need stations without number."""
    edges = [*pairwise(range(deep)), *dag(deep, 1, most)]
    group_of = {node: node * groups // deep for node in range(deep)}
    found = drawn(deep, edges, group_of)
    assert set(found.routes) == set(edges)
    assert all(found.places[a].bottom < found.places[b].y for a, b in edges)


def test_a_tangle_is_about_as_wide_as_its_widest_layer() -> None:
    found = alike(300, dag(300, 2))
    check_boxes(found)
    by_layer: dict[float, int] = {}
    for place in found.places.values():
        by_layer[place.y] = by_layer.get(place.y, 0) + 1
    assert found.width < 2.5 * max(by_layer.values()) * 2 * BOX.width


@settings(max_examples=20)
@given(graphs(cyclic=False))
def test_ids_may_be_anything_that_can_be_a_key(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    by_text: Layout[str, str] = layout(
        {str(n): BOX for n in range(count)}, [(str(a), str(b)) for a, b in edges]
    )
    by_number = alike(count, edges)
    assert list(by_text.places.values()) == list(by_number.places.values())
