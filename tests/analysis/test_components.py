"""Strongly connected components against a naive definition, and at depth."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strata.analysis.components import Gathered, strongly_connected

GRAPHS = st.integers(1, 8).flatmap(
    lambda n: st.dictionaries(
        st.integers(0, n - 1), st.lists(st.integers(0, n), max_size=4), max_size=n
    )
)


def reachable(edges: dict[int, list[int]], start: int) -> set[int]:
    found = {start}
    todo = [start]
    while todo:
        for target in edges[todo.pop()]:
            if target in edges and target not in found:
                found.add(target)
                todo.append(target)
    return found


@given(GRAPHS)
def test_two_vertices_share_a_component_exactly_if_each_reaches_the_other(
    edges: dict[int, list[int]],
) -> None:
    reach = {v: reachable(edges, v) for v in edges}
    expected = {frozenset(w for w in reach[v] if v in reach[w]) for v in edges}
    assert {frozenset(c) for c in strongly_connected(edges)} == expected


@given(GRAPHS)
def test_every_vertex_is_in_one_component_and_comes_after_what_it_has_an_edge_to(
    edges: dict[int, list[int]],
) -> None:
    components = strongly_connected(edges)
    place = {v: i for i, members in enumerate(components) for v in members}
    assert sorted(v for members in components for v in members) == sorted(edges)
    assert all(place[w] <= place[v] for v in edges for w in edges[v] if w in edges)


@given(GRAPHS)
def test_the_same_graph_gives_the_same_order(edges: dict[int, list[int]]) -> None:
    assert strongly_connected(edges) == strongly_connected(dict(edges))


def test_a_chain_and_a_ring_of_ten_thousand_meet_no_recursion_limit() -> None:
    count = 10_000
    chain = {i: [i + 1] for i in range(count)}
    assert len(strongly_connected(chain)) == count
    chain[count - 1] = [0]
    assert [len(c) for c in strongly_connected(chain)] == [count]


@given(GRAPHS)
def test_what_is_gathered_is_what_a_walk_finds(edges: dict[int, list[int]]) -> None:
    asked: list[int] = []

    def own(vertex: int) -> frozenset[int]:
        asked.append(vertex)
        return frozenset({vertex % 3})

    gathered = Gathered(lambda v: [w for w in edges[v] if w in edges], own)
    for vertex in edges:
        assert gathered.of(vertex) == {w % 3 for w in reachable(edges, vertex)}
    assert len(asked) == len(edges)


def test_gathering_along_a_chain_keeps_one_set() -> None:
    count = 5000
    gathered = Gathered(
        lambda v: [v - 1] if v else [], lambda v: frozenset() if v else frozenset({"x"})
    )
    assert gathered.of(count - 1) == {"x"}
    assert gathered.of(0) is gathered.of(count - 1)
