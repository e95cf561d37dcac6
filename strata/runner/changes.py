"""Which inputs a cell has changed in place, as can be told when it has ended.

What counts is what storing a value gives: now, against the bytes that it was loaded from. Large
inputs are mapped from files; where the kernel says that no page of a mapping was written to, what
lies in it is what was loaded, and is not read.
"""

from __future__ import annotations

import sys

from . import values
from .sharing import ATOMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Any, Callable, Optional

    from .channel import Buffer
    from .definitions import Definitions
    from .inputs import Buffer as WritableBuffer
    from .inputs import Inputs, Loaded, StoredValue, Unit
    from .values import Encoded

    Encode = Callable[[Any], Optional[Encoded]]

_ONE_FORM = ("json", "npy")
"""Codecs that write a value in one way only, whoever made it."""
_LARGE = 1 << 20
_STEP = 1 << 20


class Changes:
    """What became of the inputs that were loaded."""

    def __init__(
        self,
        inputs: Inputs,
        definitions: Definitions,
        namespace: dict[str, Any],
        handed_on: Collection[str] = (),
    ) -> None:
        """`handed_on` are the slots whose values the cell gives to others as its own: a statement
        says that it changes them."""
        self._inputs = inputs
        self._definitions = definitions
        self._namespace = namespace
        self._encoded: dict[int, Encoded] = {}
        self._changed: set[int] = set()
        """Ids of values of inputs that were changed."""
        self._unsteady: set[int] = set()
        """Ids of those that are stored in another way each time."""
        self._handed_on = {id(inputs.value(slot)) for slot in handed_on}
        self._clean = _clean_mappings(inputs.loaded())
        for loaded in inputs.loaded().values():
            self._look_at(loaded)

    def slots(self) -> list[str]:
        """The slots whose values were changed, or bound anew by the cell that defines them."""
        found = []
        for slot, value in self._inputs.loaded_slots().items():
            if id(value) in self._changed or self._is_rebound(slot, value):
                found.append(slot)
        return found

    def latest(self, slot: str) -> object:
        """The value of `slot`; what a function of another cell has bound its name to since."""
        value = self._inputs.value(slot)
        return next(self._rebound(slot, value), value)

    def as_given(self, slot: str) -> Encoded | None:
        """The value of `slot` as it came, where it was not changed; None where it was.

        Storing a value that was loaded may give other bytes than storing the one that was made,
        where there is no one form for it. Without this, a cell that only looks at a value would
        seem to change it. One that is unsteady is stored anew: it may have been changed in a place
        where nothing can be told.
        """
        value = self._inputs.value(slot)
        if id(value) in self._changed | self._unsteady:
            return None
        encoded = self._encoded.get(id(value))
        stored = self._inputs.stored(slot)
        if encoded is None or encoded.codec != stored.codec or stored.joint is not None:
            return encoded
        encoded.buffers = [memoryview(self._inputs.loaded()[stored.unit].stored.map())]
        encoded.same_as = slot
        return encoded

    def _look_at(self, loaded: Loaded) -> None:
        if loaded.stored.joint is not None:
            self._look_at_joint(loaded)
        elif type(loaded.value) not in ATOMS and loaded.stored.codec != "arrow":
            clean = self._clean.get(loaded.stored.unit)
            if self._differs(loaded.value, loaded.stored, clean):
                self._changed.add(id(loaded.value))

    def _look_at_joint(self, loaded: Loaded) -> None:
        """Where all is not as it was: each part that is not, or all, if it is their connection."""
        parts: Any = loaded.value
        encoded = self._encode_together(parts)
        clean = self._clean.get(loaded.stored.unit)
        if encoded is not None and _is_stored(encoded, loaded.stored, clean):
            return
        first, second = self._load_twice(loaded.stored)
        if not type(first) is type(second) is dict:
            return
        if any(id(part) in self._handed_on for part in parts.values()):
            self._handed_on.add(id(parts))
        if not self._compare(parts, first, second, self._encode_together):
            return
        changed = [
            name
            for name, part in parts.items()
            if self._compare(part, first[name], second[name], self._encode)
        ]
        self._changed.update(id(parts[name]) for name in changed or parts)

    def _differs(self, value: object, stored: StoredValue, clean: int | None) -> bool:
        """Whether storing `value` gives other bytes than those it was loaded from."""
        encoded = self._encode(value)
        if encoded is not None:
            self._encoded[id(value)] = encoded
            if _is_stored(encoded, stored, clean):
                return False
            if encoded.codec == stored.codec and encoded.codec in _ONE_FORM:
                return True
        return self._compare(value, *self._load_twice(stored), self._encode)

    def _compare(self, value: Any, first: Any, second: Any, encode: Encode) -> bool:
        """Whether `value` is another than `first`; `second` was loaded from the same bytes."""
        now, loaded = encode(value), encode(first)
        if loaded is None or _are_same(now, loaded):
            return False  # what it is made of cannot be stored again, or has no one form
        now_again, again = encode(value), encode(second)
        if now is None or (_are_same(now, now_again) and _are_same(loaded, again)):
            return True
        self._unsteady.add(id(value))
        if now_again is None or again is None:
            return id(value) in self._handed_on
        from .unsteady import differs, draw

        before, after = [loaded, again], [now, now_again]
        found = differs(before, after)
        if found and draw(second):  # what is computed when a figure is shown does not count
            copy = self._decode(now.codec, bytearray(b"".join(now.buffers)))
            draw(copy)
            found = differs([*before, encode(second) or again], [*after, encode(copy) or now_again])
        return id(value) in self._handed_on if found is None else found

    def _encode(self, value: object) -> Encoded | None:
        try:
            return values.encode(value, self._definitions)
        except values.Unstorable:
            return None

    def _encode_together(self, parts: Any) -> Encoded | None:
        try:
            return values.encode_together(parts, self._definitions)
        except values.Unstorable:
            return None

    def _load_twice(self, stored: StoredValue) -> tuple[Any, Any]:
        one, other = (self._decode(stored.codec, stored.map()) for _ in "12")
        return one, other

    def _decode(self, codec: str, data: WritableBuffer) -> object:
        try:
            return values.decode(codec, data, self._definitions)
        except Exception:  # noqa: BLE001 - code of classes; it was loaded once
            return _Nothing()

    def _is_rebound(self, slot: str, value: object) -> bool:
        for latest in self._rebound(slot, value):
            if not _are_same(self._encode(latest), self._encode(value)):
                return True
        return False

    def _rebound(self, slot: str, value: object) -> Iterator[object]:
        """What definitions modules call by the name of `slot` now, if it is not its value."""
        for namespace, name in self._inputs.bindings.get(slot, ()):
            if namespace is not self._namespace and namespace.get(name, self) is not value:
                yield namespace.get(name)


class _Nothing:
    """Stands for what cannot be decoded; cannot be stored."""

    def __reduce__(self) -> Any:
        raise values.Unstorable("nothing")


def _is_stored(encoded: Encoded, stored: StoredValue, clean: int | None) -> bool:
    """Whether `encoded` are the bytes of `stored`.

    `clean` is where those lie in memory, if nothing was written there.
    """
    if encoded.codec != stored.codec:
        return False
    original = memoryview(stored.map())
    if encoded.size != len(original):
        return False
    position = 0
    for part in encoded.buffers:
        there = clean is not None and len(part) >= _LARGE and address(part) == clean + position
        if not there and not _same([part], [original[position : position + len(part)]]):
            return False
        position += len(part)
    return True


def _are_same(one: Encoded | None, other: Encoded | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.codec == other.codec and _same(one.buffers, other.buffers)


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


def _pieces(buffers: Iterable[Buffer]) -> Iterator[bytes]:
    for buffer in buffers:
        for start in range(0, len(buffer), _STEP):
            yield bytes(buffer[start : start + _STEP])


def address(buffer: Any) -> int | None:
    """Where `buffer` lies in memory; None where that cannot be told."""
    np: Any = sys.modules.get("numpy")
    if np is None:
        return None
    place: int = np.frombuffer(buffer, "u1").__array_interface__["data"][0]
    return place


def _clean_mappings(loaded: dict[Unit, Loaded]) -> dict[Unit, int]:
    """Inputs whose mapped memory was never written to, and where it lies."""
    places = {}
    for unit, one in loaded.items():
        if one.stored.is_file and one.stored.size >= _LARGE:
            place = address(one.data)
            if place is not None:
                places[unit] = (place, place + one.stored.size)
    if not places:
        return {}
    written = _written_memory()
    if written is None:
        return {}
    return {
        unit: start
        for unit, (start, end) in places.items()
        if not any(first < end and start < last for first, last in written)
    }


def _written_memory() -> list[tuple[int, int]] | None:
    """Where this process has pages of its own; None where the kernel does not tell.

    A page of a private mapping becomes the process's own, "anonymous", when it is first written
    to; it may be swapped out since (proc(5), `/proc/pid/smaps`).
    """
    try:
        with open("/proc/self/smaps", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return None
    found: list[tuple[int, int]] = []
    start = end = 0
    for line in filter(None, lines):
        first, _, rest = line.partition(b" ")
        if not first.endswith(b":"):
            start, end = (int(place, 16) for place in first.split(b"-"))
        elif first in (b"Anonymous:", b"Swap:") and int(rest.split()[0]):
            found.append((start, end))
    return found
