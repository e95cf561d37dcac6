"""The values that a cell hands on: stored, and sent to the parent one by one."""

from __future__ import annotations

import os
from itertools import count

from . import values
from .channel import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .channel import Buffer, Channel
    from .definitions import Definitions
    from .inputs import Inputs

_LARGEST_INLINE = 128 << 10
_PREALLOCATED = 1 << 20
_numbers = count()


def send_outputs(
    names: Iterable[str],
    namespace: Mapping[str, object],
    given: Mapping[str, str],
    inputs: Inputs,
    definitions: Definitions,
    channel: Channel,
    scratch: str,
) -> None:
    """Each of `names` that is bound has been sent, or why it cannot be stored.

    `given` says which names were bound to which slots before the cell ran. Raises `OSError` where
    `scratch` cannot be written: that is no fault of the value, and must not be cached as one.
    """
    for name in names:
        if name not in namespace:
            continue
        value = namespace[name]
        try:
            codec, buffers = values.encode(value, definitions)
            codec, buffers = _as_given(value, given.get(name), codec, buffers, inputs, definitions)
        except values.Unstorable as problem:
            channel.send(
                {
                    "type": "unstorable",
                    "name": name,
                    "type_name": values.type_name(value),
                    "reason": printable(str(problem)),
                }
            )
            continue
        _send(name, value, codec, buffers, channel, scratch)


def printable(text: str) -> str:
    """`text` without what UTF-8 cannot say."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _as_given(
    value: object,
    slot: str | None,
    codec: str,
    buffers: list[Buffer],
    inputs: Inputs,
    definitions: Definitions,
) -> tuple[str, list[Buffer]]:
    """The bytes that came in, where the cell did not change what it was given.

    Storing a value that was loaded may give other bytes than storing the one that was made (which
    strings are one object differs); so what is compared is what loading gives: once as it is now,
    once afresh. Without this, a cell that only looks at a value would seem to change it.
    """
    stored = None if slot is None else inputs.stored(slot)
    if slot is None or stored is None or inputs.value(slot) is not value:
        return codec, buffers
    original: Buffer = memoryview(stored.map())
    if stored.codec != codec or _same(buffers, [original]):
        return codec, buffers
    afresh = values.encode(values.decode(codec, stored.map(), definitions), definitions)
    return (codec, [original]) if _same(buffers, afresh[1]) else (codec, buffers)


def _same(these: Sequence[Buffer], those: Sequence[Buffer]) -> bool:
    """Whether two sequences of buffers hold the same bytes, however they are cut."""
    if sum(map(len, these)) != sum(map(len, those)):
        return False
    left, right = _pieces(these), _pieces(those)
    a, b = b"", b""
    while True:
        a, b = a or next(left, b""), b or next(right, b"")
        size = min(len(a), len(b))
        if size == 0:
            return True
        if a[:size] != b[:size]:
            return False
        a, b = a[size:], b[size:]


def _pieces(buffers: Sequence[Buffer]) -> Iterator[bytes]:
    for buffer in buffers:
        for start in range(0, len(buffer), 1 << 20):
            yield bytes(buffer[start : start + (1 << 20)])


def _send(
    name: str, value: object, codec: str, buffers: list[Buffer], channel: Channel, scratch: str
) -> None:
    from .summaries import summarize

    size = sum(map(len, buffers))
    path = None
    if size >= _LARGEST_INLINE:
        path = _write(buffers, size, scratch)
        buffers = []
    header = {
        "type": "output",
        "name": name,
        "codec": codec,
        "type_name": values.type_name(value),
        "summary": printable(summarize(value)),
        "path": path,
        "size": size,
    }
    channel.send(header, buffers)


def _write(buffers: Sequence[Buffer], size: int, scratch: str) -> str:
    path = os.path.join(scratch, f"output-{next(_numbers)}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        if size >= _PREALLOCATED and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, size)
        write_all(fd, buffers)
    finally:
        os.close(fd)
    return path
