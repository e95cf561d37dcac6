"""Values without parts: numbers, text, bytes, dates and the like."""

from __future__ import annotations

from contextlib import suppress

from .walk import short, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .walk import Path, Walk

PLAIN = (int, float, str, bool, type(None), bytes, complex)

_LONGEST_LINE = 100
_MOST_DIFF_LINES = 60
_LONGEST_DIFFED = 200_000  # characters; difflib is quadratic
_LONGEST_DIFF_LINE = 300


def same(old: Any, new: Any) -> bool:
    """Whether two values of types in `PLAIN` are the same; a NaN is the same as a NaN."""
    if type(old) is not type(new):
        return False
    if old == new:
        return bool(old) or str(old) == str(new)  # 0.0 and -0.0 can be told apart
    return bool(old != old and new != new)


def compare_numbers(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Old and new, how far apart, and how far in parts of the old one."""
    if type(old) is type(new) and _equal(old, new) and str(old) == str(new):
        return
    if walk.is_full:
        walk.changed(path, "number", {})
        return
    detail = {"old": short(old), "new": short(new)}
    if type_name(old) != type_name(new):
        detail |= {"old_type": type_name(old), "new_type": type_name(new)}
    walk.changed(path, "number", {**detail, **_apart(old, new)})


def _equal(old: Any, new: Any) -> bool:
    return bool(old == new) or bool(old != old and new != new)


def _apart(old: Any, new: Any) -> dict[str, Any]:
    """`difference` and `relative`, None where they are not finite or there are none."""
    if isinstance(old, bool) or isinstance(new, bool):
        return {"difference": None, "relative": None}
    try:
        difference = float(new - old)
        relative = difference / abs(float(old)) if old else None
    except (TypeError, ValueError, ArithmeticError):
        return {"difference": None, "relative": None}
    return {"difference": finite(difference), "relative": finite(relative)}


def finite(number: Any) -> Any:
    """`number` as JSON has it: None for what is not finite."""
    if number is None or number != number or number in (float("inf"), float("-inf")):
        return None
    return float(number)


def compare_text(walk: Walk, path: Path, old: str, new: str) -> None:
    """Short lines whole, longer text as a unified diff."""
    if old == new:
        return
    detail: dict[str, Any] = {"old_length": len(old), "new_length": len(new)}
    if "\n" in old or "\n" in new or max(len(old), len(new)) > _LONGEST_LINE:
        detail["diff"] = diff_lines(old, new)
    else:
        detail |= {"old": short(old), "new": short(new)}
    walk.changed(path, "text", detail)


def diff_lines(old: str, new: str) -> list[str]:
    """The unified diff of two texts without its heading, bounded."""
    from difflib import unified_diff

    place = _first_difference(old, new)
    if max(len(old), len(new)) > _LONGEST_DIFFED:
        around = slice(max(0, place - 40), place + 40)
        return [f"@@ character {place} @@", f"-{old[around]!r}", f"+{new[around]!r}"]
    before, after = old.splitlines(), new.splitlines()
    lines = list(unified_diff(before, after, lineterm="", n=2))[2:]
    if not lines:
        return ["@@ line ends @@", f"-{old[-40:]!r}", f"+{new[-40:]!r}"]
    kept = [_cut(line, max(0, place - 40)) for line in lines[:_MOST_DIFF_LINES]]
    if len(lines) > len(kept):
        kept.append(f"... {len(lines) - len(kept)} more lines")
    return [line.encode("utf-8", "backslashreplace").decode() for line in kept]


def _cut(line: str, start: int) -> str:
    """A line that fits; of the only line of a long text, the part where it differs."""
    if len(line) <= _LONGEST_DIFF_LINE:
        return line
    start = min(start, len(line) - _LONGEST_DIFF_LINE)
    body = line[1 + start : start + _LONGEST_DIFF_LINE]
    return f"{line[0]}{'...' if start else ''}{body}..."


def compare_bytes(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Sizes, and where they differ first."""
    old, new = bytes(old), bytes(new)
    if old != new:
        place = _first_difference(old, new)
        detail = {"old_length": len(old), "new_length": len(new), "offset": place}
        around = slice(place, place + 16)
        walk.changed(
            path, "bytes", {**detail, "old": short(old[around]), "new": short(new[around])}
        )


def _first_difference(old: Any, new: Any) -> int:
    """Where text or bytes differ first; by halving, as comparing slices is fast."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def compare_values(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """By what they print: dates, paths, members of enums, ranges."""
    before, after = printed(old), printed(new)
    if before == after:
        return
    detail: dict[str, Any] = {"old": short(old), "new": short(new)}
    if type(old).__module__ == "datetime" or hasattr(type(old), "total_seconds"):
        with suppress(Exception):  # with and without a time zone
            detail["difference"] = str(new - old)
    walk.changed(path, "value", detail)


def printed(value: object) -> str:
    """The `repr` of `value`, without addresses; "" where it fails."""
    import re

    try:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    except Exception:  # noqa: BLE001 - a class's own code
        return ""
