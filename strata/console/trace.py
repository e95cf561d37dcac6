"""What a build spent its time on, as a Chrome trace: `strata build --profile FILE`.

The format is the JSON object format of the Trace Event Format, which Perfetto and chrome://tracing
open ("Trace Event Format", Google, 2016); times in it are microseconds. It knows no clock: all
times come with the spans. Invariants: the spans of one track are disjoint or nested, every flow has
its two ends, and the file is valid JSON whatever names it is given. Schema `strata.trace.v1`,
changed only by addition (`docs/reference/profile.md`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from strata.core.dataclass import dataclass, field

SCHEMA = "strata.trace.v1"

ENGINE = 0
"""The track of the thread that decides; slot n is track n."""
STORING = 5_000
"""Cells that have left their slot and only store their results follow this track."""
BACKGROUND = 10_000
"""Other threads follow this track."""
CRITICAL = 20_000

PHASE = "phase"
CELL = "cell"
STORES = "storing"
OF_CELLS = frozenset({CELL, STORES})
"""Categories of the spans that have the name of a cell."""

_PID = 1

Event = dict[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took from `start_ns` to `end_ns`, of any clock that is monotonic."""

    name: str
    category: str
    track: int
    start_ns: int
    end_ns: int
    args: Mapping[str, object] = field(default_factory=dict)

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class Wait:
    """A cell that could have been started, and was not. `full_ns`: while every slot was taken."""

    label: str
    start_ns: int
    end_ns: int
    full_ns: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """One command, as it was. `critical` are the spans of the cells on the longest path, in order.
    `about` is what is said of the whole."""

    origin_ns: int
    spans: Sequence[Span]
    waits: Sequence[Wait] = ()
    critical: Sequence[Span] = ()
    about: Mapping[str, object] = field(default_factory=dict)


def trace_json(timeline: Timeline) -> str:
    """The text of the file. One event a line, so that it can be read and searched."""
    events = ",\n".join(json.dumps(_clean(event), allow_nan=False) for event in _events(timeline))
    about = json.dumps(_clean({"schema": SCHEMA, **timeline.about}), allow_nan=False)
    return f'{{"displayTimeUnit": "ms", "otherData": {about},\n"traceEvents": [\n{events}\n]}}\n'


def _events(timeline: Timeline) -> Iterator[Event]:
    yield from _names(timeline)
    for span in timeline.spans:
        yield _complete(span, span.track, timeline)
    for number, wait in enumerate(timeline.waits):
        yield from _waiting(number, wait, timeline)
    yield from _counters(timeline)
    for span in timeline.critical:
        yield _complete(span, CRITICAL, timeline)
    for number, (earlier, later) in enumerate(pairwise(timeline.critical)):
        yield from _flow(number, earlier, later, timeline)


def _names(timeline: Timeline) -> Iterator[Event]:
    tracks = {span.track for span in timeline.spans} | {ENGINE}
    tracks |= {CRITICAL} if timeline.critical else set()
    yield {
        "ph": "M",
        "pid": _PID,
        "tid": ENGINE,
        "name": "process_name",
        "args": {"name": "strata"},
    }
    for track in sorted(tracks):
        # The critical path stands between the engine and the slots.
        place = {ENGINE: 0, CRITICAL: 1}.get(track, track + 1)
        named: Event = {"ph": "M", "pid": _PID, "tid": track}
        yield {**named, "name": "thread_name", "args": {"name": _track_name(track)}}
        yield {**named, "name": "thread_sort_index", "args": {"sort_index": place}}


def _track_name(track: int) -> str:
    if track == ENGINE:
        return "engine"
    if track == CRITICAL:
        return "critical path"
    if track > BACKGROUND:
        return f"background {track - BACKGROUND}"
    return f"storing {track - STORING}" if track > STORING else f"slot {track}"


def _complete(span: Span, track: int, timeline: Timeline) -> Event:
    return {
        "ph": "X",
        "pid": _PID,
        "tid": track,
        "name": span.name,
        "cat": "critical" if track == CRITICAL else span.category,
        "ts": _us(span.start_ns - timeline.origin_ns),
        "dur": _us(span.duration_ns),
        "args": dict(span.args),
    }


def _waiting(number: int, wait: Wait, timeline: Timeline) -> Iterator[Event]:
    """Waits overlap, so they are asynchronous events: a track of their own each."""
    both: Event = {"pid": _PID, "tid": ENGINE, "cat": "wait", "name": wait.label, "id": number}
    full = {"slots_full_us": _us(wait.full_ns)}
    yield {"ph": "b", "ts": _us(wait.start_ns - timeline.origin_ns), **both, "args": full}
    yield {"ph": "e", "ts": _us(wait.end_ns - timeline.origin_ns), **both, "args": {}}


def _counters(timeline: Timeline) -> Iterator[Event]:
    """How many cells ran and waited, at each moment at which that changed."""
    steps: list[tuple[int, int, int]] = []
    for span in timeline.spans:
        if span.category == CELL:
            steps += [(span.start_ns, 1, 0), (span.end_ns, -1, 0)]
    for wait in timeline.waits:
        steps += [(wait.start_ns, 0, 1), (wait.end_ns, 0, -1)]
    for at_ns, running, waiting in _totals(steps):
        counted = {"running": running, "waiting": waiting}
        at_us = _us(at_ns - timeline.origin_ns)
        yield {"ph": "C", "pid": _PID, "name": "cells", "ts": at_us, "args": counted}


def _totals(steps: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    running = waiting = 0
    last: int | None = None
    for at_ns, more_running, more_waiting in sorted(steps):
        if last is not None and at_ns != last:
            yield last, running, waiting
        running, waiting, last = running + more_running, waiting + more_waiting, at_ns
    if last is not None:
        yield last, running, waiting


def _flow(number: int, earlier: Span, later: Span, timeline: Timeline) -> Iterator[Event]:
    """An arrow from the end of one cell of the critical path to the beginning of the next."""
    both: Event = {"pid": _PID, "cat": "critical", "name": "critical path", "id": number}
    # An end belongs to the span that encloses it, so it stands just before the last moment.
    last_ns = max(earlier.start_ns, earlier.end_ns - 1)
    yield {"ph": "s", "tid": earlier.track, "ts": _us(last_ns - timeline.origin_ns), **both}
    first_us = _us(later.start_ns - timeline.origin_ns)
    yield {"ph": "f", "bp": "e", "tid": later.track, "ts": first_us, **both}


def _us(ns: int) -> float:
    return ns / 1000


def _clean(value: object) -> object:
    """`value` with texts that every reader of JSON takes: half a surrogate pair is not UTF-8."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {_clean(name): _clean(one) for name, one in value.items()}
        case list() | tuple():
            return [_clean(one) for one in value]
    return value
