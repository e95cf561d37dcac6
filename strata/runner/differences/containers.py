"""Lists, tuples, dicts and sets.

Short lists are aligned, so that one element more at the front is one difference; long ones are
compared place by place.
"""

from __future__ import annotations

from .plain import PLAIN, same
from .walk import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from .walk import Pair, Path, Walk

_MOST_ALIGNED = 2_000
"""Longer lists are not aligned: it takes time that grows with the square."""


def compare_dicts(walk: Walk, path: Path, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> None:
    """Keys that came, went, or have another value; else, whether they changed places."""
    partner = _matched_keys(old, new)
    for key in old:
        if key not in partner:
            walk.removed((path, f"[{short(key)}]"), old[key])
    matched = set(map(id, partner.values()))
    common = [(key, partner[key]) for key in old if key in partner]
    walk.look(
        ((path, f"[{short(key)}]"), old[key], new[other])
        for key, other in common
        if not _surely_same(old[key], new[other])
    )
    for key in new:
        if id(key) not in matched:
            walk.added((path, f"[{short(key)}]"), new[key])
    order = [id(key) for key in new if id(key) in matched]
    if order != [id(other) for _, other in common]:
        walk.changed(path, "order", {"of": "keys"})


def _matched_keys(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> dict[Any, Any]:
    """Keys of `old` to those of `new`: by equality; else, by what they print, if that is unique.

    Keys may be instances of a class that was defined once more since.
    """
    keys = {key: key for key in new}
    partner = {key: keys[key] for key in old if key in keys}
    rest = [k for k in old if k not in partner and not isinstance(k, PLAIN)]
    if rest:
        by_text: dict[str, list[Any]] = {}
        for key in new:
            if key not in partner and not isinstance(key, PLAIN):
                by_text.setdefault(short(key), []).append(key)
        for key in rest:
            found = by_text.pop(short(key), [])
            if len(found) == 1:
                partner[key] = found[0]
    return partner


def compare_lists(walk: Walk, path: Path, old: Sequence[Any], new: Sequence[Any]) -> None:
    """Elements that came, went, or changed; their places in the old list, else in the new one."""
    fields = getattr(type(old), "_fields", None)
    if isinstance(fields, tuple) and len(old) == len(new) == len(fields):
        walk.look(((path, f".{name}"), old[i], new[i]) for i, name in enumerate(fields))
    elif max(len(old), len(new)) <= _MOST_ALIGNED:
        _compare_aligned(walk, path, old, new)
    else:
        _compare_by_place(walk, path, old, new, 0, 0)


def _compare_aligned(walk: Walk, path: Path, old: Sequence[Any], new: Sequence[Any]) -> None:
    from difflib import SequenceMatcher

    old, new = list(old), list(new)
    before, after = ([_token(item) for item in items] for items in (old, new))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for _, i, j, k, m in matcher.get_opcodes():
        # What looks the same may differ all the same, below what is printed of it.
        _compare_by_place(walk, path, old[i:j], new[k:m], i, k)


def _compare_by_place(
    walk: Walk, path: Path, old: Sequence[Any], new: Sequence[Any], i: int, k: int
) -> None:
    """Of stretches that begin at `i` and `k`: pairs, and what one of them has beyond the other."""
    walk.look(_pairs(path, old, new, i))
    shared = min(len(old), len(new))
    for place in range(shared, len(old)):
        walk.removed((path, f"[{i + place}]"), old[place])
    for place in range(shared, len(new)):
        walk.added((path, f"[{k + place}]"), new[place])


def _pairs(path: Path, old: Sequence[Any], new: Sequence[Any], start: int) -> Iterator[Pair]:
    for place in range(min(len(old), len(new))):
        if not _surely_same(old[place], new[place]):
            yield (path, f"[{start + place}]"), old[place], new[place]


def _surely_same(old: object, new: object) -> bool:
    """Whether two values are the same without looking further."""
    return old is new or (type(old) in PLAIN and same(old, new))


def _token(item: object) -> tuple[str, object]:
    """What stands for an element when lists are aligned; printing a data frame would take long."""
    kind = type(item)
    if kind in PLAIN:
        return kind.__name__, item
    return kind.__name__, short(item) if kind in (list, tuple, dict, set, frozenset) else ""


def compare_sets(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Elements that came and went."""
    gone, come = list(old - new), list(new - old)
    texts = {short(item) for item in gone if type(item) not in PLAIN}
    texts &= {short(item) for item in come if type(item) not in PLAIN}
    for item in sorted(gone, key=short):
        if type(item) in PLAIN or short(item) not in texts:
            walk.removed(path, item)
    for item in sorted(come, key=short):
        if type(item) in PLAIN or short(item) not in texts:
            walk.added(path, item)
