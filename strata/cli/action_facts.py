"""What can be told of one action that a dry run saw: for people and for programs alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from strata.cli.actions_seen import Seen
from strata.core.action import Artifact
from strata.core.dataclass import dataclass
from strata.core.digest import Digest, digest_bytes
from strata.core.encoding import Encodable, encode
from strata.core.result import Output, Unstorable
from strata.execution.differences import mapping

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

LATE = ("inputs", "files", "environment")
"""Components that are known in full only when an action is ready."""


@dataclass(frozen=True, slots=True)
class GivenInput:
    """What stands in a slot. Before the action is ready, `artifact` is None if there are several
    `candidates`; `output` is None then, and where an optional value is not there."""

    slot: str
    candidates: tuple[Artifact, ...]
    optional: bool
    artifact: Artifact | None
    output: Output | None


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file in the key. `mentioned`: only by the text, and not counted if a run writes it."""

    path: str
    digest: Digest | None
    mentioned: bool


def components(seen: Seen) -> dict[str, Encodable]:
    """The components of the key as far as they are known, in a fixed order."""
    if seen.ready is not None:
        return dict(sorted(seen.ready.provenance.items()))
    known = seen.action.provenance
    return {name: known[name] for name in sorted(known) if name not in LATE}


def fingerprint(value: Encodable) -> Digest:
    """Of the canonical encoding: equal exactly where a key sees no difference."""
    return digest_bytes(encode(value))


def inputs(seen: Seen) -> Iterator[GivenInput]:
    """Every slot of the action, in order."""
    ready = seen.ready
    for slot, wanted in seen.action.inputs.items():
        alone = wanted.artifacts[0] if len(wanted.artifacts) == 1 else None
        artifact = alone if ready is None else ready.artifacts.get(slot)
        output = None if ready is None else ready.inputs.get(slot)
        yield GivenInput(slot, wanted.artifacts, wanted.optional, artifact, output)


def files(seen: Seen) -> Iterator[GivenFile]:
    """The files in the key by path; before the action is ready, those that analysis found."""
    ready = seen.ready
    known = mapping((seen.action if ready is None else ready).provenance.get("files"))
    for path in sorted(known):
        yield GivenFile(path, _digest(known[path]), ready is not None and path in ready.named)


def distributions(seen: Seen) -> Mapping[str, Encodable] | None:
    """The locked distributions in the key by name; None where the lock counts as a whole or is
    not looked at yet."""
    if seen.ready is None or not seen.action.environment.narrow:
        return None
    environment = mapping(seen.ready.provenance.get("environment"))
    return mapping(environment.get("distributions"))


def variables(seen: Seen) -> dict[str, str | None]:
    """The declared variables that are no secrets; None for one that is not set."""
    action = seen.action
    declared = mapping(action.provenance.get("variables"))
    names = sorted({*declared, *action.variables} - set(action.secrets))
    return {name: action.variables.get(name) for name in names}


def outputs(seen: Seen) -> dict[str, Output | Unstorable | None]:
    """The outputs by name; None for one that no run has given."""
    given = {} if seen.result is None else seen.result.outputs
    return {name: given.get(name) for name in dict.fromkeys((*seen.action.outputs, *given))}


def plain(value: Encodable, hidden: tuple[str, ...]) -> Json:
    """`value` as JSON has it, secrets hidden: bytes in hex, numbers that are none as text."""
    match value:
        case str():
            return _masked(value, hidden)
        case bytes():
            return value.hex()
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            # Sorted, as a key sees it: two runs of one question say the same.
            return {_masked(name, hidden): plain(value[name], hidden) for name in sorted(value)}
    return [plain(part, hidden) for part in value]


def _masked(text: str, hidden: tuple[str, ...]) -> str:
    if not hidden:
        return text
    from strata.executors.secrets import mask

    return mask(text, hidden)


def _digest(value: Encodable) -> Digest | None:
    """Of a file, as a key has it; None for what a rule of others may have put there."""
    try:
        return Digest.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
