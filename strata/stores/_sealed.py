"""Values that carry their own checksum: a record that does not verify is not a record.

The checksum covers the key too, so that a record that ended up in another's place is seen.
"""

from __future__ import annotations

import threading

from blake3 import blake3

_SEAL_BYTES = 8
_COMPRESS_FROM_BYTES = 1 << 10
_FRAME = b"\x28\xb5\x2f\xfd"
"""The magic number of a zstd frame (RFC 8878, 3.1.1), with which no UTF-8 text begins."""
_RECORD_LIMIT_BYTES = 256 << 20
"""No honest record is near this; a damaged length must not make us reserve memory for it."""


def seal(key: bytes, payload: bytes) -> bytes:
    """`payload` with its checksum before it."""
    return blake3(key + payload).digest(_SEAL_BYTES) + payload


def unseal(key: bytes, value: bytes) -> bytes | None:
    """What `seal` was given, or None if it is not exactly that."""
    payload = value[_SEAL_BYTES:]
    intact = blake3(key + payload).digest(_SEAL_BYTES) == value[:_SEAL_BYTES]
    return payload if intact else None


def seal_text(key: bytes, text: bytes) -> bytes:
    """`text`, in UTF-8, sealed; compressed where that is worth its time."""
    return seal(key, text if len(text) < _COMPRESS_FROM_BYTES else compress(text))


def unseal_text(key: bytes, value: bytes) -> bytes | None:
    """What `seal_text` was given, or None if it is not exactly that."""
    payload = unseal(key, value)
    if payload is None or not payload.startswith(_FRAME):
        return payload
    return decompress(payload, _RECORD_LIMIT_BYTES)


def compress(data: bytes) -> bytes:
    """`data` as one zstd frame of level 1, which later levels do not beat at their price."""
    return _codecs().compress(data)


def decompress(frame: bytes, limit_bytes: int) -> bytes | None:
    """The content of `frame`; None if it is damaged or holds more than `limit_bytes`."""
    return _codecs().decompress(frame, limit_bytes)


class _Codecs:
    """One compressor and one decompressor a thread: zstandard's objects are not thread-safe."""

    def __init__(self) -> None:
        import zstandard  # 6 ms, which a build that reads no record does not have

        self.compress = zstandard.ZstdCompressor(level=1).compress
        self._decompressor = zstandard.ZstdDecompressor()
        self._content_size = zstandard.frame_content_size
        self._error = zstandard.ZstdError

    def decompress(self, frame: bytes, limit_bytes: int) -> bytes | None:
        try:
            # The frame's own claim is what would be reserved, whatever max_output_size says.
            if self._content_size(frame) > limit_bytes:
                return None
            return self._decompressor.decompress(frame, max_output_size=limit_bytes)
        except self._error:
            return None


_of_thread = threading.local()


def _codecs() -> _Codecs:
    found: _Codecs | None = getattr(_of_thread, "codecs", None)
    if found is None:
        found = _of_thread.codecs = _Codecs()
    return found
