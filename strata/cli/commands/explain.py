"""`strata explain`: why a cell ran, or did not, in the last build or in an earlier one."""

from __future__ import annotations

import contextlib

import click

from strata.cli.explaining import explanation_json, explanation_lines
from strata.cli.invocation import Opened
from strata.cli.output import print_json
from strata.cli.records import located, never_built, removed
from strata.core.errors import LabelError, UsageError
from strata.core.label import Label
from strata.execution.explanation import Explanation, builds_of, in_build, newest
from strata.stores.base import Records
from strata.stores.journal import open_journal


@click.command("explain")
@click.argument("target", type=click.UNPROCESSED)
@click.option("--build", "build", metavar="ID|~N",
              help="In this build; ~1 is the one before the newest.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Show differences in full length.")
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(target: str, build: str | None, everything: bool, as_json: bool) -> None:
    """Say why TARGET ran, or why it did not, when it was last built.

    From records only: nothing is run, and no file is looked at. What would run now, and why, is
    what `strata build -n` says.
    """
    try:
        label, _, opened = located(target)
    except LabelError:
        label, opened = removed(target)
        if not _is_recorded(opened, label):
            raise
    found = _found(opened, label, build)
    if as_json:
        print_json(explanation_json(found))
        return
    for line in explanation_lines(found, everything=everything):
        click.echo(line)


def _is_recorded(opened: Opened, label: Label) -> bool:
    with contextlib.closing(open_journal(opened.state / "journal")) as journal:
        return journal.last(label) is not None


def _found(opened: Opened, label: Label, build: str | None) -> Explanation:
    with contextlib.closing(open_journal(opened.state / "journal")) as journal:
        found = newest(label, journal) if build is None else _in_named(label, build, journal)
        if found is None:
            raise never_built(label)
        return found


def _in_named(label: Label, named: str, records: Records) -> Explanation | None:
    """Raises `UsageError` for a build that is not recorded, or did not look at `label`."""
    builds = builds_of(label, records)
    if not builds:
        return None
    if named.startswith("~"):
        back = int(named[1:]) if named[1:].isdecimal() else -1
        if not 0 <= back < len(builds):
            raise UsageError(
                f"--build {named}: of {label} {len(builds)} builds are recorded",
                hint=f"~0 to ~{len(builds) - 1}; ~0 is the newest",
            )
        return in_build(label, builds[back], records)
    chosen = [b for b in builds if b.id.startswith(named)] if named else []
    if not chosen:
        known = any(b.id.startswith(named) for b in records.builds()) if named else False
        what = f"did not look at {label}" if known else "is not recorded"
        shown = ", ".join(b.id for b in builds[:5])
        raise UsageError(f"build '{named}' {what}", hint=f"the newest that did: {shown}")
    return in_build(label, chosen[0], records)
