"""`slower(30s, x)`: the cells of x whose last run that gave a result took that long, or longer.

Units are ms, s, min (or m) and h. Cells of which no such run is recorded are left out.
"""

from __future__ import annotations

from strata.core.quantities import parse_duration
from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import quoted
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, least: str, start: Nodes) -> Nodes:
    """Raises `ArgumentError` for what is no duration."""
    try:
        least_s = parse_duration(least)
    except ValueError:
        what = f"{quoted(least)} is no duration"
        raise ArgumentError(0, what, "write one such as 250ms, 30s, 5min or 1.5h") from None
    return graph.recorded(start, lambda run: run.duration_s >= least_s)
