"""`strata profile`: what the last build spent its time on, and what would help."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from strata.cli.accounts import read_trace, recorded_account
from strata.cli.costs import MOST, Account, Cost, costs
from strata.cli.invocation import open_workspace
from strata.cli.output import print_json, say_notice
from strata.cli.profiling import COPY
from strata.cli.records import NothingRecorded
from strata.console.format import count, duration, printable
from strata.stores.journal import open_journal

SCHEMA = "strata.profile.v1"


@click.command("profile")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(file: Path | None, as_json: bool) -> None:
    """Say what cost most time in a build, and what would help.

    FILE is what `strata build --profile FILE` has written. Without FILE it is the last build with
    --profile; or, if something ran in a build since then, what is recorded of that one.

    The share in front is how much of the build's time would be gone without that, at most.
    """
    account = _last_account() if file is None else read_trace(file)
    found = costs(account)
    if as_json:
        print_json(_json(account, found, file))
        return
    for line in _lines(account, found):
        click.echo(printable(line))


def _last_account() -> Account:
    """Of the last build of this workspace. Raises `NothingRecorded`."""
    opened = open_workspace(Path.cwd(), say_notice)
    recorded = None
    if (opened.state / "journal").is_dir():
        journal = open_journal(opened.state / "journal")
        try:
            recorded = recorded_account(journal)
        finally:
            journal.close()
    copy = opened.state / COPY
    traced = read_trace(copy) if copy.exists() else None
    if traced is not None and (recorded is None or recorded.started_at <= _until(traced)):
        return traced
    if recorded is None:
        raise NothingRecorded("no build is recorded here", hint="`strata build` makes one")
    return recorded


def _until(account: Account) -> float:
    return account.started_at + account.duration_s


def _lines(account: Account, found: list[Cost]) -> list[str]:
    when = datetime.fromtimestamp(account.started_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    head = (
        f"{when}  {' '.join(account.asked) or 'nothing was built'}  {duration(account.duration_s)}"
    )
    head += f", {count(account.jobs, 'slot')}" if account.jobs is not None else ""
    head += f", critical path {duration(account.critical_s)}" if account.critical_s else ""
    lines = [head + (" (interrupted)" if account.interrupted else "")]
    for place, cost in enumerate(found[:MOST], start=1):
        share = 100 * min(1.0, cost.wall_s / account.duration_s)
        lines += [f"{place}. {share:3.0f} %  {cost.said}", f"{'':10}{cost.help}"]
    if not found:
        lines.append("nothing took long enough to be worth a word")
    if account.source == "recorded":
        lines.append("`strata build --profile FILE` shows slots, waiting and storing too")
    return lines


def _json(account: Account, found: list[Cost], file: Path | None) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "source": account.source,
        "file": None if file is None else str(file),
        "started_at": account.started_at,
        "asked": list(account.asked),
        "duration_s": round(account.duration_s, 6),
        "critical_path_s": round(account.critical_s, 6),
        "jobs": account.jobs,
        "interrupted": account.interrupted,
        "phases": {name: round(seconds, 6) for name, seconds in account.phases.items()},
        "costs": [_cost_json(cost) for cost in found],
    }


def _cost_json(cost: Cost) -> dict[str, object]:
    return {
        "kind": cost.kind,
        "label": cost.label,
        "seconds": round(cost.seconds, 6),
        "wall_s": round(cost.wall_s, 6),
        "count": cost.count,
        "size_bytes": cost.size_bytes,
        "said": cost.said,
        "help": cost.help,
    }
