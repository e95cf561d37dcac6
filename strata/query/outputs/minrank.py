"""The length of the shortest way from a node that no other needs, a space, and the label."""

from __future__ import annotations

from collections.abc import Iterator

from strata.query.answer import Answer
from strata.query.outputs._ranks import ranked


def write(answer: Answer) -> Iterator[str]:
    """Ways are among the nodes of the answer. Nodes that need each other have the same rank."""
    return ranked(answer, min)
