"""What recorded runs of a cell say about what it depends on.

Only runs of the source that the cell has now tell what it reads; before the first of those, the
newest run is the best guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from strata.core.dataclass import dataclass
from strata.core.encoding import Encodable
from strata.core.observation import ABSENT, DIST, FILE, FOLDER, LOG, MADE, MODULE
from strata.stores.base import Run

_IS_FOLDER = "folder"
"""What the content of a file is observed to be where a folder is in its place."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Paths are relative to the root of the workspace, absolute where they are outside."""

    read: frozenset[str] = frozenset()
    """Files that were there, and that counted."""
    sought: frozenset[str] = frozenset()
    """Files that were not there, or were folders."""
    made: frozenset[str] = frozenset()
    """Files that it wrote: the result holds as long as they are as it left them."""
    folders: frozenset[str] = frozenset()
    """Folders that it listed."""
    distributions: frozenset[str] = frozenset()
    """Names of those that counted."""
    installed: frozenset[str] = frozenset()
    """`dist:` and `module:` observations."""


def traces(runs: Sequence[Run], source: Encodable) -> Traces:
    """What `runs`, newest first, say of a cell that has this normalized source now."""
    same = [run for run in runs if run.result.provenance.get("source") == source]
    of_key = [dict(run.result.provenance) for run in same]
    values = [run.result.observed for run in same or runs[:1]]
    names = frozenset(chain.from_iterable(values))
    read, sought = set[str](), set[str]()
    for observed in values:
        for name, value in observed.items():
            if name.startswith(FILE):
                (sought if value in (ABSENT, _IS_FOLDER) else read).add(name.removeprefix(FILE))
    for provenance in of_key:
        read.update(_mapping(provenance.get("files")))
    environments = (_mapping(provenance.get("environment")) for provenance in of_key)
    return Traces(
        read=frozenset(read),
        sought=frozenset(sought - read),
        made=frozenset(_rest(names, MADE, LOG)),
        folders=frozenset("" if name == "." else name for name in _rest(names, FOLDER)),
        distributions=frozenset(
            chain(_rest(names, DIST), *(_mapping(e.get("distributions")) for e in environments))
        ),
        installed=frozenset(name for name in names if name.startswith((DIST, MODULE))),
    )


def _rest(names: Iterable[str], *kinds: str) -> Iterator[str]:
    return (name.partition(":")[2] for name in names if name.startswith(kinds))


def _mapping(component: Encodable) -> Mapping[str, Encodable]:
    return component if isinstance(component, Mapping) else {}
