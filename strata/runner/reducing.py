"""How values are pickled that pickle would not store, or not rightly.

Definitions become references, or are refused with advice; arrays and data frames are brought into
one layout (`layouts`), so that equal ones give equal bytes; locks, files and the like are refused.
"""

from __future__ import annotations

import sys

from . import layouts, made
from .definitions import MODULE_PREFIX, is_of_cell
from .local_imports import is_local
from .values import Unstorable, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any, Callable

    from .definitions import Definitions

_ADVICE = {
    "generator": "can be read only once; make it a list",
    "coroutine": "was never awaited",
    "async_generator": "can be read only once; collect it into a list",
    "_io.TextIOWrapper": "is an open file; pass its path, or what was read from it",
    "_io.BufferedReader": "is an open file; pass its path, or what was read from it",
    "_io.BufferedWriter": "is an open file; pass its path",
    "_io.FileIO": "is an open file; pass its path",
    "sqlite3.Connection": "is an open connection; open it in the cell that uses it",
    "_thread.lock": "is a lock, and means nothing in another process",
    "_thread.RLock": "is a lock, and means nothing in another process",
    "memoryview": "is a view of another value's memory; make it `bytes`",
}


class Reducer:
    """How values are stored that pickle would not store, or not rightly.

    `owners` are arrays, by id, whose memory several of the arrays that are stored have in common:
    those are stored as views, so that they are views of one array when they are loaded.
    """

    def __init__(self, definitions: Definitions, owners: Mapping[int, Any] | None = None) -> None:
        self.modules: set[str] = set()
        """Ids of the definitions modules that the pickle names."""
        self.values: set[str] = set()
        """Classes whose instances are known by their value, as `canonical.rewrite` takes them."""
        self._definitions = definitions
        self._named = definitions.named()
        self._owners = owners
        self._reducer_of: dict[type, Callable[[Any], Any] | None] = {}
        self._modules_of_callables: set[object] = set()

    def reduce(self, value: Any) -> Any:
        """How `value` is stored, or NotImplemented: as pickle does it."""
        where = self._named.get(id(value))
        if where is not None:
            return self._refer(where)
        kind = type(value)
        try:
            reducer = self._reducer_of[kind]
        except KeyError:
            reducer = self._reducer_of[kind] = self._find_reducer(kind)
        return NotImplemented if reducer is None else reducer(value)

    def needs(self) -> tuple[str, ...]:
        """Modules, not of the standard library, that loading the pickle imports.

        Those of the workspace by their full names: what else is in their package may be edited
        and never matter to the value. Of the others the top level says which distribution it is.
        """
        found = {kind.__module__ for kind in self._reducer_of} | self._modules_of_callables
        names = (name for name in found if isinstance(name, str))
        needs = {n if is_local(n) else n.partition(".")[0] for n in names}
        return tuple(sorted(name for name in needs if _is_third_party(name)))

    def _find_reducer(self, kind: type) -> Callable[[Any], Any] | None:
        """How values of this class are stored; None: as pickle does it."""
        if issubclass(kind, type) or kind is _Function:
            return self._reduce_definition
        if kind is _Module:
            return self._reduce_module
        if kind.__module__ == "typing":
            return _reduce_typing
        if f"{kind.__module__}.{kind.__name__}" in _ADVICE or kind.__name__ in _ADVICE:
            return _refuse
        if kind.__name__ in _CALLABLES:
            return self._note_callable
        if issubclass(kind, tuple) and hasattr(kind, "_fields") and not kind.__dictoffset__:
            self._note_value_class(kind)
        elif issubclass(kind, _SETS) and kind not in _SETS:
            return _reduce_set
        if self._owners:
            return layouts.joint_reducer_for(kind, self._owners)
        return layouts.reducer_for(kind)

    def _note_callable(self, value: Any) -> Any:
        self._modules_of_callables.add(getattr(value, "__module__", None))
        return NotImplemented

    def _note_value_class(self, kind: type) -> None:
        where = self._named.get(id(kind)) or self._definitions.reference(kind)
        self.values.add(" ".join(where or (kind.__module__, kind.__qualname__)))

    def _refer(self, where: tuple[str, str]) -> Any:
        if not self._definitions.knows(where[0]):
            raise Unstorable(f"{where[1]!r} of this cell cannot be taken from its source")
        self.modules.add(where[0])
        return resolve, where

    def _reduce_definition(self, value: Any) -> Any:
        if not is_of_cell(value):
            self._modules_of_callables.add(value.__module__)
            if hasattr(value, "__supertype__"):  # `NewType` gives a function up to Python 3.9
                return made.reduce(value)
            if "<locals>" in value.__qualname__ or value.__qualname__ == "<lambda>":
                raise Unstorable(_advise_definition(value))
            return NotImplemented
        where = self._definitions.reference(value)
        if where is not None:
            return self._refer(where)
        made_by = made.reduce(value)
        if made_by is None:
            raise Unstorable(_advise_definition(value))
        return made_by

    def _reduce_module(self, value: ModuleType) -> Any:
        name = value.__name__
        if sys.modules.get(name) is not value or name.startswith(MODULE_PREFIX):
            raise Unstorable(f"the module {name!r} cannot be imported by its name")
        self._modules_of_callables.add(name)
        import importlib

        return importlib.import_module, (name,)


def resolve(module_id: str, qualified_name: str) -> object:
    """Stands in a pickle for a class or function of a cell; the loader replaces it."""
    raise NotImplementedError


made.publish(resolve)


_Function = type(resolve)
_Module = type(sys)
_SETS = (set, frozenset)
_CALLABLES = frozenset(
    (type(len).__name__, "cython_function_or_method", "ufunc", "_ArrayFunctionDispatcher")
)
"""Classes of functions that pickles name: what a pickle needs is told by the function's module."""


def _is_third_party(name: str) -> bool:
    """Whether `name` is a module that can be imported, and is neither Python's nor ours."""
    if name in ("builtins", "__main__", made.FORMAT) or name.startswith(MODULE_PREFIX):
        return False
    known = getattr(sys, "stdlib_module_names", None)  # since Python 3.10
    if known is not None:
        return name not in known and getattr(sys.modules.get(name), "__spec__", None) is not None
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return is_local(name) or "-packages" in file


def _reduce_typing(value: Any) -> Any:
    return (made.reduce(value) if is_of_cell(value) else None) or NotImplemented


def _reduce_set(value: Any) -> Any:
    """A subclass of `set`: pickle would write its elements as a list, in no order."""
    kind = type(value)
    base = set if issubclass(kind, set) else frozenset
    if any("__reduce__" in vars(c) or "__reduce_ex__" in vars(c) for c in _before(kind, base)):
        return NotImplemented
    made_by = value.__reduce_ex__(5)
    return made_by[0], (base(value),), *made_by[2:]


def _before(kind: type, base: type) -> tuple[type, ...]:
    """The classes in which Python looks before `base`."""
    return kind.__mro__[: kind.__mro__.index(base)]


def _refuse(value: Any) -> Any:
    raise Unstorable(_advise(value))


def _advise(value: object) -> str:
    name = type_name(value)
    return f"a {name} {_ADVICE.get(name) or _ADVICE[type(value).__name__]}"


def _advise_definition(value: Any) -> str:
    what = "class" if isinstance(value, type) else "function"
    name = value.__qualname__
    if "<lambda>" in name:
        return "it holds a lambda; give it a name at the top level of a cell, with `def`"
    if "<locals>" in name:
        outer = name.split(".<locals>")[0]
        inner = name.rpartition(".")[2]
        return f"the {what} {inner!r} is defined inside {outer!r}, not at the top level of a cell"
    return f"the {what} {name!r} is not defined by one statement at the top level of its cell"
