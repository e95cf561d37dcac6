"""Nodes as objects for programs, schema `strata.query.v1` (`strata/query/schemas`)."""

from __future__ import annotations

from strata.core.label import Label
from strata.query.answer import Answer, Edges
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, File, Kind, Node, Variable, kind_of

SCHEMA = "strata.query.v1"
ARRAYS = {
    Kind.CELL: "cells",
    Kind.VARIABLE: "variables",
    Kind.FILE: "files",
    Kind.DISTRIBUTION: "distributions",
}
"""What an array of nodes of one kind is called."""


def objects(answer: Answer) -> list[tuple[Kind, dict[str, object]]]:
    """Every node of the answer, in order: what it is, and what is known of it."""
    kinds = {kind_of(node) for node in answer.nodes} & {Kind.FILE, Kind.DISTRIBUTION}
    edges = answer.edges() if kinds else {}
    return [(kind_of(node), _object(answer.graph, node, kinds, edges)) for node in answer.nodes]


def _object(graph: QueryGraph, node: Node, kinds: set[Kind], edges: Edges) -> dict[str, object]:
    match node:
        case Label():
            near = {ARRAYS[k]: [str(n) for n in edges[node] if kind_of(n) is k] for k in kinds}
            return {**_cell(graph, node), **{name: near[name] for name in sorted(near)}}
        case Variable(label, name):
            found = graph.cells.cells.get(label)
            return {
                "label": str(node),
                "cell": str(label),
                "name": name,
                "file": None if found is None else found.path,
                "line": None if found is None else found.lines.get(name),
            }
        case File(path):
            return {"path": path}
        case Distribution(name, version):
            return {"name": name, "version": version}


def _cell(graph: QueryGraph, label: Label) -> dict[str, object]:
    cell = graph.cells.cells[label]
    edges = [edge for edge in cell.edges if edge.names or graph.implicit]
    return {
        "label": str(label),
        "kind": cell.kind,
        "file": cell.path,
        "needs": [str(edge.producer) for edge in edges],
        "reads": {str(edge.producer): list(edge.names) for edge in edges if edge.names},
        "defines": list(cell.defines),
        "tags": list(cell.tags),
        "worker": cell.worker,
        "attributes": {
            name: value if isinstance(value, str) else list(value)
            for name, value in cell.attributes.items()
        },
        "broken": cell.broken,
        "line": cell.line,
    }
