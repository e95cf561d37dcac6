"""In which files the definitions are that an action takes from other cells: for the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from strata.core.action import Action
from strata.core.encoding import Encodable


def definers_of(action: Action) -> dict[str, str]:
    """Name of each definition to its file, as far as the action's command says."""
    found: dict[str, str] = {}
    for module in _sequence(action.command.arguments.get("modules")):
        if isinstance(module, Mapping):
            # Definitions that need each other are one module, also if they are in several cells.
            paths = ", ".join(dict.fromkeys(_paths(module)))
            found.update({str(name): paths for name in _sequence(module.get("names"))})
    return found


def _paths(module: Mapping[str, Encodable]) -> Iterator[str]:
    for chunk in _sequence(module.get("chunks")):
        if isinstance(chunk, Sequence) and len(chunk) == 3:
            yield str(chunk[2])


def _sequence(value: Encodable) -> Sequence[Encodable]:
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else ()
