"""Where each node stands, as `path:line:column: kind label`, which editors can follow."""

from __future__ import annotations

from collections.abc import Iterator

from strata.core.label import Label
from strata.query.answer import Answer
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, File, Node, Variable


def write(answer: Answer) -> Iterator[str]:
    """Paths are relative to the root of the workspace. A cell stands at the start of its file, or
    where it is broken; a variable where it is first bound; a distribution nowhere."""
    for node in answer.nodes:
        what = f"{answer.graph.kind(node)} {node}"
        place = _place(answer.graph, node)
        yield what if place is None else f"{place[0]}:{place[1]}:1: {what}"


def _place(graph: QueryGraph, node: Node) -> tuple[str, int] | None:
    """The path and the line of a node."""
    match node:
        case Label():
            cell = graph.cells.cells[node]
            return cell.path, cell.line or 1
        case Variable(label, name):
            found = graph.cells.cells.get(label)
            return None if found is None else (found.path, found.lines.get(name, 1))
        case File(path):
            return path, 1
        case Distribution():
            return None
