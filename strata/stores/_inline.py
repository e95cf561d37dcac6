"""How a blob stands in the index: its bytes, its bytes compressed, or a witness of its file.

A value is a kind, the size of the blob, and then what the kind says. Inline bytes need no checksum:
their key is the digest. A witness has one.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from strata.core.digest import Digest
from strata.stores._sealed import compress, decompress, seal, unseal
from strata.stores._signature import Witness

INLINE_LIMIT_BYTES = 128 << 10
"""Larger ones are files: in LMDB a put of 1 MiB costs twice that of a file (perf.md, section 5)."""

RAW_FROM_BYTES = 1 << 20
"""From here on a blob is never compressed: mapping it is worth more than the space."""

COMPRESS_FROM_BYTES = 4 << 10
"""Smaller blobs are kept as they are."""

_PROBE_FROM_BYTES = 64 << 10
_SAMPLES, _SAMPLE_BYTES = 8, 8 << 10
_LEAST_GAIN = 1.3

_HEAD = struct.Struct("<BQ")


class Kind(IntEnum):
    """What follows the head of a blob's value."""

    RAW = 0  # the bytes
    ZSTD = 1  # a zstd frame of the bytes
    FILE = 2  # a sealed witness of the file that has them


def blob_key(digest: Digest) -> bytes:
    return b"b" + bytes.fromhex(digest.hex)


def head_of(value: bytes | memoryview) -> tuple[int, int] | None:
    """The kind and size of the blob of a value, or None if that is too short to tell."""
    return _HEAD.unpack_from(value) if len(value) >= _HEAD.size else None


def inline_value(data: bytes) -> bytes | None:
    """The value that holds `data`, compressed if that pays; None if it must be a file."""
    if len(data) >= RAW_FROM_BYTES:
        return None
    if len(data) >= COMPRESS_FROM_BYTES and _promises_gain(data):
        frame = compress(data)
        if len(frame) * _LEAST_GAIN <= len(data) and len(frame) <= INLINE_LIMIT_BYTES:
            return _HEAD.pack(Kind.ZSTD, len(data)) + frame
    if len(data) > INLINE_LIMIT_BYTES:
        return None
    return _HEAD.pack(Kind.RAW, len(data)) + data


def inline_bytes(value: bytes) -> bytes | None:
    """The bytes that `value` holds, not verified; None if it holds none."""
    match head_of(value):
        case (Kind.RAW, _):
            return value[_HEAD.size :]
        case (Kind.ZSTD, size_bytes) if size_bytes < RAW_FROM_BYTES:
            return decompress(value[_HEAD.size :], size_bytes)
        case _:
            return None


def file_value(key: bytes, size_bytes: int, witness: Witness) -> bytes:
    """The value that says how the blob's file looked when it was right."""
    return _HEAD.pack(Kind.FILE, size_bytes) + seal(key, witness.pack())


def file_witness(key: bytes, value: bytes) -> Witness | None:
    """The witness that `file_value` was given, or None if `value` is not exactly that."""
    payload = unseal(key, value[_HEAD.size :])
    return None if payload is None else Witness.unpack(payload)


def _promises_gain(data: bytes) -> bool:
    """A sample compresses well; for numeric data that predicts the whole within 5 %."""
    if len(data) < _PROBE_FROM_BYTES:
        return True
    step = (len(data) - _SAMPLE_BYTES) // (_SAMPLES - 1)
    sample = b"".join(data[i * step : i * step + _SAMPLE_BYTES] for i in range(_SAMPLES))
    return len(compress(sample)) * _LEAST_GAIN <= len(sample)
