"""Problems around a cell, as failures of that cell: the build goes on."""

from __future__ import annotations

from strata.core.errors import Interrupted, StrataError
from strata.core.result import CellFailure, FailureKind


def failure_of(problem: StrataError, kind: FailureKind) -> CellFailure:
    """A mistake in what the user wrote, with its place, as the failure of a cell."""
    return CellFailure(
        kind,
        type(problem).__name__,
        problem.what,
        problem.path,
        problem.line,
        hint=problem.hint,
    )


def machinery(problem: StrataError) -> CellFailure:
    """A failure of what is around a cell, as the failure of that cell."""
    kind = FailureKind.INFRASTRUCTURE
    if isinstance(problem, Interrupted):
        kind = FailureKind.CANCELLED
    return CellFailure(kind, type(problem).__name__, problem.message, hint=problem.hint)
