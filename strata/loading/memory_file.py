"""A dict in a file that is replaced as a whole: what is wrong with it, it is empty.

For memories that may be lost at any time. `magic` says what is in the file and for which program.
"""

from __future__ import annotations

import marshal
import os
import threading
from pathlib import Path
from typing import Any

from blake3 import blake3

_CHECK_BYTES = 32


def read(path: Path, magic: bytes) -> dict[Any, Any]:
    """What was stored in `path`; nothing if it is missing, damaged or of another `magic`."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    body = memoryview(data)[len(magic) + _CHECK_BYTES :]
    # marshal trusts its input, so bytes that we did not write must not reach it.
    if data[: -len(body) or None] != magic + blake3(body).digest():
        return {}
    try:
        entries = marshal.loads(body)
    except (ValueError, EOFError, TypeError):  # written by another Python
        return {}
    return entries if isinstance(entries, dict) else {}


def store(path: Path, magic: bytes, entries: dict[Any, Any]) -> None:
    """`path` has `entries`, of plain values, and nothing else. Raises `OSError`."""
    body = marshal.dumps(entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        temporary.write_bytes(magic + blake3(body).digest() + body)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
