"""`strata log`: console output and error of a cell's last run."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from strata.cli.output import failure_json, print_json
from strata.cli.records import Record, record_of
from strata.console.format import duration, printable
from strata.console.lines import headline


@click.command("log")
@click.argument("target", type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(target: str, as_json: bool) -> None:
    """Show what TARGET printed when it last ran, and how it ended.

    A hit replays the output of the run that made the result. Output of the cell goes to stdout,
    everything else to stderr.
    """
    with record_of(target) as record:
        if as_json:
            print_json(_json(record))
            return
        _print(record)


def _print(record: Record) -> None:
    result = record.last.result
    when = datetime.fromtimestamp(result.finished_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    how = (
        record.last.status
        if not record.last.reason
        else f"{record.last.status}: {record.last.reason}"
    )
    click.echo(f"{record.label}  {how}", err=True)
    if result.finished_at:
        click.echo(f"ran {when} on {result.worker}, {duration(result.duration_s)}", err=True)
    for _, text in record.console():
        sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
    if result.error is not None:
        said = result.error.traceback or headline(result.error)
        click.echo(printable(said).rstrip("\n"), err=True)
        if result.error.hint:
            click.echo(f"hint: {result.error.hint}", err=True)


def _json(record: Record) -> dict[str, object]:
    result = record.last.result
    error = result.error
    return {
        "schema": "strata.log.v1",
        "label": str(record.label),
        "status": record.last.status,
        "reason": record.last.reason,
        "finished_at": result.finished_at,
        "duration_s": result.duration_s,
        "worker": result.worker,
        "console": [{"stream": stream, "text": text} for stream, text in record.console()],
        "error": None if error is None else failure_json(error),
    }
