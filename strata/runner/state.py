"""State that is in no variable: of classes and functions of other cells, of local modules.

Definitions cross cells as source, and modules are imported anew in each process. What a cell puts
into them ends with it: a list of a class that grew, a default argument that was appended to, a
global of a module that was set. Here it is found out that it did.

What counts is what changed while the cell's own statements ran. Loading a value may count
instances, importing a module may register something in another one: whoever loads or imports has
it again, so that does not count. Names that begin with `_` are taken for caches, and not looked at.
"""

from __future__ import annotations

import os
import sys

from .local_imports import is_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any, Callable, Optional

    from .definitions import Definitions

    Spot = tuple[object, Optional[bytes]]
    """A value as it was: the object, and the fingerprint of one that can change."""
    Place = tuple[str, str]
    """Whose state it is, a definitions module's id or `file:PATH`, and where in it."""

_PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None), range))
_FUNCTION = type(lambda: 0)
_MODULE = type(sys)
_CODE = frozenset((_FUNCTION, _MODULE, type(len)))
_WRAPPERS = (staticmethod, classmethod)
_ENUMS = ("EnumMeta", "EnumType")


class State:
    """What other cells would make anew from source, and what this cell has put into it."""

    def __init__(self, definitions: Definitions, root: str) -> None:
        self._definitions = definitions
        self._root = os.path.join(os.path.realpath(root), "")
        self._local: dict[str, ModuleType] = {}
        self._before: dict[Place, Spot] = {}
        self._changed: dict[Place, None] = {}
        self._begun = False
        self._depth = 0

    def begin(self) -> None:
        """From now on, changes are the cell's."""
        self._begun = True
        self._take()

    def importing(self, module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
        """Executes a local module; what this changes in others does not count."""
        if self._begun and not self._depth:
            self._look()
        self._depth += 1
        try:
            execute(module)
            self._local[f"file:{self._relative(module)}"] = module
        finally:
            self._depth -= 1
            if self._begun and not self._depth:
                self._take()

    def changed(self) -> list[Place]:
        """What the cell has changed so far."""
        self._look()
        return sorted(self._changed)

    def _relative(self, module: ModuleType) -> str:
        return os.path.realpath(module.__file__ or "").removeprefix(self._root)

    def _take(self) -> None:
        self._before = {place: (value, _mark(value)) for place, value in self._places()}

    def _look(self) -> None:
        now = dict(self._places())
        for place, value in now.items():
            if place not in self._changed and self._is_other(place, value):
                self._changed[place] = None
        self._changed.update(dict.fromkeys(self._before.keys() - now.keys()))

    def _is_other(self, place: Place, value: object) -> bool:
        if place not in self._before:
            return not self._makes_names(place)
        before, mark = self._before[place]
        if type(value) in _PLAIN:
            return value is not before and (type(value) is not type(before) or value != before)
        found = _mark(value)
        if mark is None or found is None:
            return value is not before
        # What is told in another way each time says nothing.
        return found != mark and found == _mark(value) and not _is_elsewhere(place, value)

    def _makes_names(self, place: Place) -> bool:
        """Whether it is a name of a module that makes its names when they are asked for."""
        return place[0] in self._local and "__getattr__" in vars(self._local[place[0]])

    def _places(self) -> Iterator[tuple[Place, object]]:
        for owner, module, names in self._definitions.executed():
            for path, value in _state_of([(n, vars(module).get(n)) for n in names], module):
                yield (owner, path), value
        for owner, module in self._local.items():
            for name, value in list(vars(module).items()):
                if _is_state(name, value):
                    yield (owner, name), value


def _state_of(found: list[tuple[str, object]], module: ModuleType) -> Iterator[tuple[str, object]]:
    """What classes and functions of `module` hold: attributes and default values, by path."""
    seen: set[int] = set()
    while found:
        path, item = found.pop()
        if not _is_definition(item) or item.__module__ != module.__name__ or id(item) in seen:
            continue
        seen.add(id(item))
        if type(item) is _FUNCTION:
            yield from _defaults(path, item)
        for name, value in list(vars(item).items()):
            value = getattr(value, "__func__", value) if type(value) in _WRAPPERS else value
            if _is_definition(value):
                found.append((f"{path}.{name}", value))
            elif _is_state(name, value) and not hasattr(type(value), "__get__"):
                yield f"{path}.{name}", value


def _defaults(path: str, function: Any) -> Iterator[tuple[str, object]]:
    code = function.__code__
    values = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    pairs = [*zip(names, values), *(function.__kwdefaults__ or {}).items()]  # noqa: B905
    for name, value in pairs:
        if _is_state(name, value):
            yield f"{path}({name})", value


def _is_definition(item: object) -> bool:
    """Whether it is a function or a class; an enumeration changes only what it keeps for itself."""
    kind = type(item)
    return kind is _FUNCTION or (issubclass(kind, type) and kind.__name__ not in _ENUMS)


def _is_state(name: str, value: object) -> bool:
    kind = type(value)
    return not (name.startswith("_") or issubclass(kind, type) or kind in _CODE)


def _is_elsewhere(place: Place, value: object) -> bool:
    """Whether a local module has only imported this from a module that is installed."""
    if not place[0].startswith("file:"):
        return False
    return any(
        getattr(module, "__dict__", {}).get(place[1]) is value
        for name, module in list(sys.modules.items())
        if getattr(module, "__spec__", None) is not None and not is_local(name)
    )


def _mark(value: object) -> bytes | None:
    """The fingerprint of what can change."""
    if type(value) in _PLAIN:
        return None
    from .marks import fingerprint

    return fingerprint(value)
