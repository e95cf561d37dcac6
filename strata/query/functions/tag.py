"""`tag(regex, x)`: the cells of x that have a tag with a match."""

from __future__ import annotations

import re

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, cells_among

ARGUMENTS = (Argument.REGEX, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, wanted: re.Pattern[str], start: Nodes) -> Nodes:
    """Each tag is looked at by itself, so `^slow$` is the whole of one."""
    cells = graph.cells.cells
    return frozenset(
        label
        for label in cells_among(start)
        if any(wanted.search(tag) for tag in cells[label].tags)
    )
