"""The executor of a dry run: never runs anything.

Stands where the local executor would, inside the caching one, so that a dry run and a build ask
the cache the same question.
"""

from __future__ import annotations

from strata.core.action import ReadyAction
from strata.core.result import ActionResult
from strata.executors.base import NotCached


class PlanningExecutor:
    """Raises `NotCached` for whatever reaches it."""

    def run(self, ready: ReadyAction) -> ActionResult:
        """Never returns."""
        raise NotCached(ready)
