"""Build events: what happened, as values. The only thing that flows back up.

The engine calls one function, `Emit`, with one of these; the console draws them, `--events` writes
them as NDJSON (`strata.console.jsonlines`), tests collect them in a list. An event never holds a
secret's value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure


class Status(StrEnum):
    """What became of a cell; the value is the word in `--json`."""

    RAN = "ran"
    CACHED = "cached"
    FAILED = "failed"
    SKIPPED = "skipped"
    WOULD_RUN = "would_run"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """A build is about to look at `cells` cells."""

    cells: int
    jobs: int


@dataclass(frozen=True, slots=True)
class CellStarted:
    """A cell was not in the cache and begins to run on `worker`, because of `reason`."""

    label: Label
    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class CellOutput:
    """Text that a running cell wrote to `stream` ("stdout" or "stderr")."""

    label: Label
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class CellRetried:
    """An attempt failed and another follows."""

    label: Label
    attempt: int
    failure: CellFailure


@dataclass(frozen=True, slots=True)
class CellFinished:
    """A cell is settled. `result` is None for skipped, would_run and unknown."""

    label: Label
    status: Status
    reason: str = ""
    result: ActionResult | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that belongs to no cell's result. `level`: note, warning."""

    level: str
    message: str
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class BuildFinished:
    """The build is over; the counts add up to the cells it looked at."""

    ran: int
    cached: int
    failed: int
    skipped: int
    duration_s: float
    interrupted: bool = False


Event: TypeAlias = (
    BuildStarted | CellStarted | CellOutput | CellRetried | CellFinished | Notice | BuildFinished
)
Emit: TypeAlias = Callable[[Event], None]
