"""How cells stand, and what their runs took: from the cache and the journal."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from strata.cli.known_cells import KnownCells
from strata.cli.session import Request, run_build
from strata.console.lines import headline, one_line
from strata.core.errors import Interrupted, StoreError
from strata.core.events import Notice, Status
from strata.core.label import Label
from strata.core.result import ActionResult, Output
from strata.execution.report import BuildReport, CellReport
from strata.query.world import Recorded, Standing, State


class CellRecords:
    """`strata.query.world.Records` of a workspace."""

    def __init__(self, known: KnownCells) -> None:
        self._known = known
        self._standing: dict[Label, Standing] = {}
        self._looked_at: set[Label] = set()

    def standing(self, labels: Collection[Label]) -> Mapping[Label, Standing]:
        asked = set(labels)
        wanted = [label for label in self._known.labels if label in asked]
        if not self._looked_at.issuperset(wanted):
            self._looked_at.update(wanted)
            for cell in self._plan(wanted).cells:
                self._standing[cell.label] = self._stands(cell)
        return {label: self._standing[label] for label in wanted if label in self._standing}

    def recorded(self, label: Label) -> Recorded | None:
        results = (run.result for run in self._known.runs(label))
        newest = next((result for result in results if result.error is None), None)
        return None if newest is None else Recorded(newest.duration_s, size_bytes(newest))

    def _stands(self, cell: CellReport) -> Standing:
        result = cell.result
        if result is not None and result.error is not None:
            return Standing(State.FAILED, one_line(headline(result.error)))
        return Standing(self._state(cell), cell.reason)

    def _state(self, cell: CellReport) -> State:
        if cell.status is Status.CACHED:
            return State.FRESH
        if cell.status in (Status.FAILED, Status.SKIPPED):
            return State.FAILED
        newest = next(iter(self._known.runs(cell.label)), None)
        if newest is None:
            return State.NEVER
        return State.STALE if newest.result.error is None else State.FAILED

    def _plan(self, wanted: list[Label]) -> BuildReport:
        """What a build would do, by the same dry run as `strata status`. Raises `Interrupted`.

        Where the cache or the journal cannot be opened, it is as if there were none.
        """
        self._known.opened.leave_no_stamp()
        try:
            report = self._dry_run(wanted, empty=False)
        except StoreError as problem:
            what = f"no result counts, as the cache cannot be asked: {problem.message}"
            self._known.emit(Notice("warning", what))
            report = self._dry_run(wanted, empty=True)
        if report.interrupted:
            raise Interrupted("interrupted")
        return report

    def _dry_run(self, wanted: list[Label], *, empty: bool) -> BuildReport:
        known = self._known
        return run_build(known.beside(empty=empty), known.planned, wanted, Request(dry_run=True))


def size_bytes(result: ActionResult) -> int:
    """Of all stored outputs together; of those that are one value, what that takes, once."""
    shared = {name for group in result.shared for name in group.names}
    alone = (o for name, o in result.outputs.items() if name not in shared)
    sizes = [o.digest.size_bytes for o in alone if isinstance(o, Output)]
    return sum(sizes) + sum(group.output.digest.size_bytes for group in result.shared)
