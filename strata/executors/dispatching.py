"""Sends each action to the executor of the worker that it names."""

from __future__ import annotations

from collections.abc import Mapping

from strata.core.action import ReadyAction
from strata.core.errors import ExecutorError
from strata.core.result import ActionResult
from strata.executors.base import Executor


class DispatchingExecutor:
    """Picks by `action.worker`; knows the workers' names and nothing else of them."""

    def __init__(self, by_worker: Mapping[str, Executor]) -> None:
        self._by_worker = dict(by_worker)

    def run(self, ready: ReadyAction) -> ActionResult:
        """What the worker's executor gives. Raises `ExecutorError` for an unknown worker."""
        executor = self._by_worker.get(ready.action.worker)
        if executor is None:
            raise self._unknown(ready)
        return executor.run(ready)

    def _unknown(self, ready: ReadyAction) -> ExecutorError:
        from difflib import get_close_matches  # only on the way to an error

        known = sorted(self._by_worker)
        near = get_close_matches(ready.action.worker, known, n=3) or known
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else None
        return ExecutorError(
            f"{ready.label}: there is no worker '{ready.action.worker}'", hint=hint
        )
