"""Build events: what happened, as values. The only thing that flows back up.

The engine calls one function, `Emit`, with one of these; the console draws them, `--events` writes
them as NDJSON (`strata.console.jsonlines`), tests collect them in a list. An event never holds a
secret's value.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from strata.core.dataclass import dataclass
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
class Unchanged:
    """Cells at which the build does not even look, as nothing that they depend on was touched since
    they were found in the cache; each as a plain console shows a hit."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildFinished:
    """The build is over; the counts add up to the cells it looked at."""

    ran: int
    cached: int
    failed: int
    skipped: int
    duration_s: float
    interrupted: bool = False


class Verdict(StrEnum):
    """What running a hit again showed; the value is the word in `--json`."""

    VERIFIED = "verified"  # every output came out the same, byte for byte
    UNCLEAR = "unclear"  # some did not, and equal values of them may have other bytes
    DIFFERS = "differs"  # some did not, or the cell failed


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out otherwise when a hit was run again.

    `kind`: "output", "display", "console", or "run" where the cell failed. `verdict` is what this
    difference alone would mean: `VERIFIED` for what is said and does not count.
    """

    kind: str
    name: str
    said: str
    verdict: Verdict = Verdict.DIFFERS


@dataclass(frozen=True, slots=True)
class CellVerified:
    """A hit was run again and compared; the cache still has what it had. `accepted` is why the hit
    stands for an edited cell (`ActionResult.accepted`)."""

    label: Label
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    accepted: str = ""


@dataclass(frozen=True, slots=True)
class VerificationFinished:
    """Of `hits` hits `verified` were run again, chosen with `seed`; `differs` and `unclear` of
    them did not come out the same."""

    hits: int
    verified: int
    differs: int
    unclear: int
    seed: int
    interrupted: bool = False


Event: TypeAlias = (
    BuildStarted
    | CellStarted
    | CellOutput
    | CellRetried
    | CellFinished
    | Notice
    | Unchanged
    | BuildFinished
    | CellVerified
    | VerificationFinished
)
Emit: TypeAlias = Callable[[Event], None]


def unheard(_event: Event) -> None:
    """Tells nobody: for work that is no build of the user's."""
