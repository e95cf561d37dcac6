"""`strata show`: a cell's values and displays, from records; nothing is unpickled."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from strata.cli.opening import open_file
from strata.cli.output import outputs_json, print_json
from strata.cli.records import NothingRecorded, Record, record_of
from strata.console.format import printable, size
from strata.core.digest import Digest
from strata.core.errors import LabelError, UsageError
from strata.core.result import Output, Unstorable

_OPENABLE = {
    "text/html": ".html",
    "image/svg+xml": ".svg",
    "image/png": ".png",
    "image/jpeg": ".jpg",
}


@click.command("show")
@click.argument("target", type=click.UNPROCESSED)
@click.option("--open", "open_", is_flag=True, help="Open images and HTML in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one object on stdout.")
def command(target: str, open_: bool, as_json: bool) -> None:
    """Show the values that TARGET defined, and what it displayed, when it last ran.

    TARGET is a cell, or one variable of it: //train:fit%model, or //train:model.
    """
    with record_of(target) as record:
        result = record.last.result
        if result.error is not None:
            raise NothingRecorded(
                f"{record.label} failed when it last ran",
                hint=f"`strata log {record.label}` shows how",
            )
        outputs = _chosen(record)
        if as_json:
            print_json(_json(record, outputs))
        elif record.variable is None:
            _print_values(outputs)
            _print_displays(record)
        else:
            _print_values(outputs)
        if open_:
            _open_displays(record)


def _chosen(record: Record) -> Mapping[str, Output | Unstorable]:
    outputs = record.last.result.outputs
    if record.variable is None:
        return outputs
    if record.variable not in outputs:
        known = ", ".join(outputs) or "no values"
        raise LabelError(
            f"{record.label} has no value '{record.variable}'", hint=f"it has: {known}"
        )
    return {record.variable: outputs[record.variable]}


def _print_values(outputs: Mapping[str, Output | Unstorable]) -> None:
    for name, output in outputs.items():
        if isinstance(output, Unstorable):
            click.echo(f"{name}: {output.type_name}, not stored: {output.reason}")
            continue
        stored = f"{size(output.digest.size_bytes)}, {output.codec}"
        click.echo(f"{name}: {output.type_name} ({stored})")
        for line in printable(output.summary).splitlines():
            click.echo(f"  {line}")


def _print_displays(record: Record) -> None:
    for bundle in record.last.result.displays:
        click.echo("")
        text = bundle.get("text/plain") or bundle.get("text/markdown")
        if text is not None:
            click.echo(printable(record.bytes_of(text).decode("utf-8", "replace")))
        rich = [mime for mime in bundle if mime in _OPENABLE]
        if rich:
            kinds = ", ".join(f"{m} ({size(bundle[m].size_bytes)})" for m in rich)
            click.echo(f"[{kinds}; --open shows it]")


def _open_displays(record: Record) -> None:
    bundles = [b for b in record.last.result.displays if any(m in b for m in _OPENABLE)]
    if not bundles:
        raise UsageError(f"{record.label} displayed no image and no HTML")
    folder = Path(tempfile.mkdtemp(prefix="strata-show-"))
    for number, bundle in enumerate(bundles):
        path = _write(record, bundle, folder, number)
        if not open_file(path):
            click.echo(str(path))


def _write(record: Record, bundle: Mapping[str, Digest], folder: Path, number: int) -> Path:
    mime = next(m for m in _OPENABLE if m in bundle)
    path = folder / f"display-{number}{_OPENABLE[mime]}"
    path.write_bytes(record.bytes_of(bundle[mime]))
    return path


def _json(record: Record, outputs: Mapping[str, Output | Unstorable]) -> dict[str, object]:
    summaries = {n: o.summary for n, o in outputs.items() if isinstance(o, Output)}
    return {
        "schema": "strata.show.v1",
        "label": str(record.label),
        "outputs": outputs_json(dict(outputs)),
        "summaries": summaries,
        "unstorable": {n: o.reason for n, o in outputs.items() if isinstance(o, Unstorable)},
        "displays": [
            {mime: {"digest": d.hex, "size_bytes": d.size_bytes} for mime, d in bundle.items()}
            for bundle in record.last.result.displays
        ],
    }
