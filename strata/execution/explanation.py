"""The answer to "why?" for one cell and one build, from records only. Pure.

    Explanation   what became of the cell in that build, and the steps that led there

Nothing of it is about now: what would happen next is what a dry run says.
"""

from __future__ import annotations

from strata.core.dataclass import dataclass
from strata.core.label import Label
from strata.core.result import Output
from strata.execution.causes import Step, trace
from strata.stores.base import BuildRecord, Records, Run

RAN, CACHED, FAILED, SKIPPED = "ran", "cached", "failed", "skipped"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of `label`, why, and from which runs that is known.

    `build` is None where only the run is left: the build was killed, or is of an older Strata.
    """

    label: Label
    build: BuildRecord | None
    status: str
    reason: str
    run: Run | None
    """The run of that build, or the one whose result was still good in it; None if skipped."""
    made: Run | None
    """For a hit: the run that made the result, where it is recorded."""
    steps: tuple[Step, ...]
    """For what ran or failed: its own step first, then what led to it."""
    unstable: tuple[tuple[str, str], ...]
    """Outputs of which equal values may have other bytes, and why."""


def builds_of(label: Label, records: Records) -> list[BuildRecord]:
    """The builds that looked at `label`, newest first."""
    text = str(label)
    return [build for build in records.builds() if text in build.cells]


def newest(label: Label, records: Records) -> Explanation | None:
    """What happened to `label` last; None if nothing is known of it."""
    builds, runs = builds_of(label, records), records.history(label)
    recorded = {build.id for build in builds}
    if runs and (not builds or (runs[0].at > builds[0].at and runs[0].build not in recorded)):
        return _explained(label, None, runs[0].status, runs[0].reason, runs[0], runs, records)
    return in_build(label, builds[0], records) if builds else None


def in_build(label: Label, build: BuildRecord, records: Records) -> Explanation:
    """What happened to `label` in a build that looked at it."""
    status, reason = build.settled.get(str(label), (CACHED, ""))
    runs = records.history(label)
    run = next((r for r in runs if r.build == build.id), None)
    if run is None and status != SKIPPED:
        # What the journal knew already is not written again.
        run = next((r for r in runs if r.at <= build.at), None)
    return _explained(label, build, status, reason, run, runs, records)


def _explained(
    label: Label,
    build: BuildRecord | None,
    status: str,
    reason: str,
    run: Run | None,
    runs: list[Run],
    records: Records,
) -> Explanation:
    steps: list[Step] = []
    made = None
    unstable: list[tuple[str, str]] = []
    if run is not None:
        if status in (RAN, FAILED) and run.key is not None:
            steps = trace(records, label, run)
        if status == CACHED:
            made = next((r for r in runs if r.status == RAN and _same_result(r, run)), None)
        outputs = run.result.outputs.items()
        unstable = [(n, o.unstable) for n, o in outputs if isinstance(o, Output) and o.unstable]
    return Explanation(label, build, status, reason, run, made, tuple(steps), tuple(unstable))


def _same_result(run: Run, other: Run) -> bool:
    mine, its = run.result, other.result
    return mine.finished_at == its.finished_at and mine.outputs == its.outputs
