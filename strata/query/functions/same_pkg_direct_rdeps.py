"""`same_pkg_direct_rdeps(x)`: what needs x directly and is in the same notebook."""

from __future__ import annotations

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes
from strata.query.packages import Packages

ARGUMENTS = (Argument.NODES,)
OPTIONAL = 0


def call(graph: QueryGraph, start: Nodes) -> Nodes:
    """Of each node the readers in its own notebook. A node of `start` only if it reads another."""
    package_of = Packages(graph).of
    return graph.only_shown(
        reader
        for node in start
        for reader in graph.readers(node)
        if package_of(reader) == package_of(node)
    )
