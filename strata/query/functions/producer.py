"""`producer(name, x)`: the cells that `name` comes from where cells of x read it."""

from __future__ import annotations

from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import nearest, quoted
from strata.query.nodes import Nodes, cells_among

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, name: str, start: Nodes) -> Nodes:
    """Nothing if `start` has no cells. Raises `ArgumentError` if none of them reads `name`.

    Several, where cells of `start` read it from several, or where what runs decides.
    """
    cells = graph.cells.cells
    readers = [cells[label] for label in cells_among(start)]
    edges = [edge for reader in readers for edge in reader.edges if edge.producer in cells]
    found = frozenset(edge.producer for edge in edges if name in edge.names)
    if found or not readers:
        return found
    what = f"no cell of these reads {quoted(name)} from another"
    if own := [str(reader.label) for reader in readers if name in reader.defines]:
        raise ArgumentError(0, what, f"{min(own)} defines it")
    read = sorted({read for edge in edges for read in edge.names})
    raise ArgumentError(0, what, nearest(name, read) if read else "they read nothing")
