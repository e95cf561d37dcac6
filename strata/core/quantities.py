"""Sizes and durations as people write them: `20GiB`, `512MB`, `1.5g`, `1000`; `30s`, `1.5h`."""

from __future__ import annotations

import re

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([kmgtp]?)(i?)(b?)", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(ms|s|sec|m|min|h|)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "": 1, "m": 60, "min": 60, "h": 3600}
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


def parse_duration(text: str) -> float:
    """`text` in seconds; a bare number is one. Raises `ValueError`."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"not a duration: {text!r}")
    return float(match[1]) * _SECONDS[match[2]]
