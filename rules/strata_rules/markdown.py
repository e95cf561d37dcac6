"""Markdown cells: prose. They belong to the notebook and build nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strata.analysis.rule import CellContext
from strata.core.action import Node
from strata.loading.scope import Scan

if TYPE_CHECKING:
    from strata.loading.notebook import Cell

VERSION = 1


def scan(cell: Cell) -> Scan:
    """Prose binds and reads nothing."""
    return Scan()


def analyze(ctx: CellContext) -> Node | None:
    """Nothing to build."""
    return None
