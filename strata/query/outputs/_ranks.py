"""How far nodes of an answer are from those that no other of them needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from strata.query.answer import Answer, readers_of
from strata.query.nodes import Node
from strata.query.order import components


def ranked(answer: Answer, choose: Callable[[Iterable[int]], int]) -> Iterator[str]:
    """`rank label`, lowest rank first, and within a rank in the order of the answer.

    A node is one below that of its readers which `choose` prefers; those that need each other have
    the same rank (https://bazel.build/query/language, "minrank").
    """
    edges = answer.edges()
    readers = readers_of(edges)
    rank_of: dict[Node, int] = {}
    for members in components(answer.nodes, edges.__getitem__, readers.__getitem__):
        inside = set(members)
        above = [rank_of[r] for node in members for r in readers[node] if r not in inside]
        rank_of.update(dict.fromkeys(members, choose(above) + 1 if above else 0))
    for node in sorted(answer.nodes, key=rank_of.__getitem__):
        yield f"{rank_of[node]} {node}"
