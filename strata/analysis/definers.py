"""Who defines each name of a notebook: what its cells bind, and what they change in place.

Cells are known by their position in the notebook, from 0. Knows nothing of where a reader's value
comes from (`strata.analysis.join`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from strata.core.dataclass import dataclass, field

if TYPE_CHECKING:
    from strata.core.label import Label
    from strata.loading.model import Cell
    from strata.loading.scope import Scan


@dataclass(frozen=True, slots=True)
class Definers:
    """`positions`: name to the cells that define it, ascending. `changes`: the names that a cell
    defines by changing a value of another cell in place."""

    positions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    changes: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def earlier(self, name: str, position: int) -> Iterator[int]:
        """Cells before `position` that define `name`, nearest first."""
        places = self.positions.get(name, ())
        return (places[i] for i in range(bisect_left(places, position) - 1, -1, -1))

    def later(self, name: str, position: int) -> list[int]:
        """Cells after `position` that make `name` anew, nearest first.

        One that only changes a value in place cannot be where the value comes from.
        """
        places = self.positions.get(name, ())
        return [p for p in places[bisect_right(places, position) :] if self._binds(name, p)]

    def changed(self, position: int) -> frozenset[str]:
        """What the cell at `position` defines by changing it in place."""
        return self.changes.get(position, frozenset())

    def binders(self, name: str) -> list[int]:
        """Cells that make `name` anew, as against those that only change its value in place."""
        return [p for p in self.positions.get(name, ()) if self._binds(name, p)]

    def public(self) -> list[str]:
        """Every name that other cells can read."""
        return [name for name in self.positions if not is_private(name)]

    def _binds(self, name: str, position: int) -> bool:
        return name not in self.changed(position)


def is_private(name: str) -> bool:
    """Names that begin with `_` belong to one cell."""
    return name.startswith("_")


def deleters(scans: Sequence[Scan]) -> dict[str, list[int]]:
    """The cells that delete each name, ascending."""
    found: dict[str, list[int]] = {}
    for position, scan in enumerate(scans):
        for name in scan.deletes:
            found.setdefault(name, []).append(position)
    return found


def bound_by(cells: Sequence[Cell], scans: Mapping[Label, Scan]) -> Definers:
    """Who binds what."""
    positions: dict[str, list[int]] = {}
    for position, cell in enumerate(cells):
        for name in scans[cell.label].binds:
            positions.setdefault(name, []).append(position)
    return Definers(positions)


def with_changes(
    bound: Definers,
    cells: Sequence[Cell],
    scans: Mapping[Label, Scan],
    values_given: Collection[str],
) -> Definers:
    """`bound`, and who changes what in place.

    `values_given` are the names that `[inputs]` gives the notebook as values. A module or class
    that is changed in place is no value that could be stored: it stays what it was.
    """
    positions = {name: list(places) for name, places in bound.positions.items()}
    changes: dict[int, frozenset[str]] = {}
    table = Definers(positions, changes)
    definitions = [scans[cell.label].definitions for cell in cells]
    for position, cell in enumerate(cells):
        named = {*scans[cell.label].mutates, *cell.directives.mutates} - {*definitions[position]}
        mine = frozenset(
            name
            for name in named
            if not is_private(name) and _is_value(name, position, table, definitions, values_given)
        )
        for name in mine:
            places = positions.setdefault(name, [])
            at = bisect_left(places, position)
            if places[at : at + 1] != [position]:
                places.insert(at, position)
        if mine:
            changes[position] = mine
    return table


def _is_value(
    name: str,
    position: int,
    table: Definers,
    definitions: Sequence[Collection[str]],
    values_given: Collection[str],
) -> bool:
    """What `name` means to the cell at `position` is a value of another cell."""
    place = next(table.earlier(name, position), None)
    if place is None and name in values_given:
        return True
    if place is None:
        place = next(iter(table.later(name, position)), None)
    return place is not None and name not in definitions[place]
