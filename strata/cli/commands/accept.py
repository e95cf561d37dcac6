"""`strata accept`: say that an edit does not change a cell's result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from strata.cli.invocation import load_cells, open_workspace, patterns_of, starting_point
from strata.cli.output import print_json, say_notice
from strata.cli.patterns import PatternCommand
from strata.console.lines import one_line
from strata.core.errors import UsageError
from strata.core.label import Scope
from strata.loading.acceptances import Accepted, read_accepted

SCHEMA = "strata.accepted.v1"


@click.command("accept", cls=PatternCommand)
@click.argument("targets", nargs=-1, type=click.UNPROCESSED, metavar="TARGET")
@click.option("--reason", metavar="TEXT", help="Why the edit does not change the result.")
@click.option("--revoke", is_flag=True, help="Take back what was accepted of TARGET.")
@click.option("--list", "as_list", is_flag=True,
              help="Show what was accepted; TARGET may be several patterns.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="With --list: print one object on stdout.")
def command(
    targets: tuple[str, ...], reason: str | None, revoke: bool, as_list: bool, as_json: bool
) -> None:
    """Say that an edit of the cell TARGET does not change its result.

    The result of before the edit then stays valid: nothing is run, here and wherever the cache is
    shared. The reason is written to accepted.toml in the notebook's folder, is shown by builds and
    by `strata explain`, and can be revoked.
    """
    if reason is not None and (as_list or revoke):
        raise UsageError("--reason is for accepting", hint="leave it out here")
    if as_list and revoke:
        raise UsageError("--list shows, and --revoke takes back", hint="leave one of them out")
    if as_list:
        _list(targets, as_json)
        return
    if as_json:
        raise UsageError("--json goes with --list", hint="add --list, or leave it out")
    if len(targets) != 1:
        what = "which cell?" if not targets else "one cell at a time"
        raise UsageError(what, hint="strata accept //notebook:cell --reason '…'")
    if revoke:
        _revoke(targets[0])
    else:
        _accept(targets[0], reason)


def _accept(target: str, reason: str | None) -> None:
    from strata.cli.accepting import accept

    reason = " ".join((reason or "").split())
    if not reason:
        raise UsageError(
            "--reason is missing: why does the edit not change the result?",
            hint=f"strata accept {target} --reason 'only renamed a local variable'",
        )
    start, (text,) = starting_point(Path.cwd(), (target,))
    opened = open_workspace(start, say_notice)
    accepted = accept(opened, text, reason, _now())
    label, earlier = accepted.entry.label, accepted.earlier.result
    made = datetime.fromtimestamp(earlier.finished_at, UTC)
    click.echo(f"{'accepted':<9} {label}  ({accepted.change})")
    click.echo(f"the result of {made:%Y-%m-%d %H:%M:%S} UTC stays valid, says {accepted.file}")


def _revoke(target: str) -> None:
    from strata.cli.accepting import revoke

    start, (text,) = starting_point(Path.cwd(), (target,))
    opened = open_workspace(start, say_notice)
    label, revoked = revoke(opened, text, _now())
    entries = "1 acceptance" if revoked == 1 else f"{revoked} acceptances"
    click.echo(f"{'revoked':<9} {label}  ({entries})")


def _list(texts: Sequence[str], as_json: bool) -> None:
    start, texts = starting_point(Path.cwd(), texts)
    opened = open_workspace(start, say_notice)
    patterns = patterns_of(opened, texts)
    cells = load_cells(opened, patterns)
    wanted = {target.label for target in cells.names.expand(patterns)}
    # Of a cell that is gone people ask by the notebook it was in.
    whole = {label.package for label in wanted}
    if all(p.scope is Scope.CELL for p in patterns):
        whole = set()
    file = read_accepted(opened.workspace.root, sorted({label.package for label in wanted}))
    entries = [
        entry
        for entry in file.entries
        if entry.label in wanted
        or (entry.label.package in whole and entry.label not in cells.scanned)
    ]
    if as_json:
        print_json({"schema": SCHEMA, "accepted": [_json(entry) for entry in entries]})
        return
    for entry in entries:
        word = "revoked" if entry.revoked else "accepted"
        click.echo(f"{word:<9} {entry.label}  {one_line(entry.said)}")
    if not entries:
        click.echo("nothing is accepted")


def _json(entry: Accepted) -> dict[str, object]:
    return {
        "label": str(entry.label),
        "key": entry.key,
        "instead_of": entry.instead_of,
        "reason": entry.reason,
        "by": entry.by,
        "at": entry.at.isoformat(),
        "revoked": entry.revoked,
        "revoked_by": entry.revoked_by,
        "revoked_at": None if entry.revoked_at is None else entry.revoked_at.isoformat(),
    }


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
