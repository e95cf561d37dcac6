"""What a drawing is made of. Lengths are in pixels; y grows downwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from strata.core.dataclass import dataclass

Node = TypeVar("Node")
Group = TypeVar("Group")


class Point(NamedTuple):
    """A place on a line."""

    x: float
    y: float


class Size(NamedTuple):
    """How large a box is."""

    width: float
    height: float


class Place(NamedTuple):
    """A box: its upper left corner, and how large it is."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


Route: TypeAlias = tuple[Point, ...]
"""From the box that an edge leaves to the one it reaches. Two neighbours with the same x are joined
by a straight line, others by a curve that begins and ends vertical."""


@dataclass(frozen=True, slots=True)
class Layout(Generic[Node, Group]):
    """A drawing. Boxes do not overlap; each is inside the frame of its group."""

    places: Mapping[Node, Place]
    frames: Mapping[Group, Place]
    routes: Mapping[tuple[Node, Node], Route]
    width: float
    height: float
