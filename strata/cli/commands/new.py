"""`strata new`: make a new notebook."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import click

from strata.loading.edit import new_notebook


@click.command("new", context_settings={"ignore_unknown_options": True})
@click.argument("name", type=click.UNPROCESSED)
@click.option("--env/--no-env", "environment", default=False,
              help="Also write a pyproject.toml for the notebook's dependencies.")  # fmt: skip
def command(name: str, environment: bool) -> None:
    """Make a notebook in a new folder NAME, with one cell to start from."""
    folder = Path.cwd() / name
    new_notebook(folder, folder.name, datetime.now(UTC), str(uuid.uuid4()), environment)
    click.echo(f"made {name}: notebook.toml and cells/")
    click.echo(f"build it with: strata build ./{name}")
