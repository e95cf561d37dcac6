"""How durations, sizes and counts read; shared by the console and the commands."""

from __future__ import annotations

import re


def duration(seconds: float) -> str:
    """`0.04 s`, `4.1 s`, `12 min 03 s`, `2 h 05 min`."""
    if seconds < 0.1:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def size(size_bytes: int) -> str:
    """`812 B`, `3.4 KiB`, `1.2 GiB`."""
    amount = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def count(number: int, noun: str) -> str:
    """`1 cell`, `12 cells`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
