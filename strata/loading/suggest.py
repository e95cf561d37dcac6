"""The nearest known name to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The member of `known` most like `name`, or None if none is like enough (0 to 1)."""
    import difflib  # 2 ms, and only a mistake pays for it

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """`did you mean 'x'?`, or None if nothing known is near."""
    near = nearest(name, known)
    return None if near is None else f"did you mean '{near}'?"
