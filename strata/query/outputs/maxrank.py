"""The length of the longest way from a node that no other needs, a space, and the label."""

from __future__ import annotations

from collections.abc import Iterator

from strata.query.answer import Answer
from strata.query.outputs._ranks import ranked


def write(answer: Answer) -> Iterator[str]:
    """The number of steps of a build that must come one after another, less one. Ways are among
    the nodes of the answer. Nodes that need each other have the same rank."""
    return ranked(answer, max)
