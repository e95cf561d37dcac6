"""Builds of nothing, under a clock that ticks with every look at it, profiled."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strata.cli.profiling import Recorder
from strata.cli.stopwatch import Stopwatch
from strata.console.trace import trace_json
from strata.core.action import USUAL, ReadyAction, Resources, first_action
from strata.core.events import CellRetried, CellStarted, unheard
from strata.core.result import ActionResult, CellFailure, FailureKind, Output
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.executors.base import Cancellation, Executor, Released
from strata.executors.caching import CachingExecutor
from strata.stores.memory import MemoryJournal, MemoryStore
from tests.console import traces
from tests.execution.graphs import graph_of
from tests.factories import label

TICK_NS = 1_000_000

FAILURE = CellFailure(FailureKind.EXCEPTION, "ValueError", "no")


class Ticking:
    """A clock on which every look takes a millisecond. Safe for threads."""

    def __init__(self) -> None:
        self._ticks = itertools.count(7 * TICK_NS, TICK_NS)

    def __call__(self) -> int:
        return next(self._ticks)


@dataclass
class Cells:
    """Runs every action, as an executor of processes does; the cells in `failing` fail."""

    recorder: Recorder
    released: Callable[[ReadyAction], None]
    store: MemoryStore = field(default_factory=MemoryStore)
    failing: frozenset[str] = frozenset()
    raising: frozenset[str] = frozenset()
    attempts: int = 1
    duration_s: float = 0.0005
    emit: Callable[..., None] = unheard

    def run(self, ready: ReadyAction) -> ActionResult:
        name = ready.label.name
        for attempt in range(1, self.attempts + 1):
            self.emit(CellStarted(ready.label, "local", "never built"))
            if attempt < self.attempts:
                self.emit(CellRetried(ready.label, attempt, FAILURE))
        if name in self.raising:
            raise RuntimeError("a bug")
        if name in self.failing:
            return ActionResult(error=FAILURE, duration_s=self.duration_s)
        self.released(ready)
        outputs = {name: Output(self.store.put(name.encode()), "")}
        return ActionResult(outputs, duration_s=self.duration_s)


def built(
    needs: Mapping[str, Sequence[str]],
    *,
    jobs: int = 1,
    broken: Iterable[str] = (),
    failing: Iterable[str] = (),
    raising: Iterable[str] = (),
    attempts: int = 1,
    duration_s: float = 0.0005,
    again: bool = False,
    resources: Resources = USUAL,
) -> traces.Trace:
    """The trace of a build of everything; `again`: of one that finds everything in the cache."""
    recorder = Recorder(Stopwatch(Ticking(), lambda: 1000.0))
    emit, store, released = recorder.hearing(unheard), MemoryStore(), Released()
    cells = Cells(
        recorder,
        recorder.releasing(released),
        recorder.store(store),
        frozenset(failing),
        frozenset(raising),
        attempts,
        duration_s,
        emit,
    )
    machine: Executor = recorder.machine(cells)
    timed = recorder.store(store)
    caching = CachingExecutor(machine, timed, emit)
    graph, journal = graph_of(needs, broken), MemoryJournal()
    # Cells of their own, as they have keys of their own.
    nodes = {
        at: replace(first_action(node), provenance={"a": str(at)}, resources=resources)
        for at, node in graph.nodes.items()
    }
    graph = replace(graph, nodes=nodes)
    for round_ in range(1 + again):
        around = Surroundings(
            caching, journal, emit, Cancellation(), lambda: 0.0,
            answer=caching.answer, released=released,
        )  # fmt: skip
        if round_ == again:
            around = recorder.surroundings(around, graph)
            recorder.phase("build")
        try:
            build(graph, [label(name) for name in needs], BuildOptions(jobs), around)
        except RuntimeError:
            assert raising
    return traces.read(trace_json(recorder.watch.timeline()))
