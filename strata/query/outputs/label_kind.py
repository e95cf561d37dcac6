"""The kind of each node, a space, and its label."""

from __future__ import annotations

from collections.abc import Iterator

from strata.query.answer import Answer


def write(answer: Answer) -> Iterator[str]:
    """The kind of a cell is that of its rule (`python`, `markdown`)."""
    return (f"{answer.graph.kind(node)} {node}" for node in answer.nodes)
