"""The values that a program is given: stored bytes, decoded when first asked for.

Each value is decoded once; whoever asks again, by whichever slot, gets the same object. Files
are mapped copy-on-write: what is made of them can be changed, the file never is.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from mmap import mmap
    from typing import Any, Callable, Tuple, Union

    from .channel import Channel

    Buffer = Union[bytearray, mmap]
    Decode = Callable[[str, Buffer], object]
    Unit = Tuple[str, str, str]


class StoredValue:
    """One input as it arrived.

    `artifact` says which value it is: two slots with the same one are the same object, while two
    values with equal bytes are not. With `joint`, the bytes are those of several values that have
    parts in common, and `part` is the name of this one.
    """

    __slots__ = ("_inline", "_path", "codec", "joint", "part", "size", "slot", "unit")

    def __init__(
        self,
        slot: str,
        codec: str,
        size: int,
        path: str | None,
        inline: bytearray | None,
        artifact: str | None = None,
        part: str | None = None,
        joint: str | None = None,
    ) -> None:
        self.slot = slot
        self.codec = codec
        self.size = size
        self.part = part
        self.joint = joint
        self.unit = ("joint", joint, "") if joint else ("value", artifact or slot, part or "")
        """What is decoded at once: the same for slots that are decoded together."""
        self._path = path
        self._inline = inline

    @property
    def is_file(self) -> bool:
        """Whether `map` maps a file."""
        return self._path is not None and self.size > 0

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


class Loaded:
    """What was decoded at once: one value, or several that were stored together."""

    def __init__(self, stored: StoredValue, data: Buffer, value: object) -> None:
        self.stored = stored
        self.data = data
        """The memory that parts of the value lie in."""
        self.value = value
        """With `stored.joint`: a dict of the values, by the names of the parts."""


class Inputs:
    """Slots to values. `decode` turns a codec's name and bytes into a value."""

    def __init__(self, stored: Sequence[StoredValue], decode: Decode) -> None:
        self._stored = {value.slot: value for value in stored}
        self._first: dict[Unit, StoredValue] = {}
        """Those whose bytes came along: the first of each unit."""
        for value in stored:
            self._first.setdefault(value.unit, value)
        self._decode = decode
        self._loaded: dict[Unit, Loaded] = {}
        self._waiting: dict[Unit, list[tuple[dict[str, Any], str, str]]] = {}
        """Units that are being decoded, and who wants which slot afterwards."""
        self.bindings: dict[str, list[tuple[dict[str, Any], str]]] = {}
        """The names to which slots were bound, and where."""

    def bind(self, slot: str, namespace: dict[str, Any], name: str) -> bool:
        """`namespace[name]` is the value of `slot`. False, and unbound, if the slot is not given.

        Where `slot` is being decoded just now, the name is bound when that has ended: a value may
        be an instance of a class whose methods read that very value.
        """
        if slot not in self._stored:
            return False
        self.bindings.setdefault(slot, []).append((namespace, name))
        unit = self._stored[slot].unit
        if unit in self._waiting:
            self._waiting[unit].append((namespace, name, slot))
        else:
            namespace[name] = self.value(slot)
        return True

    def value(self, slot: str) -> object:
        """The value of `slot`. Raises `InputFailed` and `StorageFailed`."""
        stored = self._stored[slot]
        unit = stored.unit
        if unit not in self._loaded:
            self._waiting[unit] = []
            try:
                self._loaded[unit] = self._load(self._first[unit])
            finally:
                waiting = self._waiting.pop(unit)
            for namespace, name, wanted in waiting:
                namespace[name] = self._part(self._stored[wanted])
        return self._part(stored)

    def loaded(self) -> dict[Unit, Loaded]:
        """All that was decoded."""
        return self._loaded

    def loaded_slots(self) -> dict[str, object]:
        """Slots whose values were decoded and bound to a name, and those values."""
        slots = (slot for slot in self.bindings if self._stored[slot].unit in self._loaded)
        return {slot: self._part(self._stored[slot]) for slot in slots}

    def stored(self, slot: str) -> StoredValue:
        """What is known of a slot that is given."""
        return self._stored[slot]

    def _part(self, stored: StoredValue) -> object:
        value: Any = self._loaded[stored.unit].value
        return value if stored.joint is None else value[stored.part]

    def _load(self, stored: StoredValue) -> Loaded:
        data = stored.map()
        try:
            return Loaded(stored, data, self._decode(stored.codec, data))
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
        which = (one.get("artifact"), one.get("part"), one.get("joint"))
        value = StoredValue(one["slot"], one["codec"], one["size"], one["path"], inline, *which)
        inputs.append(value)
    return inputs
