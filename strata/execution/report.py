"""What a build came to, as a value: one line a cell, and the counts."""

from __future__ import annotations

from strata.core.dataclass import dataclass
from strata.core.errors import ExitCode
from strata.core.events import Status
from strata.core.label import Label
from strata.core.result import ActionResult


@dataclass(frozen=True, slots=True)
class CellReport:
    """What became of one cell. `result` is None where nothing is known of it."""

    label: Label
    status: Status
    reason: str = ""
    result: ActionResult | None = None
    steps_ran: int | None = None
    steps_cached: int | None = None
    """For a chain: how many of its actions ran and how many were hits."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """Every cell the build looked at, in definition order."""

    cells: tuple[CellReport, ...]
    duration_s: float
    interrupted: bool = False

    def count(self, status: Status) -> int:
        return sum(cell.status is status for cell in self.cells)

    @property
    def success(self) -> bool:
        bad = self.count(Status.FAILED) + self.count(Status.SKIPPED)
        return bad == 0 and not self.interrupted

    @property
    def exit_code(self) -> ExitCode:
        """0, 1 for a failed cell, 130 when interrupted."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.OK if self.success else ExitCode.CELL_FAILED
