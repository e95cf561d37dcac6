"""What running an action gives: outputs, displays, console, and how it went.

A result is a value and a record: `to_json` and `from_json` are the one place where its stored
form is known (schema `strata.result.v1`, changed only by addition). Bytes are not in it; it names
them by digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from strata.core.dataclass import dataclass, field, replace
from strata.core.digest import Digest
from strata.core.encoding import Encodable
from strata.core.observation import Observed

SCHEMA = "strata.result.v1"


class FailureKind(StrEnum):
    """How a cell failed; the value is the word printed and stored."""

    EXCEPTION = "exception"  # the cell raised
    EXIT = "exit"  # the cell called sys.exit, or raised SystemExit
    INTERRUPT = "interrupt"  # the cell raised KeyboardInterrupt
    TIMEOUT = "timeout"  # it ran longer than it may
    CRASH = "crash"  # the interpreter ended without saying how: a signal, os._exit
    BROKEN = "broken"  # its text, or its place among the other cells, cannot be understood
    MUTATION = "mutation"  # it changed a value in a way that other cells would not see
    SANDBOX = "sandbox"  # it reached for something that it does not declare
    INPUT = "input"  # a value it needs was not defined, or cannot be stored
    CANCELLED = "cancelled"  # the build was stopped while it ran
    INFRASTRUCTURE = "infrastructure"  # the environment or the store failed, not the cell


@dataclass(frozen=True, slots=True)
class CellFailure:
    """Why a cell failed. `file` and `line` are the user's own, where they are known."""

    kind: FailureKind
    type: str
    message: str
    file: str | None = None
    line: int | None = None
    traceback: str = ""
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One stored variable: its bytes, the codec that reads them, and a short text about it."""

    digest: Digest
    codec: str
    type_name: str = ""
    summary: str = ""
    needs: tuple[str, ...] = ()
    """Modules that reading the bytes imports: local ones by their full names."""
    unstable: str = ""
    """Why equal values may have other bytes; "" where these are the only ones."""
    part: str | None = None
    """Of a joint value (`Shared`), the variable that is meant; not stored."""

    @property
    def content(self) -> str:
        """What is in the key of whoever reads it."""
        text = f"{self.codec}:{self.digest}"
        return text if self.part is None else f"{text}#{self.part}"


@dataclass(frozen=True, slots=True)
class Shared:
    """Outputs that have mutable parts in common, stored once more as one value.

    Who reads one of them reads that one alone; who reads several reads `output`, so that what is
    one object in the cell that made them is one object there.
    """

    names: tuple[str, ...]
    output: Output


@dataclass(frozen=True, slots=True)
class Unstorable:
    """A variable that exists but cannot be kept: an error only if another cell reads it."""

    type_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action gave. `error` is None exactly when it succeeded; only then is it cached.

    `cache` says who answered: None if the action ran, else "local" or "remote"; it is not stored.
    """

    outputs: Mapping[str, Output | Unstorable] = field(default_factory=dict)
    displays: tuple[Mapping[str, Digest], ...] = ()
    """MIME bundles: MIME type to the digest of its bytes, in the order they were shown."""
    console: Digest | None = None
    """A JSON array of [stream, text] pairs, "stdout" or "stderr"."""
    error: CellFailure | None = None
    duration_s: float = 0.0
    peak_memory_bytes: int = 0
    worker: str = "local"
    finished_at: float = 0.0
    """Seconds since the epoch, UTC."""
    provenance: Mapping[str, Encodable] = field(default_factory=dict)
    cache: str | None = None
    machine: str = ""
    """The host that ran it."""
    shared: tuple[Shared, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    """(output, input slot): the two have mutable parts in common."""
    changed: tuple[str, ...] = ()
    """Input slots whose value the cell changed in place, whether a statement shows it or not."""
    restated: tuple[tuple[str, str], ...] = ()
    """State in no variable that the cell changed: whose it is (the id of a definitions module of
    another cell, or `file:PATH` for a local module), and where in it: `C.items`, `f(items)`."""
    observed: Observed = field(default_factory=dict)
    """What it was found to depend on when it ran: `strata.core.observation`."""
    sandboxed: bool = False
    """It could read nothing but what it declares."""
    moving: tuple[str, ...] = ()
    """Files that changed while it ran, so that nobody knows what it read. Not stored: such a
    result is never recorded."""
    accepted: str = ""
    """Why somebody said that the result of another key is the result of this one; "" if nobody had
    to. Stored in the journal; what is recorded under a key is that key's own."""

    def blobs(self) -> list[Digest]:
        """Every digest that this result promises."""
        found = [o.digest for o in self.outputs.values() if isinstance(o, Output)]
        found += [group.output.digest for group in self.shared]
        found += [digest for bundle in self.displays for digest in bundle.values()]
        if self.console is not None:
            found.append(self.console)
        return found

    def answered_by(self, cache: str) -> ActionResult:
        """The same result, as a hit in `cache`."""
        return replace(self, cache=cache)


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


def to_json(result: ActionResult) -> bytes:
    """The stored form of `result`."""
    record: dict[str, object] = {
        "schema": SCHEMA,
        "outputs": {name: _output_to_json(o) for name, o in result.outputs.items()},
        "displays": [{m: str(d) for m, d in b.items()} for b in result.displays],
        "console": None if result.console is None else str(result.console),
        "error": None if result.error is None else _failure_to_json(result.error),
        "duration_s": result.duration_s,
        "peak_memory_bytes": result.peak_memory_bytes,
        "worker": result.worker,
        "finished_at": result.finished_at,
        "provenance": result.provenance,
    }
    # What most results do not have.
    optional: dict[str, object] = {
        "machine": result.machine,
        "shared": result.shared and [_shared_to_json(group) for group in result.shared],
        "aliases": result.aliases,
        "changed": result.changed,
        "restated": result.restated,
        "observed": result.observed and dict(result.observed),
        "sandboxed": result.sandboxed,
        "accepted": result.accepted,
    }
    record.update([(name, value) for name, value in optional.items() if value])
    return _encode(record).encode()


def from_json(data: bytes) -> ActionResult:
    """The result that `to_json` wrote. Raises `ValueError` for anything else.

    Unknown keys are ignored: a newer Strata may have added them.
    """
    return from_record(_decode(data.decode()))


def from_record(record: Any) -> ActionResult:
    """As `from_json`, of what JSON's text stands for."""
    try:
        if record["schema"] != SCHEMA:
            raise ValueError(f"a result of schema {record['schema']!r}, not {SCHEMA!r}")
        get = record.get
        console, error = record["console"], record["error"]
        return ActionResult(
            outputs={n: _output_from_json(o) for n, o in record["outputs"].items()},
            displays=tuple(
                [{m: Digest.parse(d) for m, d in bundle.items()} for bundle in record["displays"]]
            ),
            console=None if console is None else Digest.parse(console),
            error=None if error is None else _failure_from_json(error),
            duration_s=float(record["duration_s"]),
            peak_memory_bytes=int(record["peak_memory_bytes"]),
            worker=str(record["worker"]),
            finished_at=float(record["finished_at"]),
            provenance=record["provenance"],
            machine=str(get("machine", "")),
            shared=tuple([_shared_from_json(g) for g in get("shared", ())]),
            aliases=_pairs(get("aliases", ())),
            changed=tuple(map(str, get("changed", ()))),
            restated=_pairs(get("restated", ())),
            observed={str(k): str(v) for k, v in get("observed", _NOTHING).items()},
            sandboxed=bool(get("sandboxed", False)),
            accepted=str(get("accepted", "")),
        )
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"not a stored result: {problem!r}") from problem


_NOTHING: Mapping[str, object] = {}


def _pairs(record: Any) -> tuple[tuple[str, str], ...]:
    return tuple([(str(one), str(other)) for one, other in record])


def _output_to_json(output: Output | Unstorable) -> dict[str, object]:
    if isinstance(output, Unstorable):
        return {"type": output.type_name, "unstorable": output.reason}
    record: dict[str, object] = {
        "digest": str(output.digest),
        "codec": output.codec,
        "type": output.type_name,
        "summary": output.summary,
    }
    if output.needs:
        record["needs"] = list(output.needs)
    if output.unstable:
        record["unstable"] = output.unstable
    return record


def _output_from_json(record: Mapping[str, Any]) -> Output | Unstorable:
    if "unstorable" in record:
        return Unstorable(record["type"], record["unstorable"])
    return _stored_from_json(record)


def _stored_from_json(record: Mapping[str, Any]) -> Output:
    return Output(
        Digest.parse(record["digest"]),
        record["codec"],
        record["type"],
        record["summary"],
        tuple(map(str, record.get("needs", ()))),
        str(record.get("unstable", "")),
    )


def _shared_to_json(shared: Shared) -> dict[str, object]:
    return {"names": list(shared.names), "output": _output_to_json(shared.output)}


def _shared_from_json(record: Mapping[str, Any]) -> Shared:
    return Shared(tuple(map(str, record["names"])), _stored_from_json(record["output"]))


def _failure_to_json(failure: CellFailure) -> dict[str, str | int | None]:
    return {
        "kind": failure.kind.value,
        "type": failure.type,
        "message": failure.message,
        "file": failure.file,
        "line": failure.line,
        "traceback": failure.traceback,
        "hint": failure.hint,
    }


def _failure_from_json(record: Mapping[str, object]) -> CellFailure:
    file, line, hint = record["file"], record["line"], record.get("hint")
    return CellFailure(
        kind=FailureKind(str(record["kind"])),
        type=str(record["type"]),
        message=str(record["message"]),
        file=None if file is None else str(file),
        line=line if isinstance(line, int) else None,
        traceback=str(record["traceback"]),
        hint=None if hint is None else str(hint),
    )
