"""Everything else: pickle protocol 5, large buffers beside it, definitions as references.

The container: a magic of 8 bytes; the length of the header, 8 bytes little-endian; the header, a
JSON object; the pickle; the buffers; each padded to 64 bytes, so that arrays in a mapped file are
aligned. Buffers are not copied on load; what lies in them can be written to.

A class or function of a cell is stored as `_strata_runner.resolve(module id, qualified name)`,
and the header carries the source of the modules that are named. An array is stored as
`_strata_runner.array(bytes, dtype, shape, order)`: C or Fortran order, writable, whatever it was.
These two names are part of the format.

The pickle is written in its one form (`canonical`), so that equal values have equal bytes. Of a
large one that would take too long: it stays as the C pickler wrote it, and is called unstable if
there is anything in it that another equal value could have in another way.
"""

from __future__ import annotations

import io
import sys
from _pickle import Pickler, Unpickler

from .. import canonical, wire
from ..inputs import InputFailed
from ..made import FORMAT
from ..pickled import Unreadable
from ..reducing import Reducer
from ..values import Encoded, Unstorable, class_name, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _pickle import PickleBuffer
    from collections.abc import Mapping
    from typing import Any, Callable

    from ..channel import Buffer
    from ..definitions import Definitions
    from ..values import AnyBuffer

_MAGIC = b"STRATAP1"
_ALIGNMENT = 64
_SMALLEST_BUFFER = 1024
"""Smaller buffers stay within the pickle: padding would cost more than a copy."""

_HEAVIEST_REWRITTEN = 256 << 10  # takes some 0.2 s
_MEMOIZE = b"\x94"  # the opcode; and now and then a byte of a number
_MOST_LOOKED_THROUGH = 500_000
_TOO_LARGE = "too large to be brought into one form"
_NO_ORDER = "a set holds objects that have no order"

_DEEP_STACK = 512 << 20  # bytes; only what is touched is taken
_DEEP_RECURSION = 100_000


def encode(value: object, definitions: Definitions) -> Encoded:
    """`value` as a container. Raises `Unstorable` where it cannot be pickled."""
    return _encode(value, definitions, {})


def encode_together(parts: Mapping[str, object], definitions: Definitions) -> Encoded:
    """`parts` as one container; arrays that lie in one memory do so when they are loaded.

    Raises `Unstorable`.
    """
    from ..sharing import owners_in_common

    return _encode(dict(parts), definitions, owners_in_common(parts))


def _encode(value: object, definitions: Definitions, owners: Mapping[int, Any]) -> Encoded:
    with _NoMainModule():
        pickled = _dump(value, definitions, owners)
    with _NoCollection():
        unstable = _settle(pickled)
    try:
        modules = pickled.reducer.modules | definitions.mentioned(pickled.text)
        carried = definitions.portable(modules)
    except InputFailed as problem:
        raise Unstorable(str(problem)) from problem
    sizes = [len(part) for part in pickled.buffers]
    header = wire.encode({"pickle": len(pickled.text), "buffers": sizes, "modules": carried})
    start = _MAGIC + len(header).to_bytes(8, "little") + header
    pieces: list[Buffer] = []
    for part in [start, pickled.text, *pickled.buffers]:
        pieces.append(part)
        pieces.append(bytes(-len(part) % _ALIGNMENT))
    return Encoded(pieces, pickled.reducer.needs(), unstable)


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


class _Pickled:
    """A pickle, the buffers beside it, and what is known about it."""

    def __init__(self, definitions: Definitions, owners: Mapping[int, Any]) -> None:
        self.text = b""
        self.buffers: list[Buffer] = []
        self.memo: Any = None
        """What the pickler may refer back to: `copy` gives a dict of (number, object) by id."""
        self.reducer = Reducer(definitions, owners)

    def keep(self, buffer: PickleBuffer) -> bool:
        """Whether `buffer` is to be written into the pickle; else it is kept beside it."""
        raw = buffer.raw()
        if len(raw) < _SMALLEST_BUFFER:
            return True
        self.buffers.append(raw)
        return False


def _settle(pickled: _Pickled) -> str:
    """`pickled` is in its one form, or why it may not be: see `Encoded.unstable`."""
    if len(pickled.text) > _HEAVIEST_REWRITTEN:
        if pickled.text.count(_MEMOIZE) > _MOST_LOOKED_THROUGH:
            return _TOO_LARGE
        memo = pickled.memo.copy().values()
        if canonical.weight(pickled.text, memo) > _HEAVIEST_REWRITTEN:
            return _TOO_LARGE if canonical.may_differ(memo) else ""
    try:
        found = canonical.rewrite(pickled.text, pickled.reducer.values)
    except Unreadable:
        return "it is pickled in a way of its own"
    pickled.text = found.pickled
    pickled.buffers = [pickled.buffers[number] for number in found.buffers]
    return "" if found.settled else _NO_ORDER


def _dump(value: object, definitions: Definitions, owners: Mapping[int, Any]) -> _Pickled:
    try:
        return _dump_with(_PicklerInC, value, _Pickled(definitions, owners))
    except RecursionError:
        return _on_deep_stack(lambda: _dump_deep(value, definitions, owners))


def _dump_deep(value: object, definitions: Definitions, owners: Mapping[int, Any]) -> _Pickled:
    """Pickling recurses along a long linked list; in C, Python 3.12 has a limit of its own."""
    from pickle import _Pickler as PicklerInPython

    try:
        return _dump_with(_PicklerInC, value, _Pickled(definitions, owners))
    except RecursionError:
        pass
    try:
        return _dump_with(PicklerInPython, value, _Pickled(definitions, owners))
    except RecursionError:
        raise Unstorable(f"a {type_name(value)} that is nested too deeply to be pickled") from None


def _on_deep_stack(work: Callable[[], _Pickled]) -> _Pickled:
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


def _dump_with(make: Callable[..., Any], value: object, pickled: _Pickled) -> _Pickled:
    import warnings

    file = io.BytesIO()
    pickler = make(file, 5, buffer_callback=pickled.keep)
    pickler.reducer_override = pickled.reducer.reduce
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickling as such; the user did not ask for it
            pickler.dump(value)
    except (Unstorable, RecursionError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as problem:  # whatever a class's own code raises
        raise Unstorable(_reason(value, problem)) from problem
    pickled.text = file.getvalue()
    pickled.memo = pickler.memo
    return pickled


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


class _NoCollection:
    """To look for garbage again and again, while millions of things are made, takes most of the
    time; none of them is garbage."""

    def __enter__(self) -> None:
        import gc

        self._collects = gc.isenabled()
        gc.disable()

    def __exit__(self, *exception: object) -> None:
        import gc

        if self._collects:
            gc.enable()


def _reason(value: object, problem: BaseException) -> str:
    try:
        text = str(problem)[:500]
    except Exception:  # noqa: BLE001 - a class's own code
        text = "(its error cannot be shown)"
    return f"a {type_name(value)} cannot be pickled: {class_name(type(problem))}: {text}"
