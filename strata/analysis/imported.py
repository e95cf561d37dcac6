"""What a cell's process can import: for its own text, and for the definitions that it uses.

Not what a producer of its values imports. A value may be an instance of a class of some module,
whose methods the reader then calls; which modules those are is known of each value when it has
been stored (`Output.needs`), and is asked when the reader is ready (`Action.imports` and after).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from strata.analysis.join import JoinedCell
from strata.analysis.reached import ReachedDefinitions
from strata.core.digest import Digest
from strata.core.errors import GraphError
from strata.core.label import Label
from strata.loading.distributions import significant

ImportedBy: TypeAlias = Callable[[str, str], Mapping[str, Digest]]
"""(package, source) to the local modules that the source imports there."""

NamesImportedBy: TypeAlias = Callable[[str, str], Iterable[str]]
"""(package, source) to the names of all others that it, or a local module it imports, imports."""


class ReachedModules:
    """Answers for the cells of one graph."""

    def __init__(
        self,
        joined: Sequence[JoinedCell],
        definitions: ReachedDefinitions,
        imported_by: ImportedBy,
        names_imported_by: NamesImportedBy,
    ) -> None:
        self._cells = {cell.label: cell for cell in joined}
        self._definitions = definitions
        self._imported_by = cache(imported_by)  # the same import stands in many cells
        self._names_imported_by = cache(names_imported_by)

    def files(self, label: Label) -> Mapping[str, Digest]:
        """Every local module that the cell can reach: path to digest."""
        return self.files_of(label.package, self._texts(label))

    def files_of(self, package: str, texts: Iterable[str]) -> Mapping[str, Digest]:
        """The same, of source that runs in the notebook `package`."""
        found: dict[str, Digest] = {}
        for text in texts:
            found.update(self._imported_by(package, text))
        return dict(sorted(found.items()))

    def imports(self, label: Label) -> tuple[str, ...]:
        """What else it can reach: the parts of import names that say which distribution, sorted."""
        texts = self._texts(label)
        return significant(n for t in texts for n in self._names_imported_by(label.package, t))

    def _texts(self, label: Label) -> list[str]:
        """What the cell's process executes: its own text, and that of definitions of others."""
        cell = self._cells[label].cell
        texts = [cell.source] if self._cells[label].scan.normalized else []
        try:
            modules = self._definitions.closure(label).modules
        except GraphError:
            modules = ()
        return texts + [chunk.normalized for module in modules for chunk in module.chunks]
