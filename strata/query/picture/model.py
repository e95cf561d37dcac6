"""What is in a picture. Texts are as they come, with whatever users and cells put into them."""

from __future__ import annotations

from collections.abc import Mapping

from strata.core.dataclass import dataclass, field
from strata.query.world import State


@dataclass(frozen=True, slots=True)
class PictureNode:
    """One box: a cell, or a whole notebook where cells would be too many."""

    label: str
    """Like no other in the picture."""
    name: str
    """What stands in the box."""
    kind: str
    group: str | None = None
    """The frame that it is in. Either all nodes of a picture have one or none."""
    state: State | None = None
    """None: it builds nothing."""
    reason: str = ""
    duration: str = ""
    problem: str = ""
    """Why it cannot be understood; "" where it can."""
    details: tuple[tuple[str, str], ...] = ()
    """What else is told of it when it is pointed at."""
    counts: Mapping[State | None, int] = field(default_factory=dict)
    """Of a notebook: how many of its cells are in which state."""


@dataclass(frozen=True, slots=True)
class PictureEdge:
    """`reader` needs `producer` for `names`; no names: it only comes after it."""

    producer: str
    reader: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and the lines between them; both ends of an edge are in the picture."""

    title: str
    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]
    note: str = ""
    """What is not as one would expect, such as cells that were left out."""

    @property
    def counts(self) -> dict[State | None, int]:
        """How many cells are in which state, as the legend says it; states of none are left out."""
        found: dict[State | None, int] = dict.fromkeys([*State, None], 0)
        for node in self.nodes:
            for state, number in (node.counts or {node.state: 1}).items():
                found[state] += number
        return {state: number for state, number in found.items() if number}
