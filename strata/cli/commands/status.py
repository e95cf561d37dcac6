"""`strata status`: what is up to date, by the same plan as a build, running nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strata.cli.invocation import open_workspace, patterns_of, starting_point
from strata.cli.output import print_json, report_json, say_notice
from strata.cli.patterns import PatternCommand
from strata.cli.proving import heard, proving
from strata.cli.session import Request
from strata.cli.wanted import build_wanted, wanted_by
from strata.console.format import duration
from strata.console.lines import headline, one_line
from strata.core.events import Status
from strata.execution.report import BuildReport, CellReport

if TYPE_CHECKING:
    from strata.cli.stamp import Found

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
@click.pass_obj
def command(found: Found | None, patterns: tuple[str, ...], as_json: bool) -> None:
    """Say of each cell whether it is up to date; run nothing.

    \b
    fresh    its result is in the cache
    stale    it would run, and why
    unknown  it depends on what a stale cell gives
    broken   it cannot be understood
    blocked  it needs a broken cell
    """
    with proving(None if as_json else found) as proof:
        start, texts = starting_point(Path.cwd(), patterns)
        opened = open_workspace(start, heard(proof, say_notice), proof=proof)
        wanted = wanted_by(opened, patterns_of(opened, texts))
        report = build_wanted(opened, wanted, Request(dry_run=True)).report
        if as_json:
            print_json(report_json(report))
            return
        said = _said(report)
        click.echo(said, nl=False)
        # What is not fresh depends on what is in the cache, and that is not looked at.
        if proof is not None and all(cell.status is Status.CACHED for cell in report.cells):
            proof.keep_words(opened, said, of_results=True)


def _said(report: BuildReport) -> str:
    width = max((len(str(cell.label)) for cell in report.cells), default=0)
    lines = [_line(cell, width).rstrip() for cell in report.cells] or ["no cells to build"]
    return "".join(f"{line}\n" for line in lines)


def _line(cell: CellReport, width: int) -> str:
    word = f"{_WORDS[cell.status]:<8} {cell.label!s:<{width}}"
    result = cell.result
    if result is not None and result.error is not None:
        return f"{word}  {one_line(headline(result.error))}"
    if result is not None:
        return f"{word}  {duration(result.duration_s):>9}"
    return f"{word}  {cell.reason}"
