"""Annotations: the lines `# @key value` in the leading block of comment lines of a cell.

Only the syntax is here; what the keys mean is `strata.loading.directives`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from strata.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Annotation:
    """One line as written: `key` without the `@`, `value` stripped, `line` from 1."""

    key: str
    value: str
    line: int


_HASH = ("#",)
_COMMENTS_OF_KIND: dict[str, tuple[str, ...]] = {"sql": ("--", "#"), "markdown": ()}


def comments_of(kind: str) -> tuple[str, ...]:
    """What begins a comment line in a cell of this kind; empty where annotations have no place."""
    return _COMMENTS_OF_KIND.get(kind, _HASH)


def parse_annotations(source: str, comment: str | tuple[str, ...] = "#") -> tuple[Annotation, ...]:
    """The annotations of a cell, in order.

    The block ends at the first line that is neither blank nor begins (in its first column) with
    `comment` or one of its members. A byte order mark, a `#!` line and blank lines are passed over.
    """
    prefixes = (comment,) if isinstance(comment, str) else comment
    found = []
    for number, line in enumerate(_lines(source), start=1):
        prefix = next((p for p in prefixes if line.startswith(p)), None)
        if prefix is not None:
            match = _ANNOTATION.match(line, len(prefix))
            if match is not None:
                found.append(Annotation(match[1], match[2].strip(), number))
        elif line.strip():
            break
    return tuple(found)


_ANNOTATION = re.compile(r"\s*@(\w+)\s*(.*)", re.DOTALL)


def _lines(source: str) -> Iterator[str]:
    """The lines of `source`, one at a time: a block of comments is short, a cell may be long.

    Not `splitlines`, which breaks at characters that no editor and no compiler counts as lines.
    """
    at = 1 if source.startswith("\ufeff") else 0
    while at < len(source):
        end = source.find("\n", at)
        end = len(source) if end < 0 else end
        yield source[at:end].removesuffix("\r")
        at = end + 1
