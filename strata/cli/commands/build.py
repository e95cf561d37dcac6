"""`strata build`: build cells and everything they need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strata.cli.building import Telling, build_here
from strata.cli.options import pace_options, shared_options
from strata.cli.patterns import PatternCommand
from strata.cli.session import Request
from strata.cli.verifying import sample_of
from strata.core.errors import UsageError

if TYPE_CHECKING:
    from strata.cli.stamp import Found


@click.command("build", cls=PatternCommand)
@click.argument("patterns", nargs=-1, type=click.UNPROCESSED)
@pace_options
@click.option("--force", is_flag=True, help="Run the named cells although they are up to date.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run, and why; run nothing.")
@click.option("--since", metavar="REV",
              help="What changed since this revision of git, and what needs it.")  # fmt: skip
@click.option("--check", is_flag=True,
              help="As -n; end with 3 if anything would run.")  # fmt: skip
@shared_options
@click.pass_obj
def command(
    found: Found | None,
    patterns: tuple[str, ...],
    jobs: int,
    keep_going: bool,
    force: bool,
    dry_run: bool,
    since: str | None,
    check: bool,
    worker: str | None,
    sandbox: str | None,
    network: str | None,
    warm: str | None,
    fix: bool,
    verify: float | None,
    verify_seed: int | None,
    as_json: bool,
    events: str | None,
    profile: str | None,
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
    if fix and since is not None:
        raise UsageError("--fix changes cells, so it cannot go with --since", hint="fix them first")
    request = Request(
        jobs=jobs,
        keep_going=keep_going,
        force=force,
        dry_run=dry_run,
        sandbox=sandbox,
        network=network,
        fix=fix,
        warm=warm,
        verify=sample,
        since=since,
    )
    telling = Telling(as_json, events, profile, verbose, check)
    return build_here(Path.cwd(), patterns, request, worker, telling, found)
