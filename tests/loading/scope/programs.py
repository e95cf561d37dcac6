"""Random programs, and a way to run them that sees every name they look up outside."""

from __future__ import annotations

import builtins
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NAMES = ("a", "b", "c", "d", "e")
FUNCTIONS = ("f", "g", "h")


class Oops(Exception):
    """Raised by the program, sometimes."""


class Anything:
    """Can be called, iterated, entered, computed with, and decorated with."""

    def __init__(self, chance: random.Random) -> None:
        object.__setattr__(self, "chance", chance)

    def __call__(self, *args: object, **kwargs: object) -> object:
        for arg in args:
            if callable(arg) and not isinstance(arg, Anything) and self.chance.random() < 0.5:
                arg()
        return Anything(self.chance)

    def __iter__(self) -> Iterator[Anything]:
        return iter([Anything(self.chance)] * self.chance.randrange(3))

    def __enter__(self) -> Anything:
        return self

    def __exit__(self, *exc: object) -> bool:
        return False

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> None: ...
    def __delattr__(self, name: str) -> None: ...
    def __getitem__(self, key: object) -> Anything:
        return self

    def __setitem__(self, key: object, value: object) -> None: ...
    def __delitem__(self, key: object) -> None: ...
    def __add__(self, other: object) -> Anything:
        return self

    def __radd__(self, other: object) -> Anything:
        return self

    def __bool__(self) -> bool:
        return self.chance.random() < 0.5

    def __lt__(self, other: object) -> bool:
        return bool(self)

    def __gt__(self, other: object) -> bool:
        return bool(self)

    def __eq__(self, other: object) -> bool:
        return bool(self)

    def __hash__(self) -> int:
        return 0


class Outside(dict[str, object]):
    """Stands in for `builtins`, so it is asked last, and knows every name."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(vars(builtins))
        self.chance = chance
        self.asked: set[str] = set()

    def __missing__(self, name: str) -> object:
        if name.startswith("__"):
            raise KeyError(name)
        self.asked.add(name)
        return Anything(self.chance)


@dataclass
class Observed:
    """What one run did."""

    read: set[str]
    bound: set[str]
    completed: bool


def run(source: str, seed: int) -> Observed:
    """Runs `source`; what it decides by chance comes from `seed`."""
    chance = random.Random(seed)
    outside = Outside(chance)

    @contextmanager
    def suppress() -> Iterator[Anything]:
        try:
            yield Anything(chance)
        except Oops:
            return

    def boom() -> Anything:
        if chance.random() < 0.4:
            raise Oops
        return Anything(chance)

    def call_now(function: object) -> object:
        assert callable(function)
        if chance.random() < 0.7:
            function()
        return function

    outside.update(
        Oops=Oops,
        suppress=suppress,
        boom=boom,
        call_now=call_now,
        cond=lambda: chance.random() < 0.5,
        items=lambda: [Anything(chance)] * chance.randrange(3),
        thing=lambda *args: Anything(chance)(*args),
    )
    namespace: dict[str, object] = {"__builtins__": outside, "__name__": "cell"}
    completed = False
    try:
        exec(compile(source, "<program>", "exec", dont_inherit=True), namespace)
        completed = True
    except (Oops, NameError, TypeError, AttributeError, ValueError, RecursionError, RuntimeError):
        pass
    bound = {name for name in namespace if not name.startswith("__")}
    return Observed(set(outside.asked), bound, completed)


BUILTIN_HELPERS = frozenset({"Oops", "suppress", "boom", "call_now", "cond", "items", "thing"})


@dataclass
class Program:
    """Writes a random program from `chance`."""

    chance: random.Random
    budget: int = 25
    lines: list[str] = field(default_factory=list)

    def write(self) -> str:
        self.block(0, "module", False, [])
        return "\n".join(self.lines) + "\n"

    def emit(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def name(self) -> str:
        return self.chance.choice(NAMES)

    def any_name(self) -> str:
        return self.chance.choice(NAMES + FUNCTIONS)

    def block(self, depth: int, scope: str, in_loop: bool, avoid: list[str]) -> None:
        count = self.chance.randint(1, 7 if depth == 0 else 3)
        for _ in range(count):
            if self.budget <= 0 or depth > 4:
                break
            self.budget -= 1
            self.statement(depth, scope, in_loop)
        self.emit(depth, "pass")

    def expression(self, walrus: bool = True, depth: int = 0) -> str:
        pick = self.chance.randrange(22 if depth < 2 else 6)
        inner = lambda: self.expression(walrus, depth + 1)  # noqa: E731
        n = self.name()
        match pick:
            case 0 | 1 | 2 | 3:
                return self.any_name()
            case 4:
                return "boom()"
            case 5:
                return "1"
            case 6:
                return f"thing({inner()}, {inner()})"
            case 7 if walrus:
                return f"({n} := {inner()})"
            case 8:
                return f"(cond() and {inner()})"
            case 9:
                return f"({inner()} if cond() else {inner()})"
            case 10:
                return f"[{inner()} for {n} in items()]"
            case 11:
                inside = self.expression(False, depth + 1)
                return (
                    f"[{inner()} for {n} in {inside} if cond()]" if inside == "items()" else inner()
                )
            case 12:
                return f"thing(lambda: {inner()})"
            case 13:
                return f"{self.chance.choice(FUNCTIONS)}()"
            case 14:
                return f"f'{{{self.any_name()}}}'"
            case 15:
                return f"({inner()} for {n} in items() for {self.name()} in items())"
            case 16:
                return f"thing(list({inner()} for {n} in items()))"
            case 17:
                return f"(0 < thing() < {inner()})"
            case 18:
                return f"thing(*[{inner()}], k={n})" if False else f"thing({n})"
            case 19:
                return f"(lambda {n}={inner()}: {inner()})"
            case 20:
                return f"{{{inner()}: {inner()}}}"
            case _:
                return f"{n}.x[0]"

    def value(self, scope: str) -> str:
        """An expression; a walrus must not stand in a comprehension in a class."""
        return self.expression(scope != "class")

    def statement(self, depth: int, scope: str, in_loop: bool) -> None:
        emit, chance, n = self.emit, self.chance, self.name()
        value = self.value(scope)
        pick = chance.randrange(30)
        match pick:
            case 0 | 1 | 2:
                emit(depth, f"{n} = {value}")
            case 3:
                emit(depth, f"{n} += {value}")
            case 4:
                emit(depth, f"{n}, {self.name()} = thing(), {value}")
            case 5:
                emit(depth, f"del {n}")
            case 6:
                emit(depth, f"print({value}) if False else {value}")
            case 7 | 8:
                emit(depth, f"if {value}:")
                self.block(depth + 1, scope, in_loop, [])
                if chance.random() < 0.3:
                    emit(depth, f"elif {self.value(scope)}:")
                    self.block(depth + 1, scope, in_loop, [])
                if chance.random() < 0.5:
                    emit(depth, "else:")
                    self.block(depth + 1, scope, in_loop, [])
            case 9 | 10:
                emit(depth, f"for {n} in items():")
                self.block(depth + 1, scope, True, [])
                if chance.random() < 0.3:
                    emit(depth, "else:")
                    self.block(depth + 1, scope, in_loop, [])
            case 11:
                emit(depth, chance.choice(["while cond():", "while True:"]))
                emit(depth + 1, "if cond(): break")
                self.block(depth + 1, scope, True, [])
                if chance.random() < 0.3:
                    emit(depth, "else:")
                    self.block(depth + 1, scope, in_loop, [])
            case 12 if in_loop:
                emit(depth, f"if cond(): {chance.choice(['break', 'continue'])}")
            case 13 | 14 | 12:
                self.try_statement(depth, scope, in_loop)
            case 15:
                manager = chance.choice(["suppress()", "thing()", n])
                emit(depth, f"with {manager} as {self.name()}:")
                self.block(depth + 1, scope, in_loop, [])
            case 16 | 17 | 18 | 19 | 20:
                self.function(depth, scope)
            case 21 | 22:
                emit(depth, f"class {chance.choice(FUNCTIONS)}:")
                if chance.random() < 0.2 and scope != "function":
                    emit(depth + 1, f"global {n}")
                self.block(depth + 1, "class", False, [])
            case 23:
                emit(depth, f"{chance.choice(FUNCTIONS)} = lambda *{n}: {self.expression()}")
            case 24 | 25:
                emit(depth, f"{chance.choice(FUNCTIONS)}()")
            case 26:
                emit(depth, f"match {value}:")
                for pattern in chance.sample([n, "1", "(1 | 2) as " + n, f"[{n}, *_]", "None"], 2):
                    guard = " if cond()" if chance.random() < 0.4 or pattern.isidentifier() else ""
                    emit(depth + 1, f"case {pattern}{guard}:")
                    self.block(depth + 2, scope, in_loop, [])
                if chance.random() < 0.5:
                    emit(depth + 1, f"case {self.name()}:")
                    self.block(depth + 2, scope, in_loop, [])
            case 27:
                emit(depth, f"{n}: {self.any_name()} = {value}")
            case 28:
                emit(depth, f"import sys as {n}")
            case _:
                emit(depth, f"assert {value} or True, {n}")

    def try_statement(self, depth: int, scope: str, in_loop: bool) -> None:
        emit, chance = self.emit, self.chance
        emit(depth, "try:")
        self.block(depth + 1, scope, in_loop, [])
        emit(depth + 1, "boom()")
        handled = chance.random() < 0.8
        if handled:
            emit(
                depth, f"except Oops as {self.name()}:" if chance.random() < 0.6 else "except Oops:"
            )
            self.block(depth + 1, scope, in_loop, [])
            if chance.random() < 0.3:
                emit(depth, "else:")
                self.block(depth + 1, scope, in_loop, [])
        if not handled or chance.random() < 0.4:
            emit(depth, "finally:")
            self.block(depth + 1, scope, in_loop, [])

    def function(self, depth: int, scope: str) -> None:
        emit, chance, n = self.emit, self.chance, self.name()
        name = chance.choice(FUNCTIONS)
        decorated = chance.random() < 0.2
        if decorated:
            emit(depth, f"@{chance.choice(['call_now', 'thing', n])}")
            name = "decorated"
        default = self.value(scope)
        emit(depth, f"def {name}(*args, {n}={default}):")
        if chance.random() < 0.4:
            declared = self.name()
            if declared != n:
                emit(depth + 1, f"global {declared}")
                if chance.random() < 0.5:
                    emit(depth + 1, f"{declared} = {declared}")
        self.block(depth + 1, "function", False, [])
        if chance.random() < 0.5:
            emit(depth + 1, f"return {self.expression()}")


def program(seed: int) -> str | None:
    """The program of that seed; None if it is no Python (a walrus in the wrong place)."""
    source = Program(random.Random(seed)).write()
    try:
        compile(source, "<program>", "exec", dont_inherit=True)
    except SyntaxError:
        return None
    return source
