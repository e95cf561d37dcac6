"""`strata diff`: what changed in the values of a cell, between two runs or since a revision."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from strata.cli.comparing import Side, TwoResults, two_results
from strata.cli.difference_page import write_page
from strata.cli.differences import Differences, DisplayDifference, VariableDifference, differences
from strata.cli.opening import open_file
from strata.cli.output import print_json
from strata.console.format import printable, size
from strata.core.digest import Digest
from strata.core.errors import ExitCode, UsageError
from strata.core.result import Output, Unstorable

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("diff")
@click.argument("target", type=click.UNPROCESSED)
@click.option("--against", metavar="RUN|REV", help="Compare with this run or git revision.")
@click.option("--open", "open_", is_flag=True, help="Open images side by side in the browser.")
@click.option("--exit-code", is_flag=True, help="End with 3 if anything differs.")
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(
    target: str, against: str | None, open_: bool, exit_code: bool, as_json: bool
) -> ExitCode:
    """Show what changed in the values of TARGET, a cell or one variable of it.

    Compared are the newest run that ended well and the newest one before it that gave something
    else. --against names another: ~1 is the run before, ~2 the one before that; 2026-11-22 or
    "2026-11-22 19:12" a run by when it ended; anything else a revision of git.
    """
    with two_results(target, against) as two:
        differ = differences(two)
        page = write_page(two, differ) if open_ or not as_json else None
        if as_json:
            print_json(_json(two, differ, page))
        else:
            _print(two, differ, page)
        if open_:
            _open(page)
    return ExitCode.CHECK_NOT_MET if exit_code and differ.found else ExitCode.OK


def _open(page: Path | None) -> None:
    if page is None:
        raise UsageError("no image differs: there is nothing to open")
    if not open_file(page):
        click.echo(str(page), err=True)


def _print(two: TwoResults, differ: Differences, page: Path | None) -> None:
    variable = "" if two.record.variable is None else f"%{two.record.variable}"
    click.echo(f"{two.record.label}{variable}")
    click.echo(f"  old: {_side_text(two.old)}")
    click.echo(f"  new: {_side_text(two.new)}")
    if not differ.found and not differ.console:
        click.echo(f"unchanged{': ' + two.note if two.note else ''}")
        return
    for value in differ.variables:
        _print_variable(value)
    for display in differ.displays:
        _print_display(display)
    if differ.console:
        click.echo("what it printed differs")
        _print_lines(differ.console)
    if page is not None:
        click.echo(f"images side by side: {page}")


def _side_text(side: Side) -> str:
    ran = f"ran {side.when}"
    return ran if side.revision is None else f"{side.revision}, {ran}"


def _print_variable(value: VariableDifference) -> None:
    match value.status:
        case "added":
            _print_lines([f"+ {value.name}: {_stored_text(value.new)}"], indent="")
        case "removed":
            _print_lines([f"- {value.name}: {_stored_text(value.old)}"], indent="")
        case "unchanged":
            click.echo(f"{value.name}: unchanged")
        case _ if isinstance(value.old, Output) and isinstance(value.new, Output):
            click.echo(f"{value.name}: {value.new.type_name}")
            _print_lines(value.lines)
        case _:
            click.echo(f"{value.name}:")
            lines = [f"- {_stored_text(value.old)}", f"+ {_stored_text(value.new)}"]
            _print_lines(lines)


def _stored_text(stored: Output | Unstorable | None) -> str:
    match stored:
        case Output():
            first = stored.summary.partition("\n")[0]
            told = f"{stored.type_name} ({size(stored.digest.size_bytes)})"
            return f"{told}: {first}" if first else told
        case Unstorable():
            return f"{stored.type_name}, not stored: {stored.reason}"
        case None:
            return ""


def _print_display(display: DisplayDifference) -> None:
    if display.status == "unchanged":
        return
    click.echo(f"display {display.position + 1} {_verb(display.status)}")
    for mime in dict.fromkeys([*display.old, *display.new]):
        if display.old.get(mime) != display.new.get(mime):
            click.echo(f"  {mime}: {_bytes_text(display.old, display.new, mime)}")
            _print_lines(display.diffs.get(mime, ()), indent="    ")


def _verb(status: str) -> str:
    return "differs" if status == "changed" else f"was {status}"


def _bytes_text(old: object, new: object, mime: str) -> str:
    """The sizes of what was shown, old and new."""
    assert isinstance(old, dict)
    assert isinstance(new, dict)
    texts = [size(b[mime].size_bytes) if mime in b else "none" for b in (old, new)]
    return f"{texts[0]} → {texts[1]}"


def _print_lines(lines: tuple[str, ...] | list[str], indent: str = "  ") -> None:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    colour = colour and os.environ.get("TERM", "dumb") != "dumb"
    for line in lines:
        text = printable(line).replace("\n", " ")
        sign = text.lstrip()[:1]
        if colour and sign in _COLOURS and " → " not in text:
            text = click.style(text, fg=_COLOURS[sign])
        click.echo(f"{indent}{text}")


def _json(two: TwoResults, differ: Differences, page: Path | None) -> dict[str, object]:
    return {
        "schema": "strata.diff.v1",
        "label": str(two.record.label),
        "variable": two.record.variable,
        "old": _side_json(two.old),
        "new": _side_json(two.new),
        "different": differ.found,
        "variables": [_variable_json(value) for value in differ.variables],
        "displays": [_display_json(display) for display in differ.displays],
        "console": list(differ.console),
        "page": None if page is None else str(page),
    }


def _side_json(side: Side) -> dict[str, object]:
    return {
        "revision": side.revision,
        "finished_at": side.result.finished_at,
        "worker": side.result.worker,
    }


def _variable_json(value: VariableDifference) -> dict[str, object]:
    return {
        "name": value.name,
        "status": value.status,
        "old": _stored_json(value.old),
        "new": _stored_json(value.new),
        "difference": value.difference,
        "lines": list(value.lines),
        "not_compared": value.unread or None,
    }


def _stored_json(stored: Output | Unstorable | None) -> dict[str, object] | None:
    match stored:
        case Output():
            return {
                **_digest_json(stored.digest),
                "codec": stored.codec,
                "type": stored.type_name,
                "summary": stored.summary,
            }
        case Unstorable():
            return {"type": stored.type_name, "unstorable": stored.reason}
        case None:
            return None


def _digest_json(digest: Digest) -> dict[str, object]:
    return {"digest": digest.hex, "size_bytes": digest.size_bytes}


def _display_json(display: DisplayDifference) -> dict[str, object]:
    return {
        "position": display.position,
        "status": display.status,
        "old": {mime: _digest_json(d) for mime, d in display.old.items()},
        "new": {mime: _digest_json(d) for mime, d in display.new.items()},
        "diffs": {mime: list(lines) for mime, lines in display.diffs.items()},
    }
