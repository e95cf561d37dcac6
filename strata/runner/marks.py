"""Fingerprints of live objects: the same as long as nothing in them changes.

Of one object in one process: two equal ones may have two. What pickle cannot write, and code, is
known by its identity. Nothing is copied.
"""

from __future__ import annotations

from _blake2 import blake2b
from _pickle import Pickler

from .layouts import reducer_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LARGEST = 16 << 20
_CODE = frozenset((type(reducer_for), type(len), type(__import__("sys"))))


def fingerprint(value: object) -> bytes | None:
    """What says how `value` is now; None where it is larger than 16 MiB, or cannot be told."""
    sink = _Sink()
    try:
        _Marker(sink, 5, buffer_callback=sink.take).dump(value)
    except Exception:  # noqa: BLE001 - code of classes; too large, or nested too deeply
        return None
    return sink.digest()


class _Sink:
    """Takes what a pickler writes, and keeps a digest of it."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._size = 0

    def write(self, data: Any) -> int:
        size = len(data)
        self._size += size
        if self._size > _LARGEST:
            raise OverflowError
        self._hash.update(data)
        return size

    def take(self, buffer: Any) -> None:
        """A large buffer, which is not part of the pickle."""
        self.write(buffer.raw())

    def digest(self) -> bytes:
        return self._hash.digest()


class _Marker(Pickler):
    def reducer_override(self, value: Any) -> Any:
        """How `value` is written: as it is stored, or by its identity."""
        kind = type(value)
        if kind in _CODE or issubclass(kind, type):
            return NotImplemented if value is int else _by_identity(value)
        reducer = reducer_for(kind)
        try:
            made_by = NotImplemented if reducer is None else reducer(value)
            return value.__reduce_ex__(5) if made_by is NotImplemented else made_by
        except Exception:  # noqa: BLE001 - code of classes
            return _by_identity(value)


def _by_identity(value: object) -> tuple[type, tuple[int]]:
    return int, (id(value),)
