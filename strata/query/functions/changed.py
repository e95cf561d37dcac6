"""`changed(REV[, x])`: the cells of x that git says have changed since the revision REV.

Those that read a file which is not as it was then: committed since, staged or not, or not known to
git; and those that may get a name from another cell for it. `main...` means where HEAD and main
went apart. What needs them is `rdeps(//..., changed(REV))`.
"""

from __future__ import annotations

from strata.core.errors import UsageError
from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, cells_among

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 1
UNIVERSE = True


def call(graph: QueryGraph, revision: str, start: Nodes | None = None) -> Nodes:
    """Among all cells, where no set is given. Raises `ArgumentError` for what is no revision."""
    cells = frozenset(graph.cells.cells if start is None else cells_among(start))
    try:
        return frozenset(graph.changes.changed(revision, cells))
    except UsageError as problem:
        raise ArgumentError(0, problem.what, problem.hint) from None
