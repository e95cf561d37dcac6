"""Builds as lists of events, for every console."""

from __future__ import annotations

from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    CellOutput,
    CellRetried,
    CellStarted,
    Event,
    Notice,
    Status,
)
from strata.core.result import ActionResult, CellFailure, FailureKind
from tests.factories import label

TRACEBACK = """Traceback (most recent call last):
  File "nb/cells/fit.py", line 3, in <module>
    model.fit(x)
ValueError: bad input
"""
FAILURE = CellFailure(
    FailureKind.EXCEPTION,
    "ValueError",
    "bad input",
    "nb/cells/fit.py",
    3,
    TRACEBACK,
    "look at x",
)
CYCLE = CellFailure(FailureKind.BROKEN, "GraphError", "cells need each other: a -> b -> a", "a.py")

MIXED: list[Event] = [
    Notice("warning", "nb/cells/a.py:1: unknown annotation '@nocahce'"),
    BuildStarted(cells=7, jobs=2),
    CellFinished(label("c1"), Status.FAILED, "cannot be built", ActionResult(error=CYCLE)),
    CellFinished(label("c2"), Status.FAILED, "cannot be built", ActionResult(error=CYCLE)),
    CellFinished(label("load"), Status.CACHED, "", ActionResult(cache="local", duration_s=9.0)),
    CellStarted(label("prep"), "local", "source changed"),
    CellOutput(label("prep"), "stdout", "reading"),
    CellOutput(label("prep"), "stdout", " rows\n"),
    CellStarted(label("fit"), "local", "never built"),
    CellFinished(label("prep"), Status.RAN, "source changed", ActionResult(duration_s=3.94)),
    CellOutput(label("fit"), "stderr", "epoch 1\nepoch 2"),
    CellRetried(label("fit"), 1, FAILURE),
    Notice("note", "wrote very much", label("fit")),
    CellFinished(
        label("fit"), Status.FAILED, "never built", ActionResult(error=FAILURE, duration_s=0.04)
    ),
    CellFinished(label("plot"), Status.SKIPPED, "needs //nb:fit, which failed"),
    CellFinished(label("mean"), Status.RAN, "forced", ActionResult()),
    BuildFinished(ran=2, cached=1, failed=3, skipped=1, duration_s=4.1),
]

GOOD: list[Event] = [
    BuildStarted(cells=12, jobs=2),
    *(CellFinished(label(f"r{i}"), Status.RAN, "x", ActionResult()) for i in range(3)),
    *(CellFinished(label(f"c{i}"), Status.CACHED, "", ActionResult()) for i in range(9)),
    BuildFinished(ran=3, cached=9, failed=0, skipped=0, duration_s=4.1),
]

PLANNED: list[Event] = [
    BuildStarted(cells=3, jobs=1),
    CellFinished(label("a"), Status.CACHED, "", ActionResult(cache="local")),
    CellFinished(label("b"), Status.WOULD_RUN, "source changed"),
    CellFinished(label("c"), Status.UNKNOWN, "until //nb:b has run"),
    BuildFinished(ran=0, cached=1, failed=0, skipped=0, duration_s=0.1),
]
