"""How a mistake in an expression is shown: the expression, and a caret under the place.

What users wrote may be anything. No character of it reaches the terminal that could do something
there, and of a long expression only what is around the place.
"""

from __future__ import annotations

from strata.core.errors import UsageError

WIDEST = 100
"""Characters of an expression that are shown."""
_BEFORE = 60
"""How many of them are before the place, if there are more on both sides."""
_LONGEST_WORD = 40


def mistake(text: str, at: int, what: str, hint: str | None = None) -> UsageError:
    """The error of the expression `text` at the character `at` (from 0), and advice."""
    flat = _printable(text)
    start, end = 0, len(flat)
    if end > WIDEST:
        start = max(0, min(at - _BEFORE, end - WIDEST))
        end = start + WIDEST
    before = "…" if start else ""
    behind = "…" if end < len(flat) else ""
    caret = " " * _columns(before + flat[start:at])
    shown = f"{before}{flat[start:end]}{behind}"
    return UsageError(f"in the query: {what}\n  {shown}\n  {caret}^", hint=hint)


def quoted(word: str) -> str:
    """`word` as messages show it: in quotes, on one line, shortened."""
    flat = _printable(word)
    return f"'{flat}'" if len(flat) <= _LONGEST_WORD else f"'{flat[: _LONGEST_WORD - 1]}…'"


def nearest(word: str, known: list[str], most: int | None = None) -> str | None:
    """Advice for one who wrote `word` and not one of `known`, which are not all listed if they are
    more than `most`."""
    from difflib import get_close_matches  # only on the way to an error

    near = get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return None if most is not None and len(known) > most else f"there are: {', '.join(known)}"


def _printable(text: str) -> str:
    """As many characters, each on the line."""
    return "".join(c if c.isprintable() else " " for c in text)


def _columns(text: str) -> int:
    """How wide a terminal shows `text`, by Unicode Standard Annex 11."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    narrow = sum(category(c) not in ("Mn", "Me") for c in text)
    return narrow + sum(east_asian_width(c) in "WF" for c in text)
