"""The two results that `strata diff` compares: which cell, which runs, which revision."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from strata.cli.invocation import Opened, open_workspace, starting_point
from strata.cli.output import say_notice
from strata.cli.records import NothingRecorded, Record, record_of
from strata.cli.revisions import find_revision, result_at
from strata.core.dataclass import dataclass
from strata.core.errors import LabelError, UsageError
from strata.core.events import Event, Notice
from strata.core.result import ActionResult, Output, Unstorable
from strata.stores.base import Run

_RUNS_BACK = re.compile(r"~(\d+)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T].*)?")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two results. `revision` is None where it is a run of the journal."""

    result: ActionResult
    revision: str | None = None

    @property
    def when(self) -> str:
        """When it was made, in UTC."""
        return _when(self.result)


@dataclass(frozen=True, slots=True)
class TwoResults:
    """What is to be compared, and what it takes to look into the values."""

    record: Record
    opened: Opened
    old: Side
    new: Side
    note: str = ""
    """Why it is these two, where that is not plain."""


@contextlib.contextmanager
def two_results(target: str, against: str | None) -> Iterator[TwoResults]:
    """The newest successful run of `target`, and what it is to be compared with.

    Raises `NothingRecorded` where there is no such run, `UsageError` for an `against` that names
    nothing, `NotAtRevision` for a revision whose result is not in the cache.
    """
    with record_of(target) as record:
        start, _ = starting_point(Path.cwd(), (target,))
        opened = open_workspace(start, _say_notes)
        runs = [r for r in record.stores.journal.history(record.label) if r.result.error is None]
        if not runs:
            raise NothingRecorded(
                f"no run of {record.label} that ended well is known",
                hint=f"`strata build {record.label}` builds it",
            )
        _check_variable(record, runs)
        new = Side(runs[0].result)
        if against is None:
            old, note = _before(record, runs)
            yield TwoResults(record, opened, old, new, note)
        else:
            yield TwoResults(record, opened, _named(record, opened, runs, against), new)


def _say_notes(event: Event) -> None:
    """Warnings about the workspace were said when the record was opened."""
    if isinstance(event, Notice) and event.level != "warning":
        say_notice(event)


def _check_variable(record: Record, runs: Sequence[Run]) -> None:
    name = record.variable
    if name is not None and not any(name in run.result.outputs for run in runs):
        known = ", ".join(runs[0].result.outputs) or "no values"
        raise LabelError(f"{record.label} has no value '{name}'", hint=f"it has: {known}")


def _before(record: Record, runs: Sequence[Run]) -> tuple[Side, str]:
    """The newest earlier run that gave something else, else the one before."""
    newest, *earlier = runs
    if not earlier:
        raise NothingRecorded(
            f"no earlier result of {record.label} is known",
            hint="--against REVISION compares with what it is at a commit",
        )
    now = _content(newest.result, record.variable)
    for run in earlier:
        if _content(run.result, record.variable) != now:
            return Side(run.result), ""
    return Side(earlier[0].result), "every earlier run that is known gave the same"


def _content(result: ActionResult, variable: str | None) -> object:
    """What tells two results apart; what was printed does not count."""
    outputs = {n: _content_of(o) for n, o in result.outputs.items()}
    if variable is not None:
        return outputs.get(variable)
    return outputs, [dict(bundle) for bundle in result.displays]


def _content_of(output: Output | Unstorable) -> object:
    return output.content if isinstance(output, Output) else output


def _named(record: Record, opened: Opened, runs: Sequence[Run], against: str) -> Side:
    """The run, else the revision, that `--against` names."""
    back = _RUNS_BACK.fullmatch(against)
    if back is not None:
        return _runs_back(record, runs, int(back[1]))
    if _TIME.fullmatch(against):
        prefix = against.replace("T", " ", 1)
        for run in runs:
            if _when(run.result).startswith(prefix):
                return Side(run.result)
    revision = find_revision(opened.workspace.root, against)
    return Side(result_at(opened, record.label, revision), str(revision))


def _runs_back(record: Record, runs: Sequence[Run], number: int) -> Side:
    if number >= len(runs):
        raise UsageError(
            f"--against ~{number}: of {record.label} {len(runs)} runs that ended well are known",
            hint=f"~{len(runs) - 1} is the oldest; ~0 is the newest",
        )
    return Side(runs[number].result)


def _when(result: ActionResult) -> str:
    return datetime.fromtimestamp(result.finished_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
