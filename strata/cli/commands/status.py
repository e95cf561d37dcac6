"""`strata status`: what is up to date, by the same plan as a build, running nothing."""

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
from strata.cli.output import print_json, report_json, say_notice
from strata.cli.patterns import PatternCommand
from strata.cli.session import Request, run_build
from strata.console.format import duration
from strata.console.lines import headline, one_line
from strata.core.events import Status
from strata.execution.report import CellReport

_WORDS = {
    Status.CACHED: "fresh",
    Status.WOULD_RUN: "stale",
    Status.UNKNOWN: "unknown",
    Status.FAILED: "broken",
    Status.SKIPPED: "blocked",
}


@click.command("status", cls=PatternCommand)
@click.argument("patterns", nargs=-1, type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(patterns: tuple[str, ...], as_json: bool) -> None:
    """Say of each cell whether it is up to date; run nothing.

    \b
    fresh    its result is in the cache
    stale    it would run, and why
    unknown  it depends on what a stale cell gives
    broken   it cannot be understood
    blocked  it needs a broken cell
    """
    start, texts = starting_point(Path.cwd(), patterns)
    opened = open_workspace(start, say_notice)
    wanted_patterns = patterns_of(opened, texts)
    cells = load_cells(opened, wanted_patterns)
    wanted = wanted_labels(cells.names.expand(wanted_patterns))
    planned = actions(opened, cells, wanted)
    report = run_build(opened, planned, wanted, Request(dry_run=True))
    if as_json:
        print_json(report_json(report))
        return
    width = max((len(str(cell.label)) for cell in report.cells), default=0)
    for cell in report.cells:
        click.echo(_line(cell, width).rstrip())
    if not report.cells:
        click.echo("no cells to build")


def _line(cell: CellReport, width: int) -> str:
    word = f"{_WORDS[cell.status]:<8} {cell.label!s:<{width}}"
    result = cell.result
    if result is not None and result.error is not None:
        return f"{word}  {one_line(headline(result.error))}"
    if result is not None:
        return f"{word}  {duration(result.duration_s):>9}"
    return f"{word}  {cell.reason}"
