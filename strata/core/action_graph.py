"""The action graph: what can be built, and why the rest cannot. Immutable.

Analysis makes it and execution works it off; neither knows the other. It has only what must be
done before: a definition crosses as source, so reading a function of a cell does not make that
cell run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from strata.core.action import Artifact, Node
from strata.core.dataclass import dataclass, field
from strata.core.label import Label
from strata.core.result import CellFailure


@dataclass(frozen=True, slots=True)
class Users:
    """Who can reach something that has a state: a definitions module, or a local module."""

    defined_in: Mapping[str, Label] = field(default_factory=dict)
    """Its definitions, and their cells."""
    labels: tuple[Label, ...] = ()


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
    readers: Mapping[Artifact, tuple[Label, ...]] = field(default_factory=dict)
    """Who reads each artifact, also cells that are not in the graph, in definition order."""
    order: Mapping[Label, int] = field(default_factory=dict)
    """Where each cell stands among all cells, in definition order."""
    users_of: Callable[[str, Label], Users] = field(
        default=lambda owner, changer: Users(), compare=False, repr=False
    )
    """Who would see that `changer` has changed the state of `owner`, as `ActionResult.restated`
    calls it; cells that get the change with a definition of `changer` left out."""

    def read_later(self, artifact: Artifact, than: Label) -> tuple[Label, ...]:
        """Who reads `artifact` after the cell `than`."""
        return self.later(self.readers.get(artifact, ()), than)

    def later(self, labels: Iterable[Label], than: Label) -> tuple[Label, ...]:
        """Those of `labels` that come after the cell `than`: later cells of its notebook, and all
        cells of other notebooks."""
        place = self.order.get(than, -1)
        return tuple(
            label
            for label in labels
            if label != than
            and (label.package != than.package or self.order.get(label, place) > place)
        )

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
