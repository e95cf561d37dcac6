"""What a cell does to its module's namespace, told in program order.

The statement walk reports look-ups, bindings, deletions and function bodies as it meets them; this
keeps the account and answers at the end. It knows scopes only by their keys, and no syntax.

Function bodies are *late*: they run when somebody calls them. A body can run from the moment its
name is referenced (or at once, if it was handed to somebody), so that is when its reads are held
against what is bound; and once more at the end of the cell, for the cells that call it later.
Invariant: whatever some path may look up outside ends in `hard`, `soft` or `late`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from strata.core.dataclass import dataclass, field
from strata.loading.scope.state import State
from strata.loading.scope.symbols import Key


@dataclass(slots=True)
class LateBody:
    """What a function, and all that is nested in it, does to the module when it is called."""

    reads: dict[str, int] = field(default_factory=dict)
    binds: dict[str, int] = field(default_factory=dict)
    deletes: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    stores_into: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Namespace:
    """The account. `hard`, `soft` and `late` hold first lines of look-ups that may go outside."""

    state: State = field(default_factory=State)
    hard: dict[str, int] = field(default_factory=dict)
    soft: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    bound_at: dict[str, int] = field(default_factory=dict)
    times_bound: Counter[str] = field(default_factory=Counter)
    unbound: set[str] = field(default_factory=set)
    mutated: set[str] = field(default_factory=set)
    stored_into: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    """Names that the current top-level statement looks up, bound or not."""
    loops: int = 0
    losses: list[set[Key]] = field(default_factory=list)
    """What was unbound in each body that is being walked and that an exception may interrupt."""
    _volatile: set[Key] = field(default_factory=set)
    """Names that some function deletes: never definite again."""
    _bound_late: set[str] = field(default_factory=set)
    """Names that some function binds: never surely unbound again."""
    _bodies: dict[Key, list[LateBody]] = field(default_factory=dict)
    _late_names: dict[str, int] = field(default_factory=dict)
    _late_mutated: set[str] = field(default_factory=set)
    _escaped: set[Key] = field(default_factory=set)
    _settled: set[Key] = field(default_factory=set)

    def look_up(self, name: str, line: int, *, lazily: bool = False, perhaps: bool = False) -> None:
        """`name` is looked up in the module now.

        `lazily`: and perhaps again later (a generator). `perhaps`: only on some path.
        """
        self.needed.add(name)
        state = self.state
        if self.loops:
            self._escaped.add(name)  # the next round may call what this one defines later
        if name in self._bodies:
            self.refer(name)
        if lazily:
            _first(self._late_names, name, line)
        if name in state.definite:
            return
        if perhaps or name in state.linear:
            if state.live:
                _first(self.soft, name, line)
        else:
            _first(self.hard, name, line)

    def look_up_in_class(self, key: tuple[int, str], line: int) -> None:
        """A name that the class binds somewhere: the class has it, or the module is asked."""
        if self.loops:
            self._escaped.add(key)
        if key in self._bodies:
            self.refer(key)
        if key not in self.state.definite:
            self.look_up(key[1], line, perhaps=key in self.state.linear)

    def bind(self, key: Key, line: int) -> None:
        """`key` is bound now."""
        if isinstance(key, str):
            _first(self.bound_at, key, line)
            self.times_bound[key] += 1
            if key in self._volatile:
                self.state.linear.add(key)
                return
        self.state.bind(key)

    def unbind(self, key: Key) -> None:
        """`key` is not bound any more: whoever still looks it up gets an outer value."""
        if key in self.state.linear:
            for lost in self.losses:
                lost.add(key)
        self.state.unbind(key)
        self.shrunk()
        if isinstance(key, str):
            self.unbound.add(key)
            if key in self._bound_late:
                self.state.linear.add(key)
            if key in self._late_names:
                _first(self.late, key, self._late_names[key])
                if key in self._late_mutated:
                    self.mutated.add(key)

    def mutate(self, name: str) -> None:
        """A statement changes the value of `name` in place now."""
        if name not in self.state.definite:
            self.mutated.add(name)

    def forget(self, keys: Iterable[Key]) -> None:
        """None of `keys` is definite."""
        self.state.definite.difference_update(keys)
        self.shrunk()

    def go_to(self, state: State) -> None:
        """The program goes on from `state`, which may know less than the present one."""
        state.definite -= self._volatile
        self.state = state
        self.shrunk()

    def shrunk(self) -> None:
        """Less is definite than before: what was settled about bodies has to be asked again."""
        self._settled.clear()

    def define(self, key: Key | None, bodies: Iterable[LateBody], *, called: bool = False) -> None:
        """`bodies` can be called through `key` from now on; right now if `called` or no key."""
        bodies = list(bodies)
        for body in bodies:
            self._note(body)
        if key is not None:
            self._bodies.setdefault(key, []).extend(bodies)
            self._settled.discard(key)
        if called or key is None or key in self._escaped:
            self._call(bodies)

    def _note(self, body: LateBody) -> None:
        self.needed.update(body.reads)
        self.stored_into |= body.stores_into
        self._late_mutated |= body.mutates
        for name, line in body.reads.items():
            _first(self._late_names, name, line)
        for name, line in body.binds.items():
            _first(self.bound_at, name, line)
            self.times_bound[name] += 1
            self.unbound.add(name)
            self.state.linear.add(name)
            self._bound_late.add(name)
        for name in body.deletes:
            self._volatile.add(name)
            linear = name in self.state.linear
            self.unbind(name)
            if linear:
                self.state.linear.add(name)

    def refer(self, key: Key) -> None:
        """Whoever holds the value of `key` may call it from now on."""
        if key not in self._settled:
            self._settled.add(key)
            self._call(self._bodies[key])

    def _call(self, bodies: Iterable[LateBody]) -> None:
        """These bodies, and those they reach by name, may run now and at any time later."""
        todo = list(bodies)
        while todo:
            body = todo.pop()
            self._run(body)
            for name in body.reads:
                self._escaped.add(name)
                if name in self._bodies and name not in self._settled:
                    self._settled.add(name)
                    todo += self._bodies[name]

    def _run(self, body: LateBody) -> None:
        if not self.state.live:
            return
        for name, line in body.reads.items():
            if name not in self.state.definite:
                _first(self.late, name, line)
                if name in body.mutates:
                    self.mutated.add(name)

    def finish(self) -> None:
        """The cell has ended: other cells may call what it defined."""
        everything = [body for bodies in self._bodies.values() for body in bodies]
        if self.state.live:
            for body in everything:
                self._run(body)
            return
        for body in everything:
            for name, line in body.reads.items():
                if name not in self.state.linear:
                    _first(self.late, name, line)


def _first(lines: dict[str, int], name: str, line: int) -> None:
    known = lines.get(name)
    if known is None or line < known:
        lines[name] = line
