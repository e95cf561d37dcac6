"""How values are pickled that pickle would not store, or not rightly.

Definitions become references, or are refused with advice; arrays and data frames are brought into
one layout, so that equal ones give equal bytes; locks, files and the like are refused.
"""

from __future__ import annotations

import sys
from _pickle import PickleBuffer

from . import made
from .codecs import npy
from .definitions import MODULE_PREFIX, is_of_cell
from .values import Unstorable, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

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
    """How values are stored that pickle would not store, or not rightly."""

    def __init__(self, definitions: Definitions) -> None:
        self.modules: set[str] = set()
        """Ids of the definitions modules that the pickle names."""
        self._definitions = definitions
        self._named = definitions.named()

    def reduce(self, value: Any) -> Any:
        """How `value` is stored, or NotImplemented: as pickle does it."""
        kind = type(value)
        where = self._named.get(id(value))
        if where is not None:
            return self._refer(where)
        if issubclass(kind, type) or kind is _Function:
            return self._reduce_definition(value)
        if kind is _Module:
            return self._reduce_module(value)
        module = kind.__module__
        if module == "numpy" and kind.__name__ == "ndarray":
            return _reduce_array(value)
        if kind.__name__ == "DataFrame" and module.startswith("pandas"):
            return _reduce_frame(value)
        if module == "typing" and is_of_cell(value):
            return made.reduce(value) or NotImplemented
        if f"{module}.{kind.__name__}" in _ADVICE or kind.__name__ in _ADVICE:
            raise Unstorable(_advise(value))
        return NotImplemented

    def _refer(self, where: tuple[str, str]) -> Any:
        if not self._definitions.knows(where[0]):
            raise Unstorable(f"{where[1]!r} of this cell cannot be taken from its source")
        self.modules.add(where[0])
        return resolve, where

    def _reduce_definition(self, value: Any) -> Any:
        if not is_of_cell(value):
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
        import importlib

        return importlib.import_module, (name,)


def resolve(module_id: str, qualified_name: str) -> object:
    """Stands in a pickle for a class or function of a cell; the loader replaces it."""
    raise NotImplementedError


def array(data: Any, dtype: Any, shape: tuple[int, ...], order: str) -> object:
    """A NumPy array over `data`."""
    import numpy as np

    return npy.array_over(np, data, 0, np.dtype(dtype), shape, order)


made.publish(resolve, array)


_Function = type(resolve)
_Module = type(sys)


def _reduce_array(value: Any) -> Any:
    if value.dtype.hasobject or value.dtype.kind == "T":
        return NotImplemented
    np = sys.modules["numpy"]
    contiguous, order = npy.canonical(np, value)
    if not contiguous.flags.writeable:
        # A read-only buffer would be loaded as one: what pandas hands out would stay read-only.
        contiguous = contiguous.copy(order)
    dtype = value.dtype.str if npy.is_plain(value.dtype) else value.dtype
    data: Any = npy.flat_bytes(np, contiguous) or bytearray()
    return array, (PickleBuffer(data), dtype, value.shape, order)


def _reduce_frame(frame: Any) -> Any:
    """As pandas does it, columns of one dtype together, however the frame was put together."""
    manager = getattr(frame, "_mgr", None)
    if manager is None or not hasattr(manager, "is_consolidated") or manager.is_consolidated():
        return NotImplemented
    return frame.copy().__reduce_ex__(5)


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
