"""Where a command's events and results go: console, `--events`, `--json`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from strata.console.jsonlines import JsonLines
from strata.console.lines import notice_line
from strata.console.progress import LiveConsole, PlainConsole
from strata.core.errors import StrataError, UsageError
from strata.core.events import Emit, Event, Notice
from strata.core.result import CellFailure, Output
from strata.execution.report import BuildReport, CellReport

if TYPE_CHECKING:
    from strata.cli.profiling import Recorder

BUILD_SCHEMA = "strata.build.v1"


@contextlib.contextmanager
def consoles(*, as_json: bool, events: str | None, verbose: bool) -> Iterator[Emit]:
    """A function that shows every event where it belongs, while inside.

    With `as_json` stdout stays free for the one object, and people read stderr.
    """
    stream = sys.stderr if as_json else sys.stdout
    console = console_for(stream, verbose=verbose)
    lock = threading.Lock()
    with contextlib.ExitStack() as stack:
        stack.callback(console.close)
        sinks: list[Emit] = [console]
        if events is not None:
            sinks.append(JsonLines(stack.enter_context(_open_events(events)), time.time))

        def emit(event: Event) -> None:
            with lock:
                for sink in sinks:
                    sink(event)

        yield emit


@contextlib.contextmanager
def profiled(path: str | None) -> Iterator[Recorder | None]:
    """Takes the time while inside, and writes a trace to `path`; nothing where that is None."""
    if path is None:
        yield None
        return
    from strata.cli.profiling import recording

    with recording(path) as recorder:
        yield recorder


def console_for(stream: TextIO, *, verbose: bool) -> PlainConsole | LiveConsole:
    """The live console on a terminal that can show it, else plain lines."""
    if not is_live(stream.isatty(), os.environ):
        return PlainConsole(stream, verbose=verbose)
    colour = not os.environ.get("NO_COLOR")
    return LiveConsole(stream, time.monotonic, colour=colour, verbose=verbose)


def is_live(is_terminal: bool, environ: Mapping[str, str]) -> bool:
    """Whether lines can change once they are shown: on a terminal that can do it, with somebody
    to watch."""
    return is_terminal and environ.get("TERM", "") not in ("", "dumb") and not environ.get("CI")


def _open_events(path: str) -> TextIO:
    try:
        return Path(path).open("w", encoding="utf-8")
    except OSError as problem:
        raise UsageError(
            f"--events: {path} cannot be written: {problem.strerror}",
            hint="name a file in a folder that exists",
        ) from problem


def say_notice(event: Event) -> None:
    """Shows notices of commands that do not build on stderr; other events do not concern them."""
    if isinstance(event, Notice):
        click.echo(notice_line(event), err=True)


def print_json(value: object) -> None:
    """One object on stdout."""
    click.echo(json_text(value))


def json_text(value: object) -> str:
    """An object as it is printed."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def error_json(problem: StrataError) -> dict[str, object]:
    """What `--json` prints when there is no build to report."""
    error = {
        "type": type(problem).__name__,
        "message": problem.what,
        "file": problem.path,
        "line": problem.line,
    }
    return {"schema": BUILD_SCHEMA, "success": False, "error": error, "cells": []}


def report_json(report: BuildReport) -> dict[str, object]:
    """The object of `strata build --json`."""
    counts: dict[str, int] = {"ran": 0, "cached": 0, "failed": 0, "skipped": 0}
    for cell in report.cells:
        counts[cell.status.value] = counts.get(cell.status.value, 0) + 1
    return {
        "schema": BUILD_SCHEMA,
        "success": report.success,
        "duration_s": round(report.duration_s, 6),
        "interrupted": report.interrupted,
        "summary": counts,
        "cells": [cell_json(cell) for cell in report.cells],
    }


def cell_json(cell: CellReport) -> dict[str, object]:
    """One entry of `cells`."""
    result = cell.result
    error = None if result is None else result.error
    entry: dict[str, object] = {
        "label": str(cell.label),
        "status": cell.status.value,
        "reason": cell.reason,
        "cache": None if result is None else result.cache,
        "accepted": None if result is None or not result.accepted else result.accepted,
        "worker": None if result is None else result.worker,
        "duration_s": None if result is None else round(result.duration_s, 6),
        "outputs": {} if result is None else outputs_json(dict(result.outputs)),
        "error": None if error is None else failure_json(error),
    }
    if cell.steps_ran is not None:
        entry["actions"] = {"ran": cell.steps_ran, "cached": cell.steps_cached}
    return entry


def failure_json(error: CellFailure) -> dict[str, object]:
    """How a cell failed."""
    return {
        "kind": error.kind.value,
        "type": error.type,
        "message": error.message,
        "file": error.file,
        "line": error.line,
        "traceback": error.traceback,
        "hint": error.hint,
    }


def outputs_json(outputs: dict[str, object]) -> dict[str, object]:
    """Stored variables by name; those that could not be stored are left out."""
    return {
        name: {
            "digest": output.digest.hex,
            "codec": output.codec,
            "size_bytes": output.digest.size_bytes,
            "type": output.type_name,
        }
        for name, output in outputs.items()
        if isinstance(output, Output)
    }
