"""`file(path)`: the file at `path`, or all files that a pattern means.

Relative to the current folder, as patterns are; `//` at the front means the root of the workspace.
A file that is gone counts, if a cell declares, names or was seen to read it.
"""

from __future__ import annotations

from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import nearest, quoted
from strata.query.nodes import File, Nodes

ARGUMENTS = (Argument.TEXT,)
OPTIONAL = 0


def call(graph: QueryGraph, path: str) -> Nodes:
    """Raises `ArgumentError` where there is none, and no cell is known to have read it."""
    found = graph.inputs.files_at(path)
    if not found:
        raise ArgumentError(0, f"there is no file {quoted(path)}", _advice(graph, path))
    return frozenset(map(File, found))


def _advice(graph: QueryGraph, path: str) -> str | None:
    everything = path.rstrip("/") + "/**"
    if graph.inputs.files_at(everything):
        return f"it is a folder: its files are file('{everything}')"
    known = {file for label in graph.cells.cells for file in graph.inputs.files(label)}
    name = path.rpartition("/")[2]
    alike = sorted(file for file in known if file.rpartition("/")[2] == name)
    if alike:
        return f"did you mean //{alike[0]}?"
    return nearest(path, sorted(known), most=0) if known else None
