"""The form of a trace, from spans made by hand."""

from __future__ import annotations

import json

import pytest

from strata.console.trace import CELL, CRITICAL, ENGINE, Span, Timeline, Wait, trace_json
from tests.console import traces

ABOUT = {"jobs": 2, "duration_us": 1000.0}


def cell(name: str, track: int, start: int, end: int, *, critical: bool = False) -> Span:
    return Span(name, CELL, track, start, end, {"critical": critical})


def test_nothing_is_a_trace() -> None:
    trace = traces.read(trace_json(Timeline(0, (), about=ABOUT)))
    assert [e["ph"] for e in trace["traceEvents"]] == ["M", "M", "M"]


def test_times_are_microseconds_since_the_beginning() -> None:
    timeline = Timeline(5_000, [Span("load", "phase", ENGINE, 6_500, 9_000)], about=ABOUT)
    (span,) = traces.spans(traces.read(trace_json(timeline)), "phase")
    assert (span["ts"], span["dur"]) == (1.5, 2.5)


def test_every_track_says_what_it_is_and_the_slots_come_last() -> None:
    a, b = cell("a", 1, 0, 5, critical=True), cell("b", 2, 0, 4)
    trace = traces.read(trace_json(Timeline(0, [a, b], critical=[a], about=ABOUT)))
    named = {
        (e["tid"], e["name"]): next(iter(e["args"].values()))
        for e in trace["traceEvents"]
        if e["ph"] == "M"
    }
    assert named[ENGINE, "thread_name"] == "engine"
    assert named[1, "thread_name"] == "slot 1"
    assert named[CRITICAL, "thread_name"] == "critical path"
    order = sorted((0, 1, 2, CRITICAL), key=lambda track: named[track, "thread_sort_index"])
    assert order == [ENGINE, CRITICAL, 1, 2]


def test_arrows_lead_along_the_critical_path() -> None:
    path = [cell(n, 1, i * 10, i * 10 + 9, critical=True) for i, n in enumerate("abc")]
    trace = traces.read(trace_json(Timeline(0, path, critical=path, about=ABOUT)))
    assert [e["ph"] for e in trace["traceEvents"] if e["ph"] in "sf"] == ["s", "f", "s", "f"]
    assert [e["name"] for e in traces.spans(trace, "critical")] == ["a", "b", "c"]


def test_a_span_of_no_length_can_be_on_the_critical_path() -> None:
    path = [cell("a", 1, 3, 3, critical=True), cell("b", 1, 3, 3, critical=True)]
    traces.read(trace_json(Timeline(0, path, critical=path, about=ABOUT)))


def test_what_runs_and_waits_is_counted() -> None:
    spans = [cell("a", 1, 0, 10_000), cell("b", 1, 10_000, 20_000)]
    waits = [Wait("b", 1_000, 10_000, 9_000)]
    trace = traces.read(trace_json(Timeline(0, spans, waits, about=ABOUT)))
    counted = [(e["ts"], *e["args"].values()) for e in trace["traceEvents"] if e["ph"] == "C"]
    assert counted == [(0, 1, 0), (1, 1, 1), (10, 1, 0), (20, 0, 0)]


@pytest.mark.parametrize(
    "name", ['//nb:"quoted"', "//nb:a\\b", "//nb:\n\t\0", "//nb:héllo→✓", "//nb:\ud800", "//nb:😀"]
)
def test_odd_names_are_valid_json_and_utf_8(name: str) -> None:
    spans = [Span(name, CELL, 1, 0, 5, {"critical": False, "reason": name})]
    text = trace_json(Timeline(0, spans, [Wait(name, 0, 1)], about={**ABOUT, "asked": [name]}))
    trace = traces.read(text)
    expected = name.encode("utf-8", "backslashreplace").decode()
    assert traces.spans(trace, "cell")[0]["name"] == expected
    assert trace["otherData"]["asked"] == [expected]


def test_a_number_that_json_has_not_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        trace_json(Timeline(0, (), about={"jobs": float("nan")}))


def test_it_can_be_read_a_line_at_a_time() -> None:
    text = trace_json(Timeline(0, [cell("a", 1, 0, 5)], about=ABOUT))
    lines = [line.rstrip(",") for line in text.splitlines() if line.startswith('{"ph"')]
    assert {json.loads(line)["ph"] for line in lines} == {"M", "X", "C"}
