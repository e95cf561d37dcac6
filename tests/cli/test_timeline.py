"""Who waited, and the longest path: from spans made by hand."""

from __future__ import annotations

from strata.cli.timeline import Settling, critical_path, longest_path, waits
from strata.console.trace import CELL, Span, Wait


def cell(name: str, start: int, end: int, track: int = 1) -> Span:
    return Span(name, CELL, track, start, end)


def test_a_cell_waits_from_the_beginning_of_the_build_where_it_needs_nothing() -> None:
    spans = [cell("a", 10, 20), cell("b", 20, 30)]
    settling = Settling([8], {"a": [21], "b": [31]})
    assert waits(spans, {}, settling, jobs=1) == [Wait("a", 8, 10, 0), Wait("b", 8, 20, 10)]


def test_a_cell_waits_from_the_end_of_the_last_that_it_needs() -> None:
    spans = [cell("a", 0, 20), cell("b", 0, 30, 2), cell("c", 35, 40)]
    settling = Settling([0], {"a": [20], "b": [30]})
    assert waits(spans, {"c": ["a", "b"]}, settling, jobs=2) == [Wait("c", 30, 35, 0)]


def test_a_cell_that_starts_at_once_does_not_wait() -> None:
    assert waits([cell("a", 5, 9)], {}, Settling([5]), jobs=1) == []


def test_only_the_time_in_which_every_slot_is_taken_is_the_slots() -> None:
    spans = [cell("a", 0, 10), cell("b", 0, 30, 2), cell("c", 25, 40)]
    (wait,) = waits(spans, {}, Settling([0]), jobs=2)
    assert wait == Wait("c", 0, 25, 10)


def test_a_cell_that_is_built_again_waits_anew() -> None:
    spans = [cell("a", 0, 10), cell("b", 10, 20), cell("a", 50, 60), cell("b", 61, 70)]
    settling = Settling([0], {"a": [10, 60], "b": [20, 70]})
    found = waits(spans, {"b": ["a"]}, settling, jobs=2)
    assert found == [Wait("a", 10, 50, 0), Wait("b", 60, 61, 0)]


def test_cells_of_a_second_round_wait_from_its_beginning() -> None:
    spans = [cell("a", 0, 10), cell("b", 110, 120)]
    (wait,) = waits(spans, {}, Settling([0, 100]), jobs=1)
    assert wait == Wait("b", 100, 110, 0)


def test_the_critical_path_is_the_longest_chain_and_not_the_longest_cell() -> None:
    spans = [cell("long", 0, 50), cell("a", 0, 30, 2), cell("b", 30, 60, 2)]
    assert [s.name for s in critical_path(spans, {"b": ["a"]})] == ["a", "b"]


def test_a_critical_path_has_all_steps_of_its_cells() -> None:
    spans = [cell("a", 0, 10), cell("b", 10, 11), cell("b", 12, 20)]
    assert [s.start_ns for s in critical_path(spans, {"b": ["a"]})] == [0, 10, 12]


def test_what_was_thrown_away_is_not_on_the_critical_path() -> None:
    spans = [cell("a", 0, 10), cell("b", 10, 19, 2), cell("a", 12, 20), cell("b", 20, 30)]
    assert [s.start_ns for s in critical_path(spans, {"b": ["a"]})] == [0, 12, 20]


def test_where_nothing_ran_there_is_no_critical_path() -> None:
    assert critical_path([Span("load", "phase", 0, 0, 9)], {}) == []


def test_a_deep_chain_is_no_deep_recursion() -> None:
    order = [str(i) for i in range(20_000)]
    needs = {str(i): [str(i - 1)] for i in range(1, 20_000)}
    assert longest_path(order, dict.fromkeys(order, 1.0), needs) == order
