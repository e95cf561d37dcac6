"""`strata run`: the headless runner, every cell of one notebook in topological order."""

from __future__ import annotations

from pathlib import Path

import click

from strata.cli.commands.build import build_here
from strata.cli.session import Request
from strata.core.errors import UsageError


@click.command("run")
@click.argument("notebook_dir", type=click.Path(path_type=Path))
@click.option("-j", "--jobs", type=click.IntRange(0, 1024), default=0, metavar="N",
              help="Cells that run at once (default: one per core).")  # fmt: skip
@click.option("-k/-K", "--keep-going/--fail-fast", default=True,
              help="After a failure build what does not need it (default), or stop.")  # fmt: skip
@click.option("--force", is_flag=True, help="Run every cell although it is up to date.")
@click.option("--worker", metavar="NAME", help="Run every cell on this worker (`local`: here).")
@click.option("--json", "as_json", is_flag=True, help="Print one result object on stdout.")
@click.option("--events", metavar="FILE", help="Write events to FILE as NDJSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show what cells print while they run.")
def command(
    notebook_dir: Path,
    jobs: int,
    keep_going: bool,
    force: bool,
    worker: str | None,
    as_json: bool,
    events: str | None,
    verbose: bool,
) -> int:
    """Build every cell of the notebook in NOTEBOOK_DIR.

    The same engine and cache as `strata build`; the folder may be anywhere.
    """
    if not (notebook_dir / "notebook.toml").exists():
        what = "has no notebook.toml" if notebook_dir.is_dir() else "is not a folder"
        raise UsageError(f"{notebook_dir} {what}", hint="`strata new NAME` makes a notebook")
    request = Request(jobs, keep_going, force)
    return build_here(notebook_dir.resolve(), (".",), request, worker, as_json, events, verbose)
