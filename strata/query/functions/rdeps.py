"""`rdeps(universe, x[, depth])`: x and everything in the universe's needs that needs it."""

from __future__ import annotations

from strata.analysis.graph import CellGraph
from strata.core.label import Label
from strata.query.expression import Labels, spread

ARGUMENTS = (Labels, Labels, int)
OPTIONAL = 1


def call(graph: CellGraph, universe: Labels, start: Labels, depth: int | None = None) -> Labels:
    """Within the transitive closure of `universe`: `start` and all that needs it."""
    closure = spread(universe, graph.needs, None)

    def readers(label: Label) -> list[Label]:
        return [r for r in graph.readers.get(label, ()) if r in closure]

    return spread(start & closure, readers, depth)
