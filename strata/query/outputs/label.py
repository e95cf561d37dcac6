"""One label a line."""

from __future__ import annotations

from collections.abc import Iterator

from strata.query.answer import Answer


def write(answer: Answer) -> Iterator[str]:
    """Labels of cells and variables, paths of files, names and versions of distributions."""
    return (str(node) for node in answer.nodes)
