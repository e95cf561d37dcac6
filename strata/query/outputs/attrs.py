"""What is said of each node, as a TOML table a node."""

from __future__ import annotations

from collections.abc import Iterator

from strata.analysis.graph import GraphCell
from strata.core.label import Label
from strata.query import attributes
from strata.query.answer import Answer
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, File, Node, Variable

_NAMING_NODES = ("needs", "reads", "defines")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write(answer: Answer) -> Iterator[str]:
    """Under the names that `attr` and `labels` know them by. What is not said is left out."""
    for number, node in enumerate(answer.nodes):
        if number:
            yield ""
        yield f"[{_text(str(node))}]"
        yield f"kind = {_text(answer.graph.kind(node))}"
        for name, value in _said(answer.graph, node).items():
            if value is not None and value != ():
                yield f"{name} = {_value(value)}"


def _said(graph: QueryGraph, node: Node) -> dict[str, object]:
    """By name, what is to be shown of a node beside its kind."""
    match node:
        case Label():
            return _said_of_cell(graph, graph.cells.cells[node])
        case Variable(label, name):
            found = graph.cells.cells.get(label)
            if found is None:
                return {"cell": str(label), "name": name}
            line = found.lines.get(name)
            return {"cell": str(label), "name": name, "file": found.path, "line": line}
        case File():
            return {}
        case Distribution(name, version):
            return {"name": name, "version": version}


def _said_of_cell(graph: QueryGraph, cell: GraphCell) -> dict[str, object]:
    found: dict[str, object] = {
        "file": cell.path,
        "broken": cell.broken,
        "line": cell.line,
        "worker": cell.worker,
        "tags": cell.tags,
    }
    for name in _NAMING_NODES:
        nodes_of = attributes.naming_nodes(graph, name, position=0)
        found[name] = tuple(str(node) for node in nodes_of(graph, cell))
    said = {name: value for name, value in cell.attributes.items() if name not in found}
    return found | said


def _value(value: object) -> str:
    match value:
        case int():
            return str(value)
        case tuple():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """A basic string of TOML (https://toml.io/en/v1.0.0#string), on one line, in which nothing
    is invisible."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(_ESCAPES.get(c) or _printable(c) for c in text)}"'


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if "\ud800" <= character <= "\udfff":  # a byte of a file name that is no UTF-8
        return f"\\\\u{ord(character):04x}"
    return f"\\U{ord(character):08X}"
