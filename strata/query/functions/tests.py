"""`tests(x)`: the cells of x that are tests: tagged `test`, or called `test_…` or `…_test`."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, cells_among

ARGUMENTS = (Argument.NODES,)
OPTIONAL = 0

TAG = "test"


def call(graph: QueryGraph, start: Nodes) -> Nodes:
    """Cells only."""
    cells = graph.cells.cells
    return frozenset(
        label
        for label in cells_among(start)
        if label.name.startswith(f"{TAG}_")
        or label.name.endswith(f"_{TAG}")
        or TAG in cells[label].tags
    )
