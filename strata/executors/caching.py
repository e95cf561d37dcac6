"""Answers from the action cache where it can, and records what ran where it could not.

An executor around an executor: neither the one inside nor the engine knows of it. Invariants: a
result is recorded only on success, only when its action may be cached, and only after its blobs
are stored (the inner executor has returned by then); and one key is never run twice at once.

A lookup has two steps, as in ccache and BuildXL: what an action was found to depend on only when
it ran is recorded as a set of observations under its key; a set of which every member still has
its value leads to the result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from strata.core.action import ActionKey, ReadyAction, key_of, observed_key
from strata.core.dataclass import dataclass, field, replace
from strata.core.errors import StoreError
from strata.core.events import Emit, Notice
from strata.core.observation import FILE, LOG, MADE, Observed
from strata.core.result import ActionResult
from strata.executors.base import Executor, Look, nothing_seen
from strata.stores.base import ActionCache

_OF_FILES = (FILE, MADE, LOG)


def never(_ready: ReadyAction) -> bool:
    """Forces nothing."""
    return False


def always(_ready: ReadyAction, _result: ActionResult) -> bool:
    """Accepts every result."""
    return True


def no_other(_ready: ReadyAction) -> Iterable[tuple[ActionKey, str]]:
    """The result of no other key stands for that of an action."""
    return ()


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
        emit: Emit,
        force: Callable[[ReadyAction], bool] = never,
        look: Look = nothing_seen,
        accepts: Callable[[ReadyAction, ActionResult], bool] = always,
        others: Callable[[ReadyAction], Iterable[tuple[ActionKey, str]]] = no_other,
    ) -> None:
        """`force` says which actions are run although the cache may know them, `look` what
        observations are worth now, `accepts` which recorded results count, and `others` the result
        of which other keys, and why, stands for that of an action that has none."""
        self._inner = inner
        self._cache = cache
        self._emit = emit
        self._force = force
        self._look = look
        self._accepts = accepts
        self._others = others
        self._guard = threading.Lock()
        self._flights: dict[ActionKey, _Flight] = {}
        self._warned = False

    def answer(self, ready: ReadyAction) -> ActionResult | None:
        """The recorded result of `ready.key`, or None: `run` may give it. Waits for nobody, so
        what is being run at this moment is none yet."""
        if not ready.action.cacheable or ready.key in self._flights or self._force(ready):
            return None
        return self._look_up(ready)

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
            found = flight.result
            if found is not None and not found.accepted and self._accepts(ready, found):
                return found.answered_by(found.cache or "local")
            # It failed, perhaps of itself alone (a time limit), or does not count for this cell:
            # it gets its own try.
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
            found = self._look_up(ready)
            if found is not None:
                return found
        result = self._inner.run(ready)
        if result.moving:
            self._emit(Notice("warning", _moved(result), ready.label))
        elif result.error is None:
            return self._record(ready, result)
        return result

    def _look_up(self, ready: ReadyAction) -> ActionResult | None:
        """A result that counts and whose blobs are all there; else it is a miss."""
        try:
            found = self._recorded(ready, ready.key)
            if found is not None:
                return found
            for key, said in self._others(ready):
                found = self._recorded(ready, key)
                if found is not None:
                    return replace(found, accepted=said, provenance=ready.provenance)
        except StoreError as problem:
            self._warn("the cache cannot be asked, so everything runs", problem)
        return None

    def _recorded(self, ready: ReadyAction, key: ActionKey) -> ActionResult | None:
        for place in self._places(ready, key):
            found = self._cache.lookup(place)
            if found is not None and self._accepts(ready, found):
                return found.answered_by(found.cache or "local")
        return None

    def _places(self, ready: ReadyAction, key: ActionKey) -> Iterator[ActionKey]:
        """Where the result of `key` may be: there, and where the sets lead that hold now."""
        yield key
        seen: dict[str, str] = {}
        for under, observed in self._sets(ready, key):
            unknown = observed.keys() - seen.keys()
            seen.update(self._look(ready.action, unknown) if unknown else {})
            if all(seen[name] == value for name, value in observed.items()):
                yield observed_key(under, observed)

    def _sets(self, ready: ReadyAction, key: ActionKey) -> Iterator[tuple[ActionKey, Observed]]:
        """Recorded sets that can apply, and the key that they stand under.

        Those without the files that the action only mentions must say themselves how these were.
        """
        for observed in self._cache.recorded_sets(key):
            yield key, observed
        if ready.named and key == ready.key:
            loose = key_of(ready.loose)
            for observed in self._cache.recorded_sets(loose):
                files = {name.partition(":")[2] for name in observed if name.startswith(_OF_FILES)}
                if ready.named <= files:
                    yield loose, observed

    def _record(self, ready: ReadyAction, result: ActionResult) -> ActionResult:
        """Keeps `result`; returns it with the provenance that it is kept under."""
        key = ready.key
        own = {n.partition(":")[2] for n in result.observed if n.startswith((MADE, LOG))}
        if own and not own.isdisjoint(ready.mentions):
            result = replace(result, provenance=ready.loose)
            key = key_of(ready.loose)
        try:
            if result.observed:
                # The set first: `record` is what keeps both.
                self._cache.add_set(key, result.observed)
                self._cache.record(observed_key(key, result.observed), result)
            else:
                self._cache.record(key, result)
        except StoreError as problem:
            self._warn("results are not being recorded, and will run again", problem)
        return result

    def _warn(self, what: str, problem: StoreError) -> None:
        with self._guard:
            first, self._warned = not self._warned, True
        if first:
            self._emit(Notice("warning", f"{what}: {problem.message}"))


def _moved(result: ActionResult) -> str:
    """Files that changed, as they are called; other reasons come with their own words."""
    said = [name for name in result.moving if "(" in name]
    changed = [name for name in result.moving if "(" not in name]
    shown = ", ".join(changed[:3]) + (" and others" if len(changed) > 3 else "")
    said += [f"{shown} changed while the cell ran"] if changed else []
    return f"{'; '.join(said)}: the result is not kept, and the cell runs again next time"
