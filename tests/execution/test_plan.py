"""The plan: inputs first, everything settled once, longest path first, and opened again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.core.action_graph import ActionGraph
from strata.core.label import Label
from strata.execution.plan import Plan, State
from tests.execution.graphs import graph_of, names, needs
from tests.factories import label

Needs = Mapping[str, Sequence[str]]


def plan_of(given: Needs, *wanted: str, broken: Sequence[str] = ()) -> Plan:
    return planned(graph_of(given, broken), [label(w) for w in wanted or given])


def planned(graph: ActionGraph, wanted: Sequence[Label]) -> Plan:
    return Plan(graph, graph.reachable(wanted))


def ready_order(given: Needs, *wanted: str) -> list[str]:
    """The order in which one worker starts what nothing fails in."""
    plan = plan_of(given, *wanted)
    started = []
    while (at := plan.pop_ready()) is not None:
        started.append(at.name)
        plan.finish(at)
    assert plan.finished
    return started


# Any graph, any width, any failures.


class Worker:
    """Drives a plan as the engine does, and checks every answer of it."""

    def __init__(self, given: Needs, wanted: list[str], data: st.DataObject) -> None:
        self.needs = given
        self.data = data
        self.plan = plan_of(given, *wanted)
        self.running: list[Label] = []
        self.settled: Counter[Label] = Counter()
        self.reopened: Counter[Label] = Counter()

    def start(self, width: int) -> None:
        while len(self.running) < width and (at := self.plan.pop_ready()) is not None:
            assert at not in self.running
            below = [label(n) for n in self.needs[at.name]]
            assert all(self.plan.state_of(b) is State.DONE for b in below), "inputs come first"
            self.running.append(at)

    def end_one(self, may_fail: bool) -> None:
        at = self.running.pop(self.data.draw(st.integers(0, len(self.running) - 1)))
        self.settled[at] += 1
        if may_fail and self.data.draw(st.booleans()):
            for skipped in self.plan.fail(at):
                self.settled[skipped.label] += 1
                assert skipped.because == at
                assert skipped.label not in self.running
        else:
            self.plan.finish(at)

    def reopen_one(self) -> None:
        done = [s for s in self.plan.labels if self.plan.state_of(s) is State.DONE]
        if not done:
            return
        at = self.data.draw(st.sampled_from(done))
        was_running = set(self.running)
        found = self.plan.reopen(at)
        assert found[0] == at
        assert len(set(found)) == len(found)
        self.running = [r for r in self.running if r not in found]
        for one in found:
            if one not in was_running and self.settled[one] > self.reopened[one]:
                self.reopened[one] += 1

    def run(self, width: int, *, may_fail: bool = False, reopenings: int = 0) -> None:
        while True:
            self.start(width)
            if not self.running:
                break
            if reopenings and self.data.draw(st.booleans()):
                reopenings -= 1
                self.reopen_one()
            else:
                self.end_one(may_fail)
        assert self.plan.finished, "nothing runs, nothing is ready, and all is settled"


@settings(max_examples=60)
@given(needs(), st.integers(1, 4), st.data())
def test_every_reachable_label_is_settled_exactly_once_after_its_inputs(
    given_needs: dict[str, list[str]], width: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.sampled_from(sorted(given_needs)), min_size=1, unique=True))
    worker = Worker(given_needs, wanted, data)
    worker.run(width, may_fail=True)
    assert dict(worker.settled) == dict.fromkeys(worker.plan.labels, 1)
    for name, below in given_needs.items():
        if label(name) in worker.plan.labels:
            states = {worker.plan.state_of(label(b)) for b in below}
            skipped = worker.plan.state_of(label(name)) is State.SKIPPED
            assert skipped == bool(states & {State.FAILED, State.SKIPPED})


@settings(max_examples=60)
@given(needs(), st.integers(1, 4), st.data())
def test_a_plan_that_is_reopened_at_any_moment_still_ends(
    given_needs: dict[str, list[str]], width: int, data: st.DataObject
) -> None:
    worker = Worker(given_needs, list(given_needs), data)
    worker.run(width, reopenings=3)
    assert {worker.plan.state_of(s) for s in worker.plan.labels} == {State.DONE}
    assert all(worker.settled[s] == 1 + worker.reopened[s] for s in worker.plan.labels)


@settings(max_examples=60)
@given(needs(), st.integers(1, 4), st.data())
def test_a_plan_that_is_stopped_at_any_moment_starts_nothing_more(
    given_needs: dict[str, list[str]], width: int, data: st.DataObject
) -> None:
    worker = Worker(given_needs, list(given_needs), data)
    for _ in range(data.draw(st.integers(0, 4))):
        worker.start(width)
        if worker.running:
            worker.end_one(may_fail=False)
    for stopped in worker.plan.stop():
        worker.settled[stopped] += 1
    assert worker.plan.pop_ready() is None
    while worker.running:
        worker.end_one(may_fail=True)
    assert worker.plan.pop_ready() is None
    assert worker.plan.finished
    assert dict(worker.settled) == dict.fromkeys(worker.plan.labels, 1)


@settings(max_examples=60)
@given(needs(), st.data())
def test_the_longest_remaining_path_goes_first_then_definition_order(
    given_needs: dict[str, list[str]], data: st.DataObject
) -> None:
    def height(name: str) -> int:
        above = [n for n, below in given_needs.items() if name in below]
        return 1 + max(map(height, above), default=0)

    plan = plan_of(given_needs)
    position = {name: i for i, name in enumerate(given_needs)}
    while not plan.finished:
        ready = [s.name for s in plan.labels if plan.state_of(s) is State.READY]
        first = min(ready, key=lambda n: (-height(n), position[n]))
        at = plan.pop_ready()
        assert at is not None
        assert at.name == first
        plan.finish(at)


# By hand.


def test_only_what_is_wanted_and_what_it_needs_is_in_the_plan() -> None:
    plan = plan_of({"a": [], "b": ["a"], "c": ["a"], "d": []}, "b")
    assert names(plan.labels) == ["a", "b"]


def test_what_is_wanted_and_unknown_or_builds_nothing_is_left_out() -> None:
    plan = planned(graph_of({"a": []}), [label("a"), label("markdown")])
    assert names(plan.labels) == ["a"]


def test_the_critical_path_is_started_first() -> None:
    given = {"x": [], "y": [], "a": [], "b": ["a"], "c": ["b"]}
    assert ready_order(given) == ["a", "b", "x", "y", "c"]


def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    plan = plan_of({"a": [], "b": [], "c": ["a"], "d": ["c"], "e": ["b"]})
    at = plan.pop_ready()
    assert at == label("a")
    skipped = plan.fail(label("a"))
    assert [(s.label.name, s.because.name) for s in skipped] == [("c", "a"), ("d", "a")]
    assert plan.state_of(label("e")) is State.WAITING


def test_a_broken_label_is_ready_and_may_fail_before_anything_starts() -> None:
    plan = plan_of({"a": [], "b": ["a"]}, broken=["a"])
    assert [s.label.name for s in plan.fail(label("a"))] == ["b"]
    assert plan.finished
    assert plan.pop_ready() is None


def test_what_needs_something_that_builds_nothing_does_not_wait_for_it() -> None:
    plan = planned(graph_of({"a": ["markdown"]}), [label("a")])
    assert plan.pop_ready() == label("a")


def test_reopening_opens_all_above_and_only_the_label_is_ready() -> None:
    plan = plan_of({"a": [], "b": ["a"], "c": ["b"], "z": []})
    for name in ("a", "b", "c", "z"):
        assert plan.pop_ready() == label(name)
        plan.finish(label(name))
    assert names(plan.reopen(label("a"))) == ["a", "b", "c"]
    assert not plan.finished
    assert plan.state_of(label("z")) is State.DONE
    assert plan.pop_ready() == label("a")
    assert plan.pop_ready() is None


def test_reopening_leaves_what_failed_or_was_skipped() -> None:
    plan = plan_of({"a": [], "b": ["a"], "c": ["b"], "d": ["a"]})
    plan.pop_ready()
    plan.finish(label("a"))
    assert plan.pop_ready() == label("b")
    plan.fail(label("b"))
    assert plan.pop_ready() == label("d")
    assert names(plan.reopen(label("a"))) == ["a", "d"]
    assert plan.state_of(label("b")) is State.FAILED
    assert plan.state_of(label("c")) is State.SKIPPED


@pytest.mark.parametrize("misuse", ["finish", "reopen"])
def test_what_does_not_run_cannot_end_and_what_is_not_done_cannot_be_reopened(misuse: str) -> None:
    with pytest.raises(AssertionError):
        getattr(plan_of({"a": []}), misuse)(label("a"))


def test_a_cycle_is_a_bug_of_who_made_the_graph() -> None:
    with pytest.raises(AssertionError, match="cycle"):
        plan_of({"a": ["b"], "b": ["a"]})


def test_thousands_of_labels_in_a_chain_and_in_a_fan() -> None:
    count = 2000
    chain = {f"n{i}": [f"n{i - 1}"] if i else [] for i in range(count)}
    assert ready_order(chain) == list(chain)
    fan = {"root": [], **{f"n{i}": ["root"] for i in range(count)}}
    plan = plan_of(fan)
    assert plan.pop_ready() == label("root")
    assert len(plan.fail(label("root"))) == count
    assert plan.finished
