"""Sizes as people write them: `20GiB`, `512MB`, `1.5g`, `1000`."""

from __future__ import annotations

import re

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([kmgtp]?)(i?)(b?)", re.IGNORECASE | re.ASCII)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def parse_size(text: str) -> int:
    """`text` in bytes: KiB, MiB, … are powers of 1024, KB, MB, … powers of 1000.

    A bare letter (`8G`) means the power of 1024, as in `docker run --memory`. Raises `ValueError`.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise ValueError(f"not a size: {text!r}")
    number, prefix, binary, byte = match.groups()
    base = 1000 if prefix and byte and not binary else 1024
    unit_bytes: int = base ** _POWER[prefix.lower()]
    return round(float(number) * unit_bytes)
