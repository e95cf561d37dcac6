"""`labels(attribute, x)`: the nodes that an attribute of the cells of x names, as `needs`."""

from __future__ import annotations

from strata.query import attributes
from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Node, Nodes, cells_among

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, name: str, start: Nodes) -> Nodes:
    """Raises `ArgumentError` for an attribute that names no nodes."""
    nodes_of = attributes.naming_nodes(graph, name, position=0)
    cells = (graph.cells.cells[label] for label in cells_among(start))
    return frozenset[Node]().union(*(nodes_of(graph, cell) for cell in cells))
