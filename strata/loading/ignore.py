"""Ignore rules as git has them: `.gitignore` files, `.git/info/exclude`, `[workspace] exclude`.

The format and its corner cases are those of gitignore(5); `tests/loading/test_ignore.py` compares
with `git check-ignore`. Written here because importing pathspec costs 130 ms, ten times a null
build, and it matches one pattern after the other; here a whole file is one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from strata.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Some patterns of one ignore file, in one regular expression each way.

    `numbered` has a group for each pattern, the last line first; it is asked only where `plain`,
    ten times faster as it has none, matches.
    """

    plain: re.Pattern[str]
    numbered: str
    decisions: tuple[tuple[int, bool], ...]
    """For each group: its place in the file, and whether it ignores."""

    def last(self, text: str, start: int) -> tuple[int, bool]:
        """What the last pattern that matches `text` from `start` says; (-1, False) if none does."""
        if self.plain.fullmatch(text, start) is None:
            return -1, False
        match = re.compile(self.numbered, re.DOTALL).fullmatch(text, start)
        assert match is not None
        assert match.lastindex is not None
        return self.decisions[match.lastindex - 1]


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns of one ignore file. Of those that match, the last one decides.

    `base` is the folder that they are relative to: relative to the top, "" or ending with `/`.
    """

    base: str
    by_name: _Patterns | None
    by_path: _Patterns | None

    def decide(self, path: str, name: str) -> bool | None:
        """Whether `path` is ignored, or None if no pattern speaks of it.

        `path` (relative to the top, below `base`) and its last part `name` end with `/` exactly if
        they name a folder. Folders above `path` are the caller's business.
        """
        best = (-1, False)
        if self.by_name is not None:
            best = self.by_name.last(name, 0)
        if self.by_path is not None:
            best = max(best, self.by_path.last(path, len(self.base)))
        return None if best[0] < 0 else best[1]


def parse_ignore_rules(lines: Iterable[str], base: str = "") -> IgnoreRules:
    """The rules of an ignore file. Never fails: what git would ignore in it is ignored."""
    names: list[tuple[str, int, bool]] = []
    paths: list[tuple[str, int, bool]] = []
    for place, line in enumerate(lines):
        pattern = _without_trailing_space(line)
        if not pattern or pattern.startswith("#"):
            continue
        ignored = not pattern.startswith("!")
        pattern = pattern.removeprefix("!")
        folder_only = pattern.endswith("/")
        pattern = pattern[:-1] if folder_only else pattern
        end = _FOLDER if folder_only else _ANYTHING
        if "/" in pattern:
            regex = _translate(pattern.removeprefix("/")) + end
            paths.append((regex, place, ignored))
        elif pattern:
            names.append((_translate(pattern) + end, place, ignored))
    return IgnoreRules(base, _patterns(names), _patterns(paths))


# A star may stand for nothing, but `foo/*` does not match the folder `foo/` itself.
_FOLDER = "(?<=[^/])/"
_ANYTHING = "(?<=[^/])/?"


def _patterns(lines: list[tuple[str, int, bool]]) -> _Patterns | None:
    if not lines:
        return None
    # The first alternative that matches wins, so the last line comes first.
    lines = lines[::-1]
    plain = re.compile("|".join(regex for regex, _, _ in lines), re.DOTALL)
    numbered = "|".join(f"({regex})" for regex, _, _ in lines)
    return _Patterns(plain, numbered, tuple((place, ignored) for _, place, ignored in lines))


def _without_trailing_space(line: str) -> str:
    line = line.rstrip("\r\n")
    stripped = line.rstrip(" ")
    # A space after an odd number of backslashes is meant.
    if len(stripped) < len(line) and (len(stripped) - len(stripped.rstrip("\\"))) % 2:
        return stripped + " "
    return stripped


def _translate(pattern: str) -> str:
    """`pattern`, without leading and trailing slash, as a regular expression."""
    regex = ""
    at = 0
    while at < len(pattern):
        stars = _DOUBLE_STAR.match(pattern, at)
        if stars is not None and (at == 0 or pattern[at - 1] == "/"):
            regex += "(?:[^/]+/)*" if stars[0].endswith("/") else ".+"
            at = stars.end()
            continue
        piece, at = _translate_one(pattern, at)
        regex += piece
    return regex


_DOUBLE_STAR = re.compile(r"\*\*+(?:/|\Z)")
_NEVER = "(?!)"


def _translate_one(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression of the element at `at`, and where the next one starts."""
    match pattern[at]:
        case "*":
            # Several stars inside a name are one.
            while at < len(pattern) and pattern[at] == "*":
                at += 1
            return "[^/]*", at
        case "?":
            return "[^/]", at + 1
        case "[":
            return _translate_class(pattern, at)
        case "\\":
            if at + 1 == len(pattern):
                return _NEVER, at + 1
            return re.escape(pattern[at + 1]), at + 2
    return re.escape(pattern[at]), at + 1


def _translate_class(pattern: str, at: int) -> tuple[str, int]:
    """A `[class]`: matches one character, never a slash; unclosed, it matches nothing."""
    inside = at + 1
    negated = pattern[inside : inside + 1] in ("!", "^")
    inside += negated
    body = ""
    first = True
    while inside < len(pattern) and (first or pattern[inside] != "]"):
        first = False
        posix = _POSIX.match(pattern, inside)
        if posix is not None and posix[1] in _POSIX_CLASSES:
            body += _POSIX_CLASSES[posix[1]]
            inside = posix.end()
            continue
        if pattern[inside] == "\\" and inside + 1 < len(pattern):
            inside += 1
            body += re.escape(pattern[inside])
        elif pattern[inside] == "-":
            body += "-" if body and pattern[inside + 1 : inside + 2] != "]" else "\\-"
        else:
            body += re.escape(pattern[inside])
        inside += 1
    if inside >= len(pattern):
        return _NEVER, len(pattern)
    regex = f"(?!/)[{'^' if negated else ''}{body}]"
    try:
        re.compile(regex)
    except re.error:  # a range that runs backwards
        regex = _NEVER
    return regex, inside + 1


_POSIX = re.compile(r"\[:(\w+):\]")
_POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "xdigit": "0-9a-fA-F",
    "punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
}
