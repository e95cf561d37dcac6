"""The cells that patterns mean, with all they need loaded; and building them, or planning to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from strata.cli.invocation import Cells, Opened, Planned, actions, load_cells, wanted_labels
from strata.cli.session import Request, run_build
from strata.core.dataclass import dataclass
from strata.core.label import Label, TargetPattern
from strata.execution.report import BuildReport


@dataclass(frozen=True, slots=True)
class Wanted:
    """Loaded cells, and those of them that are asked for."""

    cells: Cells
    labels: Sequence[Label]


@dataclass(frozen=True, slots=True)
class Built:
    """What was to be built, and what came of it."""

    planned: Planned
    report: BuildReport


def wanted_by(
    opened: Opened, patterns: Sequence[TargetPattern], among: Collection[str] | None = None
) -> Wanted:
    """What `patterns` mean; with `among`, only in these notebooks. Raises `LabelError`."""
    cells = load_cells(opened, patterns, among)
    return Wanted(cells, wanted_labels(cells.names.expand(patterns)))


def build_wanted(
    opened: Opened, wanted: Wanted, request: Request, worker: str | None = None
) -> Built:
    """Builds the cells, or plans to, with environments chosen."""
    planned = actions(opened, wanted.cells, wanted.labels, worker)
    return Built(planned, run_build(opened, planned, wanted.labels, request))
