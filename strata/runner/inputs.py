"""The values that a program is given: stored bytes, decoded when first asked for.

Each slot is decoded once; whoever asks again gets the same object. Files are mapped
copy-on-write: what is made of them can be changed, the file never is.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from mmap import mmap
    from typing import Any, Callable, Union

    from .channel import Channel

    Buffer = Union[bytearray, mmap]
    Decode = Callable[[str, Buffer], object]


class StoredValue:
    """One input as it arrived."""

    __slots__ = ("_inline", "_path", "codec", "size", "slot")

    def __init__(
        self, slot: str, codec: str, size: int, path: str | None, inline: bytearray | None
    ) -> None:
        self.slot = slot
        self.codec = codec
        self.size = size
        self._path = path
        self._inline = inline

    def map(self) -> Buffer:
        """A fresh writable view of the bytes; writing to it changes nothing else.

        Raises `StorageFailed` where the file is gone.
        """
        if self._path is None:
            return bytearray(self._inline or b"")
        if self.size == 0:
            return bytearray()
        from mmap import ACCESS_COPY, mmap

        try:
            fd = os.open(self._path, os.O_RDONLY)
            try:
                return mmap(fd, self.size, access=ACCESS_COPY)
            finally:
                os.close(fd)
        except (OSError, ValueError) as problem:
            raise StorageFailed(f"the input {self.slot!r} cannot be read: {problem}") from problem


class StorageFailed(Exception):
    """The bytes of an input cannot be read: no fault of any cell."""


class InputFailed(Exception):
    """An input cannot be given to the cell. The message says which, and why."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Inputs:
    """Slots to values. `decode` turns a codec's name and bytes into a value."""

    def __init__(self, stored: Sequence[StoredValue], decode: Decode) -> None:
        self._stored = {value.slot: value for value in stored}
        self._decode = decode
        self._values: dict[str, object] = {}
        self._waiting: dict[str, list[tuple[dict[str, Any], str]]] = {}
        """Slots that are being decoded, and who wants them afterwards."""

    def stored(self, slot: str) -> StoredValue | None:
        """The bytes under `slot`, or None where it is not given."""
        return self._stored.get(slot)

    def bind(self, slot: str, namespace: dict[str, Any], name: str) -> bool:
        """`namespace[name]` is the value of `slot`. False, and unbound, if the slot is not given.

        Where `slot` is being decoded just now, the name is bound when that has ended: a value may
        be an instance of a class whose methods read that very value.
        """
        if slot in self._waiting:
            self._waiting[slot].append((namespace, name))
            return True
        if slot not in self._stored:
            return False
        namespace[name] = self.value(slot)
        return True

    def value(self, slot: str) -> object:
        """The value of `slot`. Raises `InputFailed` and `StorageFailed`."""
        if slot not in self._values:
            self._waiting[slot] = []
            try:
                self._values[slot] = self._load(self._stored[slot])
            finally:
                waiting = self._waiting.pop(slot)
            for namespace, name in waiting:
                namespace[name] = self._values[slot]
        return self._values[slot]

    def _load(self, stored: StoredValue) -> object:
        data = stored.map()
        try:
            return self._decode(stored.codec, data)
        except (InputFailed, StorageFailed):
            raise
        except Exception as problem:
            name = stored.slot.rpartition(".")[2]
            raise InputFailed(
                f"the value {name!r} cannot be loaded: {type(problem).__name__}: {problem}"
            ) from problem


def read_inputs(channel: Channel, described: Any) -> list[StoredValue]:
    """The inputs that a `run` frame describes, its payload read."""
    inputs = []
    for one in described:
        inline = channel.read(one["size"]) if one["path"] is None else None
        inputs.append(StoredValue(one["slot"], one["codec"], one["size"], one["path"], inline))
    return inputs
