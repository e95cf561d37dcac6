"""One build: stores opened, executors composed, the engine run, everything closed again."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from strata.cli.advice import advice
from strata.cli.capacity import capacity_of
from strata.cli.cores import cores
from strata.cli.definers import definers_of
from strata.cli.invocation import Opened, Planned
from strata.cli.state import ensure_state
from strata.cli.verifying import Sample, verify_hits
from strata.core.action import ReadyAction, first_action
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass
from strata.core.events import Notice, unheard
from strata.core.label import Label
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.execution.report import BuildReport
from strata.executors.accepting import Acceptance, Acceptances
from strata.executors.base import Cancellation, Executor, Released
from strata.executors.caching import CachingExecutor, never
from strata.executors.dispatching import DispatchingExecutor
from strata.executors.lazy import LazyExecutor
from strata.executors.planning import PlanningExecutor
from strata.executors.retrying import RetryingExecutor
from strata.executors.sandbox import Policy, check
from strata.executors.verifying import Discarding, VerifyingExecutor
from strata.loading.acceptances import Accepted, read_accepted
from strata.stores.base import Brief, BuildRecord, Journal, Run
from strata.stores.journal import LmdbJournal, open_journal
from strata.stores.lmdb import LmdbStore, open_store

if TYPE_CHECKING:
    from strata.cli.machines import Machines
    from strata.cli.profiling import Recorder


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
    warm: str | None = None
    """"off", "build" or "server"; None: as strata.toml says."""
    verify: Sample | None = None
    """Which hits are run again and compared when the build has ended."""
    asked: tuple[str, ...] = ()
    """The patterns, for the record."""
    since: str | None = None
    """Of what is asked for, only what changed since this revision of git, and what needs that."""


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
    opened: Opened,
    planned: Planned,
    wanted: Sequence[Label],
    request: Request,
    watch: Callable[[Surroundings], Surroundings] | None = None,
) -> BuildReport:
    """Builds, or plans to; `watch` may stand around what the engine is handed. Ctrl-C ends it in
    order and is in the report."""
    opened.phase("open")
    policy = policy_of(opened, request)
    check(policy, map(first_action, planned.graph.nodes.values()))
    _say_what_is_not_used(opened)
    with (
        stores(opened) as open_stores,
        interruptible(opened.cancellation),
        contextlib.ExitStack() as machinery,
    ):
        machines = _machines(opened, request, machinery)
        if opened.recorder is not None:
            open_stores = Stores(opened.recorder.store(open_stores.store), open_stores.journal)
        jobs = request.jobs or opened.workspace.build.jobs or cores()
        options = BuildOptions(
            jobs=jobs,
            keep_going=request.keep_going,
            forced=frozenset(wanted) if request.force else frozenset(),
            asked=request.asked,
            capacity=capacity_of(opened.workspace.build, jobs, cores(), planned.graph),
        )
        released = Released()
        caching = _executor(
            opened, open_stores, options, planned, policy, request, machines, released
        )
        executor = VerifyingExecutor(caching)
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
            answer=executor.answering(caching.answer),
            released=released,
        )
        if opened.recorder is not None:
            _describe(opened.recorder, opened, request)
            around = opened.recorder.surroundings(around, planned.graph)
        if watch is not None:
            around = watch(around)
        opened.phase("build")
        try:
            report = build(planned.graph, wanted, options, around)
        finally:
            opened.phase("save")
            planned.disk.save()
        if request.verify is not None and _is_worth_verifying(report, request):
            opened.phase("verify")
            store = Discarding(open_stores.store)
            runner = machines().local(store, unheard, policy)
            hits, jobs = executor.hits(), options.jobs
            verify_hits(hits, request.verify, jobs, runner, store, opened.emit, opened.cancellation)
        opened.phase("close")
        return report


def _describe(recorder: Recorder, opened: Opened, request: Request) -> None:
    """Says what is profiled. A build leaves a copy of its trace, and planning leaves nothing."""
    from strata.cli.profiling import COPY

    recorder.describe(
        asked=list(request.asked),
        dry_run=request.dry_run,
        cores=cores(),
        warm=request.warm or opened.workspace.build.warm,
    )
    recorder.copy = None if request.dry_run else opened.state / COPY


def _is_worth_verifying(report: BuildReport, request: Request) -> bool:
    """Not when somebody wants to stop, nor in a round of `--fix` that is followed by another."""
    return not report.interrupted and (report.success or not request.fix)


def _machines(
    opened: Opened, request: Request, machinery: contextlib.ExitStack
) -> Callable[[], Machines]:
    """What runs cells, made when the first one is run, and gone with `machinery`."""

    @cache
    def made() -> Machines:
        # Most of what a build loads is for running cells, and most builds run none.
        from strata.cli.machines import Machines, warm

        setting = request.warm or opened.workspace.build.warm
        return Machines(opened, machinery.enter_context(warm(opened, setting)))

    return made


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
    machines: Callable[[], Machines],
    released: Released,
) -> CachingExecutor:
    """Caching around retrying around the machines; a plan has nothing below the cache."""
    below: Executor = PlanningExecutor()

    def local() -> Executor:
        made = machines().watched(open_.store, policy, planned.disk, released)
        return made if opened.recorder is None else opened.recorder.machine(made)

    if not request.dry_run:
        below = RetryingExecutor(DispatchingExecutor({"local": LazyExecutor(local)}), opened.emit)
    return cached(
        below, opened, open_, planned, policy, lambda ready: ready.label in options.forced
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
        opened.emit,
        force=force,
        look=planned.disk.look,
        accepts=policy.accepts,
        others=_acceptances(opened, planned.graph),
    )


def _acceptances(opened: Opened, graph: ActionGraph) -> Acceptances:
    """Those in force of the notebooks whose cells are in `graph`."""
    entries: list[Accepted] = []
    for package in sorted({label.package for label in graph.nodes}):
        with opened.reading_for(package):
            file = read_accepted(opened.workspace.root, [package])
            for warning in file.warnings:
                opened.emit(Notice("warning", warning))
        entries += file.entries
    return Acceptances(
        Acceptance(entry.label, entry.key, entry.instead_of, entry.said)
        for entry in entries
        if not entry.revoked
    )


class ReadOnlyJournal:
    """A journal that a dry run may read: planning leaves no trace."""

    def __init__(self, inner: Journal) -> None:
        self._inner = inner

    def last(self, label: Label) -> Run | None:
        return self._inner.last(label)

    def history(self, label: Label) -> list[Run]:
        return self._inner.history(label)

    def briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        return self._inner.briefs(labels)

    def append(self, label: Label, run: Run) -> None:
        """Remembers nothing."""

    def add_build(self, build: BuildRecord) -> None:
        """Remembers nothing."""


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
