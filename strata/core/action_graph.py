"""The action graph: what can be built, and why the rest cannot. Immutable.

Analysis makes it and execution works it off; neither knows the other. It has only what must be
done before: a definition crosses as source, so reading a function of a cell does not make that
cell run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from strata.core.action import Node
from strata.core.label import Label
from strata.core.result import CellFailure


@dataclass(frozen=True, slots=True)
class ActionGraph:
    """A node for each cell that builds something, and why others cannot be built.

    `needs` holds every label of the graph, in definition order, and the labels that must have
    ended well before it may start; they may be broken, or have nothing to build. Cycles are broken
    already: their cells are in `broken`.
    """

    nodes: Mapping[Label, Node]
    needs: Mapping[Label, tuple[Label, ...]]
    broken: Mapping[Label, CellFailure] = field(default_factory=dict)

    def reachable(self, wanted: Iterable[Label]) -> list[Label]:
        """Those of `wanted` and of all they need that can be built or are broken, in order."""
        found: set[Label] = set()
        stack = list(wanted)
        while stack:
            label = stack.pop()
            if label not in found:
                found.add(label)
                stack.extend(self.needs.get(label, ()))
        known = (label for label in self.needs if label in self.nodes or label in self.broken)
        return [label for label in known if label in found]
