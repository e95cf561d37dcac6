"""`allpaths(a, b)`: everything on any way from a down to b, both ends with it."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.NODES, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, first: Nodes, last: Nodes) -> Nodes:
    """What `first` needs and what needs `last`, where it is the same."""
    return graph.walk(first, graph.needs) & graph.walk(last, graph.readers)
