"""The content of an action's inputs, from the results of what made them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from strata.core.action import Action, Artifact, Input
from strata.core.dataclass import replace
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, FailureKind, Output, Unstorable

ResultOf: TypeAlias = Callable[[Label], ActionResult | None]


class Given(NamedTuple):
    """What one slot holds, and which artifact that is."""

    artifact: Artifact
    output: Output


def inputs_of(action: Action, result_of: ResultOf) -> dict[str, Given] | CellFailure:
    """What each slot of `action` holds, or why one cannot be had. A slot that is optional and has
    nothing is left out. Everything that `action` depends on must have a result."""
    found: dict[str, Given] = {}
    for slot, wanted in action.inputs.items():
        given = _first_given(wanted, result_of)
        if given is not None and isinstance(given[1], Output):
            found[slot] = Given(given[0], given[1])
        elif wanted.optional:
            continue  # perhaps the cell does not read it
        elif given is not None and isinstance(given[1], Unstorable):
            return _cannot_be_stored(given[0], given[1])
        else:
            return _not_defined(wanted)
    return _jointly(found, result_of) if len(found) > 1 else found


def _jointly(found: Mapping[str, Given], result_of: ResultOf) -> dict[str, Given]:
    """Where two of the inputs have parts in common, both come out of the one joint value."""
    names: dict[Label, set[str]] = {}
    for given in found.values():
        names.setdefault(given.artifact.producer, set()).add(given.artifact.name)
    joint: dict[Artifact, Output] = {}
    for producer, wanted in names.items():
        result = result_of(producer)
        for group in result.shared if result is not None and len(wanted) > 1 else ():
            together = wanted.intersection(group.names)
            if len(together) > 1:
                outputs = {name: replace(group.output, part=name) for name in together}
                joint.update((Artifact(producer, n), o) for n, o in outputs.items())
    return {
        slot: Given(given.artifact, joint.get(given.artifact, given.output))
        for slot, given in found.items()
    }


def _first_given(wanted: Input, result_of: ResultOf) -> tuple[Artifact, Output | Unstorable] | None:
    """The first artifact that its producer defined when it ran."""
    for artifact in wanted.artifacts:
        result = result_of(artifact.producer)
        assert result is not None, f"{artifact} is asked for before {artifact.producer} has ended"
        output = result.outputs.get(artifact.name)
        if output is not None:
            return artifact, output
    return None


def _cannot_be_stored(artifact: Artifact, output: Unstorable) -> CellFailure:
    return CellFailure(
        FailureKind.INPUT,
        "CannotBeStored",
        f"it reads '{artifact.name}' of {artifact.producer}, a {output.type_name}, "
        f"which cannot be stored: {output.reason}",
        hint="make it in the cell that uses it, or pass on what it is made from",
    )


def _not_defined(wanted: Input) -> CellFailure:
    name = wanted.artifacts[0].name
    makers = " or ".join(str(a.producer) for a in wanted.artifacts)
    return CellFailure(
        FailureKind.INPUT,
        "NotDefined",
        f"it reads '{name}', which {makers} did not define when it ran",
        hint="the cell binds it on some path only; give it a value on every path",
    )
