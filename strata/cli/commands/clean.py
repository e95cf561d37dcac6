"""`strata clean`: remove the cache, and what the workspace remembers."""

from __future__ import annotations

from pathlib import Path

import click

from strata.cli import stamp
from strata.cli.invocation import open_workspace
from strata.cli.output import say_notice
from strata.cli.profiling import COPY
from strata.cli.session import remove_tree
from strata.console.format import size
from strata.stores.journal import clear_journal
from strata.stores.lmdb import clear, size_bytes


@click.command("clean")
@click.option("--environments", is_flag=True, help="Also remove the virtual environments.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
def command(environments: bool, dry_run: bool) -> None:
    """Remove every cached result of this workspace's cache, and its records.

    Everything is built again next time. A cache that other workspaces share is emptied for them
    too. Files that you wrote are never touched. While a build runs, it refuses.
    """
    opened = open_workspace(Path.cwd(), say_notice)
    freed = size_bytes(opened.cache)
    if dry_run:
        click.echo(f"would remove {size(freed)} from {opened.cache}")
        return
    clear(opened.cache)
    clear_journal(opened.state / "journal")
    (opened.state / COPY).unlink(missing_ok=True)
    remove_tree(opened.state / stamp.FOLDER)
    if environments:
        remove_tree(opened.cache / "envs")
    click.echo(f"removed {size(freed)} from {opened.cache}")
