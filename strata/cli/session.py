"""One build: stores opened, executors composed, the engine run, everything closed again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.cli.advice import advice
from strata.cli.definers import definers_of
from strata.cli.invocation import Opened, Planned
from strata.cli.state import ensure_state
from strata.cli.verifying import Sample, verify_hits
from strata.core.action import ReadyAction, first_action
from strata.core.action_graph import ActionGraph
from strata.core.events import Emit, Notice, unheard
from strata.core.label import Label
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.execution.report import BuildReport
from strata.executors.accepting import Acceptance, Acceptances
from strata.executors.base import Cancellation, Executor
from strata.executors.caching import CachingExecutor, never
from strata.executors.dispatching import DispatchingExecutor
from strata.executors.frames import Seen
from strata.executors.local import LocalExecutor, Observe, nothing_observed
from strata.executors.observing import Observations, observations
from strata.executors.planning import PlanningExecutor
from strata.executors.retrying import RetryingExecutor
from strata.executors.sandbox import Policy, check
from strata.executors.venv import Environments, Interpreter, distribution_of
from strata.executors.verifying import Discarding, VerifyingExecutor
from strata.loading.acceptances import read_accepted
from strata.loading.disk import Disk
from strata.stores.base import BuildRecord, ContentStore, Journal, Run
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
    sandbox: str | None = None
    """"off" or "strict"; None: as strata.toml says."""
    network: str | None = None
    """"on" or "off"; None: as strata.toml says."""
    fix: bool = False
    """Add the lines that refusals of the sandbox name, and build again."""
    verify: Sample | None = None
    """Which hits are run again and compared when the build has ended."""
    asked: tuple[str, ...] = ()
    """The patterns, for the record."""


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
    opened: Opened, planned: Planned, wanted: Sequence[Label], request: Request
) -> BuildReport:
    """Builds, or plans to. Ctrl-C ends it in order and is in the report."""
    policy = policy_of(opened, request)
    check(policy, map(first_action, planned.graph.nodes.values()))
    _say_what_is_not_used(opened)
    with stores(opened) as open_stores, interruptible(opened.cancellation):
        options = BuildOptions(
            jobs=request.jobs or opened.workspace.build.jobs or cores(),
            keep_going=request.keep_going,
            forced=frozenset(wanted) if request.force else frozenset(),
            asked=request.asked,
        )
        executor = VerifyingExecutor(
            _executor(opened, open_stores, options, planned, policy, request)
        )
        around = Surroundings(
            executor=executor,
            journal=ReadOnlyJournal(open_stores.journal)
            if request.dry_run
            else open_stores.journal,
            emit=opened.emit,
            cancellation=opened.cancellation,
            clock=time.monotonic,
            late=planned.disk.late,
            look=planned.disk.look,
            now=time.time,
            accepts=policy.accepts,
            definers=definers_of,
            advise=advice(planned.names),
        )
        try:
            report = build(planned.graph, wanted, options, around)
        finally:
            planned.disk.save()
        if request.verify is not None and _is_worth_verifying(report, request):
            store = Discarding(open_stores.store)
            runner = _local(opened, store, unheard, policy)
            hits, jobs = executor.hits(), options.jobs
            verify_hits(hits, request.verify, jobs, runner, store, opened.emit, opened.cancellation)
        return report


def _is_worth_verifying(report: BuildReport, request: Request) -> bool:
    """Not when somebody wants to stop, nor in a round of `--fix` that is followed by another."""
    return not report.interrupted and (report.success or not request.fix)


def policy_of(opened: Opened, request: Request) -> Policy:
    """Whether cells are confined: the command line wins over strata.toml."""
    settings = opened.workspace.build
    return Policy(
        strict=(request.sandbox or settings.sandbox) == "strict",
        network=(request.network or settings.network) == "on",
    )


def _say_what_is_not_used(opened: Opened) -> None:
    """A setting that has no effect is said, never ignored."""
    workspace = opened.workspace
    if workspace.cache.remote is not None:
        said = "strata.toml: [cache.remote] is not used by this version; the cache is local"
        opened.emit(Notice("warning", said))


def _executor(
    opened: Opened,
    open_: Stores,
    options: BuildOptions,
    planned: Planned,
    policy: Policy,
    request: Request,
) -> Executor:
    """Caching around retrying around the machines; a plan has nothing below the cache."""
    machines: Executor = PlanningExecutor()
    if not request.dry_run:
        observe = _observer(opened, planned.disk)
        local = _local(opened, open_.store, opened.emit, policy, observe)
        machines = RetryingExecutor(DispatchingExecutor({"local": local}), opened.emit)
    return cached(
        machines, opened, open_, planned, policy, lambda ready: ready.label in options.forced
    )


def cached(
    inner: Executor,
    opened: Opened,
    open_: Stores,
    planned: Planned,
    policy: Policy,
    force: Callable[[ReadyAction], bool] = never,
) -> CachingExecutor:
    """`inner` for what the cache cannot answer, acceptances included. Raises `NotebookError`."""
    return CachingExecutor(
        inner,
        open_.store,
        open_.store,
        opened.emit,
        force=force,
        look=planned.disk.look,
        accepts=policy.accepts,
        others=_acceptances(opened, planned.graph),
    )


def _acceptances(opened: Opened, graph: ActionGraph) -> Acceptances:
    """Those in force of the notebooks whose cells are in `graph`."""
    packages = sorted({label.package for label in graph.nodes})
    file = read_accepted(opened.workspace.root, packages)
    for warning in file.warnings:
        opened.emit(Notice("warning", warning))
    return Acceptances(
        Acceptance(entry.label, entry.key, entry.instead_of, entry.said)
        for entry in file.entries
        if not entry.revoked
    )


def _local(
    opened: Opened,
    store: ContentStore,
    emit: Emit,
    policy: Policy,
    observe: Observe = nothing_observed,
) -> LocalExecutor:
    """Runs cells here. `emit` hears of the cells; what is said of environments, everybody hears."""
    environments = Environments(
        opened.workspace.root,
        opened.cache,
        opened.emit,
        opened.cancellation,
        opened.environ,
    )
    return LocalExecutor(
        opened.workspace.root,
        opened.cache / "scratch",
        store,
        environments,
        emit,
        opened.cancellation,
        opened.base_variables,
        observe=observe,
        caller_variables=opened.environ,
        policy=policy,
    )


def _observer(opened: Opened, disk: Disk) -> Observe:
    """Takes note of what cells depended on; what belongs to an interpreter is in their keys."""
    root = opened.workspace.root
    home = Path(opened.environ["HOME"]) if "HOME" in opened.environ else None
    folders = (opened.state, opened.cache, sys.prefix, sys.base_prefix)
    ours = [os.path.realpath(folder) for folder in folders]

    def observe(ready: ReadyAction, seen: Seen, interpreter: Interpreter) -> Observations:
        environment = interpreter.bin.parent if interpreter.bin is not None else None

        def distribution(path: str) -> str | None:
            return None if environment is None else distribution_of(environment, path)

        ignored = (*ours, _prefix(interpreter))
        return observations(ready, seen, root, ignored, disk.look, distribution, home)

    return observe


def _prefix(interpreter: Interpreter) -> str:
    return os.path.dirname(os.path.dirname(os.path.realpath(interpreter.argv[0])))


class ReadOnlyJournal:
    """A journal that a dry run may read: planning leaves no trace."""

    def __init__(self, inner: Journal) -> None:
        self._inner = inner

    def last(self, label: Label) -> Run | None:
        return self._inner.last(label)

    def history(self, label: Label) -> list[Run]:
        return self._inner.history(label)

    def append(self, label: Label, run: Run) -> None:
        """Remembers nothing."""

    def add_build(self, build: BuildRecord) -> None:
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
