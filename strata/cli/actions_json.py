"""Actions as the object of `strata aquery --output json`: `docs/reference/aquery.schema.json`.

It is written cell by cell, so that no more than one of them is in memory as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from strata.cli.action_facts import (
    GivenFile,
    GivenInput,
    Json,
    components,
    distributions,
    files,
    fingerprint,
    inputs,
    outputs,
    plain,
    variables,
)
from strata.cli.actions_seen import CellActions, Seeing, Seen
from strata.cli.cell_records import size_bytes
from strata.core.action import Action
from strata.core.encoding import Encodable
from strata.core.result import ActionResult, CellFailure, Output, Unstorable
from strata.executors.sandbox import Policy

SCHEMA = "strata.aquery.v1"

LONG = 400
"""Characters of JSON beyond which a value is given by its digest alone, unless all is asked for."""

_Object = dict[str, Json]


def json_pieces(seeing: Seeing, expression: str, *, whole: bool) -> Iterator[str]:
    """The text of the object, in pieces. `whole`: with long values, too."""
    head = {"schema": SCHEMA, "expression": expression}
    yield json.dumps(head, indent=2, ensure_ascii=False)[:-2] + ',\n  "cells": ['
    before = "\n"
    for cell in seeing.cells:
        text = json.dumps(_cell(cell, seeing, whole), indent=2, ensure_ascii=False)
        yield before + "\n".join(f"    {line}" for line in text.split("\n"))
        before = ",\n"
    without = json.dumps([str(label) for label in seeing.without], ensure_ascii=False)
    end = "\n  ]" if seeing.cells else "]"
    yield f'{end},\n  "without_action": {without}\n}}\n'


def _cell(cell: CellActions, seeing: Seeing, whole: bool) -> _Object:
    hidden = seeing.secrets
    return {
        "label": str(cell.label),
        "kind": cell.kind,
        "rule": cell.rule,
        "file": cell.path,
        "status": cell.status.value,
        "reason": plain(cell.reason, hidden),
        "error": None if cell.error is None else _error(cell.error, hidden),
        "waits_for": [str(label) for label in cell.waits_for],
        "actions": [_action(seen, step, seeing, whole) for step, seen in enumerate(cell.actions)],
    }


def _error(error: CellFailure, hidden: tuple[str, ...]) -> _Object:
    return {
        "kind": error.kind.value,
        "type": error.type,
        "message": plain(error.message, hidden),
        "file": error.file,
        "line": error.line,
        "hint": plain(error.hint, hidden),
    }


def _action(seen: Seen, step: int, seeing: Seeing, whole: bool) -> _Object:
    action, hidden = seen.action, seeing.secrets

    def values(of: Mapping[str, Encodable]) -> _Object:
        return {name: _value(of[name], hidden, whole) for name in sorted(of)}

    return {
        "step": step,
        "key": None if seen.ready is None else seen.ready.key,
        "result": None if seen.result is None else _result(seen.result, hidden),
        "components": values(components(seen)),
        "command": {
            "program": action.command.program,
            "arguments": values(action.command.arguments),
        },
        "execution": _execution(action, seeing.policy),
        "environment": _environment(seen, hidden),
        "variables": {name: plain(value, hidden) for name, value in variables(seen).items()},
        "secrets": [*action.secrets],
        "inputs": [_input(given) for given in inputs(seen)],
        "files": [_file(given) for given in files(seen)],
        "declared": {"inputs": [*action.files.globs], "outputs": [*action.files.written]},
        "outputs": [_output(name, made, hidden) for name, made in outputs(seen).items()],
        "after": [str(label) for label in action.after],
        "platform": plain(action.provenance.get("platform", {}), hidden),
    }


def _value(value: Encodable, hidden: tuple[str, ...], whole: bool) -> _Object:
    """What tells one value from another, and the value where it is short or all is asked for."""
    digest = fingerprint(value)
    said: _Object = {"digest": digest.hex}
    shown = plain(value, hidden)
    if whole or len(json.dumps(shown, ensure_ascii=False)) <= LONG:
        said["value"] = shown
    return said


def _result(result: ActionResult, hidden: tuple[str, ...]) -> _Object:
    return {
        "cache": result.cache or "local",
        "accepted": plain(result.accepted or None, hidden),
        "size_bytes": size_bytes(result),
        "duration_s": round(result.duration_s, 6),
        "finished_at": result.finished_at,
        "worker": result.worker,
        "machine": result.machine,
        "sandboxed": result.sandboxed,
        "observed": {name: result.observed[name] for name in sorted(result.observed)},
    }


def _execution(action: Action, policy: Policy) -> _Object:
    return {
        "worker": action.worker,
        "timeout_s": action.timeout_s,
        "retries": action.retries,
        "cacheable": action.cacheable,
        "resources": {
            "cpu": action.resources.cpu,
            "memory_bytes": action.resources.memory_bytes,
            "gpus": action.resources.gpus,
        },
        "sandbox": "strict" if policy.confines(action) else "off",
        "network": "on" if policy.network else "off",
    }


def _environment(seen: Seen, hidden: tuple[str, ...]) -> _Object:
    environment, known = seen.action.environment, distributions(seen)
    lock = environment.lock
    return {
        "python": environment.python,
        "platform": environment.platform,
        "project": environment.project,
        "lock": None if lock is None else lock.hex,
        "distributions": None if known is None else plain(known, hidden),
    }


def _input(given: GivenInput) -> _Object:
    output = given.output
    return {
        "slot": given.slot,
        "artifact": None if given.artifact is None else str(given.artifact),
        "candidates": [str(artifact) for artifact in given.candidates],
        "optional": given.optional,
        "content": None if output is None else _content(output),
    }


def _content(output: Output) -> _Object:
    said: _Object = {
        "digest": output.digest.hex,
        "size_bytes": output.digest.size_bytes,
        "codec": output.codec,
        "type": output.type_name,
    }
    if output.part is not None:
        said["part"] = output.part
    return said


def _file(given: GivenFile) -> _Object:
    return {
        "path": given.path,
        "digest": None if given.digest is None else given.digest.hex,
        "size_bytes": None if given.digest is None else given.digest.size_bytes,
        "mentioned": given.mentioned,
    }


def _output(name: str, made: Output | Unstorable | None, hidden: tuple[str, ...]) -> _Object:
    content = _content(made) if isinstance(made, Output) else None
    not_stored = plain(made.reason, hidden) if isinstance(made, Unstorable) else None
    return {"name": name, "content": content, "unstorable": not_stored}
