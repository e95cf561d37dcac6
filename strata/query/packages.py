"""Which notebook a node is in."""

from __future__ import annotations

import posixpath

from strata.core.label import Label
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, File, Node, Variable


class Packages:
    """The packages of the loaded cells."""

    def __init__(self, graph: QueryGraph) -> None:
        self._known = {label.package for label in graph.cells.cells}

    def of(self, node: Node) -> str | None:
        """The package of a cell or a variable; of a file, the nearest at or above its folder. None
        for what is in no notebook."""
        match node:
            case Label(package, _):
                return package
            case Variable(cell, _):
                return cell.package
            case File(path):
                return self._above(path)
            case Distribution():
                return None

    def _above(self, path: str) -> str | None:
        if posixpath.isabs(path):
            return None
        folder = path
        while folder:
            folder = posixpath.dirname(folder)
            if folder in self._known:
                return folder
        return None
