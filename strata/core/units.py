"""How durations, sizes and counts read, wherever they are shown."""

from __future__ import annotations


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
