"""One build: stores opened, executors composed, the engine run, everything closed again."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.cli.invocation import Opened
from strata.cli.state import ensure_state
from strata.core.action_graph import ActionGraph
from strata.core.errors import WorkspaceError
from strata.core.events import Notice
from strata.core.label import Label
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.execution.report import BuildReport
from strata.executors.base import Cancellation, Executor
from strata.executors.caching import CachingExecutor
from strata.executors.dispatching import DispatchingExecutor
from strata.executors.local import LocalExecutor
from strata.executors.planning import PlanningExecutor
from strata.executors.retrying import RetryingExecutor
from strata.executors.venv import Environments
from strata.stores.base import Journal, Run
from strata.stores.journal import LmdbJournal, open_journal
from strata.stores.lmdb import LmdbStore, open_store


@dataclass(frozen=True, slots=True)
class Stores:
    """The cache and the journal of a workspace, open."""

    store: LmdbStore
    journal: LmdbJournal


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked a build to be. `jobs` 0: one per core."""

    jobs: int = 0
    keep_going: bool = True
    force: bool = False
    dry_run: bool = False


@contextlib.contextmanager
def stores(opened: Opened) -> Iterator[Stores]:
    """The stores of the workspace, closed afterwards. Raises `StoreUnreachable`."""
    ensure_state(opened.state)
    with (
        contextlib.closing(open_store(opened.cache)) as store,
        contextlib.closing(open_journal(opened.state / "journal")) as journal,
    ):
        yield Stores(store, journal)


def run_build(
    opened: Opened, graph: ActionGraph, wanted: Sequence[Label], request: Request
) -> BuildReport:
    """Builds, or plans to. Ctrl-C ends it in order and is in the report."""
    _refuse_what_cannot_be_kept(opened)
    with stores(opened) as open_stores, interruptible(opened.cancellation):
        options = BuildOptions(
            jobs=request.jobs or opened.workspace.build.jobs or cores(),
            keep_going=request.keep_going,
            forced=frozenset(wanted) if request.force else frozenset(),
        )
        around = Surroundings(
            executor=_executor(opened, open_stores, options, request.dry_run),
            journal=ReadOnlyJournal(open_stores.journal)
            if request.dry_run
            else open_stores.journal,
            emit=opened.emit,
            cancellation=opened.cancellation,
            clock=time.monotonic,
        )
        return build(graph, wanted, options, around)


def _refuse_what_cannot_be_kept(opened: Opened) -> None:
    """A setting that promises safety is an error where it cannot be kept; others are said."""
    workspace = opened.workspace
    if workspace.build.sandbox != "off":
        raise WorkspaceError(
            f'[build] sandbox = "{workspace.build.sandbox}" cannot be kept by this version',
            path="strata.toml",
            hint='cells are not confined; write sandbox = "off" to build nevertheless',
        )
    if workspace.cache.remote is not None:
        said = "strata.toml: [cache.remote] is not used by this version; the cache is local"
        opened.emit(Notice("warning", said))


def _executor(opened: Opened, open_: Stores, options: BuildOptions, dry_run: bool) -> Executor:
    """Caching around retrying around the machines; a plan has nothing below the cache."""
    machines: Executor = PlanningExecutor()
    if not dry_run:
        environments = Environments(
            opened.workspace.root,
            opened.cache,
            opened.emit,
            opened.cancellation,
            opened.environ,
        )
        local = LocalExecutor(
            opened.workspace.root,
            opened.cache / "scratch",
            open_.store,
            environments,
            opened.emit,
            opened.cancellation,
            opened.base_variables,
        )
        machines = RetryingExecutor(DispatchingExecutor({"local": local}), opened.emit)
    return CachingExecutor(
        machines,
        open_.store,
        open_.store,
        opened.emit,
        force=lambda ready: ready.label in options.forced,
    )


class ReadOnlyJournal:
    """A journal that a dry run may read: planning leaves no trace."""

    def __init__(self, inner: Journal) -> None:
        self._inner = inner

    def last(self, label: Label) -> Run | None:
        return self._inner.last(label)

    def append(self, label: Label, run: Run) -> None:
        """Remembers nothing."""


def cores() -> int:
    """The cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


@contextlib.contextmanager
def interruptible(cancellation: Cancellation) -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM ask the build to stop; a second one asks for haste."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, lambda *_: cancellation.request())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def remove_tree(folder: Path) -> None:
    """Removes a folder of state and all below it; what is gone already is fine."""
    import shutil

    def forgive(function: object, path: str, problem: BaseException) -> None:
        if not isinstance(problem, FileNotFoundError):
            raise problem

    shutil.rmtree(folder, onerror=lambda f, p, info: forgive(f, p, info[1]))
