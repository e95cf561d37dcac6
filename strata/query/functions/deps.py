"""`deps(x[, depth])`: x and everything it needs, at most `depth` edges away."""

from __future__ import annotations

from strata.analysis.graph import CellGraph
from strata.query.expression import Labels, spread

ARGUMENTS = (Labels, int)
OPTIONAL = 1


def call(graph: CellGraph, start: Labels, depth: int | None = None) -> Labels:
    """`start` and all it needs."""
    return spread(start, graph.needs, depth)
