"""`siblings(x)`: every cell of the notebooks that x is in."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes
from strata.query.packages import Packages

ARGUMENTS = (Argument.NODES,)
OPTIONAL = 0


def call(graph: QueryGraph, start: Nodes) -> Nodes:
    """The cells of the packages of `start`; a distribution is in none."""
    packages = Packages(graph)
    wanted = {packages.of(node) for node in start}
    return frozenset(label for label in graph.cells.cells if label.package in wanted)
