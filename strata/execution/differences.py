"""What differs between two values of a component, entry by entry. Pure.

`Difference` is what everybody who explains speaks of: the reason of a run is made from the first
ones, `strata explain` shows all. Nothing here knows what a component means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from strata.core.dataclass import dataclass
from strata.core.encoding import Encodable, encode

CHANGED, ADDED, GONE = "changed", "added", "gone"

_LONGEST = 80
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not what it was. `old` and `new` are short texts for people, or empty."""

    component: str
    name: str
    """Which entry of the component; empty where it has none."""
    change: str
    text: str
    """The whole of it in one line."""
    old: str = ""
    new: str = ""
    sources: tuple[str, str] = ("", "")
    """Of what is source: all of it before and now."""
    place: str = ""
    """The file that a definition is in."""
    slot: str = ""
    """Of an input: where the new value came in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that differs: its values before and now, None where it was not there."""

    name: str
    change: str
    old: Encodable
    new: Encodable


def same(old: Encodable, new: Encodable) -> bool:
    """Equal as far as a key can tell: what was stored comes back with lists for tuples."""
    return old == new or encode(old) == encode(new)


def entries(old: Encodable, new: Encodable) -> Iterator[Entry]:
    """The entries that differ, sorted by name; those that came or went count."""
    before, now = mapping(old), mapping(new)
    for name in sorted(before.keys() | now.keys()):
        if name not in before:
            yield Entry(name, ADDED, None, now[name])
        elif name not in now:
            yield Entry(name, GONE, before[name], None)
        elif not same(before[name], now[name]):
            yield Entry(name, CHANGED, before[name], now[name])


def changed_names(old: Encodable, new: Encodable) -> list[str]:
    """Names whose entry differs, sorted; entries that came or went count."""
    return [entry.name for entry in entries(old, new)]


def mapping(value: Encodable) -> Mapping[str, Encodable]:
    """`value` if it is a mapping, else an empty one: a record may be of another version."""
    return value if isinstance(value, Mapping) else {}


def shown(value: Encodable) -> str:
    """A value as people write it, on one line, cut where it is long."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        text = ", ".join(str(part) for part in value)
    else:
        text = "" if value is None else str(value)
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def content(value: Encodable) -> str:
    """`json:ab12…/812` as `812 bytes, ab12cd34`; anything else as it is."""
    if not isinstance(value, str):
        return shown(value)
    digest, slash, size = value.partition("#")[0].rpartition(":")[2].partition("/")
    if not slash or not size.isdigit():
        return shown(value)
    return f"{int(size):,} bytes, {digest[:8]}"


def diff(difference: Difference) -> tuple[str, ...]:
    """The lines of source that changed, with two of context; `@@` stands between distant ones."""
    import difflib  # not for a build

    before, now = (text.split("\n") if text else [] for text in difference.sources)
    lines = list(difflib.unified_diff(before, now, lineterm="", n=2))[3:]
    return tuple("@@" if line.startswith("@@ ") else line for line in lines)


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 2 more`."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
