"""`strata names`: what cell sources bind, read and mutate, for people, editors and agents."""

from __future__ import annotations

from pathlib import Path

import click

from strata.analysis.scanned import scan_cell
from strata.cli.output import print_json
from strata.core.errors import ExitCode
from strata.core.label import Label
from strata.loading.files import UnreadableText, read_text
from strata.loading.notebook import Cell, Directives, kind_of


@click.command("names")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects on stdout.")
def command(files: tuple[Path, ...], as_json: bool) -> int:
    """Say which names the cells in FILES bind, read and mutate.

    The files need not belong to a notebook; nothing is run. Builtins are left out of what is read.
    A file that cannot be understood has an error instead, and the exit code is 1.
    """
    entries = [_entry(path) for path in files]
    if as_json:
        print_json(entries)
    else:
        for entry in entries:
            _print(entry)
    broken = any(entry["error"] is not None for entry in entries)
    return ExitCode.CELL_FAILED if broken else ExitCode.OK


def _entry(path: Path) -> dict[str, object]:
    kind = kind_of(path.name)
    names: dict[str, object] = {"binds": [], "reads": [], "mutates": [], "may_read": []}
    try:
        source = read_text(path)
    except (OSError, UnreadableText) as problem:
        said = problem.strerror if isinstance(problem, OSError) else str(problem)
        return {"file": str(path), "language": kind, **names, "error": _error(said, None, None)}
    cell = Cell(Label("", path.stem), path.name, str(path), kind, 0.0, source, Directives())
    scanned = scan_cell(cell)
    broken = scanned.problem
    if broken is not None:
        error = _error(broken.what, broken.line, broken.hint)
        return {"file": str(path), "language": kind, **names, "error": error}
    scan = scanned.scan
    names = {
        "binds": list(scan.binds),
        "reads": list(scan.reads),
        # A name that the cell itself binds first is no value of another cell that it changes.
        "mutates": [name for name in scan.mutates if name in scan.reads],
        "may_read": list(scan.may_read),
    }
    return {"file": str(path), "language": kind, **names, "error": None}


def _error(message: str | None, line: int | None, hint: str | None) -> dict[str, object]:
    return {"message": message, "line": line, "hint": hint}


def _print(entry: dict[str, object]) -> None:
    click.echo(f"{entry['file']} ({entry['language']})")
    error = entry["error"]
    if isinstance(error, dict):
        place = "" if error["line"] is None else f"line {error['line']}: "
        click.echo(f"  error    {place}{error['message']}")
        if error["hint"]:
            click.echo(f"           {error['hint']}")
        return
    for key in ("binds", "reads", "may_read", "mutates"):
        found = entry[key]
        assert isinstance(found, list)
        if found:
            click.echo(f"  {key.replace('_', ' '):<8} {', '.join(found)}")
