"""`strata build`: build cells and everything they need."""

from __future__ import annotations

from pathlib import Path

import click

from strata.cli.invocation import (
    actions,
    load_cells,
    open_workspace,
    patterns_of,
    starting_point,
    wanted_labels,
)
from strata.cli.output import consoles, error_json, print_json, report_json
from strata.cli.patterns import PatternCommand
from strata.cli.session import Request, run_build
from strata.core.errors import StrataError


@click.command("build", cls=PatternCommand)
@click.argument("patterns", nargs=-1, type=click.UNPROCESSED)
@click.option("-j", "--jobs", type=click.IntRange(0, 1024), default=0, metavar="N",
              help="Cells that run at once (default: one per core).")  # fmt: skip
@click.option("-k/-K", "--keep-going/--fail-fast", default=True,
              help="After a failure build what does not need it (default), or stop.")  # fmt: skip
@click.option("--force", is_flag=True, help="Run the named cells although they are up to date.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run, and why; run nothing.")
@click.option("--worker", metavar="NAME", help="Run every cell on this worker (`local`: here).")
@click.option("--json", "as_json", is_flag=True, help="Print one result object on stdout.")
@click.option("--events", metavar="FILE", help="Write events to FILE as NDJSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show what cells print while they run.")
def command(
    patterns: tuple[str, ...],
    jobs: int,
    keep_going: bool,
    force: bool,
    dry_run: bool,
    worker: str | None,
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
    request = Request(jobs, keep_going, force, dry_run)
    return build_here(Path.cwd(), patterns, request, worker, as_json, events, verbose)


def build_here(
    start: Path,
    texts: tuple[str, ...],
    request: Request,
    worker: str | None,
    as_json: bool,
    events: str | None,
    verbose: bool,
) -> int:
    """Builds what `texts` mean to someone standing in `start`; returns the exit code."""
    try:
        with consoles(as_json=as_json, events=events, verbose=verbose) as emit:
            start, texts = starting_point(start, texts)
            opened = open_workspace(start, emit)
            patterns = patterns_of(opened, texts)
            cells = load_cells(opened, patterns)
            wanted = wanted_labels(cells.names.expand(patterns))
            graph = actions(opened, cells, wanted, worker)
            report = run_build(opened, graph, wanted, request)
    except StrataError as problem:
        if as_json:
            print_json(error_json(problem))
        raise
    if as_json:
        print_json(report_json(report))
    return 0 if request.dry_run and not report.interrupted else report.exit_code
