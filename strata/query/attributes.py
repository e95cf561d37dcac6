"""What a cell says of itself, by name: `attr(name, …)` matches the text, `labels(name, …)` gives
the nodes.

Every annotation is an attribute, as it is written. The others are what Strata has found out. What
is not said has the value that counts then; the table in docs/reference/query.md has all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from strata.analysis.graph import Attribute, GraphCell
from strata.core.errors import LabelError
from strata.core.label import Label, parse_pattern, stem_of
from strata.query.arguments import ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import nearest, quoted
from strata.query.nodes import File, Node, Variable

TextOf: TypeAlias = Callable[[QueryGraph, GraphCell], str]
NodesOf: TypeAlias = Callable[[QueryGraph, GraphCell], Iterable[Node]]

NOT_SAID: Mapping[str, Attribute] = {
    **dict.fromkeys(("after", "env", "input", "mount", "mutates", "resources", "writes"), ()),
    **dict.fromkeys(("loop", "loop_until", "per_variant", "sandbox", "variant"), ""),
    **dict.fromkeys(("app", "cache", "dataset", "fetch", "live", "map", "max_tokens"), ""),
    **dict.fromkeys(("model", "output", "output_dir", "output_schema", "samples", "sql"), ""),
    **dict.fromkeys(("system", "table", "temperature", "validate_retries", "write_table"), ""),
    "nocache": "false",
    "retries": "0",
    "timeout": "300",
}
"""What annotations are that a cell does not have: 300 seconds, no retries; nothing for most."""

_FOUND: Mapping[str, Callable[[GraphCell], Attribute]] = {
    "broken": lambda cell: cell.broken or "",
    "kind": lambda cell: cell.kind,
    "name": lambda cell: cell.attributes.get("name", cell.label.name),
    "package": lambda cell: f"//{cell.label.package}",
    "tags": lambda cell: cell.tags,
    "worker": lambda cell: cell.worker,
}


def _needs(graph: QueryGraph, cell: GraphCell) -> list[Node]:
    known = graph.cells.cells
    edges = (e for e in cell.edges if e.producer in known and (graph.implicit or e.names))
    return list(dict.fromkeys(edge.producer for edge in edges))


def _reads(graph: QueryGraph, cell: GraphCell) -> list[Node]:
    known = graph.cells.cells
    return [
        Variable(e.producer, name) for e in cell.edges if e.producer in known for name in e.names
    ]


def _mutates(graph: QueryGraph, cell: GraphCell) -> list[Node]:
    said = cell.attributes.get("mutates", ())
    return [
        node for node in _reads(graph, cell) if isinstance(node, Variable) and node.name in said
    ]


def _after(graph: QueryGraph, cell: GraphCell) -> list[Node]:
    """The cells that `@after` means: only those that `cell` has an edge to, as it must."""
    before = [
        graph.cells.cells[label]
        for label in graph.cells.needs(cell.label)
        if label in graph.cells.cells
    ]
    said = cell.attributes.get("after", ())
    found = (_meant(text, cell.label.package, before) for text in said)
    return [label for label in found if label is not None]


def _meant(text: str, package: str, cells: Iterable[GraphCell]) -> Label | None:
    """An id, else the stem of a file, else a variable: the order that all labels are read in."""
    try:
        pattern = parse_pattern(text if ":" in text else f":{text}", package)
    except LabelError:
        return None
    there = [cell for cell in cells if cell.label.package == pattern.package]
    by_rank = (
        [cell.label for cell in there if cell.label.name == pattern.name],
        [cell.label for cell in there if stem_of(cell.path) == pattern.name],
        [cell.label for cell in there if pattern.name in cell.defines],
    )
    return next((labels[0] for labels in by_rank if labels), None)


_NODES: Mapping[str, NodesOf] = {
    "after": _after,
    "defines": lambda graph, cell: [Variable(cell.label, n) for n in graph.variables(cell.label)],
    "distributions": lambda graph, cell: sorted(graph.inputs.distributions(cell.label)),
    "file": lambda _, cell: [File(cell.path)],
    "mutates": _mutates,
    "needs": _needs,
    "reads": _reads,
    "srcs": lambda graph, cell: [File(path) for path in sorted(graph.inputs.files(cell.label))],
}
"""The attributes that name nodes. Of those that are annotations, too, the text is as written."""

NAMES = tuple(sorted({*NOT_SAID, *_FOUND, *_NODES}))
"""All attributes but those of rules of third parties."""


def texts(graph: QueryGraph, name: str, position: int) -> TextOf:
    """How the text of the attribute `name` is found. Raises `ArgumentError` for the argument at
    `position` if no cell can have it."""
    if name in _FOUND:
        found = _FOUND[name]
        return lambda _, cell: _text(found(cell))
    if name in NOT_SAID:
        not_said = NOT_SAID[name]
        return lambda _, cell: _text(cell.attributes.get(name, not_said))
    if name == "file":
        return lambda _, cell: cell.path
    if name in _NODES:
        nodes_of = _NODES[name]
        return lambda graph, cell: _text(tuple(str(node) for node in nodes_of(graph, cell)))
    others = {key for cell in graph.cells.cells.values() for key in cell.attributes}
    if name in others:
        return lambda _, cell: _text(cell.attributes.get(name, ""))
    hint = nearest(name, sorted({*NAMES, *others}))
    raise ArgumentError(position, f"no attribute {quoted(name)}", hint)


def naming_nodes(graph: QueryGraph, name: str, position: int) -> NodesOf:
    """How the nodes are found that the attribute `name` names. Raises `ArgumentError` for the
    argument at `position` if it names none."""
    if name in _NODES:
        return _NODES[name]
    what = f"the attribute {quoted(name)} names no nodes"
    if name not in NAMES:
        what = f"no attribute {quoted(name)} that names nodes"
    raise ArgumentError(position, what, f"there are: {', '.join(_NODES)}")


def _text(value: Attribute) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"
