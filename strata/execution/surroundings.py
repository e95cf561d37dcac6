"""What a build is told and handed by the composition root, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from strata.core.action import NOTHING_LATE, Action, Late, ReadyAction
from strata.core.dataclass import dataclass
from strata.core.events import Emit
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, Output
from strata.execution.memory import Accepts, Definers
from strata.execution.room import Capacity
from strata.executors.base import Cancellation, Executor, Look, Released, nothing_seen
from strata.stores.base import Journal


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build. `jobs`: actions at once, at least 1. `forced` run although a cache has them."""

    jobs: int = 1
    keep_going: bool = True
    forced: frozenset[Label] = frozenset()
    asked: tuple[str, ...] = ()
    """What the user named, for the record."""
    capacity: Capacity | None = None
    """What runs may take of the machine together; None: `jobs` cores, and of the rest anything."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine is handed by the composition root."""

    executor: Executor
    journal: Journal
    emit: Emit
    cancellation: Cancellation
    clock: Callable[[], float]
    """Seconds, monotonic."""
    late: Callable[[Action, Mapping[str, Output]], Late] = lambda action, inputs: NOTHING_LATE
    """What of a key is known only when an action is ready: files, distributions. It is called in
    the engine's thread, and raises `ConfigError` for a file that cannot be read."""
    look: Look = nothing_seen
    now: Callable[[], float] = lambda: 0.0
    """Seconds since the epoch."""
    accepts: Accepts = lambda ready, result: True
    """Which recorded results count, as the executors see it."""
    definers: Definers = lambda action: {}
    advise: Callable[[Label, CellFailure], str | None] = lambda label, failure: None
    """What to do about a failure that says nothing of that itself."""
    answer: Callable[[ReadyAction], ActionResult | None] = lambda ready: None
    """What is known of an action without running it; None: `executor` is to run it. It is called
    in the engine's thread, MUST NOT wait for anything, and raises as `Executor.run`."""
    released: Released | None = None
    """Where `executor` says that an action only stores its results."""
