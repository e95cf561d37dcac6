"""Where the time went, read from files that may hold anything, and from the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.cli.accounts import read_trace, recorded_account
from strata.console.trace import CELL, ENGINE, STORES, STORING, Span, Timeline, trace_json
from strata.core.action import ActionKey
from strata.core.errors import UsageError
from strata.core.result import ActionResult
from strata.stores.base import BuildRecord, Run
from strata.stores.memory import MemoryJournal
from tests.factories import label

MS = 1_000_000
ABOUT = {"started_at": 5.0, "duration_us": 100_000.0, "jobs": 2, "cells": 2, "asked": ["//nb"]}

NO_TRACES = [
    *("", "{", "[]", "{}", "\0", "1", "null", "[" * 99_999, '{"traceEvents": []}'),
    '{"otherData": 1}',
    '{"otherData": {"schema": "strata.trace.v9"}, "traceEvents": []}',
    '{"otherData": {"schema": "strata.trace.v1", "started_at": 1, "duration_us": 1},'
    ' "traceEvents": [{"ph": "X"}]}',
    '{"otherData": {"schema": "strata.trace.v1", "started_at": 1, "duration_us": 1},'
    ' "traceEvents": [{"ph": "e", "id": 3, "ts": 1}]}',
]


@pytest.mark.parametrize("text", NO_TRACES, ids=range(len(NO_TRACES)))
def test_a_file_that_is_no_trace_is_an_error_with_advice(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is not a trace" if text else "is empty") as caught:
        read_trace(path)
    assert "--profile FILE" in (caught.value.hint or "")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    of_a = {"label": "//nb:a"}
    spans = [
        Span("load", "phase", ENGINE, 0, 10 * MS),
        Span("build", "phase", ENGINE, 10 * MS, 100 * MS),
        Span("look-up", "cache", ENGINE, 10 * MS, 15 * MS, of_a),
        Span("//nb:a", CELL, 1, 20 * MS, 60 * MS, {"critical": True, "status": "ran"}),
        Span("environment", "environment", 1, 20 * MS, 25 * MS, {"environment": "//nb"}),
        Span("run", "run", 1, 30 * MS, 55 * MS, {**of_a, "environment": "//nb"}),
        Span("//nb:a", STORES, STORING + 1, 60 * MS, 80 * MS, {"critical": True, "status": "ran"}),
        *(
            Span("store", "store", STORING + 1, at * MS, (at + 5) * MS,
                 {**of_a, "variable": name, "size_bytes": 7})
            for at, name in ((60, "df"), (65, None), (70, "df"))
        ),
    ]  # fmt: skip
    path = tmp_path / "t.json"
    path.write_text(trace_json(Timeline(0, spans, about=ABOUT)))
    account = read_trace(path)
    assert (account.source, account.jobs, account.asked) == ("trace", 2, ("//nb",))
    assert account.phases == pytest.approx({"load": 0.01, "build": 0.09})
    (cell,) = account.cells
    assert (cell.label, cell.status, cell.critical, cell.environment) == (
        *("//nb:a", "ran", True),
        "//nb",
    )
    assert (cell.busy_s, cell.run_s) == pytest.approx((0.06, 0.025))
    assert account.idle_s == pytest.approx(0.025)
    assert account.calls["look-up"].number == 1
    assert account.environments == pytest.approx({"//nb": 0.005})
    assert {(t.variable, t.size_bytes) for t in account.stored} == {("df", 14), (None, 7)}


def run(name: str, build: str, duration_s: float, *reads: str, at: float = 1.0) -> Run:
    artifacts = {read: f"//nb:{read}%{read}" for read in reads}
    result = ActionResult(duration_s=duration_s)
    return Run(ActionKey("0" * 64), "ran", "source changed", result, at, build, artifacts)


def record(id_: str, **settled: str) -> BuildRecord:
    counts = dict.fromkeys(settled.values(), 1)
    told = {f"//nb:{name}": (status, "") for name, status in settled.items()}
    cells = tuple(sorted(told))
    return BuildRecord(id_, 10.0, 9.0, ("//nb",), cells, counts, told)


def test_of_builds_the_newest_in_which_something_ran_is_meant() -> None:
    journal = MemoryJournal()
    for name, seconds, reads in (("a", 3.0, ()), ("b", 4.0, ("a",)), ("c", 5.0, ())):
        journal.append(label(name), run(name, "first", seconds, *reads, at=seconds))
    journal.add_build(record("first", a="ran", b="ran", c="ran"))
    journal.add_build(record("second", a="cached"))
    account = recorded_account(journal)
    assert account is not None
    assert account.source == "recorded"
    assert {c.label: (c.run_s, c.critical) for c in account.cells} == {
        "//nb:a": (3.0, True),
        "//nb:b": (4.0, True),
        "//nb:c": (5.0, False),
    }


def test_runs_of_other_builds_are_not_counted() -> None:
    journal = MemoryJournal()
    journal.append(label("a"), run("a", "first", 3.0))
    journal.add_build(record("first", a="ran"))
    journal.append(label("a"), run("a", "second", 1.0))
    journal.add_build(record("second", a="ran"))
    account = recorded_account(journal)
    assert account is not None
    assert [cell.run_s for cell in account.cells] == [1.0]


def test_where_nothing_was_built_there_is_nothing() -> None:
    assert recorded_account(MemoryJournal()) is None


def test_where_nothing_ever_ran_it_is_the_newest() -> None:
    journal = MemoryJournal()
    journal.add_build(record("first", a="cached"))
    account = recorded_account(journal)
    assert account is not None
    assert account.cells == []
