"""What every trace must be: the Trace Event Format, and what we promise beyond it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

Trace = dict[str, Any]

KNOWN = {"X", "M", "C", "b", "e", "s", "f"}


def read(text: str) -> Trace:
    """The trace in `text`, which is right."""
    trace: Trace = json.loads(text, parse_constant=_no_constant)
    text.encode("utf-8")
    check(trace)
    return trace


def check(trace: Trace) -> None:
    assert trace["otherData"]["schema"] == "strata.trace.v1"
    assert trace["otherData"]["duration_us"] >= 0
    for event in trace["traceEvents"]:
        _check_fields(event)
    _check_names(trace)
    _check_nesting(trace)
    _check_pairs(trace)
    _check_slots(trace)


def spans(trace: Trace, category: str) -> list[Trace]:
    """The complete events of a category, in order."""
    found = [e for e in trace["traceEvents"] if e["ph"] == "X" and e["cat"] == category]
    return sorted(found, key=lambda e: (e["ts"], e["name"]))


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def _check_fields(event: Trace) -> None:
    assert event["ph"] in KNOWN
    assert isinstance(event["pid"], int)
    assert isinstance(event["name"], str)
    event["name"].encode("utf-8")
    if event["ph"] != "C":
        assert isinstance(event["tid"], int)
    if event["ph"] != "M":
        assert event["ts"] >= 0
    if event["ph"] == "X":
        assert event["dur"] >= 0
    if event["ph"] in "XMCbe":
        assert isinstance(event["args"], dict)
    if event["ph"] in "Xbesf":
        assert isinstance(event["cat"], str)
    if event["ph"] == "C":
        assert all(number >= 0 for number in event["args"].values()), event


def _check_names(trace: Trace) -> None:
    """Every track has a name, and every name a track's."""
    events = trace["traceEvents"]
    named = Counter(e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name")
    assert set(named.values()) <= {1}
    assert {e["tid"] for e in events if e["ph"] == "X"} <= named.keys()


def _check_nesting(trace: Trace) -> None:
    """Spans of one track are disjoint, or one is inside the other."""
    for track in {e["tid"] for e in trace["traceEvents"] if e["ph"] == "X"}:
        open_: list[int] = []
        mine = [e for e in trace["traceEvents"] if e["ph"] == "X" and e["tid"] == track]
        for start, end in sorted(((_ns(e["ts"]), _end(e)) for e in mine), key=_outer_first):
            while open_ and open_[-1] <= start:
                open_.pop()
            assert not open_ or end <= open_[-1], (track, start, end)
            open_.append(end)


def _outer_first(interval: tuple[int, int]) -> tuple[int, int]:
    return interval[0], -interval[1]


def _check_pairs(trace: Trace) -> None:
    """What begins ends, later, once; an arrow leaves a cell of the critical path for another."""
    events = trace["traceEvents"]
    for first, last in (("b", "e"), ("s", "f")):
        begun = {(e["cat"], e["name"], e["id"]): e for e in events if e["ph"] == first}
        ended = {(e["cat"], e["name"], e["id"]): e for e in events if e["ph"] == last}
        assert len(begun) == sum(e["ph"] == first for e in events)
        assert len(ended) == sum(e["ph"] == last for e in events)
        assert begun.keys() == ended.keys()
        assert all(begun[key]["ts"] <= ended[key]["ts"] for key in begun)
    cells = sorted([*spans(trace, "cell"), *spans(trace, "storing")], key=lambda e: e["ts"])
    critical = [e for e in cells if e["args"]["critical"]]
    for event in events:
        if event["ph"] in "sf":
            at, track = _ns(event["ts"]), event["tid"]
            assert any(c["tid"] == track and _ns(c["ts"]) <= at <= _end(c) for c in critical)
    assert sum(e["ph"] == "s" for e in events) == max(0, len(critical) - 1)
    assert [c["name"] for c in spans(trace, "critical")] == [c["name"] for c in critical]


def _check_slots(trace: Trace) -> None:
    """A slot is not busy for longer than everything took; and there are no more than asked for."""
    cells = spans(trace, "cell")
    busy = Counter[int]()
    for cell in cells:
        busy[cell["tid"]] += cell["dur"]
    assert all(sum_us <= trace["otherData"]["duration_us"] for sum_us in busy.values())
    if cells:
        assert set(busy) <= set(range(1, trace["otherData"]["jobs"] + 1))


def _ns(us: float) -> int:
    return round(us * 1000)


def _end(event: Trace) -> int:
    return _ns(event["ts"]) + _ns(event["dur"])
