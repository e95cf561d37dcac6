"""What is bound at one point of a program.

Two answers are kept for every name, because two questions are asked. `definite`: bound on every
path that leads here, so a look-up cannot reach an outer namespace. `linear`: bound on some path,
reading the program from top to bottom, with loop bodies run and each branch perhaps taken, so a
look-up that reaches an outer namespace is at least not certain.
"""

from __future__ import annotations

from collections.abc import Iterable

from strata.core.dataclass import dataclass, field
from strata.loading.scope.symbols import Key


@dataclass(slots=True)
class State:
    """Bound names at one point; `live` is False where no path leads (after `raise`, `break`).

    `trail` lists what became definite, in order, so that the conditional part of an expression
    can be taken back without copying.
    """

    linear: set[Key] = field(default_factory=set)
    definite: set[Key] = field(default_factory=set)
    live: bool = True
    trail: list[Key] = field(default_factory=list)

    def fork(self) -> State:
        """A copy that goes its own way."""
        return State(set(self.linear), set(self.definite), self.live)

    def bind(self, key: Key) -> None:
        """`key` is bound from here on."""
        self.linear.add(key)
        if key not in self.definite:
            self.definite.add(key)
            self.trail.append(key)

    def unbind(self, key: Key) -> None:
        """`key` is not bound from here on."""
        self.linear.discard(key)
        self.definite.discard(key)

    def take_back(self, mark: int) -> None:
        """Nothing is definite that became so since the trail had `mark` entries."""
        while len(self.trail) > mark:
            self.definite.discard(self.trail.pop())


def join(states: Iterable[State]) -> State:
    """Where these ways meet: definite is what all live ones have, linear what any has."""
    states = list(states)
    live = [state for state in states if state.live]
    definite = live or states
    return State(
        set().union(*(state.linear for state in states)),
        set.intersection(*(state.definite for state in definite)),
        bool(live),
    )
