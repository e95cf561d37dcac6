"""The plan: what is waiting, ready, running and settled. A pure state machine.

Knows no clock, thread or store, and not what an action does. The engine tells it what happened;
it answers what may start next. Invariant: an action is started only after everything it needs has
ended well, and every reachable label is settled exactly once (unless it is reopened).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from strata.core.action_graph import ActionGraph
from strata.core.label import Label


class State(Enum):
    """Where a label stands."""

    WAITING = auto()  # something it needs is not settled
    READY = auto()  # may start
    RUNNING = auto()  # started, not settled
    DONE = auto()  # ended well
    FAILED = auto()  # ended badly
    SKIPPED = auto()  # will not start: something it needs ended badly, or the build stops


_SETTLED = frozenset({State.DONE, State.FAILED, State.SKIPPED})


@dataclass(frozen=True, slots=True)
class Settled:
    """A label that was settled as a consequence of another. `because` is what it needed."""

    label: Label
    because: Label


class Plan:
    """The part of a graph that is wanted, and how far it has come.

    Ready actions come out longest remaining path first, then in the order of the graph.
    """

    def __init__(self, graph: ActionGraph, wanted: Iterable[Label]) -> None:
        self.labels = graph.reachable(wanted)
        members = set(self.labels)
        self._needs: dict[Label, tuple[Label, ...]] = {
            label: tuple(n for n in graph.needs.get(label, ()) if n in members)
            for label in self.labels
        }
        self._dependents: dict[Label, list[Label]] = {label: [] for label in self.labels}
        for label, needs in self._needs.items():
            for need in needs:
                self._dependents[need].append(label)
        self.state: dict[Label, State] = dict.fromkeys(self.labels, State.WAITING)
        self._open = {label: len(needs) for label, needs in self._needs.items()}
        self._rank = _ranks(self.labels, self._needs, self._dependents)
        self._heap: list[tuple[int, int, Label]] = []
        self._unsettled = len(self.labels)
        for label in self.labels:
            if not self._needs[label]:
                self._make_ready(label)

    @property
    def finished(self) -> bool:
        """Every label is settled."""
        return self._unsettled == 0

    def pop_ready(self) -> Label | None:
        """The next label to start, which is running from now on; None if none may."""
        while self._heap:
            _, _, label = heapq.heappop(self._heap)
            if self.state[label] is State.READY:
                self.state[label] = State.RUNNING
                return label
        return None

    def finish(self, label: Label) -> None:
        """`label` ended well: what waited only for it is ready."""
        assert self.state[label] is State.RUNNING, (label, self.state[label])
        self._settle(label, State.DONE)
        for dependent in self._dependents[label]:
            self._open[dependent] -= 1
            if self._open[dependent] == 0 and self.state[dependent] is State.WAITING:
                self._make_ready(dependent)

    def fail(self, label: Label) -> list[Settled]:
        """`label` ended badly: everything that needs it is skipped, and returned."""
        assert self.state[label] in (State.RUNNING, State.READY), (label, self.state[label])
        self._settle(label, State.FAILED)
        return self._skip_above(label)

    def stop(self) -> list[Label]:
        """Nothing more will start: what has not started is skipped, and returned."""
        waiting = [s for s in self.labels if self.state[s] in (State.WAITING, State.READY)]
        for label in waiting:
            self._settle(label, State.SKIPPED)
        return waiting

    def reopen(self, label: Label) -> list[Label]:
        """`label`, done before, must be done again (its bytes are gone), and so must all above it.

        Returns every label that was done, running or ready and now waits again, `label` first; it
        is ready at once. The result of an action that is running now MUST be thrown away by the
        caller. What failed or was skipped stays so.
        """
        assert self.state[label] is State.DONE, (label, self.state[label])
        reopened: list[Label] = []
        stack = [label]
        while stack:
            current = stack.pop()
            if self.state[current] not in (State.DONE, State.RUNNING, State.READY):
                continue
            self._unsettled += self.state[current] is State.DONE
            self.state[current] = State.WAITING
            reopened.append(current)
            stack.extend(self._dependents[current])
        for current in self.labels:
            if self.state[current] is State.WAITING:
                self._open[current] = sum(
                    self.state[n] is not State.DONE for n in self._needs[current]
                )
        self._make_ready(label)
        return reopened

    def _skip_above(self, label: Label) -> list[Settled]:
        skipped: list[Settled] = []
        stack = [label]
        while stack:
            current = stack.pop()
            for dependent in self._dependents[current]:
                if self.state[dependent] is State.WAITING:
                    self._settle(dependent, State.SKIPPED)
                    skipped.append(Settled(dependent, label))
                    stack.append(dependent)
        return skipped

    def _settle(self, label: Label, state: State) -> None:
        assert self.state[label] not in _SETTLED, (label, self.state[label])
        self.state[label] = state
        self._unsettled -= 1

    def _make_ready(self, label: Label) -> None:
        self.state[label] = State.READY
        height, position = self._rank[label]
        heapq.heappush(self._heap, (-height, position, label))


def _ranks(
    labels: list[Label],
    needs: Mapping[Label, tuple[Label, ...]],
    dependents: Mapping[Label, list[Label]],
) -> dict[Label, tuple[int, int]]:
    """For each label: the number of actions on the longest path above it, and its position."""
    remaining = {label: len(dependents[label]) for label in labels}
    height = dict.fromkeys(labels, 0)
    stack = [label for label in labels if remaining[label] == 0]
    seen = 0
    while stack:
        label = stack.pop()
        seen += 1
        for need in needs[label]:
            height[need] = max(height[need], height[label] + 1)
            remaining[need] -= 1
            if remaining[need] == 0:
                stack.append(need)
    assert seen == len(labels), "the action graph has a cycle"
    return {label: (height[label], i) for i, label in enumerate(labels)}
