"""A flowchart in the language of Mermaid, which GitHub draws in Markdown; notebooks are boxes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from strata.core.label import Label
from strata.query.answer import Answer
from strata.query.nodes import Distribution, File, Node, Variable

_MEANS = re.compile(r"[^\w /:.,=+@()%-]|%(?=%)|(?<=%)%")


def write(answer: Answer) -> Iterator[str]:
    """An edge from each node to what it needs, of the answer; dotted where it only orders cells.
    Mermaid itself draws no more than 500 edges, unless its setting `maxEdges` says so."""
    yield "flowchart TD"
    name_of = {node: f"n{place}" for place, node in enumerate(answer.nodes, start=1)}
    packages, others = _by_package(answer.nodes)
    for number, (package, nodes) in enumerate(packages.items(), start=1):
        yield f'  subgraph p{number}["{_escaped(f"//{package}")}"]'
        yield from (f"    {name_of[node]}{_box(node)}" for node in nodes)
        yield "  end"
    yield from (f"  {name_of[node]}{_box(node)}" for node in others)
    for node, near in answer.edges().items():
        for other, is_order in near.items():
            yield f"  {name_of[node]} {'-.->' if is_order else '-->'} {name_of[other]}"


def _by_package(nodes: Iterable[Node]) -> tuple[dict[str, list[Node]], list[Node]]:
    """Cells and variables by their notebook, and what belongs to none."""
    packages: dict[str, list[Node]] = {}
    others: list[Node] = []
    for node in nodes:
        match node:
            case Label(package, _) | Variable(Label(package, _), _):
                packages.setdefault(package, []).append(node)
            case _:
                others.append(node)
    return packages, others


def _box(node: Node) -> str:
    """What is around its name says what a node is."""
    text = f'"{_escaped(str(node))}"'
    match node:
        case Label():
            return f"[{text}]"
        case Variable():
            return f"([{text}])"
        case File():
            return f"[/{text}/]"
        case Distribution():
            return f"[({text})]"


def _escaped(text: str) -> str:
    """Every character that could mean something in a text, or begin a comment, by its number."""
    return _MEANS.sub(_numbered, text)


def _numbered(found: re.Match[str]) -> str:
    return "#quot;" if found[0] == '"' else f"#{ord(found[0])};"
