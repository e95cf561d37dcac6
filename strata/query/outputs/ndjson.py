"""One JSON object a line, schema `strata.query.v1`: a node, and in `type` what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

from strata.query.answer import Answer
from strata.query.outputs._objects import objects


def write(answer: Answer) -> Iterator[str]:
    """In the order of the answer. Patterns that meant nothing come last, as type `missing`."""
    for kind, found in objects(answer):
        yield json.dumps({"type": kind.value, **found}, ensure_ascii=False)
    for pattern in answer.missing:
        yield json.dumps({"type": "missing", "pattern": pattern}, ensure_ascii=False)
