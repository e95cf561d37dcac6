"""The text of cells, for tracebacks and `inspect`: which line stands where in which file.

Code of cells is compiled under its path in the workspace, which is no path on this machine. Each
module made for a cell carries a `SourceLoader`, so `linecache` finds the text when it is asked;
`install` puts it in at once. Importing `linecache` costs 15 ms: never done before it is needed.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Sources:
    """File names to text, line by line."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[int, str]] = {}

    def add(self, file: str, first_line: int, text: str) -> None:
        """`text` stands in `file` from `first_line` on; what was there before is replaced."""
        lines = self._lines.setdefault(file, {})
        for number, line in enumerate(text.splitlines(), first_line):
            lines[number] = line

    def files(self) -> Sequence[str]:
        """The files of which something is known."""
        return list(self._lines)

    def text(self, file: str) -> str:
        """The file as far as it is known; the other lines are blank."""
        lines = self._lines.get(file, {})
        return "".join(lines.get(n, "") + "\n" for n in range(1, max(lines, default=0) + 1))

    def install(self) -> None:
        """`linecache` knows all these files, whatever is on disk."""
        import linecache

        for file in self._lines:
            text = self.text(file)
            linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)

    def install_if_asked(self) -> None:
        """The same, unless nothing has imported `linecache` yet: then loaders answer."""
        if "linecache" in sys.modules:
            self.install()


class SourceLoader:
    """The `__loader__` of a module made for a cell: all it can do is tell the source."""

    def __init__(self, sources: Sources, file: str) -> None:
        self._sources = sources
        self._file = file

    def get_source(self, name: str) -> str:
        """The text of the module (PEP 302)."""
        return self._sources.text(self._file)
