"""Which comparison is meant for which values."""

from __future__ import annotations

from collections import deque
from enum import Enum
from numbers import Number
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from . import arrays, arrow, containers, frames, objects, plain
from .walk import Walk, short, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .walk import Path

    Compare = Callable[[Walk, Path, Any, Any], None]

_DEFINITIONS = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)
_PRINTED_MODULES = frozenset({"datetime", "ipaddress", "pathlib", "re", "uuid", "zoneinfo"})
"""Their classes print all that there is to them."""


def difference(old: object, new: object) -> dict[str, Any]:
    """What differs: `changes`, `counts`, `complete`, and `lengths` of two containers."""
    walk = Walk(_compare)
    walk.run(old, new)
    found: dict[str, Any] = {
        "changes": walk.changes,
        "counts": walk.counts,
        "complete": walk.complete,
    }
    sized = (list, tuple, dict, set, frozenset, deque)
    if isinstance(old, sized) and isinstance(new, sized):
        found["lengths"] = [len(old), len(new)]
    return found


def _compare(walk: Walk, path: Path, old: Any, new: Any) -> None:
    if old is new:
        return
    for kind, compare in _BY_KIND:
        if isinstance(old, kind) and isinstance(new, kind):
            compare(walk, path, old, new)
            return
    retyped = type_name(old) != type_name(new)
    if retyped:
        names = {"old_type": type_name(old), "new_type": type_name(new)}
        walk.changed(path, "type", {**names, "old": short(old), "new": short(new)})
    if retyped and not _are_one_kind(old, new):
        return
    if walk.is_new(old, new):
        try:
            _comparison_of(old)(walk, path, old, new)
        except Exception:  # noqa: BLE001 - of the values' own classes and libraries
            objects.compare_printed(walk, path, old, new)


_BY_KIND: tuple[tuple[Any, Compare], ...] = (
    (Enum, plain.compare_values),
    (Number, plain.compare_numbers),
    (str, plain.compare_text),
    ((bytes, bytearray), plain.compare_bytes),
    (_DEFINITIONS, objects.compare_definitions),
)


def _comparison_of(value: Any) -> Compare:
    """For values of one type, compared for the first time."""
    special = _of_library(value)
    if special is not None:
        return special
    if isinstance(value, dict):
        return _with_attributes(containers.compare_dicts)
    if isinstance(value, (list, tuple, deque)):
        return _with_attributes(containers.compare_lists)
    if isinstance(value, (set, frozenset)):
        return _with_attributes(containers.compare_sets)
    kinds = {kind.__module__ for kind in type(value).__mro__}
    if type(value).__module__ == "builtins" and not isinstance(value, BaseException):
        return plain.compare_values
    return plain.compare_values if kinds & _PRINTED_MODULES else objects.compare_objects


def _of_library(value: Any) -> Optional[Compare]:
    """The comparison for what numpy, pandas or pyarrow made."""
    found = arrays.comparison_of(value) or frames.comparison_of(value)
    return found or arrow.comparison_of(value)


def _are_one_kind(old: Any, new: Any) -> bool:
    """Whether values of two types are compared all the same: an index that only counts, and one
    that does not."""
    compare = _of_library(old)
    return compare is not None and compare is _of_library(new)


def _with_attributes(compare: Compare) -> Compare:
    """`compare`, and the attributes that an instance of a subclass may have."""

    def both(walk: Walk, path: Path, old: Any, new: Any) -> None:
        compare(walk, path, old, new)
        states = getattr(old, "__dict__", {}), getattr(new, "__dict__", {})
        objects.compare_attributes(walk, path, *states)

    return both
