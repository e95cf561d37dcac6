"""Cells that write files which later cells read, as far as their text says so.

In a script the writer has run before the reader, whether or not a variable passes between them.
Names of files are those in the text, relative to the notebook's folder; nothing is looked up.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Sequence

from strata.loading.model import Cell
from strata.loading.scope import Scan


class Writers:
    """The files that the cells of one notebook write, and who writes them."""

    def __init__(self, cells: Sequence[Cell], scans: Sequence[Scan]) -> None:
        self._cells = cells
        self._scans = scans
        self._of: dict[str, list[int]] = {}
        for position, scan in enumerate(scans):
            for text in (*scan.writes, *cells[position].directives.writes):
                self._of.setdefault(posixpath.normpath(text), []).append(position)

    def before(self, position: int) -> list[int]:
        """The earlier cells that write what the cell at `position` reads, ascending."""
        if not self._of:
            return []
        scan = self._scans[position]
        inputs = self._cells[position].directives.inputs
        patterns = [posixpath.normpath(text) for text in (*scan.places, *inputs)]
        named = {posixpath.normpath(text) for text in scan.literals}
        found = {
            writer
            for path, writers in self._of.items()
            if path in named or any(_is_within(path, pattern) for pattern in patterns)
            for writer in writers
        }
        return sorted(writer for writer in found if writer < position)


def _is_within(path: str, pattern: str) -> bool:
    """Whether a folder or a pattern may mean the file `path`."""
    return fnmatch.fnmatchcase(path, pattern) or path.startswith(f"{pattern}/")
