"""What runs beside what, and what an engine does not do for cells that are up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.core.action import ReadyAction, Resources
from strata.core.label import Label
from strata.core.result import ActionResult
from strata.execution.room import Capacity
from strata.execution.threads import Threads
from strata.executors.base import Executor
from strata.stores.base import Brief, BuildRecord, Journal, Run
from tests.execution.graphs import needs
from tests.execution.toy import (
    Do,
    Given,
    ToyExecutor,
    Values,
    World,
    cell,
    chain,
    constant,
    edited,
    statuses,
)
from tests.factories import label

# A hit costs no thread and no look into the journal.


class CountingJournal:
    """Says what was asked of a journal."""

    def __init__(self, inner: Journal) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def last(self, at: Label) -> Run | None:
        self.asked.append(f"last {at.name}")
        return self._inner.last(at)

    def history(self, at: Label) -> list[Run]:
        self.asked.append(f"history {at.name}")
        return self._inner.history(at)

    def briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        self.asked.append("briefs")
        return self._inner.briefs(labels)

    def append(self, at: Label, run: Run) -> None:
        self.asked.append(f"append {at.name}")
        self._inner.append(at, run)

    def add_build(self, build: BuildRecord) -> None:
        self.asked.append("add_build")
        self._inner.add_build(build)


def test_a_build_that_is_up_to_date_asks_the_journal_once_and_writes_one_record() -> None:
    world = World(a=cell(), b=cell("a", touches=("file:x",)), it=chain("it", 3))
    world.build()
    world.journal = journal = CountingJournal(world.journal)
    world.build()
    assert journal.asked == ["briefs", "add_build"]


def test_one_cell_that_runs_asks_for_the_history_of_that_cell_alone() -> None:
    world = World(a=cell(), b=cell("a", do=constant(b="same")), c=cell("b"))
    world.build()
    edited(world, b="2")
    world.journal = journal = CountingJournal(world.journal)
    world.build()
    assert world.ran == ["b"]
    assert journal.asked == ["briefs", "last b", "history b", "append b", "add_build"]


def test_a_hit_after_another_run_of_the_same_build_is_written() -> None:
    """What was read at the start is not what the journal says later."""
    made = iter(["first", "second", "first"])
    world = World(a=cell(do=lambda given: {"a": next(made)}), b=cell("a"), c=cell("a"))
    world.build()
    edited(world, b="2")
    world.before["b"] = lambda: world.lose("first")
    world.build()
    assert world.last("c").status == "ran"
    assert [r.status for r in world.journal.history(label("a"))] == ["ran", "ran"]


def test_a_hit_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(a=cell(), b=cell("a"), it=chain("it", 3))
    world.build()
    monkeypatch.delattr(Threads, "submit")
    assert set(statuses(world.build()).values()) == {"cached"}


def test_a_chain_of_thousands_of_hits_is_no_recursion() -> None:
    world = World(it=chain("it", 2000, do=constant(it="x")))
    world.build()
    world.build()
    assert world.ran == []


# Durations.


def test_what_took_longest_when_it_last_ran_goes_first() -> None:
    world = World(a=cell(), b=cell(), c=cell())
    world.build(executor=_Lasting(world, {"b": 60.0, "c": 5.0}))
    edited(world, a="2", b="2", c="2")
    world.build()
    assert world.ran == ["b", "c", "a"]


def test_a_cell_that_never_ran_is_expected_to_take_as_long_as_others() -> None:
    world = World(a=cell(), b=cell(), c=cell())
    world.build(executor=_Lasting(world, {"a": 1.0, "b": 60.0, "c": 90.0}))
    edited(world, a="2", b="2", c="2")
    world.cells["new"] = cell()
    world.build()
    assert world.ran == ["c", "b", "new", "a"]


class _Lasting:
    """Runs toy cells that say how long they took."""

    def __init__(self, world: World, seconds: dict[str, float]) -> None:
        self._inner = ToyExecutor(world)
        self._seconds = seconds

    def run(self, ready: ReadyAction) -> ActionResult:
        from dataclasses import replace

        result = self._inner.run(ready)
        return replace(result, duration_s=self._seconds.get(ready.label.name, 0.5))


# Room on the machine.


class Together:
    """Which cells run at once, and the most that they took together."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: set[str] = set()
        self.seen: set[frozenset[str]] = set()

    def of(self, name: str, gate: threading.Event | None = None) -> Do:
        def do(given: Values) -> Given:
            with self.lock:
                self.running.add(name)
                self.seen.add(frozenset(self.running))
            if gate is not None:
                assert gate.wait(10)
            with self.lock:
                self.running.discard(name)
            return {name: name}

        return do


resources = st.builds(
    Resources,
    st.sampled_from([0.5, 1.0, 2.0, 9.0]),
    st.sampled_from([0, 0, 3, 99]),
    st.sampled_from([0, 0, 1]),
)


@settings(max_examples=25, deadline=None)
@given(needs(most=7), st.integers(1, 3), st.data())
def test_any_graph_with_any_needs_is_built_inputs_first_and_within_the_machine(
    given_needs: dict[str, list[str]], jobs: int, data: st.DataObject
) -> None:
    together = Together()
    asks = {name: data.draw(resources) for name in given_needs}
    world = World(**{n: cell(*b, do=together.of(n), needs=asks[n]) for n, b in given_needs.items()})
    world.capacity = Capacity(jobs, cpu=2.0, memory_bytes=4, gpus=1)
    report = world.build(jobs=jobs)
    assert report.success
    for name, below in given_needs.items():
        assert all(world.ran.index(b) < world.ran.index(name) for b in below)
    for group in together.seen:
        if len(group) > 1:
            assert len(group) <= jobs
            assert sum(asks[n].cpu for n in group) <= 2.0
            assert sum(asks[n].memory_bytes for n in group) <= 4
            assert sum(asks[n].gpus for n in group) <= 1


def test_what_asks_for_more_than_there_is_runs_alone_and_it_is_said_once() -> None:
    together = Together()
    world = World(
        a=cell(do=together.of("a")),
        big=cell(do=together.of("big"), needs=Resources(cpu=64, gpus=2)),
        c=cell(do=together.of("c")),
    )
    world.capacity = Capacity(3, gpus=0)
    assert world.build(jobs=3).success
    assert all(group == {"big"} for group in together.seen if "big" in group)
    said = "it asks for more than there is (cpu=64 of 3, gpu=2 of 0), so it runs alone"
    assert world.notices() == [said]
    world.build(jobs=3)
    assert world.notices() == [], "a hit takes nothing"


def test_a_hit_that_would_need_a_busy_gpu_is_answered_while_it_is_busy() -> None:
    on_gpu = Resources(gpus=1)
    world = World(a=cell(needs=on_gpu), b=cell(needs=on_gpu), c=cell("b"))
    world.capacity = Capacity(2, gpus=1)
    world.build(jobs=2)
    edited(world, a="2", c="2")
    c_ran = threading.Event()

    def waits_for_c(given: Values) -> Given:
        assert c_ran.wait(10)
        return {"a": "a"}

    world.cells["a"].do = waits_for_c
    world.after["c"] = c_ran.set
    world.build(jobs=2)
    assert sorted(world.ran) == ["a", "c"]


def test_what_waited_while_another_cell_ended_is_looked_at_again_before_it_runs() -> None:
    """Two cells of equal keys, of which the second had no room: it is a hit by then."""
    both = constant(a="x", b="x")
    on_gpu = Resources(gpus=1)
    world = World(a=cell(do=both, twin="t", needs=on_gpu), b=cell(do=both, twin="t", needs=on_gpu))
    world.capacity = Capacity(2, gpus=1)
    report = world.build(jobs=2)
    assert world.ran == ["a"]
    assert statuses(report) == {"a": "ran", "b": "cached"}


# Storing beside running.


class _Storing:
    """Says that each action has ended, and then stores until `stored` says so."""

    def __init__(
        self,
        world: World,
        stored: dict[str, threading.Event],
        **after_release: Callable[[], None],
    ) -> None:
        self._after_release = after_release
        self._world = world
        self._inner: Executor = ToyExecutor(world)
        self._stored = stored

    def run(self, ready: ReadyAction) -> ActionResult:
        result = self._inner.run(ready)
        self._world.released(ready)
        self._after_release.pop(ready.label.name, lambda: None)()
        gate = self._stored.get(ready.label.name)
        assert gate is None or gate.wait(10)
        return result


@pytest.mark.parametrize("jobs", [1, 2])
def test_another_cell_runs_while_one_stores_what_it_gave(jobs: int) -> None:
    stored = {"a": threading.Event()}
    world = World(a=cell(), b=cell(), c=cell("a"))
    world.after["b"] = stored["a"].set  # with one slot, `a` ends only if `b` gets it
    report = world.build("a", "b", "c", jobs=jobs, executor=_Storing(world, stored))
    assert report.success
    assert sorted(world.ran[:2]) == ["a", "b"]
    assert world.ran[2] == "c"


def test_as_many_store_as_may_run_and_no_more() -> None:
    """Else what is to be stored piles up: `c` begins when `a` is stored, and `b` is not."""
    stored = {"a": threading.Event(), "b": threading.Event()}
    world = World(a=cell(), b=cell(), c=cell())
    storing: list[list[str]] = []

    def begins() -> None:
        storing.append([name for name, gate in stored.items() if not gate.is_set()])
        stored["b"].set()

    world.before["c"] = begins
    assert world.build(executor=_Storing(world, stored, b=stored["a"].set)).success
    assert storing == [["b"]]


def test_a_cell_that_stores_when_the_build_is_stopped_is_kept() -> None:
    stored = {"a": threading.Event()}
    world = World(a=cell(), b=cell(), c=cell("a"), d=cell("c"))

    def stop() -> None:
        world.cancellation.request()
        stored["a"].set()

    world.before["b"] = stop
    report = world.build(executor=_Storing(world, stored))
    assert statuses(report) == {"a": "ran", "b": "skipped", "c": "skipped", "d": "skipped"}
