"""`strata run`: the headless runner, every cell of one notebook in topological order."""

from __future__ import annotations

from pathlib import Path

import click

from strata.cli.commands.build import build_here
from strata.cli.session import Request
from strata.cli.verifying import percentage, sample_of
from strata.core.errors import UsageError


@click.command("run")
@click.argument("notebook_dir", type=click.Path(path_type=Path))
@click.option("-j", "--jobs", type=click.IntRange(0, 1024), default=0, metavar="N",
              help="Cells that run at once (default: one per core).")  # fmt: skip
@click.option("-k/-K", "--keep-going/--fail-fast", default=True,
              help="After a failure build what does not need it (default), or stop.")  # fmt: skip
@click.option("--force", is_flag=True, help="Run every cell although it is up to date.")
@click.option("--worker", metavar="NAME", help="Run every cell on this worker (`local`: here).")
@click.option("--sandbox", type=click.Choice(["off", "strict"]),
              help="strict: a cell can read only the files it declares.")  # fmt: skip
@click.option("--network", type=click.Choice(["on", "off"]),
              help="off: cells run without the network.")  # fmt: skip
@click.option("--fix", is_flag=True,
              help="Add the lines that --sandbox=strict asks for to the cells.")  # fmt: skip
@click.option("--verify", metavar="N%", type=percentage,
              help="Run this share of the hits again, and compare: 5%, or all.")  # fmt: skip
@click.option("--verify-seed", metavar="SEED", type=int,
              help="Which hits --verify takes (default: others each time).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one result object on stdout.")
@click.option("--events", metavar="FILE", help="Write events to FILE as NDJSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show what cells print while they run.")
def command(
    notebook_dir: Path,
    jobs: int,
    keep_going: bool,
    force: bool,
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
    """Build every cell of the notebook in NOTEBOOK_DIR.

    The same engine and cache as `strata build`; the folder may be anywhere.
    """
    if not (notebook_dir / "notebook.toml").exists():
        what = "has no notebook.toml" if notebook_dir.is_dir() else "is not a folder"
        raise UsageError(f"{notebook_dir} {what}", hint="`strata new NAME` makes a notebook")
    sample = sample_of(verify, verify_seed, dry_run=False)
    request = Request(jobs, keep_going, force, False, sandbox, network, fix, verify=sample)
    return build_here(notebook_dir.resolve(), (".",), request, worker, as_json, events, verbose)
