"""Events as NDJSON, one a line: `strata build --events FILE`.

Every object has `event` (the name below), `time` (seconds since the epoch) and, where an event is
about a cell, `label`. Schema `strata.events.v1`, changed only by addition
(`docs/reference/events.md`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TextIO

from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    CellOutput,
    CellRetried,
    CellStarted,
    CellVerified,
    Event,
    Notice,
    Unchanged,
    VerificationFinished,
)
from strata.core.result import CellFailure

SCHEMA = "strata.events.v1"


class JsonLines:
    """Writes each event the moment it happens, and flushes, so that a reader can follow."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock

    def __call__(self, event: Event) -> None:
        name, fields = event_fields(event)
        record = {"event": name, "time": round(self._clock(), 6), **fields}
        self._stream.write(json.dumps(record, ensure_ascii=True) + "\n")
        self._stream.flush()


def event_fields(event: Event) -> tuple[str, dict[str, object]]:
    """The name of an event, and what it says."""
    match event:
        case BuildStarted(cells, jobs):
            return "build_started", {"schema": SCHEMA, "cells": cells, "jobs": jobs}
        case CellStarted(label, worker, reason):
            return "cell_started", {"label": str(label), "worker": worker, "reason": reason}
        case CellOutput(label, stream, text):
            return "cell_output", {"label": str(label), "stream": stream, "text": text}
        case Unchanged(lines):
            return "unchanged", {"cells": len(lines)}
        case CellRetried(label, attempt, failure):
            fields = {"label": str(label), "attempt": attempt, "message": failure.message}
            return "cell_retried", fields
        case CellFinished(label, status, reason, result):
            return "cell_finished", {
                "label": str(label),
                "status": status.value,
                "reason": reason,
                "cache": None if result is None else result.cache,
                "duration_s": None if result is None else round(result.duration_s, 6),
                "error": None if result is None else _error(result.error),
                "accepted": None if result is None else result.accepted or None,
            }
        case Notice(level, message, label):
            where = {} if label is None else {"label": str(label)}
            return "notice", {"level": level, "message": message, **where}
        case BuildFinished(ran, cached, failed, skipped, duration_s, interrupted):
            return "build_finished", {
                "ran": ran,
                "cached": cached,
                "failed": failed,
                "skipped": skipped,
                "duration_s": round(duration_s, 6),
                "interrupted": interrupted,
            }
        case CellVerified():
            return "cell_verified", verified_fields(event)
        case VerificationFinished(hits, verified, differs, unclear, seed, interrupted):
            return "verification_finished", {
                "hits": hits,
                "verified": verified,
                "differs": differs,
                "unclear": unclear,
                "seed": seed,
                "interrupted": interrupted,
            }


def verified_fields(event: CellVerified) -> dict[str, object]:
    """What was found about one hit that was run again; an entry of `verified` in `--json` too."""
    return {
        "label": str(event.label),
        "verdict": event.verdict.value,
        "accepted": event.accepted or None,
        "differences": [
            {"kind": d.kind, "name": d.name, "said": d.said, "verdict": d.verdict.value}
            for d in event.differences
        ],
    }


def _error(error: CellFailure | None) -> dict[str, object] | None:
    if error is None:
        return None
    return {
        "kind": error.kind.value,
        "type": error.type,
        "message": error.message,
        "file": error.file,
        "line": error.line,
    }
