"""The lint in a build: a cell that begins to run is preceded by the one line about it, if any.

Cells that do not run cost nothing, so a null build pays nothing and says nothing.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from strata.cli.invocation import Cells
from strata.core.events import CellStarted, Emit, Event, Notice
from strata.core.label import Label

if TYPE_CHECKING:
    from strata.analysis.lint import Lint


def linting(emit: Emit, cells: Cells) -> Emit:
    """`emit`, with a warning before the first start of each cell that deserves one.

    Safe to be called by several threads, as long as one cell is run by one of them at a time.
    """
    said: set[Label] = set()

    @cache
    def lint() -> Lint:
        return _lint_of(cells)

    def emit_linted(event: Event) -> None:
        if isinstance(event, CellStarted) and event.label not in said:
            said.add(event.label)  # a retry is another start
            line = lint().line(event.label)
            if line is not None:
                emit(Notice("warning", line, event.label))
        emit(event)

    return emit_linted


def _lint_of(cells: Cells) -> Lint:
    # A null build loads none of this.
    from strata.analysis.lint import Lint

    folders = {notebook.package: notebook.folder for notebook in cells.notebooks}
    return Lint(cells.joined, lambda package, module: _has_module(folders[package], module))


def _has_module(folder: os.PathLike[str], module: str) -> bool:
    """A cell's `import module` gets a file of the notebook's own folder."""
    beside = os.path.join(folder, module)
    return os.path.isfile(f"{beside}.py") or os.path.isfile(os.path.join(beside, "__init__.py"))
