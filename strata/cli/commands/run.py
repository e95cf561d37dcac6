"""`strata run`: the headless runner, every cell of one notebook in topological order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strata.cli.building import Telling, build_here
from strata.cli.options import pace_options, shared_options
from strata.cli.session import Request
from strata.cli.verifying import sample_of
from strata.core.errors import UsageError

if TYPE_CHECKING:
    from strata.cli.stamp import Found


@click.command("run")
@click.argument("notebook_dir", type=click.Path(path_type=Path))
@pace_options
@click.option("--force", is_flag=True, help="Run every cell although it is up to date.")
@shared_options
@click.pass_obj
def command(
    found: Found | None,
    notebook_dir: Path,
    jobs: int,
    keep_going: bool,
    force: bool,
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
    """Build every cell of the notebook in NOTEBOOK_DIR.

    The same engine and cache as `strata build`; the folder may be anywhere.
    """
    if not (notebook_dir / "notebook.toml").exists():
        what = "has no notebook.toml" if notebook_dir.is_dir() else "is not a folder"
        raise UsageError(f"{notebook_dir} {what}", hint="`strata new NAME` makes a notebook")
    sample = sample_of(verify, verify_seed, dry_run=False)
    request = Request(jobs, keep_going, force, False, sandbox, network, fix, warm, verify=sample)
    telling = Telling(as_json, events, profile, verbose)
    return build_here(notebook_dir.resolve(), (".",), request, worker, telling, found)
