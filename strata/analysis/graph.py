"""The graph of cells, about which questions are asked. Immutable.

It has every edge that a person would draw: values, definitions, order. What must be done before
what is another graph, and smaller (`strata.core.action_graph`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from strata.core.dataclass import dataclass, field
from strata.core.label import Label


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


@dataclass(frozen=True)
class CellGraph:
    """All loaded cells, in definition order."""

    cells: Mapping[Label, GraphCell]
    readers: Mapping[Label, tuple[Label, ...]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[Label, dict[Label, None]] = {label: {} for label in self.cells}
        for cell in self.cells.values():
            for edge in cell.edges:
                if edge.producer in found:
                    found[edge.producer][cell.label] = None
        object.__setattr__(self, "readers", {k: tuple(v) for k, v in found.items()})

    def needs(self, label: Label) -> tuple[Label, ...]:
        """The cells that `label` reads from, nearest edge first, without duplicates."""
        return tuple(dict.fromkeys(e.producer for e in self.cells[label].edges))

    def sorted(self, labels: Iterable[Label]) -> list[Label]:
        """`labels` in definition order."""
        chosen = set(labels)
        return [label for label in self.cells if label in chosen]
