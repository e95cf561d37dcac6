"""The plan: what is waiting, ready, running and settled. A pure state machine.

Knows no clock, thread or store, and not what an action does. The engine tells it what happened;
it answers what may start next. Invariants: an action is started only after everything it needs has
ended well; every reachable label is settled exactly once (unless it is reopened); and what is next
in line is never overtaken for good by what takes less room.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from enum import Enum, auto

from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass
from strata.core.label import Label
from strata.execution.room import NOTHING, Request, Room

Heap = list[tuple[float, int]]
"""What comes first is smallest: minus the longest path in seconds, and the place in the graph."""


class State(Enum):
    """Where a label stands."""

    WAITING = auto()  # something it needs is not settled
    READY = auto()  # may start
    RUNNING = auto()  # started, not settled
    DONE = auto()  # ended well
    FAILED = auto()  # ended badly
    SKIPPED = auto()  # will not start: something it needs ended badly, or the build stops


# As names of the module: a member of an enum costs more to look up than all else in `finish`.
_WAITING, _READY, _RUNNING = State.WAITING, State.READY, State.RUNNING
_DONE, _SKIPPED = State.DONE, State.SKIPPED
_SETTLED = frozenset({State.DONE, State.FAILED, State.SKIPPED})


@dataclass(frozen=True, slots=True)
class Settled:
    """A label that was settled as a consequence of another. `because` is what it needed."""

    label: Label
    because: Label


def _equally_long(_label: Label) -> float:
    return 1.0


class Plan:
    """The part of a graph that is wanted, and how far it has come.

    Ready actions come out longest remaining path first, then in the order of the graph. An action
    that turns out to need room on the machine (no cache had it) is put back with `wait`, and comes
    out of `pop_fitting` when there is enough.
    """

    def __init__(
        self,
        graph: ActionGraph,
        labels: list[Label],
        expected_s: Callable[[Label], float] = _equally_long,
    ) -> None:
        """`labels` is what `ActionGraph.reachable` gave for what is wanted, `expected_s` how long
        an action is expected to run, in seconds."""
        self.labels = labels
        # Inside, a label is its place among the labels: comparing and hashing those is slow.
        self._place = {label: place for place, label in enumerate(self.labels)}
        self._needs: list[tuple[int, ...]] = [
            tuple(self._place[n] for n in graph.needs.get(label, ()) if n in self._place)
            for label in self.labels
        ]
        self._dependents: list[list[int]] = [[] for _ in self.labels]
        for place, needs in enumerate(self._needs):
            for need in needs:
                self._dependents[need].append(place)
        self._state = [_WAITING] * len(self.labels)
        self._open = [len(needs) for needs in self._needs]
        self._path_s = _paths_s([expected_s(n) for n in self.labels], self._needs, self._dependents)
        self._ready: Heap = []
        self._for_room: dict[Request, Heap] = {}
        self._asks_for_room: set[int] = set()
        self._unsettled = len(self.labels)
        for place, needs in enumerate(self._needs):
            if not needs:
                self._make_ready(place)

    @property
    def finished(self) -> bool:
        """Every label is settled."""
        return self._unsettled == 0

    def state_of(self, label: Label) -> State:
        """Where a label of the plan stands."""
        return self._state[self._place[label]]

    def pop_ready(self) -> Label | None:
        """The next label to start, which is running from now on; None if none may."""
        while self._ready:
            _, place = heapq.heappop(self._ready)
            if self._state[place] is _READY and place not in self._asks_for_room:
                self._state[place] = _RUNNING
                return self.labels[place]
        return None

    def wait(self, label: Label, request: Request) -> None:
        """`label`, which had started, is ready again and waits until there is room for it."""
        place = self._place[label]
        assert self._state[place] is _RUNNING, (label, self._state[place])
        self._state[place] = _READY
        self._asks_for_room.add(place)
        heapq.heappush(self._for_room.setdefault(request, []), (-self._path_s[place], place))

    def pop_fitting(self, room: Room) -> tuple[Label, Request] | None:
        """The next label that waits for room and has it, and what it takes; running from now on.

        What comes first in line and has no room is kept free what it lacks: nothing behind it may
        take of that. Of what it does not lack, others may.
        """
        if not self._asks_for_room or room.running >= room.jobs:
            return None
        heads = []
        for request, heap in list(self._for_room.items()):
            while heap and not self._waits(heap[0][1]):
                heapq.heappop(heap)
            if heap:
                heads.append((heap[0], request))
            else:
                del self._for_room[request]
        kept = NOTHING
        for (_, place), request in sorted(heads):
            lacking = room.lacks(request, kept)
            if lacking == NOTHING:
                heapq.heappop(self._for_room[request])
                self._asks_for_room.discard(place)
                self._state[place] = _RUNNING
                return self.labels[place], request
            kept = room.kept_for(lacking, kept)
        return None

    def waits_for(self, request: Request) -> bool:
        """Whether something waits for room that takes no more than `request`: then another such
        would wait too. To be asked after `pop_fitting`, which found nothing."""
        return bool(self._asks_for_room) and any(
            heap and all(wanted <= most for wanted, most in zip(waiting, request, strict=True))
            for waiting, heap in self._for_room.items()
        )

    def finish(self, label: Label) -> None:
        """`label` ended well: what waited only for it is ready."""
        place = self._place[label]
        assert self._state[place] is _RUNNING, (label, self._state[place])
        self._state[place] = _DONE
        self._unsettled -= 1
        for dependent in self._dependents[place]:
            self._open[dependent] -= 1
            if self._open[dependent] == 0 and self._state[dependent] is _WAITING:
                self._make_ready(dependent)

    def fail(self, label: Label) -> list[Settled]:
        """`label` ended badly: everything that needs it is skipped, and returned."""
        place = self._place[label]
        assert self._state[place] in (_RUNNING, _READY), (label, self._state[place])
        self._settle(place, State.FAILED)
        return [Settled(self.labels[above], label) for above in self._skip_above(place)]

    def stop(self) -> list[Label]:
        """Nothing more will start: what has not started is skipped, and returned."""
        stopped = [p for p, state in enumerate(self._state) if state in (_WAITING, _READY)]
        for place in stopped:
            self._settle(place, _SKIPPED)
        return [self.labels[place] for place in stopped]

    def reopen(self, label: Label) -> list[Label]:
        """`label`, done before, must be done again (its bytes are gone), and so must all above it.

        Returns every label that was done, running or ready and now waits again, `label` first; it
        is ready at once. The result of an action that is running now MUST be thrown away by the
        caller. What failed or was skipped stays so.
        """
        first = self._place[label]
        assert self._state[first] is _DONE, (label, self._state[first])
        reopened: list[int] = []
        stack = [first]
        while stack:
            place = stack.pop()
            if self._state[place] not in (_DONE, _RUNNING, _READY):
                continue
            self._unsettled += self._state[place] is _DONE
            self._state[place] = _WAITING
            self._asks_for_room.discard(place)
            reopened.append(place)
            stack.extend(self._dependents[place])
        for place in {*reopened, *(d for one in reopened for d in self._dependents[one])}:
            self._open[place] = sum(self._state[n] is not _DONE for n in self._needs[place])
        self._make_ready(first)
        return [self.labels[place] for place in reopened]

    def _skip_above(self, place: int) -> list[int]:
        skipped: list[int] = []
        stack = [place]
        while stack:
            for dependent in self._dependents[stack.pop()]:
                if self._state[dependent] is _WAITING:
                    self._settle(dependent, _SKIPPED)
                    skipped.append(dependent)
                    stack.append(dependent)
        return skipped

    def _settle(self, place: int, state: State) -> None:
        assert self._state[place] not in _SETTLED, (self.labels[place], self._state[place])
        self._state[place] = state
        self._asks_for_room.discard(place)
        self._unsettled -= 1

    def _make_ready(self, place: int) -> None:
        self._state[place] = _READY
        heapq.heappush(self._ready, (-self._path_s[place], place))

    def _waits(self, place: int) -> bool:
        return self._state[place] is _READY and place in self._asks_for_room


def _paths_s(
    own_s: list[float], needs: list[tuple[int, ...]], dependents: list[list[int]]
) -> list[float]:
    """For each place: how long the longest path from its start to the end of the build takes."""
    remaining = [len(above) for above in dependents]
    above_s = [0.0] * len(own_s)
    stack = [place for place, count in enumerate(remaining) if count == 0]
    seen = 0
    while stack:
        place = stack.pop()
        seen += 1
        path_s = own_s[place] = own_s[place] + above_s[place]
        for need in needs[place]:
            if path_s > above_s[need]:
                above_s[need] = path_s
            remaining[need] -= 1
            if remaining[need] == 0:
                stack.append(need)
    assert seen == len(own_s), "the action graph has a cycle"
    return own_s
