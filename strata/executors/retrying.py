"""Gives a failed cell the further attempts that it asked for.

Knows only results: what the machinery raises (a lost blob, no environment) is not the cell's
failure, and passes through.
"""

from __future__ import annotations

from strata.core.action import ReadyAction
from strata.core.events import CellRetried, Emit
from strata.core.result import ActionResult, FailureKind
from strata.executors.base import Executor

# The others come out the same again, or were wanted: a missing input, Ctrl-C.
_WORTH_ANOTHER = frozenset(
    {FailureKind.EXCEPTION, FailureKind.CRASH, FailureKind.TIMEOUT, FailureKind.EXIT}
)


class RetryingExecutor:
    """Up to `action.retries` more attempts; the last one's result counts."""

    def __init__(self, inner: Executor, emit: Emit) -> None:
        self._inner = inner
        self._emit = emit

    def run(self, ready: ReadyAction) -> ActionResult:
        """The first result that is no failure, or the last."""
        attempt = 1
        result = self._inner.run(ready)
        while (
            result.error is not None
            and result.error.kind in _WORTH_ANOTHER
            and attempt <= ready.action.retries
        ):
            self._emit(CellRetried(ready.label, attempt, result.error))
            attempt += 1
            result = self._inner.run(ready)
        return result
