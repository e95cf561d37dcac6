"""What questions ask beside the graph of cells, each looked up when the first asks for it.

Most questions ask for none of it, so what looks it up is not even imported before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strata.cli.cell_inputs import CellInputs
    from strata.cli.invocation import Cells, Opened
    from strata.cli.known_cells import KnownCells
    from strata.core.label import Label
    from strata.query.nodes import Distribution
    from strata.query.world import Changes, Recorded, Records, Standing


class Facts:
    """The `Inputs`, `Records` and `Changes` of a workspace; `load` gives the cells they are of."""

    def __init__(self, load: Callable[[], tuple[Opened, Cells]]) -> None:
        self._load = load
        self._closing = contextlib.ExitStack()

    def close(self) -> None:
        """Ends the use of what was opened on the way."""
        self._closing.close()

    @cached_property
    def _known(self) -> KnownCells:
        from strata.cli.known_cells import KnownCells

        return self._closing.enter_context(contextlib.closing(KnownCells(*self._load())))

    @cached_property
    def _inputs(self) -> CellInputs:
        from strata.cli.cell_inputs import CellInputs

        return CellInputs(self._known)

    @cached_property
    def _records(self) -> Records:
        from strata.cli.cell_records import CellRecords

        return CellRecords(self._known)

    @cached_property
    def _changes(self) -> Changes:
        from strata.cli.cell_changes import CellChanges

        return CellChanges(self._known, self._inputs)

    def files(self, label: Label) -> Collection[str]:
        return self._inputs.files(label)

    def distributions(self, label: Label) -> Collection[Distribution]:
        return self._inputs.distributions(label)

    def files_at(self, path: str) -> Collection[str]:
        return self._inputs.files_at(path)

    def versions(self, name: str) -> Collection[Distribution]:
        return self._inputs.versions(name)

    def standing(self, labels: Collection[Label]) -> Mapping[Label, Standing]:
        return self._records.standing(labels)

    def recorded(self, label: Label) -> Recorded | None:
        return self._records.recorded(label)

    def changed(self, revision: str, labels: Collection[Label]) -> Collection[Label]:
        return self._changes.changed(revision, labels)
