"""Options that several commands have, once: they mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from strata.cli.verifying import percentage

Command = TypeVar("Command", bound=Callable[..., object])


def pace_options(command: Command) -> Command:
    """How many cells run at once, and what happens after a failure."""
    options = [
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(0, 1024),
            default=0,
            metavar="N",
            help="Cells that run at once (default: one per core).",
        ),
        click.option(
            "-k/-K",
            "--keep-going/--fail-fast",
            default=True,
            help="After a failure build what does not need it (default), or stop.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def shared_options(command: Command) -> Command:
    """How cells are run and checked, and where what happens is told."""
    options = [
        click.option(
            "--worker", metavar="NAME", help="Run every cell on this worker (`local`: here)."
        ),
        click.option(
            "--sandbox",
            type=click.Choice(["off", "strict"]),
            help="strict: a cell can read only the files it declares.",
        ),
        click.option(
            "--network",
            type=click.Choice(["on", "off"]),
            help="off: cells run without the network.",
        ),
        click.option(
            "--warm",
            type=click.Choice(["build", "server", "off"]),
            help="How long processes live that have imported what cells import.",
        ),
        click.option(
            "--fix", is_flag=True, help="Add the lines that --sandbox=strict asks for to the cells."
        ),
        click.option(
            "--verify",
            metavar="N%",
            type=percentage,
            help="Run this share of the hits again, and compare: 5%, or all.",
        ),
        click.option(
            "--verify-seed",
            metavar="SEED",
            type=int,
            help="Which hits --verify takes (default: others each time).",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one result object on stdout."),
        click.option("--events", metavar="FILE", help="Write events to FILE as NDJSON."),
        click.option(
            "--profile", metavar="FILE", help="Write where the time went to FILE (Chrome trace)."
        ),
        click.option("-v", "--verbose", is_flag=True, help="Show what cells print while they run."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
