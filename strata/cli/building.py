"""A build from the command line: what `strata build` and `strata run` do.

The cells that patterns mean are loaded, built and told of; where a stamp of an earlier build says
what changed since, only that is looked at (`strata.cli.proving`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from strata.cli.invocation import Cells, Opened, open_workspace, patterns_of, starting_point
from strata.cli.linting import linting
from strata.cli.output import consoles, error_json, print_json, profiled, report_json
from strata.cli.proving import heard, proving
from strata.cli.session import Request
from strata.cli.stamping import within
from strata.cli.verifying import Verdicts
from strata.cli.wanted import Wanted, build_wanted, wanted_by
from strata.core.dataclass import dataclass, replace
from strata.core.errors import ExitCode, StrataError
from strata.core.events import Notice, Status
from strata.core.label import TargetPattern
from strata.execution.report import BuildReport

if TYPE_CHECKING:
    from strata.cli.stamp import Found


@dataclass(frozen=True, slots=True)
class Telling:
    """Where it is told what happens. `events`, `profile`: paths of files to write."""

    as_json: bool = False
    events: str | None = None
    profile: str | None = None
    verbose: bool = False
    check: bool = False
    """The exit code says whether anything would run."""


def build_here(
    start: Path,
    texts: tuple[str, ...],
    request: Request,
    worker: str | None,
    telling: Telling,
    found: Found | None,
) -> int:
    """Builds what `texts` mean to someone standing in `start`; returns the exit code."""
    request = replace(request, asked=texts or ("...",))
    try:
        with (
            proving(found if _leaves_a_stamp(request, telling) else None) as proof,
            profiled(telling.profile) as recorder,
            consoles(
                as_json=telling.as_json, events=telling.events, verbose=telling.verbose
            ) as emit,
        ):
            verdicts = Verdicts(emit if recorder is None else recorder.hearing(emit))
            start, texts = starting_point(start, texts)
            opened = open_workspace(start, heard(proof, verdicts), proof=proof)
            opened = replace(opened, recorder=recorder)
            report = _build(opened, patterns_of(opened, texts), request, worker)
    except StrataError as problem:
        if telling.as_json:
            print_json(error_json(problem))
        raise
    if telling.as_json:
        print_json(report_json(report) | verdicts.json())
    if telling.check:
        return _checked(report)
    return 0 if request.dry_run and not report.interrupted else verdicts.exit_code(report.exit_code)


def _leaves_a_stamp(request: Request, telling: Telling) -> bool:
    """Whether the next one may be answered from what this one found."""
    tells_all = telling.as_json or telling.events or telling.profile or telling.verbose
    does_more = request.force or request.fix or request.verify is not None
    # What changed is for git to say, and no file of the workspace shows that it says otherwise.
    return not (tells_all or does_more or request.since is not None)


def _build(
    opened: Opened, patterns: Sequence[TargetPattern], request: Request, worker: str | None
) -> BuildReport:
    if request.fix:
        from strata.cli.fixing import build_until_fixed, check_fix

        check_fix(opened, request)

        def again() -> tuple[Cells, BuildReport]:
            return _once(opened, patterns, request, worker)

        return build_until_fixed(again, opened.workspace.root, opened.emit)
    if opened.proof is not None:
        opened.proof.narrow(patterns, opened.emit)
    return _once(opened, patterns, request, worker)[1]


def _once(
    opened: Opened, patterns: Sequence[TargetPattern], request: Request, worker: str | None
) -> tuple[Cells, BuildReport]:
    proof = opened.proof
    narrowed = None if proof is None else proof.narrowed
    among = None if narrowed is None else narrowed.packages
    wanted = wanted_by(opened, patterns if among is None else within(patterns, among), among)
    if request.since is not None:
        return wanted.cells, _since(opened, wanted, request.since, request, worker)
    linted = replace(opened, emit=linting(opened.emit, wanted.cells))
    built = build_wanted(linted, wanted, request, worker)
    report = built.report
    if proof is not None:
        if proof.overtaken(opened, built.planned, report):
            what = "files were written that other notebooks read: looking at all of them"
            opened.emit(Notice("note", what))
            return _once(opened, patterns, request, worker)
        proof.keep(opened, wanted.cells, built.planned, report)
    return wanted.cells, report


def _since(
    opened: Opened, everything: Wanted, revision: str, request: Request, worker: str | None
) -> BuildReport:
    """Builds what is affected, and then what only then turned out to be."""
    # They load much, and most builds are of all.
    from strata.cli.known_cells import KnownCells
    from strata.cli.since import Since, merged

    with contextlib.closing(KnownCells(opened, everything.cells)) as known:
        since = Since(known, everything, revision)
        if everything.labels and not since.wanted.labels:
            opened.emit(Notice("note", f"nothing of this changed since {revision}"))
        linted = replace(opened, emit=linting(opened.emit, everything.cells))
        report = build_wanted(linted, since.wanted, request, worker).report
        while not report.interrupted and (more := since.overtaken_by(report)) is not None:
            what = "files were written that other cells read: building those, too"
            opened.emit(Notice("note", what))
            report = merged(report, build_wanted(linted, more, request, worker).report)
    return report


def _checked(report: BuildReport) -> ExitCode:
    """Of a plan: whether all is up to date."""
    if not report.success:
        return report.exit_code
    would = report.count(Status.WOULD_RUN) + report.count(Status.UNKNOWN)
    return ExitCode.CHECK_NOT_MET if would else ExitCode.OK
