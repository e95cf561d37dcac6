"""A digraph in the language of Graphviz: an edge from each node to what it needs, of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.query.answer import Answer, Edges, readers_of
from strata.query.nodes import Kind, Node, kind_of

_SHAPES = {Kind.VARIABLE: "ellipse", Kind.FILE: "note", Kind.DISTRIBUTION: "cylinder"}


def write(answer: Answer) -> Iterator[str]:
    """As Bazel writes it. Edges that only order cells are dashed. Where the answer is factored,
    nodes with the same neighbours are one, with a line for each."""
    edges = answer.edges()
    names = _factored(edges) if answer.factored else {node: str(node) for node in edges}
    yield "digraph mygraph {"
    yield "  node [shape=box];"
    drawn: set[str] = set()
    for node, near in edges.items():
        name = names[node]
        if name in drawn:
            continue
        drawn.add(name)
        shape = _SHAPES.get(kind_of(node))
        yield f"  {_quoted(name)}{f' [shape={shape}]' if shape else ''}"
        needed = {names[other]: is_order for other, is_order in near.items()}
        for other, is_order in needed.items():
            style = " [style=dashed]" if is_order else ""
            yield f"  {_quoted(name)} -> {_quoted(other)}{style}"
    yield "}"


def _factored(edges: Edges) -> Mapping[Node, str]:
    """By node, the names of all nodes of its kind that have its neighbours, a line each."""
    readers = readers_of(edges)
    groups: dict[object, list[Node]] = {}
    for node, near in edges.items():
        above = frozenset((reader, edges[reader][node]) for reader in readers[node])
        groups.setdefault((kind_of(node), frozenset(near.items()), above), []).append(node)
    return {n: "\n".join(map(str, group)) for group in groups.values() for n in group}


def _quoted(name: str) -> str:
    """In quotes, where a backslash and what follows it stand for something."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
