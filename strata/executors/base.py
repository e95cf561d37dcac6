"""What an executor is: something that can run an action.

Caching, retrying and dispatching are executors around executors; the engine does not know which.
Every implementation joins `tests/conformance/test_executors.py` by existing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from strata.core.action import Action, ReadyAction
from strata.core.observation import ABSENT, Observed
from strata.core.result import ActionResult


class Executor(Protocol):
    """Runs one action. Called from several threads at once."""

    def run(self, ready: ReadyAction) -> ActionResult:
        """Runs `ready` and returns what it gave, or what a cache says it would give.

        A failure of the cell is a result with `error`. A failure of the machinery is raised:
        `ExecutorError`, `EnvironmentFailed`, `StoreError`. When the cancellation it was built
        with is set it MUST return soon, with nothing of its own left running.
        """


Look: TypeAlias = Callable[[Action, Iterable[str]], Observed]
"""The value that each of these observations has now, for an action: `strata.core.observation`."""


def nothing_seen(_action: Action, names: Iterable[str]) -> Observed:
    """A `Look` that sees nothing of what is outside."""
    return dict.fromkeys(names, ABSENT)


def no_longer_so(look: Look, action: Action, observed: Observed) -> Observed:
    """Those of `observed` that have another value now, and which."""
    now = look(action, observed) if observed else {}
    return {name: now[name] for name, value in observed.items() if now[name] != value}


class NotCached(Exception):
    """A dry run came to an action that no cache can answer for: a build would run it.

    Not a `StrataError`: nothing is wrong, and no user meets it.
    """

    def __init__(self, ready: ReadyAction) -> None:
        super().__init__(f"{ready.label} would run")
        self.ready = ready


class Released:
    """How an executor says that the process of an action has ended well, and that only its results
    are left to be stored: somebody else may have its room. MAY be called from any thread, at most
    once an action; an executor that never does so is right too."""

    def __init__(self) -> None:
        self._hear: Callable[[ReadyAction], None] | None = None

    def __call__(self, ready: ReadyAction) -> None:
        """`ready` takes no more of the machine than storing takes."""
        hear = self._hear
        if hear is not None:
            hear(ready)

    def subscribe(self, hear: Callable[[ReadyAction], None]) -> Callable[[], None]:
        """Calls `hear` from now on, and nobody else; returns the function that ends that."""
        self._hear = hear

        def unsubscribe() -> None:
            self._hear = None

        return unsubscribe


class Cancellation:
    """One build's wish to stop, seen from every thread. Setting it twice asks for haste."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread
        self._callbacks: dict[int, Callable[[bool], None]] = {}
        self._next = 0
        self._asked = 0

    @property
    def requested(self) -> bool:
        return self._asked > 0

    @property
    def hasty(self) -> bool:
        """Asked twice: kill instead of asking to end."""
        return self._asked > 1

    def request(self) -> None:
        """Asks everything that subscribed to stop; callable from a signal handler's thread."""
        with self._lock:
            self._asked += 1
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            callback(self.hasty)

    def subscribe(self, callback: Callable[[bool], None]) -> Callable[[], None]:
        """Calls `callback(hasty)` at each request; returns the function that unsubscribes."""
        with self._lock:
            token = self._next
            self._next += 1
            self._callbacks[token] = callback

        def unsubscribe() -> None:
            with self._lock:
                self._callbacks.pop(token, None)

        return unsubscribe
