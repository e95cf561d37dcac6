"""`strata build`: build cells and everything they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from strata.cli.fixing import build_until_fixed, check_fix
from strata.cli.invocation import (
    Cells,
    actions,
    load_cells,
    open_workspace,
    patterns_of,
    starting_point,
    wanted_labels,
)
from strata.cli.linting import linting
from strata.cli.options import pace_options, shared_options
from strata.cli.output import consoles, error_json, print_json, report_json
from strata.cli.patterns import PatternCommand
from strata.cli.session import Request, run_build
from strata.cli.verifying import Verdicts, sample_of
from strata.core.errors import ExitCode, StrataError
from strata.core.events import Status
from strata.execution.report import BuildReport


@click.command("build", cls=PatternCommand)
@click.argument("patterns", nargs=-1, type=click.UNPROCESSED)
@pace_options
@click.option("--force", is_flag=True, help="Run the named cells although they are up to date.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run, and why; run nothing.")
@click.option("--check", is_flag=True,
              help="As -n; end with 3 if anything would run.")  # fmt: skip
@shared_options
def command(
    patterns: tuple[str, ...],
    jobs: int,
    keep_going: bool,
    force: bool,
    dry_run: bool,
    check: bool,
    worker: str | None,
    sandbox: str | None,
    network: str | None,
    fix: bool,
    verify: float | None,
    verify_seed: int | None,
    as_json: bool,
    events: str | None,
    verbose: bool,
) -> int:
    """Build the cells that PATTERNS name, and everything they need.

    \b
    //train:model   one cell, or the cell that defines the variable `model`
    //train         every cell of the notebook in the folder train
    //train/...     every notebook at or below train;  //... is all of them
    :model          a cell of the notebook in the current folder
    ./train         a path to a notebook folder
    -//train:plot   leave that out

    Without PATTERNS: everything at or below the current folder. A cell whose inputs are what they
    were is not run again.
    """
    dry_run = dry_run or check
    sample = sample_of(verify, verify_seed, dry_run=dry_run)
    request = Request(jobs, keep_going, force, dry_run, sandbox, network, fix, verify=sample)
    return build_here(Path.cwd(), patterns, request, worker, as_json, events, verbose, check)


def build_here(
    start: Path,
    texts: tuple[str, ...],
    request: Request,
    worker: str | None,
    as_json: bool,
    events: str | None,
    verbose: bool,
    check: bool = False,
) -> int:
    """Builds what `texts` mean to someone standing in `start`; returns the exit code."""
    request = replace(request, asked=texts or ("...",))
    try:
        with consoles(as_json=as_json, events=events, verbose=verbose) as shown:
            emit = verdicts = Verdicts(shown)
            start, texts = starting_point(start, texts)
            opened = open_workspace(start, emit)
            patterns = patterns_of(opened, texts)
            check_fix(opened, request)

            def build() -> tuple[Cells, BuildReport]:
                cells = load_cells(opened, patterns)
                wanted = wanted_labels(cells.names.expand(patterns))
                planned = actions(opened, cells, wanted, worker)
                linted = replace(opened, emit=linting(emit, cells))
                return cells, run_build(linted, planned, wanted, request)

            if request.fix:
                report = build_until_fixed(build, opened.workspace.root, emit)
            else:
                _, report = build()
    except StrataError as problem:
        if as_json:
            print_json(error_json(problem))
        raise
    if as_json:
        print_json(report_json(report) | verdicts.json())
    if check:
        return _checked(report)
    return 0 if request.dry_run and not report.interrupted else verdicts.exit_code(report.exit_code)


def _checked(report: BuildReport) -> ExitCode:
    """Of a plan: whether all is up to date."""
    if not report.success:
        return report.exit_code
    would = report.count(Status.WOULD_RUN) + report.count(Status.UNKNOWN)
    return ExitCode.CHECK_NOT_MET if would else ExitCode.OK
