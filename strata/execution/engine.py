"""The engine: takes ready actions from the plan, hands them to an executor, tells the plan.

Knows neither caches nor machines nor cell kinds: what is known already is answered at once, the
rest an executor runs, and its result says whether it ran. One thread decides everything; executors
run in threads of their own, as many as there is room for, and talk back through one queue.
Invariant: the key of an action is computed from the results of this build, so a value that changed
while it was rebuilt reaches everything above it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from queue import SimpleQueue

from strata.core.action import USUAL, Action, ReadyAction, Resources, make_ready
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import replace
from strata.core.errors import BlobDamaged, BlobMissing, StrataError
from strata.core.events import BuildFinished, BuildStarted, CellFinished, Notice, Status
from strata.core.failures import failure_of, machinery
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, FailureKind
from strata.execution.inputs import inputs_of
from strata.execution.memory import Memory
from strata.execution.mutation import Mutations
from strata.execution.overtaken import Readings
from strata.execution.plan import Plan, State
from strata.execution.progress import Attempt, Ended, Progress
from strata.execution.report import BuildReport, CellReport
from strata.execution.room import Capacity, Request, Room, too_large
from strata.execution.surroundings import BuildOptions, Surroundings
from strata.execution.threads import Threads
from strata.executors.base import NotCached

__all__ = ["MOST_REPAIRS", "BuildOptions", "Surroundings", "build"]

MOST_REPAIRS = 3
"""How often one cell's inputs are made again before the store is given up on."""

_INTERRUPTED = "the build was interrupted"


def build(
    graph: ActionGraph, wanted: Iterable[Label], options: BuildOptions, around: Surroundings
) -> BuildReport:
    """Builds `wanted` and all they need. A failure of a cell is in the report, not raised."""
    started = around.clock()
    labels = graph.reachable(wanted)
    around.emit(BuildStarted(len(labels), options.jobs))
    built = _Build(graph, labels, options, around)
    built.run()
    report = BuildReport(
        tuple(built.report_of(label) for label in labels),
        around.clock() - started,
        around.cancellation.requested,
    )
    built.memory.ended(report, options.asked)
    count = Counter(cell.status for cell in report.cells)
    around.emit(
        BuildFinished(
            count[Status.RAN],
            count[Status.CACHED],
            count[Status.FAILED],
            count[Status.SKIPPED],
            report.duration_s,
            report.interrupted,
        )
    )
    return report


class _Build:
    """One build, from its first ready action to its last settled one."""

    def __init__(
        self, graph: ActionGraph, labels: list[Label], options: BuildOptions, around: Surroundings
    ) -> None:
        self.graph = graph
        self.options = options
        self.around = around
        self.memory = Memory(
            around.journal,
            around.emit,
            around.now,
            labels=labels,
            forced=options.forced,
            look=around.look,
            accepts=around.accepts,
            definers=around.definers,
        )
        self.plan = Plan(graph, labels, self.memory.expected_s)
        self.room = Room(options.capacity or Capacity(options.jobs))
        self.usual = self.room.request(USUAL)
        self.mutations = Mutations(graph)
        self.readings = Readings(graph)
        self.progress = {label: Progress(label, graph.nodes.get(label)) for label in labels}
        self.heard: SimpleQueue[Ended | ReadyAction | None] = SimpleQueue()
        self.threads = Threads(self._run_in_thread, "cell")
        self.attempts: set[Attempt] = set()
        """All that threads are at work on, also what nobody waits for any more."""
        self.ends = 0
        """How many attempts have ended so far."""
        self.stopping: str | None = None

    def run(self) -> None:
        """Settles every label."""
        around = self.around
        wakes = [around.cancellation.subscribe(lambda hasty: self.heard.put(None))]
        if around.released is not None:
            wakes.append(around.released.subscribe(self.heard.put))
        try:
            self._report_broken()
            self._settle_all()
        except BaseException:
            # Whatever went wrong here, nothing may be left running when it is reported.
            around.cancellation.request()
            raise
        finally:
            self.threads.join()
            for wake in wakes:
                wake()

    def report_of(self, label: Label) -> CellReport:
        """What became of a label, when all are settled."""
        report = self.progress[label].report
        assert report is not None, f"{label} was never settled"
        return report

    def _settle_all(self) -> None:
        """Does what can be done at once; waits for what runs; until all is settled."""
        while True:
            while not self.heard.empty():
                self._hear(self.heard.get())
            if self.around.cancellation.requested:
                self._stop(_INTERRUPTED)
            elif self.stopping is not None:
                self._stop(self.stopping)  # what a repair has opened again
            if self._go_on():
                continue
            if not self.attempts:
                assert self.plan.finished, "nothing runs and nothing is ready"
                return
            self._hear(self.heard.get())

    def _go_on(self) -> bool:
        """Starts what has room, or else asks for what is ready next; False where neither is.

        While there is no room for one that takes what most take, nothing is asked: what runs may
        write what others read, so a key is made as late as it can be without anything idle.
        """
        fitting = self.plan.pop_fitting(self.room)
        if fitting is not None:
            self._start(self.progress[fitting[0]], fitting[1])
            return True
        if self.room.running >= self.room.jobs or self.plan.waits_for(self.usual):
            return False
        label = self.plan.pop_ready()
        if label is None:
            return False
        self._begin(self.progress[label])
        return True

    def _report_broken(self) -> None:
        """Says what cannot be built before anything runs."""
        for label in self.plan.labels if self.graph.broken else ():
            if label in self.graph.broken and self.plan.state_of(label) is State.READY:
                result = ActionResult(error=self.graph.broken[label])
                self._fail(self.progress[label], result, "cannot be built")

    def _begin(self, mine: Progress) -> None:
        """Asks for the action of a label, or for the first of its chain."""
        assert mine.node is not None
        mine.step = 0
        mine.why = None
        self._ask(mine, mine.node if isinstance(mine.node, Action) else mine.node.start())

    def _ask(self, mine: Progress, action: Action | None) -> None:
        """Takes what is known of `action`, and of those that follow it in a chain; the first of
        which nothing is known waits for room to run."""
        while action is not None:
            ready = self._ready(action)
            if isinstance(ready, CellFailure):
                self._fail(mine, ActionResult(error=ready), "an input is not there")
                return
            mine.ready = ready
            if mine.step == 0:
                mine.first = ready
            try:
                result = self.around.answer(ready)
            except StrataError as problem:
                self._take_problem(mine, problem)
                return
            if result is None:
                self._wait(mine, action.resources)
                return
            action = self._take_result(mine, result)

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

    def _wait(self, mine: Progress, resources: Resources) -> None:
        mine.asked_at = self.ends
        if self.room.too_small(resources) and not mine.told:
            mine.told = True
            self.around.emit(Notice("note", too_large(resources, self.room), mine.label))
        self.plan.wait(mine.label, self.room.request(resources))

    def _start(self, mine: Progress, request: Request) -> None:
        """Hands the action over, unless what ended meanwhile has made another of it."""
        assert mine.ready is not None
        assert mine.first is not None
        if mine.asked_at != self.ends:
            now = self._ready(mine.ready.action)
            if isinstance(now, CellFailure) or now.key != mine.ready.key:
                self._ask(mine, mine.ready.action)
                return
        if mine.why is None:
            mine.why = self.memory.why(mine.first)
        mine.ready = replace(mine.ready, reason=mine.reason)
        mine.attempt = Attempt(mine.label, mine.ready, request)
        self.room.take(request)
        self.threads.submit(mine.attempt, len(self.attempts))
        self.attempts.add(mine.attempt)

    def _run_in_thread(self, attempt: Attempt) -> None:
        """Every way in which an executor can end becomes a message."""
        outcome: ActionResult | BaseException
        try:
            outcome = self.around.executor.run(attempt.ready)
        except BaseException as problem:  # noqa: BLE001  the top of a thread
            outcome = problem
        self.heard.put(Ended(attempt, outcome))

    def _hear(self, heard: Ended | ReadyAction | None) -> None:
        """What a thread said: of an attempt that ended, or of one that only stores its results."""
        if isinstance(heard, ReadyAction):
            for attempt in self.attempts:
                attempt.stores = attempt.stores or attempt.ready is heard
            self._free_what_is_only_stored()
        elif heard is not None:
            attempt = heard.attempt
            self.attempts.remove(attempt)
            self.ends += 1
            if attempt.request is not None:
                self.room.give_back(attempt.request)
            self._free_what_is_only_stored()
            mine = self.progress[attempt.label]
            # Else it is an attempt on what was made again meanwhile.
            if attempt is mine.attempt and self.plan.state_of(attempt.label) is State.RUNNING:
                self._take(mine, heard.outcome)

    def _free_what_is_only_stored(self) -> None:
        """Its room is for others; but no more may store than may run, lest their bytes pile up."""
        storing = sum(attempt.request is None for attempt in self.attempts)
        for attempt in self.attempts:
            if attempt.stores and attempt.request is not None and storing < self.room.jobs:
                self.room.give_back(attempt.request)
                attempt.request = None
                storing += 1

    def _take(self, mine: Progress, outcome: ActionResult | BaseException) -> None:
        match outcome:
            case ActionResult() as result:
                self._ask(mine, self._take_result(mine, result))
            case NotCached():
                self._would_run(mine)
            case StrataError() as problem:
                self._take_problem(mine, problem)
            case bug:
                raise bug

    def _take_problem(self, mine: Progress, problem: StrataError) -> None:
        if isinstance(problem, BlobMissing | BlobDamaged):
            self._repair(mine, problem)
        else:
            self._fail(mine, ActionResult(error=machinery(problem)), mine.reason)

    def _take_result(self, mine: Progress, result: ActionResult) -> Action | None:
        """Settles the label, unless an action follows: it is returned."""
        assert mine.ready is not None
        mine.steps_ran += result.cache is None
        mine.steps_cached += result.cache is not None
        if result.error is not None:
            hint = result.error.hint or self.around.advise(mine.label, result.error)
            failed = replace(result, error=replace(result.error, hint=hint))
            self._fail(mine, failed, mine.reason)
            return None
        if result.moving and not mine.moved:
            mine.moved = True  # perhaps another cell wrote what it read; once, as it may go on
            self._begin(mine)
            return None
        lost = self.mutations.ended(mine.ready.action, result, mine.ready.artifacts)
        if lost is not None:
            self._fail(mine, replace(result, error=lost), mine.reason)
            return None
        mine.result = result
        following = None
        if mine.node is not None and not isinstance(mine.node, Action):
            following = mine.node.after(mine.step, result)
            assert following is None or following.label == mine.label
        if following is None:
            self._finish(mine, result)
        else:
            mine.step += 1
        return following

    def _finish(self, mine: Progress, result: ActionResult) -> None:
        assert mine.ready is not None
        ran = mine.steps_ran > 0
        status = Status.RAN if ran else Status.CACHED
        reason = mine.reason if ran else ""
        self._remember(mine, status, reason, result)
        self._settled(mine, status, reason, result)
        self.plan.finish(mine.label)
        self.readings.note(mine.ready, result)
        if ran:
            self._reopen_overtaken(mine.label, result)

    def _reopen_overtaken(self, writer: Label, result: ActionResult) -> None:
        """What later cells have read before `writer` wrote it, they read again."""
        for suspect in self.readings.suspects(writer, result):
            label = suspect.action.label
            if self.plan.state_of(label) is not State.DONE:
                continue
            if self.around.look(suspect.action, [suspect.name])[suspect.name] != suspect.value:
                what = f"{suspect.path} was written by {writer} after it had read it: it runs again"
                advice = f"`# @after {writer.name}` puts them in order"
                self.around.emit(Notice("note", f"{what}; {advice}", label))
                self.plan.reopen(label)

    def _fail(self, mine: Progress, result: ActionResult, reason: str) -> None:
        """Settles a label that ended badly, and everything that needs it."""
        assert result.error is not None
        if result.error.kind is FailureKind.CANCELLED:
            self._stop(_INTERRUPTED)
            self._settled(mine, Status.SKIPPED, result.error.message)
        else:
            self._remember(mine, Status.FAILED, reason, result)
            self._settled(mine, Status.FAILED, reason, result)
        for skipped in self.plan.fail(mine.label):
            reason = f"needs {skipped.because}, which failed"
            self._settled(self.progress[skipped.label], Status.SKIPPED, reason)
        if not self.options.keep_going:
            self._stop("another cell failed (--fail-fast)")

    def _stop(self, reason: str) -> None:
        """Nothing more is started, now and from now on."""
        self.stopping = self.stopping or reason
        for label in self.plan.stop():
            self._settled(self.progress[label], Status.SKIPPED, reason)

    def _would_run(self, mine: Progress) -> None:
        """A dry run came to an action that no cache has: what is above it cannot be known."""
        self._settled(mine, Status.WOULD_RUN, mine.reason)
        for above in self.plan.fail(mine.label):
            reason = f"until {above.because} ran"
            self._settled(self.progress[above.label], Status.UNKNOWN, reason)

    def _repair(self, mine: Progress, problem: StrataError) -> None:
        """Bytes that an action needs are gone: the actions that made them are asked again."""
        assert mine.ready is not None
        inputs = mine.ready.action.inputs.values()
        producers = dict.fromkeys(a.producer for given in inputs for a in given.artifacts)
        done = [p for p in producers if self.plan.state_of(p) is State.DONE]
        mine.repairs += 1
        if mine.repairs > MOST_REPAIRS or not (done or mine.label in producers):
            self._fail(mine, ActionResult(error=machinery(problem)), mine.reason)
            return
        self.around.emit(Notice("warning", f"{problem.what}; making it again", mine.label))
        for producer in done:
            # One that was opened with another before it waits already.
            if self.plan.state_of(producer) is State.DONE:
                self.plan.reopen(producer)
        if self.plan.state_of(mine.label) is State.RUNNING:
            self._begin(mine)  # a chain that reads what an earlier step of it gave begins anew

    def _remember(self, mine: Progress, status: Status, reason: str, result: ActionResult) -> None:
        self.memory.remember(mine.label, status, reason, result, mine.why, mine.ready, mine.first)

    def _settled(
        self, mine: Progress, status: Status, reason: str = "", result: ActionResult | None = None
    ) -> None:
        if mine.node is None or isinstance(mine.node, Action):
            mine.report = CellReport(mine.label, status, reason, result)
        else:
            steps = mine.steps_ran, mine.steps_cached
            mine.report = CellReport(mine.label, status, reason, result, *steps)
        self.around.emit(CellFinished(mine.label, status, reason, result))
