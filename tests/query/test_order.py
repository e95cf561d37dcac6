"""`--order_output`: which node is printed before which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.analysis.components import strongly_connected
from strata.query.graph import QueryGraph
from strata.query.nodes import Kind, Variable
from strata.query.order import Order, components, needing_first, ordered
from tests.factories import label
from tests.query.answers import cell, drawn, graph_of, mixed

NEEDS = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "da", "f": ""}


def printed(graph: QueryGraph, names: str, order: Order, *, is_path: bool = False) -> str:
    found = ordered(graph, frozenset(map(label, names)), order, is_path=is_path)
    return "".join(str(node)[-1] for node in found)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.AUTO, "abcdef"),
        (Order.DEPS, "edbcaf"),
        (Order.FULL, "fedcba"),
        (Order.NO, "abcdef"),
    ],
)
def test_the_orders_of_a_small_graph(order: Order, expected: str) -> None:
    """`full` is what `bazel query --order_output=full` (4.2.3) printed."""
    assert printed(drawn(NEEDS), "fdbace", order) == expected


def test_what_is_not_bound_by_what_it_needs_is_in_definition_order() -> None:
    assert printed(drawn({"x": "", "b": "x", "a": "x"}), "abx", Order.DEPS) == "bax"


def test_full_does_not_depend_on_where_cells_stand() -> None:
    one = drawn({"x": "", "b": "x", "a": "x"})
    other = drawn({"a": "x", "x": "", "b": "x"})
    assert printed(one, "abx", Order.FULL) == printed(other, "abx", Order.FULL) == "bax"


@pytest.mark.parametrize("order", [Order.DEPS, Order.FULL])
def test_a_reader_comes_first_though_what_is_between_is_not_in_the_answer(order: Order) -> None:
    graph = drawn({"z": "", "m": "z", "a": "m"})
    assert printed(graph, "az", order) == "az"


def test_a_path_is_printed_from_its_start_to_its_end() -> None:
    assert printed(drawn(NEEDS), "abde", Order.AUTO, is_path=True) == "edba"
    assert printed(drawn(NEEDS), "abde", Order.NO, is_path=True) == "abde"


def test_other_nodes_come_between_those_who_read_them_and_what_they_are_of() -> None:
    answer = mixed()
    found = [str(node) for node in ordered(answer.graph, answer.nodes, Order.DEPS)]
    assert found == [
        "//train:model",
        "//prep:clean%df",
        "//prep:clean",
        "//prep:load%raw",
        "//prep:load",
        "data/sales.csv",
        "pandas==2.1.0",
    ]


def test_what_walks_leave_out_is_printed_all_the_same() -> None:
    graph = graph_of([cell("a", defines=("x",))], shown=(Kind.CELL,))
    for order in Order:
        assert ordered(graph, {Variable(label("a"), "x")}, order) == [Variable(label("a"), "x")]


NUMBERS = range(8)
EDGES = st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)), max_size=24)


@given(EDGES, st.sets(st.sampled_from(NUMBERS)), st.sampled_from([Order.DEPS, Order.FULL]))
def test_a_node_is_before_all_it_needs(
    edges: list[tuple[int, int]], chosen: set[int], order: Order
) -> None:
    """On any way; but a node of a cycle may stand behind what another node of it needs."""
    near = {i: {f"c{b}": "x" for a, b in edges if a == i} for i in NUMBERS}
    graph = graph_of([cell(f"c{i}", near[i]) for i in NUMBERS], shown=(Kind.CELL,))
    nodes = frozenset(label(f"c{i}") for i in chosen)
    found = ordered(graph, nodes, order)
    assert sorted(found) == sorted(nodes)
    for place, later in enumerate(found):
        below = graph.walk(graph.needs(later), graph.needs)
        if later not in below:
            assert not [earlier for earlier in found[:place] if earlier in below]


@given(EDGES)
def test_components_are_those_that_can_reach_each_other_and_come_before_what_they_need(
    edges: list[tuple[int, int]],
) -> None:
    near = {i: {f"c{b}": "x" for a, b in edges if a == i} for i in NUMBERS}
    graph = graph_of([cell(f"c{i}", near[i]) for i in NUMBERS], shown=(Kind.CELL,))
    labels = list(graph.cells.cells)
    found = components(labels, graph.needs, graph.readers)
    tarjan = strongly_connected({one: graph.cells.needs(one) for one in labels})
    assert {frozenset(group) for group in found} == {frozenset(group) for group in tarjan}
    for place, group in enumerate(found):
        below = graph.walk(group, graph.needs)
        assert not [one for earlier in found[:place] for one in earlier if one in below]


def test_ten_thousand_levels_are_no_recursion() -> None:
    cells = [cell("c0"), *(cell(f"c{i}", {f"c{i - 1}": "x"}) for i in range(1, 10_000))]
    graph = graph_of(cells, shown=(Kind.CELL,))
    found = needing_first(graph.cells.cells, graph.needs)
    assert found == list(reversed(graph.cells.cells))
