"""Cycles that stop a build of what a question answers.

Cells may use each other's definitions in a circle, and build. So where the graph of cells has a
circle, analysis is asked whether it is one for a build. That needs no environment: what runs in
them says nothing about who needs whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from strata.analysis.graph import CellGraph
from strata.core.errors import GraphError
from strata.core.label import Label

if TYPE_CHECKING:
    from strata.analysis.join import JoinedCell


def cycles_through(
    labels: Iterable[Label], graph: CellGraph, load: Callable[[], Sequence[JoinedCell]]
) -> list[str]:
    """What is wrong with cells that need each other in a circle with one of `labels`, a message a
    circle, in definition order; `load` gives all cells of the graph, and is called where there may
    be one. Linear in what `labels` need."""
    chosen = set(labels)
    groups = [group for group in _circles(graph, chosen) if not chosen.isdisjoint(group)]
    return _messages(load(), [label for group in groups for label in group]) if groups else []


def _circles(graph: CellGraph, labels: Iterable[Label]) -> list[list[Label]]:
    """The groups of cells that need each other, among `labels` and all they need."""
    cells = list(graph.cells.values())
    # Numbers, because labels are hashed each time, and this is done for every question.
    place = {label: number for number, label in enumerate(graph.cells)}
    needs: dict[int, list[int]] = {place[label]: [] for label in labels}
    waiting = list(needs)
    is_forward = False
    for number in waiting:  # which grows
        near = needs[number]
        for edge in cells[number].edges:
            producer = place.get(edge.producer)
            if producer is None:
                continue
            near.append(producer)
            is_forward = is_forward or producer >= number
            if producer not in needs:
                needs[producer] = []
                waiting.append(producer)
    if not is_forward:
        return []  # who only needs cells before it does not come back to itself
    from strata.analysis.components import strongly_connected

    groups = strongly_connected(needs)
    real = (group for group in groups if len(group) > 1 or group[0] in needs[group[0]])
    return [[cells[number].label for number in group] for group in real]


def _messages(joined: Sequence[JoinedCell], members: Sequence[Label]) -> list[str]:
    """The distinct problems that analysis has with the members together."""
    from strata.analysis.analyze import Facts, action_graph
    from strata.core.action import Environment

    nowhere = Environment("", "", "")
    environments = dict.fromkeys((cell.label.package for cell in joined), nowhere)
    # Which worker a cell wants, and whether there is one, is no part of the question.
    found = action_graph(joined, members, Facts(environments, worker="local"))
    own = {cell.label for cell in joined if cell.problem is not None}
    failures = (f for label, f in found.broken.items() if label not in own)
    problems = (GraphError(f.message, path=f.file) for f in failures if f.type == "GraphError")
    return list(dict.fromkeys(problem.message for problem in problems))
