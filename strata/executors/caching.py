"""Answers from the action cache where it can, and records what ran where it could not.

An executor around an executor: neither the one inside nor the engine knows of it. Invariants: a
result is recorded only on success, only when its action may be cached, and only after its blobs
are stored (the inner executor has returned by then); and one key is never run twice at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from strata.core.action import ActionKey, ReadyAction
from strata.core.errors import StoreError
from strata.core.events import Emit, Notice
from strata.core.result import ActionResult
from strata.executors.base import Executor
from strata.stores.base import ActionCache, ContentStore


def never(_ready: ReadyAction) -> bool:
    """Forces nothing."""
    return False


@dataclass(slots=True)
class _Flight:
    """One key being run; `result` is set before `landed` if it ended well."""

    landed: threading.Event = field(default_factory=threading.Event)
    result: ActionResult | None = None


class CachingExecutor:
    """Looks `ready.key` up before it lets `inner` run it."""

    def __init__(
        self,
        inner: Executor,
        cache: ActionCache,
        store: ContentStore,
        emit: Emit,
        force: Callable[[ReadyAction], bool] = never,
    ) -> None:
        """`force` says which actions are run although the cache may know them."""
        self._inner = inner
        self._cache = cache
        self._store = store
        self._emit = emit
        self._force = force
        self._guard = threading.Lock()
        self._flights: dict[ActionKey, _Flight] = {}
        self._warned = False

    def run(self, ready: ReadyAction) -> ActionResult:
        """The recorded result of `ready.key`, or what running it gives."""
        if not ready.action.cacheable:
            return self._inner.run(ready)
        while True:
            with self._guard:
                flight = self._flights.get(ready.key)
                if flight is None:
                    flight = self._flights[ready.key] = _Flight()
                    break
            flight.landed.wait()
            if flight.result is not None:
                return flight.result.answered_by(flight.result.cache or "local")
            # It failed, perhaps of itself alone (a time limit): this one gets its own try.
        try:
            result = self._look_up_or_run(ready)
            flight.result = None if result.error else result
            return result
        finally:
            with self._guard:
                del self._flights[ready.key]
            flight.landed.set()

    def _look_up_or_run(self, ready: ReadyAction) -> ActionResult:
        if not self._force(ready):
            found = self._look_up(ready.key)
            if found is not None:
                return found
        result = self._inner.run(ready)
        if result.error is None:
            self._record(ready.key, result)
        return result

    def _look_up(self, key: ActionKey) -> ActionResult | None:
        """A result whose blobs are all there; one whose blobs are gone is a miss."""
        try:
            found = self._cache.lookup(key)
            if found is None or self._store.missing(found.blobs()):
                return None
        except StoreError as problem:
            self._warn("the cache cannot be asked, so everything runs", problem)
            return None
        return found.answered_by(found.cache or "local")

    def _record(self, key: ActionKey, result: ActionResult) -> None:
        try:
            self._cache.record(key, result)
        except StoreError as problem:
            self._warn("results are not being recorded, and will run again", problem)

    def _warn(self, what: str, problem: StoreError) -> None:
        with self._guard:
            first, self._warned = not self._warned, True
        if first:
            self._emit(Notice("warning", f"{what}: {problem.message}"))
