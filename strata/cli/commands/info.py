"""`strata info`: which workspace, cache and interpreter are in use; to paste in a bug report."""

from __future__ import annotations

import platform
from pathlib import Path

import click

from strata import __version__
from strata.cli.cores import cores
from strata.cli.invocation import open_workspace
from strata.cli.output import print_json, say_notice
from strata.console.format import size
from strata.executors.interpreters import choose_interpreter
from strata.executors.uv import Uv
from strata.loading.packages import list_packages
from strata.stores.lmdb import size_bytes


@click.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(as_json: bool) -> None:
    """Say which workspace, cache and interpreter are in use here."""
    opened = open_workspace(Path.cwd(), say_notice)
    uv = Uv(opened.environ, opened.cancellation)
    python = choose_interpreter(None, None, cache=opened.state, uv=uv)
    facts: dict[str, object] = {
        "version": __version__,
        "workspace": str(opened.workspace.root),
        "configured": opened.workspace.has_file,
        "notebooks": len(list_packages(opened.workspace.root, opened.workspace.exclude).packages),
        "state": str(opened.state),
        "cache": str(opened.cache),
        "cache_size_bytes": size_bytes(opened.cache),
        "cache_max_size_bytes": opened.workspace.cache.max_size_bytes,
        "jobs": opened.workspace.build.jobs or cores(),
        "python": python.version,
        "interpreter": python.path,
        "platform": platform.platform(),
    }
    if as_json:
        print_json({"schema": "strata.info.v1", **facts})
        return
    for name, value in facts.items():
        if name.endswith("_bytes") and isinstance(value, int):
            name, value = name.removesuffix("_bytes"), size(value)
        click.echo(f"{name.replace('_', ' '):<16} {value}")
