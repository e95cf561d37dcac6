"""Events as NDJSON: the schema of each, which changes only by addition."""

from __future__ import annotations

import dataclasses
import io
import json
import typing

import pytest

from strata.console.jsonlines import JsonLines
from strata.core import events
from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    CellOutput,
    CellRetried,
    CellStarted,
    CellVerified,
    Difference,
    Event,
    Notice,
    Status,
    Unchanged,
    Verdict,
    VerificationFinished,
)
from strata.core.result import ActionResult
from tests.console.recorded import FAILURE, MIXED
from tests.factories import label

ERROR = {
    "kind": "exception",
    "type": "ValueError",
    "message": "bad input",
    "file": "nb/cells/fit.py",
    "line": 3,
}
EXAMPLES: list[tuple[Event, dict[str, object]]] = [
    (
        BuildStarted(7, 2),
        {"event": "build_started", "schema": "strata.events.v1", "cells": 7, "jobs": 2},
    ),
    (
        CellStarted(label("a"), "local", "never built"),
        {"event": "cell_started", "label": "//nb:a", "worker": "local", "reason": "never built"},
    ),
    (
        CellOutput(label("a"), "stderr", "é\n\x1b"),
        {"event": "cell_output", "label": "//nb:a", "stream": "stderr", "text": "é\n\x1b"},
    ),
    (
        CellRetried(label("a"), 1, FAILURE),
        {"event": "cell_retried", "label": "//nb:a", "attempt": 1, "message": "bad input"},
    ),
    (
        CellFinished(
            label("a"), Status.RAN, "forced", ActionResult(error=FAILURE, duration_s=1.23456789)
        ),
        {
            "event": "cell_finished",
            "label": "//nb:a",
            "status": "ran",
            "reason": "forced",
            "cache": None,
            "duration_s": 1.234568,
            "error": ERROR,
            "accepted": None,
        },
    ),
    (
        CellFinished(label("a"), Status.WOULD_RUN, "x"),
        {
            "event": "cell_finished",
            "label": "//nb:a",
            "status": "would_run",
            "reason": "x",
            "cache": None,
            "duration_s": None,
            "error": None,
            "accepted": None,
        },
    ),
    (
        CellFinished(label("a"), Status.CACHED, "", ActionResult(cache="local", accepted="same")),
        {
            "event": "cell_finished",
            "label": "//nb:a",
            "status": "cached",
            "reason": "",
            "cache": "local",
            "duration_s": 0.0,
            "error": None,
            "accepted": "same",
        },
    ),
    (
        Notice("warning", "m", label("a")),
        {"event": "notice", "level": "warning", "message": "m", "label": "//nb:a"},
    ),
    (Notice("note", "m"), {"event": "notice", "level": "note", "message": "m"}),
    (Unchanged(("cached    //a:b", "cached    //a:c")), {"event": "unchanged", "cells": 2}),
    (
        BuildFinished(1, 2, 3, 4, 0.5, interrupted=True),
        {
            "event": "build_finished",
            "ran": 1,
            "cached": 2,
            "failed": 3,
            "skipped": 4,
            "duration_s": 0.5,
            "interrupted": True,
        },
    ),
    (
        CellVerified(label("a"), Verdict.DIFFERS, (Difference("output", "x", "1 → 2"),), "same"),
        {
            "event": "cell_verified",
            "label": "//nb:a",
            "verdict": "differs",
            "accepted": "same",
            "differences": [{"kind": "output", "name": "x", "said": "1 → 2", "verdict": "differs"}],
        },
    ),
    (
        VerificationFinished(9, 3, 2, 1, 7, interrupted=True),
        {
            "event": "verification_finished",
            "hits": 9,
            "verified": 3,
            "differs": 2,
            "unclear": 1,
            "seed": 7,
            "interrupted": True,
        },
    ),
]


@pytest.mark.parametrize(("event", "record"), EXAMPLES)
def test_the_record_of_each_event(event: Event, record: dict[str, object]) -> None:
    stream = io.StringIO()
    JsonLines(stream, lambda: 1234.56789012)(event)
    assert json.loads(stream.getvalue()) == {**record, "time": 1234.56789}


def test_every_kind_of_event_has_an_example() -> None:
    kinds = set(typing.get_args(events.Event))
    assert {type(event) for event, _ in EXAMPLES} == kinds
    assert all(dataclasses.is_dataclass(kind) for kind in kinds)


def test_each_event_is_one_line_of_ascii_and_there_at_once() -> None:
    class Following(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Following()
    write = JsonLines(stream, lambda: 0.0)
    for number, event in enumerate(MIXED, start=1):
        write(event)
        assert stream.flushed == number
        assert stream.getvalue().count("\n") == number
    assert stream.getvalue().isascii()


def test_half_a_surrogate_pair_can_be_written() -> None:
    stream = io.StringIO()
    JsonLines(stream, lambda: 0.0)(CellOutput(label("a"), "stdout", "\ud800"))
    assert json.loads(stream.getvalue())["text"] == "\ud800"
