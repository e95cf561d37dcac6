"""What was found out about lists of modules: whether a process that has them may be forked.

Trying that takes a while, and one that hangs takes long; so it is remembered, in a file, for the
environment as it looks. Losing the file costs only time.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from blake3 import blake3

from strata.core.encoding import Encodable, encode

_SCHEMA = "strata.fitness.v1"
_MOST = 500
"""Those that were remembered first are forgotten first."""
FIT = ""


class Fitness:
    """Verdicts by what they are about: `FIT`, or why not. Safe for threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._verdicts: dict[str, str] | None = None
        self._is_new = False

    def verdict(self, about: Sequence[Encodable]) -> str | None:
        """What was found out; None if nothing was."""
        with self._lock:
            return self._read().get(_name(about))

    def remember(self, about: Sequence[Encodable], verdict: str) -> None:
        """From now on that is known."""
        with self._lock:
            self._read()[_name(about)] = verdict
            self._is_new = True

    def save(self) -> None:
        """What is new is in the file, if it can be."""
        with self._lock:
            if not self._is_new:
                return
            verdicts = dict(list(self._read().items())[-_MOST:])
            text = json.dumps({"schema": _SCHEMA, "verdicts": verdicts})
            temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            with contextlib.suppress(OSError):
                temporary.write_text(text)
                temporary.replace(self._path)
            self._is_new = False

    def _read(self) -> dict[str, str]:
        if self._verdicts is None:
            self._verdicts = _parsed(self._path)
        return self._verdicts


def _name(about: Sequence[Encodable]) -> str:
    return blake3(encode([_SCHEMA, list(about)])).hexdigest()[:32]


def _parsed(path: Path) -> dict[str, str]:
    try:
        record = json.loads(path.read_text())
        if record["schema"] == _SCHEMA:
            return {str(name): str(verdict) for name, verdict in record["verdicts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}
