"""The canonical encoding that keys are hashed from: injective, and the same everywhere.

Every value is written as a type tag, a length and its bytes, so that no two different values
share an encoding (`tests/core/test_encoding.py` holds this as a property: `decode(encode(v))`
is `v`, type for type). Mappings are written in the order of their encoded keys, because the
order in which a mapping was built must not change a key.

This is not a storage format: it has no version and nothing reads it back but tests and `explain`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

Encodable: TypeAlias = (
    bool | int | float | str | bytes | Sequence["Encodable"] | Mapping[str, "Encodable"] | None
)

_NONE, _FALSE, _TRUE, _INT, _FLOAT, _STR, _BYTES, _LIST, _MAP = (
    b"N", b"F", b"T", b"I", b"D", b"S", b"B", b"L", b"M",
)  # fmt: skip
_LENGTH = struct.Struct(">Q")
_DOUBLE = struct.Struct(">d")
_pack_length = _LENGTH.pack
_MOST_KEYS = 4096


def encode(value: Encodable) -> bytes:
    """The canonical bytes of `value`. Raises `TypeError` for a type that has none.

    Tuples and lists encode alike; floats by their IEEE 754 bits, so -0.0 differs from 0.0 and
    every NaN payload is its own value; `True` differs from `1`, and `1` from `1.0`.
    """
    parts: list[bytes] = []
    try:
        _write(value, parts.append)
    except RecursionError:
        return _encode_deep(value)
    return b"".join(parts)


def _write(value: object, write: Callable[[bytes], None]) -> None:
    kind = type(value)
    if kind is str:
        raw = value.encode("utf-8", "surrogatepass")  # type: ignore[attr-defined]
        write(_STR + _pack_length(len(raw)) + raw)
    elif kind is dict:
        write(_MAP + _pack_length(len(value)))  # type: ignore[arg-type]
        if value:
            # Keys are unique, so no two values are ever compared.
            for key, entry in sorted([(_encoded[k], v) for k, v in value.items()]):  # type: ignore[attr-defined]
                write(key)
                _write(entry, write)
    elif kind is list or kind is tuple:
        write(_LIST + _pack_length(len(value)))  # type: ignore[arg-type]
        for item in value:  # type: ignore[attr-defined]
            _write(item, write)
    elif isinstance(value, Mapping):
        _write(dict(value), write)
    elif isinstance(value, (list, tuple)):
        _write(list(value), write)
    else:
        write(_scalar(value))


class _Keys(dict[str, bytes]):
    """Keys of mappings, encoded: the names of components and variables come again and again."""

    def __missing__(self, key: object) -> bytes:
        if not isinstance(key, str):
            raise TypeError(f"mapping keys must be strings, not {type(key).__name__}")
        if len(self) >= _MOST_KEYS:
            self.clear()
        found = self[key] = _scalar(key)
        return found


_encoded = _Keys()


def _encode_deep(value: Encodable) -> bytes:
    """As `encode`, with a stack of its own: values may be as deep as a user's data."""
    parts: list[bytes] = []
    stack: list[Encodable | _Raw] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Raw):
            parts.append(item.data)
        elif isinstance(item, Mapping):
            entries = sorted([(_encoded[k], v) for k, v in item.items()])
            parts.append(_MAP + _LENGTH.pack(len(entries)))
            for key, entry in reversed(entries):
                stack.append(entry)
                stack.append(_Raw(key))
        elif isinstance(item, (list, tuple)):
            parts.append(_LIST + _LENGTH.pack(len(item)))
            stack.extend(reversed(item))
        else:
            parts.append(_scalar(item))
    return b"".join(parts)


class _Raw:
    """Bytes that are already encoded, waiting on the stack."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def _scalar(value: object) -> bytes:
    match value:
        case None:
            return _NONE
        case bool():
            return _TRUE if value else _FALSE
        case int():
            # Two's complement, and a length: any size of integer.
            raw = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
            return _INT + _LENGTH.pack(len(raw)) + raw
        case float():
            return _FLOAT + _DOUBLE.pack(value)
        case str():
            # A lone surrogate is a legal str and must not collide with anything either.
            raw = value.encode("utf-8", "surrogatepass")
            return _STR + _LENGTH.pack(len(raw)) + raw
        case bytes():
            return _BYTES + _LENGTH.pack(len(value)) + value
        case _:
            raise TypeError(f"cannot encode a {type(value).__name__} canonically")


def decode(data: bytes) -> Encodable:
    """The value that `encode` wrote as `data`, sequences as lists. Raises `ValueError`.

    The witness that the encoding is injective.
    """
    reader = _Reader(data)
    value = reader.value()
    if reader.position != len(data):
        raise ValueError(f"{len(data) - reader.position} bytes after the value")
    return value


class _Reader:
    """Reads one encoded value from the front; recursive, as only trusted depths are decoded."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.position : self.position + count]
        if len(piece) != count:
            raise ValueError("encoded value is cut short")
        self.position += count
        return piece

    def length(self) -> int:
        (length,) = _LENGTH.unpack(self.take(_LENGTH.size))
        assert isinstance(length, int)
        return length

    def value(self) -> Encodable:
        tag = self.take(1)
        if tag == _NONE:
            return None
        if tag in (_TRUE, _FALSE):
            return tag == _TRUE
        if tag == _INT:
            return int.from_bytes(self.take(self.length()), "big", signed=True)
        if tag == _FLOAT:
            (number,) = _DOUBLE.unpack(self.take(_DOUBLE.size))
            assert isinstance(number, float)
            return number
        if tag == _STR:
            return self.take(self.length()).decode("utf-8", "surrogatepass")
        if tag == _BYTES:
            return self.take(self.length())
        if tag == _LIST:
            return [self.value() for _ in range(self.length())]
        if tag == _MAP:
            return {self.text(): self.value() for _ in range(self.length())}
        raise ValueError(f"unknown type tag {tag!r}")

    def text(self) -> str:
        key = self.value()
        if not isinstance(key, str):
            raise ValueError("a mapping key is not a string")
        return key
