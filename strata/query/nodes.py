"""What a question can be about: cells, and what stands between and below them.

A cell is its `Label`. The others are values of their own, so that a file is never equal to a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TypeAlias

from strata.core.dataclass import dataclass
from strata.core.label import Label


@dataclass(frozen=True, slots=True, order=True)
class Variable:
    """A name that a cell defines for others: a value or a definition. Written `//prep:clean%df`."""

    cell: Label
    name: str

    def __str__(self) -> str:
        return f"{self.cell}%{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A file that can change what a cell gives; `path` is relative to the root of the workspace,
    absolute where it lies outside."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, order=True)
class Distribution:
    """A distribution that a lock names; several versions of one are several."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


Node: TypeAlias = Label | Variable | File | Distribution
Nodes: TypeAlias = frozenset[Node]


class Kind(Enum):
    """What a node is; the value is how `kind()` and `--output=label_kind` call it. Of a cell it is
    the kind of the cell."""

    CELL = "cell"
    VARIABLE = "variable"
    FILE = "file"
    DISTRIBUTION = "distribution"


def kind_of(node: Node) -> Kind:
    """What `node` is."""
    match node:
        case Label():
            return Kind.CELL
        case Variable():
            return Kind.VARIABLE
        case File():
            return Kind.FILE
        case Distribution():
            return Kind.DISTRIBUTION


def cells_among(nodes: Iterable[Node]) -> Iterator[Label]:
    """Those of `nodes` that are cells."""
    return (node for node in nodes if isinstance(node, Label))
