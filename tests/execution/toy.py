"""A small world to build in: cells that are functions of strings, and a log of what ran."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strata.core.action import (
    USUAL,
    Action,
    Artifact,
    Chain,
    Command,
    Input,
    ReadyAction,
    Resources,
)
from strata.core.action_graph import ActionGraph
from strata.core.digest import digest_bytes
from strata.core.errors import StrataError
from strata.core.events import CellFinished, Event, Notice, Status
from strata.core.label import Label
from strata.core.observation import ABSENT
from strata.core.result import ActionResult, CellFailure, FailureKind, Output, Unstorable
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.execution.report import BuildReport, CellReport
from strata.execution.room import Capacity
from strata.executors.base import Cancellation, Executor, Released
from strata.executors.caching import CachingExecutor
from strata.executors.planning import PlanningExecutor
from strata.stores.base import Brief, BuildRecord, Journal, Run
from strata.stores.memory import MemoryJournal, MemoryStore
from tests.factories import ENVIRONMENT, label

Values = Mapping[str, str]
Given = Mapping[str, "str | Unstorable"]
Do = Callable[[Values], Given]

BROKEN = CellFailure(FailureKind.BROKEN, "GraphError", "cannot be understood", "nb/a.py", 3)
UNSTORABLE = Unstorable("generator", "it cannot be pickled")


class ToyFailure(Exception):
    """The cell raised."""


@dataclass(slots=True)
class ToyCell:
    """A cell: `reads` are `cell` or `cell|fallback`, each giving the value of its own name."""

    reads: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    source: str = "1"
    do: Do | None = None
    cacheable: bool = True
    broken: bool = False
    twin: str | None = None
    """Cells with the same word and the same source have equal keys."""
    chain: ToyChain | None = None
    touches: tuple[str, ...] = ()
    """Observations that a run of it makes."""
    moving: tuple[str, ...] = ()
    """Files that change while it runs."""
    needs: Resources = USUAL


@dataclass(frozen=True, slots=True)
class ToyChain:
    """Up to `steps` actions, each reading what the one before gave; ends early after `stop`."""

    label: Label
    steps: int
    stop: int | None = None
    seed: str | None = None
    """The cell that the first step reads."""
    source: str = "1"

    def start(self) -> Action:
        return self._step(0)

    def after(self, step: int, result: ActionResult) -> Action | None:
        assert result.error is None
        if step + 1 == self.steps or step == self.stop:
            return None
        return self._step(step + 1)

    def _step(self, step: int) -> Action:
        inputs = {}
        if self.seed is not None:
            inputs["seed"] = Input((Artifact(label(self.seed), self.seed),))
        if step:
            inputs["carry"] = Input((Artifact(self.label, self.label.name),))
        return Action(
            self.label,
            Command("step", {"step": step}),
            ENVIRONMENT,
            {"source": self.source, "parameters": {"outputs": self.label.name, "step": step}},
            inputs,
            (self.label.name,),
        )


@dataclass(slots=True)
class ToyExecutor:
    """Runs toy actions: the values of their inputs come from the store, as everywhere."""

    world: World
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, ready: ReadyAction) -> ActionResult:
        world, name = self.world, _name_of(ready)
        with self.lock:
            before = world.before.pop(name, None)
        if before is not None:
            before()
        given = {slot: world.read(output) for slot, output in ready.inputs.items()}
        if world.cancellation.requested:
            return _failed(ready, FailureKind.CANCELLED, "cancelled")
        with self.lock:
            world.ran.append(name)
            world.reasons[name] = ready.reason
        cell = world.cells[ready.label.name]
        do = cell.do or (lambda values: {ready.label.name: _said(cell.source, values)})
        try:
            made = do(given)
        except ToyFailure as problem:
            return _failed(ready, FailureKind.EXCEPTION, str(problem))
        outputs = {n: world.write(v) for n, v in made.items()}
        observed = world.look(ready.action, cell.touches)
        return ActionResult(
            outputs,
            duration_s=0.5,
            provenance=ready.provenance,
            observed=observed,
            moving=cell.moving,
        )


class World:
    """Cells, a cache and a journal; `build` says in `ran` what ran, in order."""

    def __init__(self, **cells: ToyCell) -> None:
        self.cells = cells
        self.store = MemoryStore()
        self.journal: Journal = MemoryJournal()
        self.ran: list[str] = []
        self.reasons: dict[str, str] = {}
        self.events: list[Event] = []
        self.before: dict[str, Callable[[], None]] = {}
        """What happens when this cell (or `cell@step`) is next about to run."""
        self.after: dict[str, Callable[[], None]] = {}
        """What happens when this cell has next run, as the last thing in its thread."""
        self.cancellation = Cancellation()
        self.outside: dict[str, str] = {}
        """What observations of what is outside are worth now."""
        self.seconds = itertools.count(1000.0)
        self.released = Released()
        self.capacity: Capacity | None = None

    def build(
        self,
        *wanted: str,
        jobs: int = 1,
        keep_going: bool = True,
        forced: Iterable[str] = (),
        dry_run: bool = False,
        executor: Executor | None = None,
    ) -> BuildReport:
        self.ran, self.reasons, self.events = [], {}, []
        self.cancellation = Cancellation()
        labels = frozenset(label(f) for f in forced)
        inner = executor or (PlanningExecutor() if dry_run else ToyExecutor(self))
        caching = CachingExecutor(
            inner,
            self.store,
            self.events.append,
            lambda r: r.label in labels,
            self.look,
        )
        ticks = iter(range(1000))
        around = Surroundings(
            _Ending(self, caching),
            OnlyRead(self.journal) if dry_run else self.journal,
            self.events.append,
            self.cancellation,
            lambda: next(ticks),
            look=self.look,
            now=lambda: next(self.seconds),
            answer=caching.answer,
            released=self.released,
        )
        options = BuildOptions(jobs, keep_going, labels, capacity=self.capacity)
        return build(self.graph(), [label(w) for w in wanted or self.cells], options, around)

    def look(self, _action: Action, names: Iterable[str]) -> dict[str, str]:
        return {name: self.outside.get(name, ABSENT) for name in names}

    def graph(self) -> ActionGraph:
        needs: dict[Label, tuple[Label, ...]] = {}
        nodes: dict[Label, Action | Chain] = {}
        for name, cell in self.cells.items():
            below = [b for read in cell.reads for b in read.split("|")]
            if cell.chain is not None:
                below = [] if cell.chain.seed is None else [cell.chain.seed]
            needs[label(name)] = tuple(label(n) for n in (*below, *cell.after) if not cell.broken)
            if not cell.broken:
                nodes[label(name)] = cell.chain or self._action(name, cell)
        broken = {label(n): BROKEN for n, cell in self.cells.items() if cell.broken}
        return ActionGraph(nodes, needs, broken)

    def _action(self, name: str, cell: ToyCell) -> Action:
        inputs = {
            read.partition("|")[0]: Input(
                tuple(Artifact(label(b), read.partition("|")[0]) for b in read.split("|")),
                optional=read in cell.optional,
            )
            for read in cell.reads
        }
        return Action(
            label(name),
            Command("toy", {}),
            ENVIRONMENT,
            {"source": cell.source, "parameters": {"outputs": cell.twin or name}},
            inputs,
            (name,),
            tuple(label(a) for a in cell.after),
            cacheable=cell.cacheable,
            resources=cell.needs,
        )

    def read(self, output: Output) -> str:
        data = self.store.get(output.digest)
        assert isinstance(data, bytes)
        return data.decode()

    def write(self, value: str | Unstorable) -> Output | Unstorable:
        return (
            value if isinstance(value, Unstorable) else Output(self.store.put(value.encode()), "")
        )

    def lose(self, value: str) -> None:
        """The blob of `value` is gone from the store."""
        del self.store._blobs[digest_bytes(value.encode())]

    def value(self, report: BuildReport, name: str) -> str:
        """The value of a cell after a build."""
        result = report_of(report, name).result
        assert result is not None
        output = result.outputs[name]
        assert isinstance(output, Output)
        return self.read(output)

    def last(self, name: str) -> Run:
        run = self.journal.last(label(name))
        assert run is not None
        return run

    def finished(self) -> list[tuple[str, str]]:
        """Label and status of every `CellFinished`, in order."""
        return [(e.label.name, e.status.value) for e in self.events if isinstance(e, CellFinished)]

    def notices(self) -> list[str]:
        return [e.message for e in self.events if isinstance(e, Notice)]


@dataclass(slots=True)
class _Ending:
    """Around all other executors: says when one has returned."""

    world: World
    inner: Executor

    def run(self, ready: ReadyAction) -> ActionResult:
        result = self.inner.run(ready)
        self.world.after.pop(_name_of(ready), lambda: None)()
        return result


class RaisingExecutor:
    """Every action ends with this exception."""

    def __init__(self, problem: BaseException) -> None:
        self._problem = problem

    def run(self, ready: ReadyAction) -> ActionResult:
        raise self._problem


class OnlyRead:
    """A journal that a dry run may read."""

    def __init__(self, inner: Journal) -> None:
        self.last, self.history, self.briefs = inner.last, inner.history, inner.briefs

    def append(self, label: Label, run: Run) -> None:
        """Remembers nothing."""

    def add_build(self, build: BuildRecord) -> None:
        """Remembers nothing."""


class LostJournal:
    """A journal that cannot be reached."""

    def __init__(self, problem: StrataError) -> None:
        self._problem = problem

    def last(self, label: Label) -> Run | None:
        raise self._problem

    def history(self, label: Label) -> list[Run]:
        raise self._problem

    def briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        raise self._problem

    def append(self, label: Label, run: Run) -> None:
        raise self._problem

    def add_build(self, build: BuildRecord) -> None:
        raise self._problem


def cell(*reads: str, **others: object) -> ToyCell:
    """A cell that reads these; `optional` names some of them."""
    optional = frozenset(str(others.pop("optional", "")).split())
    return ToyCell(reads, optional, **others)  # type: ignore[arg-type]


def chain(name: str, steps: int, *, do: Do | None = None, **others: object) -> ToyCell:
    """A chain of `steps` actions."""
    return ToyCell(do=do, chain=ToyChain(label(name), steps, **others))  # type: ignore[arg-type]


def constant(**values: str | Unstorable) -> Do:
    """Gives these, whatever it reads."""
    return lambda given: values


def failing(given: Values) -> Given:
    raise ToyFailure("it raised")


def edited(world: World, **sources: str) -> None:
    """The source of these cells is another from now on."""
    for name, source in sources.items():
        cell = world.cells[name]
        cell.source = source
        if cell.chain is not None:
            cell.chain = replace(cell.chain, source=source)


def report_of(report: BuildReport, name: str) -> CellReport:
    return next(c for c in report.cells if c.label == label(name))


def statuses(report: BuildReport) -> dict[str, str]:
    return {c.label.name: c.status.value for c in report.cells}


def with_status(report: BuildReport, status: Status) -> Sequence[str]:
    return [c.label.name for c in report.cells if c.status is status]


def _name_of(ready: ReadyAction) -> str:
    step = ready.action.command.arguments.get("step")
    return ready.label.name if step is None else f"{ready.label.name}@{step}"


def _said(source: str, values: Values) -> str:
    return f"{source}({', '.join(values[slot] for slot in sorted(values))})"


def _failed(ready: ReadyAction, kind: FailureKind, message: str) -> ActionResult:
    failure = CellFailure(kind, "ToyFailure", message)
    return ActionResult(error=failure, provenance=ready.provenance)
