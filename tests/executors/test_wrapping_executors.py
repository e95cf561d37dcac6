"""Caching, retrying, dispatching and planning: what ran, and who answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from strata.core.action import ActionKey, ReadyAction, make_ready
from strata.core.errors import ExecutorError, StoreUnreachable
from strata.core.events import CellRetried, Event, Notice
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, FailureKind, Output
from strata.executors.base import NotCached
from strata.executors.caching import CachingExecutor
from strata.executors.dispatching import DispatchingExecutor
from strata.executors.planning import PlanningExecutor
from strata.executors.retrying import RetryingExecutor
from strata.stores.memory import MemoryStore
from tests.executors.executor_bench import make_action, wait_for


class Toy:
    """Runs an action by giving what `answer` says; keeps a log."""

    def __init__(self, answer: Callable[[ReadyAction], ActionResult]) -> None:
        self.answer = answer
        self.log: list[str] = []

    def run(self, ready: ReadyAction) -> ActionResult:
        self.log.append(str(ready.label))
        return self.answer(ready)


def ready(source: str = "x", **changes: object) -> ReadyAction:
    return make_ready(make_action(source, **changes), {})


def failed(kind: FailureKind = FailureKind.EXCEPTION) -> ActionResult:
    return ActionResult(error=CellFailure(kind, "E", "no"))


class Case:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.events: list[Event] = []
        self.toy = Toy(lambda _: ActionResult({"x": Output(self.store.put(b"1"), "json")}))
        self.forced: set[Label] = set()
        self.executor = CachingExecutor(
            self.toy,
            self.store,
            self.events.append,
            lambda r: r.label in self.forced,
        )

    def run(self, **changes: object) -> str | None:
        return self.executor.run(ready(**changes)).cache  # type: ignore[arg-type]


def test_what_ran_once_is_a_hit_for_every_cell_with_that_key() -> None:
    case = Case()
    assert case.run() is None
    assert case.run() == "local"
    assert case.run(label=Label("other", "cell")) == "local"
    assert case.run(source="y") is None
    assert case.toy.log == ["//nb:cell", "//nb:cell"]


def test_what_is_recorded_is_answered_without_running_and_the_rest_is_not() -> None:
    case = Case()
    assert case.executor.answer(ready()) is None
    case.run()
    found = case.executor.answer(ready())
    assert found is not None
    assert found.cache == "local"
    assert case.executor.answer(ready("y")) is None
    assert case.executor.answer(ready(cacheable=False)) is None
    case.forced.add(ready().label)
    assert case.executor.answer(ready()) is None
    assert len(case.toy.log) == 1


def test_what_is_being_run_is_no_answer_yet_and_nobody_waits_for_it() -> None:
    case = Case()
    answers: list[ActionResult | None] = []
    inner = case.toy.answer

    def asking(at: ReadyAction) -> ActionResult:
        answers.append(case.executor.answer(at))
        return inner(at)

    case.toy.answer = asking
    case.run()
    assert answers == [None]


def test_a_failure_is_not_recorded() -> None:
    case = Case()
    case.toy.answer = lambda _: failed()
    assert case.run() is None
    assert case.run() is None
    assert len(case.toy.log) == 2
    assert case.store._results == {}


def test_what_may_not_be_cached_always_runs_and_is_not_recorded() -> None:
    case = Case()
    assert case.run(cacheable=False) is None
    assert case.run(cacheable=False) is None
    assert len(case.toy.log) == 2
    assert case.store._results == {}


def test_what_is_forced_runs_and_is_recorded() -> None:
    case = Case()
    case.run()
    case.forced.add(Label("nb", "cell"))
    assert case.run() is None
    case.forced.clear()
    assert case.run() == "local"
    assert len(case.toy.log) == 2


def test_a_result_whose_blobs_are_gone_is_a_miss() -> None:
    case = Case()
    case.run()
    case.store._blobs.clear()
    assert case.run() is None
    assert case.run() == "local"


def test_a_hit_moves_no_bytes() -> None:
    case = Case()
    case.run()
    case.store.get = case.store.put = None  # type: ignore[method-assign, assignment]
    assert case.run() == "local"


def test_who_answered_is_kept_when_the_cache_says_it() -> None:
    case = Case()
    case.run()
    key, result = case.store._results.popitem()
    case.store._results[key] = result.answered_by("remote")
    assert case.run() == "remote"


def two_at_once(case: Case, answer: Callable[[], ActionResult]) -> list[ActionResult]:
    """Runs two cells of one key, the second asking while the first runs."""
    inside, leave = threading.Event(), threading.Event()

    def hold(_: ReadyAction) -> ActionResult:
        inside.set()
        assert leave.wait(10)
        return answer()

    case.toy.answer = hold
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(case.executor.run, ready(label=Label("nb", "one")))
        assert inside.wait(10)
        second = pool.submit(case.executor.run, ready(label=Label("nb", "two")))
        (flight,) = case.executor._flights.values()
        wait_for(lambda: bool(flight.landed._cond._waiters))  # type: ignore[attr-defined]
        leave.set()
        return [first.result(10), second.result(10)]


def test_two_cells_with_one_key_at_once_run_once() -> None:
    case = Case()
    first, second = two_at_once(
        case, lambda: ActionResult({"x": Output(case.store.put(b"1"), "j")})
    )
    assert (first.cache, second.cache) == (None, "local")
    assert case.toy.log == ["//nb:one"]
    assert case.executor._flights == {}


def test_if_the_first_of_two_fails_the_second_gets_its_own_try() -> None:
    case = Case()
    first, second = two_at_once(case, failed)
    assert first.error is not None
    assert second.error is not None
    assert case.toy.log == ["//nb:one", "//nb:two"]


def test_if_the_first_of_two_raises_the_second_gets_its_own_try() -> None:
    case = Case()

    def broken() -> ActionResult:
        if len(case.toy.log) == 1:
            raise ExecutorError("no")
        return ActionResult()

    with pytest.raises(ExecutorError):
        two_at_once(case, broken)
    wait_for(lambda: case.executor._flights == {})
    assert case.toy.log == ["//nb:one", "//nb:two"]


@pytest.mark.parametrize("operation", ["lookup", "record", "missing"])
def test_a_cache_that_fails_costs_one_warning_and_no_result(operation: str) -> None:
    case = Case()
    case.run(source="before")

    def full(*_: object) -> None:
        raise StoreUnreachable("no space left on device")

    setattr(case.store, operation, full)
    for source in ("before", "y", "z"):
        assert case.executor.run(ready(source)).error is None
    warnings = [e for e in case.events if isinstance(e, Notice) and e.level == "warning"]
    assert len(warnings) == 1
    assert "no space left" in warnings[0].message


def test_a_dry_run_asks_the_same_question_and_runs_nothing() -> None:
    case = Case()
    case.run()
    dry = CachingExecutor(PlanningExecutor(), case.store, case.events.append)
    assert dry.run(ready()).cache == "local"
    with pytest.raises(NotCached) as raised:
        dry.run(ready("y"))
    assert raised.value.ready == ready("y")
    with pytest.raises(NotCached):
        dry.run(ready(cacheable=False))
    assert dry._flights == {}


# -- retrying -----------------------------------------------------------------------------------


def retry(answers: list[ActionResult], retries: int) -> tuple[ActionResult, list[int]]:
    events: list[Event] = []
    answering = iter(answers)
    executor = RetryingExecutor(Toy(lambda _: next(answering)), events.append)
    result = executor.run(ready(retries=retries))
    assert next(answering, None) is None, "fewer attempts than answers"
    return result, [e.attempt for e in events if isinstance(e, CellRetried)]


def test_a_failed_cell_is_tried_again_as_often_as_it_asked() -> None:
    assert retry([failed()], 0)[1] == []
    well, attempts = retry([failed(), failed(FailureKind.CRASH), ActionResult()], 5)
    assert well.error is None
    assert attempts == [1, 2]
    ill, attempts = retry([failed(), failed(FailureKind.TIMEOUT), failed(FailureKind.EXIT)], 2)
    assert ill.error is not None
    assert ill.error.kind is FailureKind.EXIT
    assert attempts == [1, 2]


@pytest.mark.parametrize(
    "kind",
    [FailureKind.CANCELLED, FailureKind.INPUT, FailureKind.INTERRUPT, FailureKind.INFRASTRUCTURE],
)
def test_what_would_be_the_same_again_is_not_tried_again(kind: FailureKind) -> None:
    assert retry([failed(kind)], 3)[1] == []


# -- dispatching --------------------------------------------------------------------------------


def test_an_action_goes_to_its_worker() -> None:
    here, there = Toy(lambda _: ActionResult()), Toy(lambda _: ActionResult(worker="gpu-fly"))
    executor = DispatchingExecutor({"local": here, "gpu-fly": there})
    assert executor.run(ready(worker="gpu-fly")).worker == "gpu-fly"
    assert (here.log, there.log) == ([], ["//nb:cell"])
    with pytest.raises(ExecutorError, match="no worker 'gpufly'") as raised:
        executor.run(ready(worker="gpufly"))
    assert raised.value.hint == "did you mean 'gpu-fly'?"


def test_keys_are_the_same_whoever_runs_them() -> None:
    key: ActionKey = ready(worker="gpu").key
    assert key == ready().key
