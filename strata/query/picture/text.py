"""Text that is safe to draw: nothing in it is taken for markup, and nothing in it is invisible."""

from __future__ import annotations

import unicodedata
from html import escape

ELLIPSIS = "…"
_NARROW = frozenset("iljtfrI.,:;'|!()[]{} -/\\\"`")
_BROAD = frozenset("mwMW@%&_<>=+~^#—…→")


def visible(text: str) -> str:
    """`text` with everything spelled out that XML forbids, moves the cursor or turns the direction
    of what follows: `\\x07`, `\\u202e`. Line ends stay."""
    return "".join(c if _is_plain(c) else _spelled(c) for c in text)


def marked_up(text: str) -> str:
    """`text` for the content of an element or for an attribute in double quotes."""
    return escape(visible(text), quote=True)


def one_line(text: str) -> str:
    """`text` with single spaces for white space."""
    return " ".join(text.split())


def width(text: str, size: float) -> float:
    """About how wide `text` is in a font of `size` pixels; rather too wide than too narrow, as
    nobody knows which font it will be."""
    return size * sum(map(_ems, text))


def shortened(text: str, size: float, room: float) -> str:
    """`text`, or its beginning and its end if it is wider than `room`: ends tell names apart."""
    if width(text, size) <= room:
        return text
    left = right = ""
    used = width(ELLIPSIS, size)
    first, last = 0, len(text) - 1
    while first <= last:
        from_left = len(left) <= len(right)
        char = text[first] if from_left else text[last]
        used += width(char, size)
        if used > room:
            break
        if from_left:
            left, first = left + char, first + 1
        else:
            right, last = char + right, last - 1
    while right and _ems(right[0]) == 0:  # a mark without the letter that it stands on
        right = right[1:]
    return f"{left.rstrip(_JOINER)}{ELLIPSIS}{right}"


_JOINER = "\u200d"
_INVISIBLE = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


def _is_plain(char: str) -> bool:
    if " " <= char <= "~" or char == "\n":
        return True
    category = unicodedata.category(char)
    return category not in _INVISIBLE and (category != "Cf" or char in "\u200c\u200d")


def _spelled(char: str) -> str:
    if char in "\t\r":
        return " "
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def _ems(char: str) -> float:
    if char < "\x7f":
        if char in _NARROW:
            return 0.38
        return 0.92 if char in _BROAD else 0.7 if char.isupper() else 0.59
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.05
    return 0.92 if char in _BROAD else 0.74
