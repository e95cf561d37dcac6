"""`--verify`: which hits of a build are run again, and what a command makes of the verdicts.

The running and the comparing is `strata.executors.verifying`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import click

from strata.console.jsonlines import verified_fields
from strata.core.dataclass import dataclass, field
from strata.core.errors import ExitCode, UsageError
from strata.core.events import (
    BuildStarted,
    CellVerified,
    Emit,
    Event,
    Notice,
    Verdict,
    VerificationFinished,
)
from strata.executors.base import Cancellation, Executor
from strata.executors.verifying import Discarding, Hit, verify


@dataclass(frozen=True, slots=True)
class Sample:
    """`percent` of the hits, chosen with `seed`."""

    percent: float
    seed: int

    def of(self, hits: Sequence[Hit]) -> list[Hit]:
        """At least one hit, if there is any and `percent` is not 0."""
        if not hits or not self.percent:
            return []
        wanted = min(len(hits), max(1, math.ceil(len(hits) * self.percent / 100)))
        import random  # 6 ms, and only --verify needs it

        return random.Random(self.seed).sample(list(hits), wanted)


def percentage(text: str) -> float:
    """What `5%`, `0.5%`, `5` or `all` means, 0 to 100. Raises `click.BadParameter`."""
    if text.strip() == "all":
        return 100.0
    if re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*%?\s*", text, re.ASCII):
        percent = float(text.replace("%", ""))
        if percent <= 100:
            return percent
    raise click.BadParameter(f"'{text}' is no share of the hits: write 5%, 0.5% or all")


def sample_of(percent: float | None, seed: int | None, *, dry_run: bool) -> Sample | None:
    """What the command line asks for. Raises `UsageError` where it contradicts itself."""
    if percent is None:
        if seed is not None:
            raise UsageError("--verify-seed says which hits --verify takes; it is missing")
        return None
    if dry_run:
        raise UsageError("--verify runs cells, and -n runs none", hint="leave out one of the two")
    if seed is None:
        import secrets

        seed = secrets.randbelow(2**32)
    return Sample(percent, seed)


def verify_hits(
    hits: Sequence[Hit],
    sample: Sample,
    jobs: int,
    runner: Executor,
    store: Discarding,
    emit: Emit,
    cancellation: Cancellation,
) -> None:
    """Runs a sample of `hits` again, `jobs` at once; the verdicts are events."""
    from concurrent.futures import ThreadPoolExecutor, as_completed  # no other build needs it

    chosen = sample.of(hits)
    if chosen:
        said = f"running {len(chosen)} of {len(hits)} hits again, to compare"
        emit(Notice("note", f"{said} (--verify-seed {sample.seed})"))
    verdicts = []
    with ThreadPoolExecutor(jobs, thread_name_prefix="verify") as pool:
        running = [pool.submit(verify, hit, runner, store) for hit in chosen]
        for ended in as_completed(running):
            verified = ended.result()
            if verified is not None:
                verdicts.append(verified.verdict)
                emit(verified)
    emit(
        VerificationFinished(
            len(hits),
            len(verdicts),
            verdicts.count(Verdict.DIFFERS),
            verdicts.count(Verdict.UNCLEAR),
            sample.seed,
            cancellation.requested,
        )
    )


@dataclass(slots=True)
class Verdicts:
    """An `Emit` around another that keeps what the last build's verification found."""

    emit: Emit
    verified: list[CellVerified] = field(default_factory=list)
    finished: VerificationFinished | None = None

    def __call__(self, event: Event) -> None:
        """Passes `event` on."""
        match event:
            case BuildStarted():
                self.verified, self.finished = [], None
            case CellVerified():
                self.verified.append(event)
            case VerificationFinished():
                self.finished = event
            case _:
                pass
        self.emit(event)

    def exit_code(self, of_build: ExitCode) -> ExitCode:
        """What the process says: a build that failed comes before hits that differ."""
        if self.finished is None or of_build is not ExitCode.OK:
            return of_build
        if self.finished.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.CHECK_NOT_MET if self.finished.differs else ExitCode.OK

    def json(self) -> dict[str, object]:
        """What is added to the object of `--json`; nothing if nothing was to be verified."""
        if self.finished is None:
            return {}
        ordered = sorted(self.verified, key=lambda event: event.label)
        return {
            "verified": [verified_fields(event) for event in ordered],
            "verify": {"hits": self.finished.hits, "seed": self.finished.seed},
        }
