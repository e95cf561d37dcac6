"""What query functions take, and how they say that an argument is wrong."""

from __future__ import annotations

from enum import Enum

EVERYTHING = "//..."
"""The pattern of all cells of the workspace."""


class Argument(Enum):
    """What is written in the place of an argument; the value is how messages call it."""

    NODES = "an expression"
    """The function gets `Nodes`."""
    DEPTH = "a whole number"
    """The function gets an `int` of at least 0."""
    REGEX = "a regular expression"
    """The function gets a compiled pattern, to be searched for anywhere in a text."""
    TEXT = "a word"
    """The function gets a `str`."""


class ArgumentError(Exception):
    """The argument at `position` (from 0) is wrong: `what`, and advice. The evaluator shows the
    place in the expression."""

    def __init__(self, position: int, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.position = position
        self.what = what
        self.hint = hint
