"""The stopwatch of `--profile`: calls, phases and events in, a timeline out.

It knows threads and clocks, and nothing of what it times. Safe for threads. The spans of one thread
are nested by construction. A cell has the lowest slot that is free until its executor says that it
only stores its results; from then on it is on a track of its own.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from strata import __version__
from strata.cli.timeline import Settling, critical_path, waits
from strata.console.trace import (
    BACKGROUND,
    CELL,
    ENGINE,
    OF_CELLS,
    PHASE,
    STORES,
    STORING,
    Span,
    Timeline,
)
from strata.core.action import USUAL, ReadyAction
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass, field
from strata.core.events import BuildFinished, BuildStarted, CellFinished, CellStarted, Emit, Event
from strata.core.result import ActionResult, Output

Given = ParamSpec("Given")
Gives = TypeVar("Gives")

Describe = Callable[[tuple[Any, ...], Any], Mapping[str, object]]
"""What is said of a call: from its arguments and what it gave."""


@dataclass(slots=True)
class _Here:
    """What one thread is at."""

    track: int
    label: str | None = None
    environment: str | None = None
    began_ns: int = 0
    """When its cell came to where it is now: its slot, or storing."""
    stores: bool = False
    started_ns: int | None = None
    """When the process of its cell began."""
    run_track: int = ENGINE
    released_ns: int | None = None
    reason: str = ""
    attempt: int = 0
    inside: list[Span] = field(default_factory=list)
    """What ended since then."""


class _Numbers:
    """Hands out the lowest number from 1 that is free."""

    def __init__(self) -> None:
        self._most = 0
        self._free: list[int] = []

    def take(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        self._most += 1
        return self._most

    def leave(self, number: int) -> None:
        heapq.heappush(self._free, number)


class Stopwatch:
    """Takes the time. One for a command; made in the thread that decides."""

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: nanoseconds, monotonic; `now`: seconds since the epoch."""
        self._clock = clock
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._threads.here = _Here(ENGINE)
        self._background = 0
        self._slots = _Numbers()
        self._storing = _Numbers()
        self._spans: list[Span] = []
        self._phase: tuple[str, int] | None = None
        self._settling = Settling()
        self._finished: dict[str, CellFinished] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        self._origin_ns = clock()
        self.about: dict[str, object] = {"strata": __version__, "started_at": now()}
        """What is said of the whole in the file."""

    def phase(self, name: str) -> None:
        """The command is in the phase `name` from now on."""
        self._end_phase()
        self._phase = name, self._clock()

    def hearing(self, emit: Emit) -> Emit:
        """`emit`, with what it is told noted first."""

        def heard(event: Event) -> None:
            self._hear(event)
            emit(event)

        return heard

    def graph(self, graph: ActionGraph) -> None:
        """Who needs whom in the build that follows."""
        for label, needs in graph.needs.items():
            self._needs[str(label)] = tuple(map(str, needs))

    def timed(
        self,
        function: Callable[Given, Gives],
        name: str,
        category: str,
        describe: Describe | None = None,
    ) -> Callable[Given, Gives]:
        """`function`, each call a span."""

        def call(*args: Given.args, **kwargs: Given.kwargs) -> Gives:
            start_ns = self._clock()
            given: object = None
            try:
                given = result = function(*args, **kwargs)
                return result
            finally:
                end_ns = self._clock()
                said = {} if describe is None else describe(args, given)
                self._add(name, category, start_ns, end_ns, said)

        return call

    def actions(
        self, run: Callable[[ReadyAction], ActionResult]
    ) -> Callable[[ReadyAction], ActionResult]:
        """`run` of an executor around all others: each call is a cell in a slot."""

        def call(ready: ReadyAction) -> ActionResult:
            here = self._here()
            outside = here.track, here.label
            with self._lock:
                here.track = self._slots.take()
            here.label, here.attempt, here.stores = str(ready.label), 0, False
            here.began_ns = self._clock()
            try:
                return run(ready)
            finally:
                self._leave(here, _asked_for(ready))
                here.track, here.label = outside

        return call

    def releasing(self, released: Callable[[ReadyAction], None]) -> Callable[[ReadyAction], None]:
        """`released`, which an executor calls when an action only stores its results: its slot is
        free then."""

        def call(ready: ReadyAction) -> None:
            here = self._here()
            if here.label == str(ready.label) and not here.stores:
                here.released_ns = self._clock()
                self._leave(here, _asked_for(ready))
                with self._lock:
                    here.track = STORING + self._storing.take()
                here.stores, here.began_ns = True, self._clock()
            released(ready)

        return call

    def answers(
        self, answer: Callable[[ReadyAction], ActionResult | None]
    ) -> Callable[[ReadyAction], ActionResult | None]:
        """`answer`, with what it asks of stores said to be for that cell."""

        def call(ready: ReadyAction) -> ActionResult | None:
            here = self._here()
            outside, here.label = here.label, str(ready.label)
            try:
                return answer(ready)
            finally:
                here.label = outside

        return call

    def attempts(
        self, run: Callable[[ReadyAction], ActionResult]
    ) -> Callable[[ReadyAction], ActionResult]:
        """`run` of an executor that runs cells: from where it says that one begins, as long as its
        result says that it took."""

        def call(ready: ReadyAction) -> ActionResult:
            here = self._here()
            here.started_ns, here.environment = None, None
            duration_ns = None
            try:
                result = run(ready)
                duration_ns = round(result.duration_s * 1e9)
                return result
            finally:
                self._add_attempt(here, duration_ns)

        return call

    def timeline(self) -> Timeline:
        """Everything until now."""
        self._end_phase()
        about = {**self.about, "duration_us": (self._clock() - self._origin_ns) / 1000}
        spans = [self._described(span) for span in self._spans]
        path = critical_path(spans, self._needs)
        on_path = {id(span) for span in path}
        about["critical_path_us"] = sum(span.duration_ns for span in path) / 1000
        jobs = about.get("jobs")
        waited = waits(spans, self._needs, self._settling, jobs if isinstance(jobs, int) else 1)
        for span in spans:
            if span.category in OF_CELLS:
                assert isinstance(span.args, dict)
                span.args["critical"] = id(span) in on_path
        return Timeline(self._origin_ns, spans, waited, path, about)

    def _hear(self, event: Event) -> None:
        match event:
            case BuildStarted(cells, jobs):
                self._settling.begun_ns.append(self._clock())
                self.about |= {"cells": cells, "jobs": jobs}
            case CellStarted():
                here = self._here()
                here.started_ns, here.reason = self._clock(), event.reason
                here.run_track, here.released_ns = here.track, None
                here.attempt += 1
                here.inside.clear()
            case CellFinished():
                label = str(event.label)
                self._settling.settled_ns.setdefault(label, []).append(self._clock())
                self._finished[label] = event
            case BuildFinished():
                self.about["interrupted"] = event.interrupted

    def _here(self) -> _Here:
        here: _Here | None = getattr(self._threads, "here", None)
        if here is None:
            with self._lock:
                self._background += 1
                here = self._threads.here = _Here(BACKGROUND + self._background)
        return here

    def _leave(self, here: _Here, said: Mapping[str, object]) -> None:
        """The cell of `here` is not where it was any more."""
        category = STORES if here.stores else CELL
        self._add(here.label or "", category, here.began_ns, self._clock(), said)
        with self._lock:
            if here.stores:
                self._storing.leave(here.track - STORING)
            else:
                self._slots.leave(here.track)

    def _add(
        self, name: str, category: str, start_ns: int, end_ns: int, args: Mapping[str, object]
    ) -> None:
        here = self._here()
        of_cell = {} if here.label is None or category in OF_CELLS else {"label": here.label}
        span = Span(name, category, here.track, start_ns, end_ns, {**of_cell, **args})
        if here.started_ns is not None and category not in OF_CELLS:
            here.inside.append(span)
        self._spans.append(span)

    def _add_attempt(self, here: _Here, duration_ns: int | None) -> None:
        """The process of a cell: it began after its inputs were there, and took as long as its
        result says; if it was released, it ended then."""
        if here.started_ns is None:
            return  # it was never started: no environment
        loads = [s.end_ns for s in here.inside if s.category == "store" and s.name == "load"]
        start_ns = max([here.started_ns, *loads])
        now_ns = self._clock() if here.released_ns is None else here.released_ns
        if duration_ns is None:
            end_ns = now_ns
        elif here.released_ns is None:
            end_ns = min(now_ns, start_ns + duration_ns)
        else:
            start_ns, end_ns = max(start_ns, now_ns - duration_ns), now_ns
        for span in here.inside:  # the two clocks may differ by some microseconds
            if span.track == here.run_track and start_ns <= span.start_ns < end_ns:
                end_ns = max(end_ns, span.end_ns)
        said = {"reason": here.reason, "attempt": here.attempt, "environment": here.environment}
        args = {"label": here.label, **said}
        self._spans.append(Span("run", "run", here.run_track, start_ns, end_ns, args))
        here.started_ns = None

    def environment(self, name: str) -> None:
        """The cell of this thread runs in the environment `name`."""
        self._here().environment = name

    def _end_phase(self) -> None:
        if self._phase is not None:
            name, start_ns = self._phase
            self._spans.append(Span(name, PHASE, ENGINE, start_ns, self._clock()))
            self._phase = None

    def _described(self, span: Span) -> Span:
        """With what was known only when its cell was settled."""
        label = span.name if span.category in OF_CELLS else span.args.get("label")
        event = self._finished.get(str(label))
        said = dict(span.args)
        if event is not None and span.category in OF_CELLS:
            said |= {"status": event.status.value, "reason": event.reason}
        if event is not None and event.result is not None and "digest" in said:
            outputs = event.result.outputs.items()
            names = {o.digest.hex: name for name, o in outputs if isinstance(o, Output)}
            said["variable"] = names.get(str(said["digest"]))
        return Span(span.name, span.category, span.track, span.start_ns, span.end_ns, said)


def _asked_for(ready: ReadyAction) -> Mapping[str, object]:
    """What the action takes of the machine, where it says so."""
    resources = ready.action.resources
    if resources == USUAL:
        return {}
    said = {"cpu": resources.cpu, "memory_bytes": resources.memory_bytes, "gpus": resources.gpus}
    return {"resources": said}
