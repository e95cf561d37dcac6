"""The graph of cells, about which questions are asked. Immutable.

It has every edge that a person would draw: values, definitions, order. What must be done before
what is another graph, and smaller (`strata.core.action_graph`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeAlias

from strata.core.dataclass import dataclass, field
from strata.core.label import Label

Attribute: TypeAlias = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """`reader` needs `producer` for `names`; no names: order only."""

    reader: Label
    producer: Label
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphCell:
    """One cell as a node: what questions can be asked about without running anything."""

    label: Label
    kind: str
    path: str
    edges: tuple[Edge, ...] = ()
    tags: tuple[str, ...] = ()
    worker: str = "local"
    broken: str | None = None
    defines: tuple[str, ...] = ()
    """The names that other cells could read, sorted: values and definitions."""
    line: int | None = None
    """Where in its file it is broken."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """What its annotations, its table and its notebook say of it, by annotation; what they do not
    say is left out."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where in its file it first binds what it defines; what it only changes is left out."""


@dataclass(frozen=True)
class CellGraph:
    """All loaded cells, in definition order."""

    cells: Mapping[Label, GraphCell]

    @cached_property
    def readers(self) -> Mapping[Label, tuple[Label, ...]]:
        """The cells that read from each cell, in definition order."""
        found: dict[Label, dict[Label, None]] = {label: {} for label in self.cells}
        for cell in self.cells.values():
            for edge in cell.edges:
                if edge.producer in found:
                    found[edge.producer][cell.label] = None
        return {label: tuple(readers) for label, readers in found.items()}

    def needs(self, label: Label) -> tuple[Label, ...]:
        """The cells that `label` reads from, nearest edge first, without duplicates."""
        return tuple(dict.fromkeys(e.producer for e in self.cells[label].edges))

    def sorted(self, labels: Iterable[Label]) -> list[Label]:
        """`labels` in definition order."""
        chosen = set(labels)
        return [label for label in self.cells if label in chosen]
