"""Everything else: pickle protocol 5, large buffers beside it, definitions as references.

The container: a magic of 8 bytes; the length of the header, 8 bytes little-endian; the header, a
JSON object; the pickle; the buffers; each padded to 64 bytes, so that arrays in a mapped file are
aligned. Buffers are not copied on load; what lies in them can be written to.

A class or function of a cell is stored as `_strata_runner.resolve(module id, qualified name)`,
and the header carries the source of the modules that are named. An array is stored as
`_strata_runner.array(bytes, dtype, shape, order)`: C or Fortran order, writable, whatever it was.
These two names are part of the format.

Sets are written in the order in which they iterate. For text that is the same in each process
because the parent fixes `PYTHONHASHSEED`; not for what is hashed by its address, such as classes,
and None before Python 3.12. Strings that are equal but not identical are written twice, so equal
values that were made differently may differ in bytes.
"""

from __future__ import annotations

import io
import sys
from _pickle import Pickler, Unpickler

from .. import wire
from ..inputs import InputFailed
from ..made import FORMAT
from ..reducing import Reducer
from ..values import Unstorable, class_name, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _pickle import PickleBuffer
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

_DEEP_STACK = 512 << 20  # bytes; only what is touched is taken
_DEEP_RECURSION = 100_000


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
    reducer = Reducer(definitions)
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


class _Loader(Unpickler):
    def __init__(self, file: io.BytesIO, definitions: Definitions, buffers: Any) -> None:
        super().__init__(file, buffers=buffers)
        self._resolve = definitions.resolve

    def find_class(self, module: str, name: str) -> Any:
        """The global that a pickle names."""
        if module == FORMAT and name == "resolve":
            return self._resolve
        return super().find_class(module, name)


class _NoMainModule:
    """Nothing can be pickled as `__main__.name`: in another process that is another thing."""

    def __enter__(self) -> None:
        self._main = sys.modules["__main__"]
        sys.modules["__main__"] = type(sys)("__main__")

    def __exit__(self, *exception: object) -> None:
        sys.modules["__main__"] = self._main


def _reason(value: object, problem: BaseException) -> str:
    try:
        text = str(problem)[:500]
    except Exception:  # noqa: BLE001 - a class's own code
        text = "(its error cannot be shown)"
    return f"a {type_name(value)} cannot be pickled: {class_name(type(problem))}: {text}"
