"""Local modules that a cell can reach: by its own imports, and through values it reads.

A value may be an instance of a class of a local module, whose methods the reader then calls; so
what a producer imports counts for its readers too. That is more than need be where a value is a
plain one, and never less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from strata.analysis.components import Gathered
from strata.analysis.join import JoinedCell
from strata.analysis.reached import ReachedDefinitions
from strata.core.digest import Digest
from strata.core.errors import GraphError
from strata.core.label import Label

ImportedBy: TypeAlias = Callable[[str, str], Mapping[str, Digest]]
"""(package, source) to the local modules that the source imports there."""


class ReachedModules:
    """Answers for the cells of one graph."""

    def __init__(
        self,
        joined: Sequence[JoinedCell],
        definitions: ReachedDefinitions,
        imported_by: ImportedBy,
    ) -> None:
        self._cells = {cell.label: cell for cell in joined}
        self._definitions = definitions
        self._imported_by = cache(imported_by)  # the same import stands in many cells
        self._reached = Gathered(definitions.feeds, self._imports_of)

    def files(self, label: Label) -> Mapping[str, Digest]:
        """Every local module that the cell can reach: path to digest."""
        return dict(sorted(self._reached.of(label)))

    def _imports_of(self, label: Label) -> frozenset[tuple[str, Digest]]:
        """What the cell's process imports: for its own text, and for definitions of others."""
        cell = self._cells[label].cell
        texts = [cell.source] if self._cells[label].scan.normalized else []
        try:
            modules = self._definitions.closure(label).modules
        except GraphError:
            modules = ()
        texts += [chunk.normalized for module in modules for chunk in module.chunks]
        found: set[tuple[str, Digest]] = set()
        for text in texts:
            if "import" in text:
                found.update(self._imported_by(label.package, text).items())
        return frozenset(found)
