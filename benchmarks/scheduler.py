"""What scheduling an action costs when there is nothing to do but to decide: CPU time per action.

A graph like that of many notebooks (ten cells in a row each), an answer for every action at once,
nobody listening and nothing remembered: what is left is the plan and the engine. Making the keys
is measured beside it, because it is done on the way and belongs to no scheduler.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass

from strata.core.action import (
    Action,
    Artifact,
    Command,
    Environment,
    Input,
    ReadyAction,
    make_ready,
)
from strata.core.action_graph import ActionGraph
from strata.core.digest import digest_bytes
from strata.core.events import unheard
from strata.core.label import Label
from strata.core.result import ActionResult, Output
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.executors.base import Cancellation
from strata.stores.memory import MemoryJournal

CELLS_IN_NOTEBOOK = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds per action: of all, and of making its key."""

    actions: int
    total_us: float
    key_us: float

    @property
    def scheduling_us(self) -> float:
        """What is left without the keys."""
        return self.total_us - self.key_us


def measure(actions: int, jobs: int = 4, ran: bool = False) -> Cost:
    """The cost of one build of `actions` actions, all answered at once; or, with `ran`, each run
    by a thread that has nothing to do."""
    graph = graph_of(actions)
    output = Output(digest_bytes(b"1"), "json")
    results = {label: _result(label, output, ran) for label in graph.nodes}

    class Answering:
        def run(self, ready: ReadyAction) -> ActionResult:
            return results[ready.action.label]

        def answer(self, ready: ReadyAction) -> ActionResult | None:
            return None if ran else results[ready.action.label]

    executor = Answering()
    around = Surroundings(
        executor=executor,
        journal=MemoryJournal(),
        emit=unheard,
        cancellation=Cancellation(),
        clock=time.monotonic,
        answer=executor.answer,
    )
    if not ran:
        build(graph, graph.nodes, BuildOptions(jobs), around)  # so that the journal knows it all
    gc.set_threshold(100_000, 50, 100)  # as `strata.cli.main` does
    gc.collect()
    gc.freeze()
    before = time.process_time()
    report = build(graph, graph.nodes, BuildOptions(jobs), around)
    total = time.process_time() - before
    assert report.success
    assert len(report.cells) == actions
    before = time.process_time()
    for node in graph.nodes.values():
        assert isinstance(node, Action)
        make_ready(node, dict.fromkeys(node.inputs, output))
    keys = time.process_time() - before
    gc.unfreeze()
    return Cost(actions, total / actions * 1e6, keys / actions * 1e6)


def graph_of(actions: int) -> ActionGraph:
    """Notebooks of ten cells, each cell reading the one before."""
    environment = Environment("3.11.7", "linux-x86_64", "/usr/bin/python3")
    nodes: dict[Label, Action] = {}
    needs: dict[Label, tuple[Label, ...]] = {}
    order: dict[Label, int] = {}
    for number in range(actions):
        place = number % CELLS_IN_NOTEBOOK
        label = Label(f"n{number // CELLS_IN_NOTEBOOK:05d}", f"c{place}")
        inputs = {}
        needs[label] = ()
        if place:
            before = Label(label.package, f"c{place - 1}")
            inputs = {"x": Input((Artifact(before, "x"),))}
            needs[label] = (before,)
        nodes[label] = Action(
            label,
            Command("cell", {}),
            environment,
            {"rule": ["python", 1], "source": f"x = {number}", "parameters": {"outputs": ["x"]}},
            inputs,
            ("x",),
        )
        order[label] = number
    return ActionGraph(nodes, needs, order=order)


def _result(label: Label, output: Output, ran: bool) -> ActionResult:
    return ActionResult({"x": output}, cache=None if ran else "local")
