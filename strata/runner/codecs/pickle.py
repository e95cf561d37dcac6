"""Everything else: pickle protocol 5, large buffers beside it, definitions as references.

The container: a magic of 8 bytes; the length of the header, 8 bytes little-endian; the header, a
JSON object; the pickle; the buffers; each padded to 64 bytes, so that arrays in a mapped file are
aligned. Buffers are not copied on load; what lies in them can be written to.

A class or function of a cell is stored as `_strata_runner.resolve(module id, qualified name)`,
and the header carries the source of the modules that are named. An array is stored as
`_strata_runner.array(bytes, dtype, shape, order)`: C or Fortran order, writable, whatever it was.
These two names are part of the format.

Sets are written in the order in which they iterate, which is the same in each process because
the parent fixes `PYTHONHASHSEED`. Strings that are equal but not identical are written twice, so
equal values that were made differently may differ in bytes.
"""

from __future__ import annotations

import io
import sys
from _pickle import PickleBuffer, Pickler, Unpickler

from .. import made, wire
from ..definitions import MODULE_PREFIX
from ..inputs import InputFailed
from ..values import Unstorable, class_name, type_name
from . import npy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Tuple

    from ..channel import Buffer
    from ..definitions import Definitions
    from ..values import AnyBuffer

    Pickled = Tuple[Buffer, list[Buffer], set[str]]
    """The pickle, the buffers beside it, the ids of the definitions modules that it names."""

_MAGIC = b"STRATAP1"
_ALIGNMENT = 64
_SMALLEST_BUFFER = 1024
"""Smaller buffers stay within the pickle: padding would cost more than a copy."""

_FORMAT = "_strata_runner"
"""The module that the names in the format belong to."""
_DEEP_STACK = 512 << 20  # bytes; only what is touched is taken
_DEEP_RECURSION = 100_000

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


def encode(value: object, definitions: Definitions) -> list[Buffer]:
    """`value` as a container. Raises `Unstorable` where it cannot be pickled."""
    with _NoMainModule():
        text, buffers, modules = _dump(value, definitions)
    try:
        carried = definitions.portable(modules)
    except InputFailed as problem:
        raise Unstorable(str(problem)) from problem
    sizes = [len(part) for part in buffers]
    header = wire.encode({"pickle": len(text), "buffers": sizes, "modules": carried})
    start = _MAGIC + len(header).to_bytes(8, "little") + header
    pieces: list[Buffer] = []
    for part in [start, text, *buffers]:
        pieces.append(part)
        pieces.append(bytes(-len(part) % _ALIGNMENT))
    return pieces


def decode(buffer: AnyBuffer, definitions: Definitions) -> object:
    """The value in `buffer`. Raises `InputFailed`, and what the classes of the value raise."""
    whole = memoryview(buffer)
    if whole[:8] != _MAGIC:
        raise ValueError("not a stored pickle")
    size = int.from_bytes(whole[8:16], "little")
    header: Any = wire.decode(whole[16 : 16 + size])
    parts = []
    position = _aligned(16 + size)
    for size in [header["pickle"], *header["buffers"]]:
        parts.append(whole[position : position + size])
        position = _aligned(position + size)
    definitions.adopt(header["modules"])
    return _Loader(io.BytesIO(parts[0]), definitions, parts[1:]).load()


def resolve(module_id: str, qualified_name: str) -> object:
    """Stands in a pickle for a class or function of a cell; the loader replaces it."""
    raise NotImplementedError


def array(data: Any, dtype: Any, shape: tuple[int, ...], order: str) -> object:
    """A NumPy array over `data`."""
    import numpy as np

    return npy.array_over(np, data, 0, np.dtype(dtype), shape, order)


made.publish(resolve, array)


def _aligned(position: int) -> int:
    return position + -position % _ALIGNMENT


def _dump(value: object, definitions: Definitions) -> Pickled:
    try:
        return _dump_with(_PicklerInC, value, definitions)
    except RecursionError:
        return _on_deep_stack(lambda: _dump_deep(value, definitions))


def _dump_deep(value: object, definitions: Definitions) -> Pickled:
    """Pickling recurses along a long linked list; in C, Python 3.12 has a limit of its own."""
    from pickle import _Pickler as PicklerInPython

    try:
        return _dump_with(_PicklerInC, value, definitions)
    except RecursionError:
        pass
    try:
        return _dump_with(PicklerInPython, value, definitions)
    except RecursionError:
        raise Unstorable(f"a {type_name(value)} that is nested too deeply to be pickled") from None


def _on_deep_stack(work: Callable[[], Pickled]) -> Pickled:
    """What `work` gives, run where there is room for deep recursion."""
    import threading

    outcome: list[Any] = []

    def attempt() -> None:
        try:
            outcome.append(work())
        except BaseException as problem:  # noqa: BLE001 - raised again by who waits
            outcome.append(problem)

    usual = sys.getrecursionlimit()
    usual_stack = threading.stack_size(_DEEP_STACK)
    try:
        sys.setrecursionlimit(max(usual, _DEEP_RECURSION))
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(usual_stack)
        sys.setrecursionlimit(usual)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]  # type: ignore[no-any-return]


def _dump_with(make: Callable[..., Any], value: object, definitions: Definitions) -> Pickled:
    import warnings

    buffers: list[Buffer] = []

    def keep(buffer: PickleBuffer) -> bool:
        raw = buffer.raw()
        if len(raw) < _SMALLEST_BUFFER:
            return True
        buffers.append(raw)
        return False

    file = io.BytesIO()
    reducer = _Reducer(definitions)
    pickler = make(file, 5, buffer_callback=keep)
    pickler.reducer_override = reducer.reduce
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickling as such; the user did not ask for it
            pickler.dump(value)
    except (Unstorable, RecursionError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as problem:  # whatever a class's own code raises
        raise Unstorable(_reason(value, problem)) from problem
    return file.getbuffer(), buffers, reducer.modules


class _PicklerInC(Pickler):
    """Takes attributes, which `Pickler` itself does not: its `reducer_override` is one."""


class _Reducer:
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
        if module == "typing":
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
        module = getattr(value, "__module__", None)
        if module != "__main__" and not (
            isinstance(module, str) and module.startswith(MODULE_PREFIX)
        ):
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


class _Loader(Unpickler):
    def __init__(self, file: io.BytesIO, definitions: Definitions, buffers: Any) -> None:
        super().__init__(file, buffers=buffers)
        self._resolve = definitions.resolve

    def find_class(self, module: str, name: str) -> Any:
        """The global that a pickle names."""
        if module == _FORMAT and name == "resolve":
            return self._resolve
        return super().find_class(module, name)


class _NoMainModule:
    """Nothing can be pickled as `__main__.name`: in another process that is another thing."""

    def __enter__(self) -> None:
        self._main = sys.modules["__main__"]
        sys.modules["__main__"] = type(sys)("__main__")

    def __exit__(self, *exception: object) -> None:
        sys.modules["__main__"] = self._main


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


def _reason(value: object, problem: BaseException) -> str:
    try:
        text = str(problem)[:500]
    except Exception:  # noqa: BLE001 - a class's own code
        text = "(its error cannot be shown)"
    return f"a {type_name(value)} cannot be pickled: {class_name(type(problem))}: {text}"
