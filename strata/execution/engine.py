"""The engine: takes ready actions from the plan, hands them to an executor, tells the plan.

Knows neither caches nor machines nor cell kinds: an executor answers, and says in its result
whether it ran. One thread decides everything; executors run in a pool of `jobs` threads and talk
back through one queue. Invariant: the key of an action is computed from the results of this build,
so a value that changed while it was rebuilt reaches everything above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue

from strata.core.action import Action, Chain, Late, ReadyAction, make_ready
from strata.core.action_graph import ActionGraph
from strata.core.errors import BlobDamaged, BlobMissing, StrataError
from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    Emit,
    Notice,
    Status,
)
from strata.core.failures import failure_of, machinery
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, FailureKind, Output
from strata.execution.inputs import inputs_of
from strata.execution.memory import Accepts, Definers, Memory, Why
from strata.execution.mutation import Mutations
from strata.execution.overtaken import Done, suspects
from strata.execution.plan import Plan, State
from strata.execution.report import BuildReport, CellReport
from strata.executors.base import Cancellation, Executor, Look, NotCached, nothing_seen
from strata.stores.base import Journal

MOST_REPAIRS = 3
"""How often one cell's inputs are made again before the store is given up on."""

_INTERRUPTED = "the build was interrupted"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build. `jobs`: actions at once, at least 1. `forced` run although a cache has them."""

    jobs: int = 1
    keep_going: bool = True
    forced: frozenset[Label] = frozenset()
    asked: tuple[str, ...] = ()
    """What the user named, for the record."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine is handed by the composition root."""

    executor: Executor
    journal: Journal
    emit: Emit
    cancellation: Cancellation
    clock: Callable[[], float]
    """Seconds, monotonic."""
    late: Callable[[Action, Mapping[str, Output]], Late] = lambda action, inputs: Late()
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


def build(
    graph: ActionGraph, wanted: Iterable[Label], options: BuildOptions, around: Surroundings
) -> BuildReport:
    """Builds `wanted` and all they need. A failure of a cell is in the report, not raised."""
    return _Build(graph, wanted, options, around).run()


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a pool thread says: the attempt of a label gave a result, or the machinery failed."""

    label: Label
    attempt: int
    outcome: ActionResult | StrataError | BaseException


@dataclass(slots=True)
class _Progress:
    """What the engine remembers about one label beside its state in the plan."""

    attempt: int = 0
    repairs: int = 0
    moved: bool = False
    """It ran again because a file changed while it ran."""
    step: int = 0
    first: ReadyAction | None = None
    steps_ran: int = 0
    steps_cached: int = 0
    why: Why | None = None
    ready: ReadyAction | None = None
    result: ActionResult | None = None
    report: CellReport | None = None

    @property
    def reason(self) -> str:
        return "" if self.why is None else self.why.reason


class _Build:
    """One build, from its first ready action to its report."""

    def __init__(
        self,
        graph: ActionGraph,
        wanted: Iterable[Label],
        options: BuildOptions,
        around: Surroundings,
    ) -> None:
        self.graph = graph
        self.options = options
        self.around = around
        self.plan = Plan(graph, wanted)
        self.mutations = Mutations(graph)
        self.progress = {label: _Progress() for label in self.plan.labels}
        self.ended: SimpleQueue[_Ended | None] = SimpleQueue()
        self.running = 0
        self.stopping: str | None = None
        self.memory = Memory(
            around.journal,
            around.emit,
            around.now,
            labels=self.plan.labels,
            forced=options.forced,
            look=around.look,
            accepts=around.accepts,
            definers=around.definers,
        )

    def run(self) -> BuildReport:
        started = self.around.clock()
        self.around.emit(BuildStarted(len(self.plan.labels), self.options.jobs))
        wake = self.around.cancellation.subscribe(lambda hasty: self.ended.put(None))
        try:
            self._report_broken()
            with ThreadPoolExecutor(self.options.jobs, thread_name_prefix="cell") as pool:
                self._settle_all(pool)
        finally:
            wake()
        interrupted = self.around.cancellation.requested
        report = BuildReport(
            tuple(self._report(label) for label in self.plan.labels),
            self.around.clock() - started,
            interrupted,
        )
        self.memory.ended(report, self.options.asked)
        self.around.emit(
            BuildFinished(
                report.count(Status.RAN),
                report.count(Status.CACHED),
                report.count(Status.FAILED),
                report.count(Status.SKIPPED),
                report.duration_s,
                interrupted,
            )
        )
        return report

    def _settle_all(self, pool: ThreadPoolExecutor) -> None:
        """Starts what is ready while there are slots; waits for what runs; until all is settled."""
        try:
            while True:
                if self.around.cancellation.requested:
                    self._stop(_INTERRUPTED)
                elif self.stopping is not None:
                    self._stop(self.stopping)  # what a repair has opened again
                while self.running < self.options.jobs:
                    label = self.plan.pop_ready()
                    if label is None:
                        break
                    self._start(label, pool)
                if self.running == 0:
                    assert self.plan.finished, "nothing runs and nothing is ready"
                    return
                ended = self.ended.get()
                if ended is not None:
                    self.running -= 1
                    self._take(ended, pool)
        except BaseException:
            # Whatever went wrong here, nothing may be left running when it is reported.
            self.around.cancellation.request()
            raise

    def _report_broken(self) -> None:
        """Says what cannot be built before anything runs."""
        for label in self.plan.labels:
            if label in self.graph.broken and self.plan.state[label] is State.READY:
                self._fail(label, ActionResult(error=self.graph.broken[label]), "cannot be built")

    def _start(self, label: Label, pool: ThreadPoolExecutor) -> None:
        """Makes the action of a ready label known by content, and hands it over."""
        node = self.graph.nodes[label]
        action = node if isinstance(node, Action) else node.start()
        self._submit(label, action, pool)

    def _submit(self, label: Label, action: Action, pool: ThreadPoolExecutor) -> None:
        mine = self.progress[label]
        ready = self._ready(action)
        if isinstance(ready, CellFailure):
            self._fail(label, ActionResult(error=ready), "an input is not there")
            return
        if mine.step == 0:
            mine.first = ready
            mine.why = self.memory.why(ready)
        ready = replace(ready, reason=mine.reason)
        mine.ready = ready
        mine.attempt += 1
        self.running += 1
        pool.submit(self._run, ready, mine.attempt)

    def _ready(self, action: Action) -> ReadyAction | CellFailure:
        """`action` with everything that its key needs, as it is now; or why that cannot be had."""
        given = inputs_of(action, lambda producer: self.progress[producer].result)
        if isinstance(given, CellFailure):
            return given
        inputs = {slot: one.output for slot, one in given.items()}
        try:
            late = self.around.late(action, inputs)
        except StrataError as problem:
            return failure_of(problem, FailureKind.INPUT)
        return make_ready(action, inputs, late, {s: one.artifact for s, one in given.items()})

    def _run(self, ready: ReadyAction, attempt: int) -> None:
        """In a pool thread: every way in which an executor can end becomes a message."""
        outcome: ActionResult | BaseException
        try:
            outcome = self.around.executor.run(ready)
        except BaseException as problem:  # noqa: BLE001  the top of a pool thread
            outcome = problem
        self.ended.put(_Ended(ready.label, attempt, outcome))

    def _take(self, ended: _Ended, pool: ThreadPoolExecutor) -> None:
        """What a thread said about an attempt, unless that attempt is no longer wanted."""
        mine = self.progress[ended.label]
        if ended.attempt != mine.attempt or self.plan.state[ended.label] is not State.RUNNING:
            return
        match ended.outcome:
            case ActionResult() as result:
                self._take_result(ended.label, result, pool)
            case NotCached():
                self._would_run(ended.label)
            case BlobMissing() | BlobDamaged() as problem:
                self._repair(ended.label, problem, pool)
            case StrataError() as problem:
                self._fail(ended.label, ActionResult(error=machinery(problem)), mine.reason)
            case bug:
                raise bug

    def _take_result(self, label: Label, result: ActionResult, pool: ThreadPoolExecutor) -> None:
        mine = self.progress[label]
        mine.steps_ran += result.cache is None
        mine.steps_cached += result.cache is not None
        if result.error is not None:
            hint = result.error.hint or self.around.advise(label, result.error)
            self._fail(label, replace(result, error=replace(result.error, hint=hint)), mine.reason)
            return
        assert mine.ready is not None
        if result.moving and not mine.moved:
            mine.moved = True  # perhaps another cell wrote what it read; once, as it may go on
            mine.step = 0
            self._start(label, pool)
            return
        lost = self.mutations.ended(mine.ready.action, result, mine.ready.artifacts)
        if lost is not None:
            self._fail(label, replace(result, error=lost), mine.reason)
            return
        mine.result = result
        node = self.graph.nodes[label]
        if not isinstance(node, Action):
            following = _following(node, mine.step, result)
            if following is not None:
                mine.step += 1
                self._submit(label, following, pool)
                return
        self._finish(label, result)

    def _finish(self, label: Label, result: ActionResult) -> None:
        mine = self.progress[label]
        ran = mine.steps_ran > 0
        status = Status.RAN if ran else Status.CACHED
        reason = mine.reason if ran else ""
        self._remember(label, status, reason, result)
        self._settled(CellReport(label, status, reason, result))
        self.plan.finish(label)
        if ran:
            self._reopen_overtaken(label, result)

    def _reopen_overtaken(self, writer: Label, result: ActionResult) -> None:
        """What later cells have read before `writer` wrote it, they read again."""
        done = (
            Done(mine.ready, mine.result)
            for label, mine in self.progress.items()
            if self.plan.state[label] is State.DONE and mine.ready and mine.result
        )
        for suspect in suspects(writer, result, self.graph, done):
            label = suspect.action.label
            now = self.around.look(suspect.action, [suspect.name])[suspect.name]
            if now != suspect.value and self.plan.state[label] is State.DONE:
                what = f"{suspect.path} was written by {writer} after it had read it: it runs again"
                advice = f"`# @after {writer.name}` puts them in order"
                self.around.emit(Notice("note", f"{what}; {advice}", label))
                for reopened in self.plan.reopen(label):
                    self.progress[reopened].step = 0

    def _fail(self, label: Label, result: ActionResult, reason: str) -> None:
        """Settles a label that ended badly, and everything that needs it."""
        assert result.error is not None
        if result.error.kind is FailureKind.CANCELLED:
            self._stop(_INTERRUPTED)
            self._settled(CellReport(label, Status.SKIPPED, result.error.message))
        else:
            self._remember(label, Status.FAILED, reason, result)
            self._settled(CellReport(label, Status.FAILED, reason, result))
        for skipped in self.plan.fail(label):
            reason = f"needs {skipped.because}, which failed"
            self._settled(CellReport(skipped.label, Status.SKIPPED, reason))
        if not self.options.keep_going:
            self._stop("another cell failed (--fail-fast)")

    def _stop(self, reason: str) -> None:
        """Nothing more is started, now and from now on."""
        self.stopping = self.stopping or reason
        for label in self.plan.stop():
            self._settled(CellReport(label, Status.SKIPPED, reason))

    def _would_run(self, label: Label) -> None:
        """A dry run came to an action that no cache has: what is above it cannot be known."""
        self._settled(CellReport(label, Status.WOULD_RUN, self.progress[label].reason))
        for above in self.plan.fail(label):
            reason = f"until {above.because} ran"
            self._settled(CellReport(above.label, Status.UNKNOWN, reason))

    def _repair(self, label: Label, problem: StrataError, pool: ThreadPoolExecutor) -> None:
        """Bytes that an action needs are gone: the actions that made them are asked again."""
        mine = self.progress[label]
        assert mine.ready is not None
        artifacts = [a for i in mine.ready.action.inputs.values() for a in i.artifacts]
        producers = {a.producer for a in artifacts}
        done = [p for p in self.plan.labels if p in producers and self.plan.state[p] is State.DONE]
        mine.repairs += 1
        if mine.repairs > MOST_REPAIRS or not (done or label in producers):
            self._fail(label, ActionResult(error=machinery(problem)), mine.reason)
            return
        self.around.emit(Notice("warning", f"{problem.what}; making it again", label))
        for producer in done:
            # One that was opened with another before it waits already.
            if self.plan.state[producer] is State.DONE:
                for reopened in self.plan.reopen(producer):
                    self.progress[reopened].step = 0
        if self.plan.state[label] is State.RUNNING:
            # A chain that reads what an earlier step of it gave begins anew.
            mine.step = 0
            self._start(label, pool)

    def _remember(self, label: Label, status: Status, reason: str, result: ActionResult) -> None:
        mine = self.progress[label]
        self.memory.remember(label, status, reason, result, mine.why, mine.ready, mine.first)

    def _settled(self, report: CellReport) -> None:
        mine = self.progress[report.label]
        if not isinstance(self.graph.nodes.get(report.label), (Action, type(None))):
            report = replace(report, steps_ran=mine.steps_ran, steps_cached=mine.steps_cached)
        mine.report = report
        self.around.emit(CellFinished(report.label, report.status, report.reason, report.result))

    def _report(self, label: Label) -> CellReport:
        report = self.progress[label].report
        assert report is not None, f"{label} was never settled"
        return report


def _following(chain: Chain, step: int, result: ActionResult) -> Action | None:
    """The next action of a chain, which carries the chain's label."""
    following = chain.after(step, result)
    assert following is None or following.label == chain.label
    return following
