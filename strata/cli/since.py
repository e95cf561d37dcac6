"""What of some cells a build has to look at, because it may not be as it was at a revision.

The cells that changed, and all that needs them; and what reads files that those write. Never too
few, as long as what they read is known: see `strata.cli.cell_changes`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator

from strata.cli.cell_changes import CellChanges
from strata.cli.cell_inputs import CellInputs
from strata.cli.cell_records import CellRecords
from strata.cli.known_cells import KnownCells
from strata.cli.wanted import Wanted
from strata.core.dataclass import replace
from strata.core.events import Status
from strata.core.label import Label
from strata.core.observation import LOG, MADE
from strata.execution.report import BuildReport
from strata.query.functions import rdeps
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes, cells_among


class Since:
    """What of `wanted` may not be as it was at `revision`, or as what ran meanwhile left it."""

    def __init__(self, known: KnownCells, wanted: Wanted, revision: str) -> None:
        """`known` are the cells of `wanted`. Raises `UsageError` where there is no such revision,
        or no repository."""
        self._wanted = wanted
        self._known = known
        self._inputs = CellInputs(self._known)
        self._changes = CellChanges(self._known, self._inputs)
        records = CellRecords(self._known)
        self._graph = QueryGraph(wanted.cells.graph, self._inputs, records, self._changes)
        self._needed = self._graph.walk(wanted.labels, self._graph.needs)
        self._reached: Nodes = frozenset()
        self._reach(self._changes.changed(revision, list(cells_among(self._needed))))

    @property
    def wanted(self) -> Wanted:
        """Those that are affected, in the same order."""
        labels = [label for label in self._wanted.labels if label in self._reached]
        return replace(self._wanted, labels=labels)

    def overtaken_by(self, report: BuildReport) -> Wanted | None:
        """Cells that are affected since this build, because one that ran wrote what nobody knew
        that it writes; None if there are none."""
        before = self._reached
        ran = [cell for cell in report.cells if cell.status is Status.RAN]
        observed = (name for cell in ran if cell.result for name in cell.result.observed)
        written = (name.partition(":")[2] for name in observed if name.startswith((MADE, LOG)))
        self._reach(self._readers(written))
        labels = [label for label in self._wanted.labels if label in self._reached - before]
        return replace(self._wanted, labels=labels) if labels else None

    def _reach(self, found: Collection[Label]) -> None:
        """`found` are affected, and with them what needs them, or reads what these write."""
        while found:
            self._reached = rdeps.call(self._graph, self._needed, self._reached.union(found))
            found = self._readers(self._written(cells_among(self._reached)))

    def _readers(self, paths: Iterable[str]) -> Collection[Label]:
        """Of the cells that are not affected, those that read one of these files."""
        return self._changes.reading(paths, list(cells_among(self._needed - self._reached)))

    def _written(self, labels: Iterable[Label]) -> Iterator[str]:
        """The files that the cells say they write, or were seen to write."""
        for label in labels:
            yield from self._inputs.traces(label).made
            action = self._known.action(label)
            if action is not None:
                names = (posixpath.join(action.folder, name) for name in action.files.written)
                yield from map(posixpath.normpath, names)


def merged(first: BuildReport, then: BuildReport) -> BuildReport:
    """Two builds, one after the other, as one: of a cell that both looked at, what it came to."""
    came_to = {cell.label: cell for cell in first.cells}
    for cell in then.cells:
        if cell.status is not Status.CACHED or cell.label not in came_to:
            came_to[cell.label] = cell
    duration_s = first.duration_s + then.duration_s
    return BuildReport(tuple(came_to.values()), duration_s, then.interrupted)
