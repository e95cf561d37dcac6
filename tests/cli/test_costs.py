"""What a build is said to have spent its time on, and what would help."""

from __future__ import annotations

from typing import Any

import pytest

from strata.cli.costs import Account, Calls, CellTime, Cost, Transfer, costs
from strata.execution import explain


def account(*cells: CellTime, **others: Any) -> Account:
    """A build of 100 s with two slots, all of it building."""
    said = {"duration_s": 100.0, "build_s": 100.0, "jobs": 2, "cores": 8} | others
    return Account("trace", 0.0, asked=("//...",), cells=cells, cells_in_all=len(cells), **said)


def ran(name: str, run_s: float, **others: Any) -> CellTime:
    return CellTime(f"//nb:{name}", "ran", run_s, run_s, **others)


def only(found: list[Cost], kind: str) -> Cost:
    (one,) = [cost for cost in found if cost.kind == kind]
    return one


def test_a_cell_of_the_critical_path_counts_in_full_and_says_its_share() -> None:
    found = costs(account(ran("fit", 41, critical=True), ran("prep", 25, critical=True)))
    assert [cost.label for cost in found] == ["//nb:fit", "//nb:prep"]
    assert found[0].said == "//nb:fit ran 41.0 s, 62 % of the critical path"
    assert found[0].help.startswith("split it")


def test_a_cell_beside_the_critical_path_costs_nothing_where_there_are_slots() -> None:
    found = costs(account(ran("fit", 41, critical=True), ran("plot", 40)))
    assert [cost.label for cost in found] == ["//nb:fit"]


def test_a_cell_beside_the_critical_path_costs_its_share_where_others_waited() -> None:
    cells = ran("fit", 41, critical=True), ran("plot", 40)
    found = costs(account(*cells, waiting=[(30.0, 30.0)], most_at_once=3))
    plot = next(cost for cost in found if cost.label == "//nb:plot")
    assert plot.wall_s == pytest.approx(20)


def test_hits_and_what_was_skipped_are_no_costs() -> None:
    cells = [CellTime(f"//nb:{s}", s, 50.0, critical=True) for s in ("cached", "skipped")]
    assert [c.kind for c in costs(account(*cells)) if c.kind == "cell"] == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (ran("a", 9, critical=True, reason=explain.NOT_CACHED), "@nocache"),
        (ran("a", 9, critical=True, reason=explain.FORCED), "--force"),
        (ran("a", 9, critical=True, attempts=3), "`strata log //nb:a`"),
        (ran("a", 0.9, critical=True), "nothing: it is short"),
    ],
)
def test_the_help_is_for_why_the_cell_ran(cell: CellTime, said: str) -> None:
    found = only(costs(account(cell, duration_s=10.0)), "cell")
    assert said in found.help


def test_attempts_are_said() -> None:
    found = only(costs(account(ran("a", 9, critical=True, attempts=3))), "cell")
    assert found.said.startswith("//nb:a ran 9.0 s in 3 attempts")


class TestWaiting:
    def test_more_slots_are_named_as_many_as_would_be_used(self) -> None:
        waits = [(10.0, 10.0)] * 3
        found = only(costs(account(ran("a", 10), waiting=waits, most_at_once=5)), "waiting")
        assert found.said == "3 cells waited for a slot, 30.0 s in all"
        assert found.help == "-j5"
        assert found.count == 3

    def test_no_more_slots_are_named_than_there_are_cores(self) -> None:
        found = account(ran("a", 10), waiting=[(10.0, 10.0)], most_at_once=50)
        assert only(costs(found), "waiting").help == "-j8"

    def test_where_all_cores_have_slots_it_takes_another_machine(self) -> None:
        found = account(ran("a", 10), waiting=[(10.0, 10.0)], most_at_once=50, jobs=8)
        assert "a machine with more cores" in only(costs(found), "waiting").help

    def test_it_costs_no_more_than_the_build_is_longer_than_its_critical_path(self) -> None:
        cell = ran("a", 96, critical=True)
        found = account(cell, waiting=[(90.0, 90.0)] * 20, most_at_once=20)
        assert only(costs(found), "waiting").wall_s == pytest.approx(4)

    def test_what_others_took_of_the_machine_is_said_where_cells_ask_for_it(self) -> None:
        waits = [(10.0, 0.0)] * 2
        assert not [c for c in costs(account(ran("a", 10), waiting=waits)) if c.kind == "room"]
        found = only(costs(account(ran("a", 10), waiting=waits, asks_for_room=True)), "room")
        assert found.said.startswith("2 cells waited for cores, memory or GPUs")
        assert "@resources" in found.help


class TestStarting:
    CELLS = tuple(ran(f"c{i}", 0.05, critical=True) for i in range(900))

    def test_starting_processes_is_said_once_and_not_for_each_cell(self) -> None:
        found = costs(account(*self.CELLS))
        assert [cost.kind for cost in found] == ["starting"]
        assert found[0].said == (
            "starting and ending processes took about 45.0 s for 900 cells, 50.0 ms each"
        )

    def test_warm_runners_are_named_where_they_are_off(self) -> None:
        assert "warm" in only(costs(account(*self.CELLS, warm="off")), "starting").help
        assert "warm" not in only(costs(account(*self.CELLS, warm="build")), "starting").help

    def test_nothing_is_concluded_from_a_few_cells(self) -> None:
        assert {cost.kind for cost in costs(account(*self.CELLS[:4]))} <= {"cell"}

    def test_nothing_is_concluded_where_every_cell_is_slow(self) -> None:
        cells = [ran(f"c{i}", 0.5, critical=True) for i in range(20)]
        assert {cost.kind for cost in costs(account(*cells, duration_s=10.0))} == {"cell"}

    def test_each_environment_has_its_own(self) -> None:
        slow = [ran(f"s{i}", 0.8, critical=True, environment="//iris") for i in range(9)]
        found = costs(account(*self.CELLS, *slow))
        assert [cost.said.endswith("of //iris, 0.8 s each") for cost in found] == [False, True]


def test_what_was_stored_is_said_with_its_size_and_variable() -> None:
    sent = Transfer("//prep:big", "df", 4_500_000_000, 9.0, critical=True)
    found = only(costs(account(stored=[sent])), "storing")
    assert found.said == "4.2 GiB were stored in 9.0 s for //prep:big%df"
    assert found.size_bytes == 4_500_000_000


def test_an_environment_that_was_made_is_said_and_one_that_was_there_is_not() -> None:
    found = costs(account(environments={"//iris": 22.0, "//words": 0.01}))
    assert only(found, "environment").said.startswith("the environment of //iris was made")


def test_calls_that_are_slow_get_advice_and_others_none() -> None:
    slow, quick = Calls(100, 20.0, 20.0), Calls(1_000_000, 20.0, 20.0)
    found = costs(account(calls={"look-up": slow, "journal": quick}))
    assert only(found, "look-up").said == "100 questions to the cache took 20.0 s"
    assert "[cache] dir" in only(found, "look-up").help
    assert only(found, "journal").help.startswith("nothing that you can change")


@pytest.mark.parametrize(
    "name", ["start", "load", "scan", "join", "environments", "analyze", "open", "save", "close",
             "verify", "of a newer Strata"],
)  # fmt: skip
def test_every_phase_that_is_long_is_said(name: str) -> None:
    found = only(costs(account(phases={name: 50.0})), f"phase:{name}")
    assert "50.0 s" in found.said


def test_of_the_phase_in_which_cells_run_only_the_rest_counts() -> None:
    found = costs(account(phases={"build": 100.0}, idle_s=30.0))
    assert only(found, "engine").wall_s == 30.0


def test_what_took_less_than_a_hundredth_is_not_said() -> None:
    assert costs(account(ran("a", 0.9, critical=True))) == []


def test_what_cost_most_comes_first() -> None:
    cells = [ran(f"c{i}", float(i), critical=True) for i in (3, 9, 5)]
    assert [cost.seconds for cost in costs(account(*cells))] == [9, 5, 3]
