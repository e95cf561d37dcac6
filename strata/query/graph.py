"""The graph that expressions walk: cells, and of the other nodes those kinds that were asked for.

Nodes that were not asked for are not on any way: the edge from a reader to its producer then stands
for the one through the variable. A walk may begin at any node, so `rdeps(//..., file(x))` answers
with cells where files were not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TypeAlias

from strata.analysis.graph import CellGraph, Edge
from strata.core.label import Label
from strata.query.nodes import Distribution, File, Kind, Node, Nodes, Variable, kind_of
from strata.query.world import Changes, Inputs, Recorded, Records

Neighbours: TypeAlias = Callable[[Node], Sequence[Node]]

_ONLY_CELLS = frozenset({Kind.CELL})


class QueryGraph:
    """The loaded cells, and what can be asked about them. `shown` are the kinds that walks answer
    with; without `implicit`, edges that only order cells are not there."""

    def __init__(
        self,
        cells: CellGraph,
        inputs: Inputs,
        records: Records,
        changes: Changes,
        shown: Collection[Kind] = (Kind.CELL,),
        implicit: bool = True,
    ) -> None:
        self.cells = cells
        self.inputs = inputs
        self.records = records
        self.changes = changes
        self.shown = frozenset(shown)
        self.implicit = implicit

    @property
    def everything(self) -> Nodes:
        """All cells that are loaded."""
        return frozenset(self.cells.cells)

    def kind(self, node: Node) -> str:
        """What `node` is, in a word; of a cell, the kind of the cell."""
        if isinstance(node, Label):
            return self.cells.cells[node].kind
        return kind_of(node).value

    def needs(self, node: Node) -> Sequence[Node]:
        """What `node` reads directly, nearest edge first, without duplicates."""
        match node:
            case Label() if self.shown == _ONLY_CELLS:
                return tuple(dict.fromkeys(edge.producer for edge in self._edges(node)))
            case Label():
                return tuple(self._needs_of_all_kinds(node))
            case Variable(cell, _):
                return (cell,) if cell in self.cells.cells else ()
            case _:
                return ()

    def readers(self, node: Node) -> Sequence[Node]:
        """What reads `node` directly, in definition order."""
        match node:
            case Label() if Kind.VARIABLE in self.shown:
                read = (Variable(node, name) for name in self.variables(node))
                return (*read, *self._ordered_after(node))
            case Label():
                readers = self.cells.readers.get(node, ())
                return readers if self.implicit else tuple(self._named_readers(node))
            case Variable(cell, name):
                readers = self.cells.readers.get(cell, ())
                return tuple(r for r in readers if name in self._names(r, cell))
            case File(path):
                return self._readers_of_files.get(path, ())
            case Distribution():
                return self._readers_of_distributions.get(node, ())

    def variables(self, label: Label) -> tuple[str, ...]:
        """The names that the cell defines for others, and those that others read of it, sorted."""
        cell = self.cells.cells.get(label)
        own = () if cell is None else cell.defines
        readers = self.cells.readers.get(label, ())
        return tuple(sorted({*own, *(name for r in readers for name in self._names(r, label))}))

    def walk(self, start: Iterable[Node], step: Neighbours, depth: int | None = None) -> Nodes:
        """`start` and what is at most `depth` steps away, breadth first; no depth: all. Only kinds
        that are shown. Linear in the nodes and edges that are met."""
        seen = set(start)
        frontier = list(seen)
        steps = 0
        while frontier and (depth is None or steps < depth):
            met: dict[Node, None] = {}
            for node in frontier:
                for near in step(node):
                    if near not in seen:
                        met[near] = None
            seen.update(met)
            frontier = list(met)
            steps += 1
        return self.only_shown(seen)

    def only_shown(self, nodes: Iterable[Node]) -> Nodes:
        """Those of `nodes` of a kind that walks answer with."""
        if self.shown == _ONLY_CELLS:
            return frozenset(node for node in nodes if isinstance(node, Label))
        return frozenset(node for node in nodes if kind_of(node) in self.shown)

    def recorded(self, nodes: Iterable[Node], test: Callable[[Recorded], bool]) -> Nodes:
        """The cells among `nodes` whose last run with a result is recorded and passes `test`."""
        runs = ((n, self.records.recorded(n)) for n in nodes if isinstance(n, Label))
        return frozenset(label for label, run in runs if run is not None and test(run))

    def in_order(self, nodes: Collection[Node]) -> list[Node]:
        """`nodes`: cells in definition order, each before its variables; then files and
        distributions by name."""
        place = self._places
        last = len(place)

        def rank(node: Node) -> tuple[int, str]:
            match node:
                case Label():
                    return place.get(node, last), ""
                case Variable(cell, name):
                    return place.get(cell, last), name
                case File():
                    return last + 1, str(node)
                case Distribution():
                    return last + 2, str(node)

        return sorted(nodes, key=rank)

    def _needs_of_all_kinds(self, label: Label) -> dict[Node, None]:
        found: dict[Node, None] = {}
        for edge in self._edges(label):
            if Kind.VARIABLE in self.shown and edge.names:
                found.update((Variable(edge.producer, name), None) for name in edge.names)
            else:
                found[edge.producer] = None
        if Kind.FILE in self.shown:
            found.update((File(path), None) for path in sorted(self.inputs.files(label)))
        if Kind.DISTRIBUTION in self.shown:
            found.update(dict.fromkeys(sorted(self.inputs.distributions(label))))
        return found

    @cached_property
    def _places(self) -> dict[Label, int]:
        return {label: place for place, label in enumerate(self.cells.cells)}

    @cached_property
    def _names_between(self) -> dict[tuple[Label, Label], frozenset[str]]:
        cells = self.cells.cells.values()
        return {(c.label, e.producer): frozenset(e.names) for c in cells for e in c.edges}

    def _edges(self, label: Label) -> Iterable[Edge]:
        """To cells that are loaded: what is not there is the problem of its reader."""
        known = self.cells.cells
        cell = known.get(label)
        edges = () if cell is None else cell.edges
        return (e for e in edges if e.producer in known and (self.implicit or e.names))

    def _names(self, reader: Label, producer: Label) -> frozenset[str]:
        """What `reader` reads of `producer`."""
        return self._names_between.get((reader, producer), frozenset())

    def _named_readers(self, label: Label) -> Iterable[Label]:
        return (r for r in self.cells.readers.get(label, ()) if self._names(r, label))

    def _ordered_after(self, label: Label) -> Iterable[Label]:
        if not self.implicit:
            return ()
        return (r for r in self.cells.readers.get(label, ()) if not self._names(r, label))

    @cached_property
    def _readers_of_files(self) -> dict[str, tuple[Label, ...]]:
        found: dict[str, list[Label]] = {}
        for label in self.cells.cells:
            for path in self.inputs.files(label):
                found.setdefault(path, []).append(label)
        return {path: tuple(labels) for path, labels in found.items()}

    @cached_property
    def _readers_of_distributions(self) -> dict[Distribution, tuple[Label, ...]]:
        found: dict[Distribution, list[Label]] = {}
        for label in self.cells.cells:
            for distribution in self.inputs.distributions(label):
                found.setdefault(distribution, []).append(label)
        return {distribution: tuple(labels) for distribution, labels in found.items()}
