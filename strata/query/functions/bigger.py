"""`bigger(1GiB, x)`: the cells of x whose outputs together are that big, or bigger.

As their last run that gave a result left them; cells of which none is recorded are left out.
"""

from __future__ import annotations

from strata.core.quantities import parse_size
from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import quoted
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, least: str, start: Nodes) -> Nodes:
    """Raises `ArgumentError` for what is no size."""
    try:
        least_bytes = parse_size(least)
    except ValueError:
        what = f"{quoted(least)} is no size"
        raise ArgumentError(0, what, "write one such as 1GiB, 200MB or 4096") from None
    return graph.recorded(start, lambda run: run.size_bytes >= least_bytes)
