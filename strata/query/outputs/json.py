"""One JSON object, schema `strata.query.v1`, with an array for each kind of node."""

from __future__ import annotations

import json
from collections.abc import Iterator

from strata.query.answer import Answer
from strata.query.nodes import Kind
from strata.query.outputs._objects import ARRAYS, SCHEMA, objects


def write(answer: Answer) -> Iterator[str]:
    """`cells` is always there, the other arrays where they are not empty. `missing` are patterns
    that meant nothing."""
    arrays: dict[str, list[dict[str, object]]] = {ARRAYS[Kind.CELL]: []}
    for kind, found in objects(answer):
        arrays.setdefault(ARRAYS[kind], []).append(found)
    whole: dict[str, object] = {"schema": SCHEMA, **arrays}
    if answer.missing:
        whole["missing"] = list(answer.missing)
    yield json.dumps(whole, indent=2, ensure_ascii=False)
