"""`attr(name, regex, x)`: the cells of x whose attribute, as text, has a match."""

from __future__ import annotations

import re

from strata.query import attributes
from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, cells_among

ARGUMENTS = (Argument.TEXT, Argument.REGEX, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, name: str, wanted: re.Pattern[str], start: Nodes) -> Nodes:
    """A list is the text `[a, b]`; what is not said has the value that counts then. Raises
    `ArgumentError` for an attribute that no cell has."""
    text_of = attributes.texts(graph, name, position=0)
    cells = graph.cells.cells
    return frozenset(
        label for label in cells_among(start) if wanted.search(text_of(graph, cells[label]))
    )
