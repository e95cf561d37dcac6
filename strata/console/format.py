"""How numbers and the texts of cells are shown; shared by the console and the commands."""

from __future__ import annotations

import re

from strata.core.units import count, duration, size

__all__ = ["count", "duration", "printable", "size", "without_colours"]


def printable(text: str) -> str:
    """`text` without control characters that could move the cursor or hide other lines.

    Tabs and line ends stay; so do colours (SGR sequences) that a cell's own output may carry. Of a
    line that was written over (`\\r`, progress bars) the last state stays, as on a terminal.
    """
    if "\r" in text:
        text = "\n".join(_as_last_written(line) for line in text.split("\n"))
    return _CONTROL.sub("", text.encode("utf-8", "backslashreplace").decode())


def without_colours(text: str) -> str:
    """`text`, which is `printable`, for a pipe or a log."""
    return _COLOUR.sub("", text)


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")


def _as_last_written(line: str) -> str:
    states = [state for state in line.split("\r") if state]
    return states[-1] if states else ""
