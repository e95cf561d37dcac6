"""Content digests: BLAKE3 of some bytes, with their size.

A digest says *what* bytes are; an action key (`strata.core.action`) says what would make them.
"""

from __future__ import annotations

from blake3 import blake3

from strata.core.dataclass import dataclass

HEX_LENGTH = 64
_HEX_DIGITS = "0123456789abcdef"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """BLAKE3-256 of a byte string, and its length in bytes.

    The size travels with the hash so that a truncated blob is seen before it is hashed, and so
    that a remote cache can be asked for a known number of bytes.
    """

    hex: str
    size_bytes: int

    def __post_init__(self) -> None:
        if len(self.hex) != HEX_LENGTH or self.hex.strip(_HEX_DIGITS):
            raise ValueError(f"not a BLAKE3 digest in lower-case hex: {self.hex!r}")
        if self.size_bytes < 0:
            raise ValueError(f"negative size: {self.size_bytes}")

    def __str__(self) -> str:
        return f"{self.hex}/{self.size_bytes}"

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The digest that `str()` printed as `text`; `ValueError` for anything else."""
        hex_part, slash, size = text.partition("/")
        if not slash or not size.isascii() or not size.isdigit():
            raise ValueError(f"not a digest: {text!r}")
        return cls(hex_part, int(size))


def digest_bytes(data: bytes | bytearray | memoryview) -> Digest:
    """The digest of `data`."""
    view = memoryview(data).cast("B")
    return Digest(blake3(view).hexdigest(), view.nbytes)
