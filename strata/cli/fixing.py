"""`--fix`: the annotation lines that refusals of the sandbox name, written into the cells.

Only adds lines, only to cells that failed for want of them, and never the same line twice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strata.cli.invocation import Cells, Opened
from strata.cli.session import Request
from strata.core.errors import CellError, UsageError
from strata.core.events import Emit, Notice
from strata.execution.report import BuildReport
from strata.executors.refusals import advised_lines
from strata.loading.annotations import comments_of
from strata.loading.edit import add_annotation
from strata.loading.model import Cell

MOST_ROUNDS = 20

Round = tuple[Cells, BuildReport]
"""The cells as they were read, and what building them came to."""


def check_fix(opened: Opened, request: Request) -> None:
    """Raises `UsageError` where `--fix` is asked for and nothing would be refused."""
    strict = (request.sandbox or opened.workspace.build.sandbox) == "strict"
    if request.fix and not strict:
        raise UsageError("--fix needs the sandbox", hint="add --sandbox=strict")
    if request.fix and request.dry_run:
        raise UsageError("--fix needs a build, and -n makes none", hint="leave one of them out")


def build_until_fixed(build: Callable[[], Round], root: Path, emit: Emit) -> BuildReport:
    """The report of the last of the builds that it takes until no refusal names a new line.

    `build` reads the cells anew each time. What was added is said. Raises `CellError` for a cell
    that cannot be written.
    """
    cells, report = build()
    for _ in range(MOST_ROUNDS):
        if report.interrupted or not add_missing_lines(cells, report, root, emit):
            return report
        cells, report = build()
    said = f"--fix ends after {MOST_ROUNDS} rounds; build again, or write patterns yourself"
    emit(Notice("warning", said))
    return report


def add_missing_lines(cells: Cells, report: BuildReport, root: Path, emit: Emit) -> int:
    """Adds the lines that `report` names; how many there were."""
    cell_of = {cell.label: cell for notebook in cells.notebooks for cell in notebook.cells}
    added = 0
    for entry in report.cells:
        error = None if entry.result is None else entry.result.error
        cell = cell_of.get(entry.label)
        if error is None or cell is None:
            continue
        for line in advised_lines(error):
            if line not in _written(cell):
                _add(cell, line, root)
                emit(Notice("note", f"{cell.path}: added `{line}`"))
                added += 1
    return added


def _written(cell: Cell) -> set[str]:
    return {f"# @{a.key} {a.value}" for a in cell.annotations}


def _add(cell: Cell, line: str, root: Path) -> None:
    try:
        add_annotation(root / cell.path, line, comments_of(cell.kind))
    except OSError as problem:
        raise CellError(
            f"--fix cannot add `{line}`: {(problem.strerror or str(problem)).lower()}",
            path=cell.path,
            hint="add it yourself, or make the file writable",
        ) from problem
