"""`--output tree`: what is drawn, how often, and what stands beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.label import Label
from strata.query.answer import Answer
from strata.query.nodes import Kind, Node
from strata.query.outputs.tree import DEEPEST
from strata.query.world import State
from tests.factories import label
from tests.query.answers import World, cell, drawn, everything, graph_of, lines, mixed, of, text


def tree(needs: Mapping[str, str]) -> list[str]:
    """The tree of all cells of a graph of letters, without the column of states."""
    return [line[9:].replace("//nb:", "") for line in lines("tree", everything(drawn(needs)))]


def test_it_begins_with_what_nobody_needs() -> None:
    assert tree({"a": "", "b": "a", "c": "", "d": "c"}) == ["b", "└─ a", "d", "└─ c"]


def test_what_is_needed_stands_below_nearest_edge_first() -> None:
    assert tree({"a": "", "b": "", "c": "ba", "d": "", "e": "cd"}) == [
        "e",
        "├─ c",
        "│  ├─ b",
        "│  └─ a",
        "└─ d",
    ]


def test_what_has_been_drawn_is_not_drawn_again() -> None:
    assert tree({"a": "", "b": "a", "c": "b", "d": "bc"}) == [
        "d",
        "├─ b",
        "│  └─ a",
        "└─ c",
        "   └─ b  (above)",
    ]


def test_what_needs_nothing_is_drawn_wherever_it_is_needed() -> None:
    assert tree({"a": "", "b": "a", "c": "ab"}) == ["c", "├─ a", "└─ b", "   └─ a"]


def test_a_cycle_is_cut_where_it_closes() -> None:
    assert tree({"a": "c", "b": "a", "c": "b", "d": "c"}) == [
        "d",
        "└─ c",
        "   └─ b",
        "      └─ a",
        "         └─ c  (cycle)",
    ]


def test_a_cycle_that_nobody_else_needs_begins_with_its_first_cell() -> None:
    assert tree({"a": "b", "b": "a", "c": "c"}) == [
        "a",
        "└─ b",
        "   └─ a  (cycle)",
        "c",
        "└─ c  (cycle)",
    ]


def test_only_the_answer_is_drawn() -> None:
    graph = drawn({"a": "", "b": "a", "c": "b"})
    assert text("tree", of(graph, [label("c")])).split() == ["//nb:c"]


def test_a_state_and_the_duration_of_the_last_run_stand_beside_a_cell() -> None:
    cells = [cell(name) for name in "abc"]
    cells.append(cell("d", {"a": "x", "b": "x", "c": "x"}))
    states = {label("a"): State.FRESH, label("b"): State.NEVER, label("d"): State.STALE}
    seconds = {label("a"): 0.04, label("d"): 3723.0}
    graph = graph_of(cells, World(states=states, seconds=seconds), shown=(Kind.CELL,))
    assert lines("tree", everything(graph)) == [
        "stale    //nb:d  1 h 02 min",
        "fresh    ├─ //nb:a  0.04 s",
        "never    ├─ //nb:b",
        "         └─ //nb:c",
    ]


def test_nothing_stands_beside_what_is_no_cell() -> None:
    assert lines("tree", mixed()) == [
        "         //train:model",
        "         ├─ //prep:clean%df",
        "         │  └─ //prep:clean",
        "         │     ├─ //prep:load%raw",
        "         │     │  └─ //prep:load",
        "         │     │     └─ pandas==2.1.0",
        "         │     ├─ data/sales.csv",
        "         │     └─ pandas==2.1.0",
        "         ├─ //prep:load  (above)",
        "         └─ pandas==2.1.0",
    ]


def test_a_terminal_without_boxes_gets_ascii() -> None:
    graph = drawn({"a": "", "b": "a", "c": "", "d": "bc"})
    said = lines("tree", everything(graph, plain=True))
    assert [line[9:] for line in said] == ["//nb:d", "|- //nb:b", "|  `- //nb:a", "`- //nb:c"]


def test_a_name_cannot_end_a_line_or_move_the_cursor() -> None:
    graph = graph_of([cell(Label("nb", "two\nlines\x1b[2J"))])
    assert lines("tree", everything(graph)) == ["         //nb:two\\nlines\\x1b[2J"]


def test_what_is_too_deep_for_a_terminal_begins_at_the_left_again() -> None:
    depth = 3 * DEEPEST
    cells = [cell("c0"), *(cell(f"c{i}", {f"c{i - 1}": "x"}) for i in range(1, depth))]
    said = [line[9:] for line in lines("tree", everything(graph_of(cells, shown=(Kind.CELL,))))]
    assert max(len(line) for line in said) < 3 * DEEPEST + 40
    at_the_left = [line for line in said if line.startswith("/")]
    assert at_the_left == [
        f"//nb:c{depth - 1}",
        f"//nb:c{depth - 1 - DEEPEST}  (from above)",
        f"//nb:c{depth - 1 - 2 * DEEPEST}  (from above)",
    ]
    assert sum(line.endswith("  (below)") for line in said) == 2


def test_a_cell_that_was_put_off_is_drawn_once() -> None:
    """Though it is needed near the top as well."""
    depth = DEEPEST + 5
    cells = [cell("c0"), *(cell(f"c{i}", {f"c{i - 1}": "x"}) for i in range(1, depth))]
    cells.append(cell("top", {f"c{depth - 1}": "x", "c5": "x"}))
    said = [line[9:] for line in lines("tree", everything(graph_of(cells, shown=(Kind.CELL,))))]
    assert sum(line.endswith("//nb:c1") for line in said) == 1
    found = [line.strip(" │└─") for line in said if re.search("//nb:c5( |$)", line)]
    assert found == ["//nb:c5  (below)", "//nb:c5  (below)", "//nb:c5  (from above)"]


NUMBERS = range(8)


@given(st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)), max_size=24))
def test_every_node_is_there_and_every_edge_once(edges: list[tuple[int, int]]) -> None:
    """Whatever the graph, cycles and all."""
    needs: dict[str, dict[str, str]] = {f"c{i}": {} for i in NUMBERS}
    for reader, producer in edges:
        needs[f"c{reader}"][f"c{producer}"] = "x"
    answer = everything(graph_of([cell(n, near) for n, near in needs.items()], shown=(Kind.CELL,)))
    found = _edges_drawn(answer)
    assert sorted(found) == sorted(
        (reader, node) for reader, near in answer.edges().items() for node in near
    )
    said = text("tree", answer)
    assert all(str(node) in said for node in answer.nodes)


def _edges_drawn(answer: Answer) -> list[tuple[Node, Node]]:
    """Read off the lines: each but those at the left has its reader above it."""
    found: list[tuple[Node, Node]] = []
    way: list[Node] = []
    for line in lines("tree", answer):
        left, _, name = line[9:].partition("//nb:")
        node = label(name.partition(" ")[0])
        depth = len(left) // 3
        del way[depth:]
        if way:
            found.append((way[-1], node))
        way.append(node)
    return found


@pytest.mark.parametrize("chains", [1, 50])
def test_five_thousand_cells_are_no_recursion(chains: int) -> None:
    """And each is drawn once, or twice where it is too deep."""
    length = 5000 // chains
    reads = [{f"c{i - 1}": "x"} if i % length else None for i in range(5000)]
    cells = [cell(f"c{i}", near) for i, near in enumerate(reads)]
    said = lines("tree", everything(graph_of(cells, shown=(Kind.CELL,))))
    drawn_once = [line.partition("//nb:")[2] for line in said if not line.endswith("(below)")]
    assert sorted(name.partition(" ")[0] for name in drawn_once) == sorted(
        one.label.name for one in cells
    )
