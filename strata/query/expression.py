"""Query expressions as values. How they are written is `strata.query.parsing`, what they answer
`strata.query.evaluation`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import ModuleType
from typing import TypeAlias

from strata.core import extension
from strata.core.dataclass import dataclass
from strata.query.arguments import EVERYTHING, Argument

FUNCTIONS_PACKAGE = "strata.query.functions"
FUNCTIONS_GROUP = "strata.query"


@dataclass(frozen=True, slots=True)
class Word:
    """A target pattern, a number, a regular expression: `text`, and where it stands."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Reference:
    """`$name`: what a `let` around it has named."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Operation:
    """Two sets and what is done with them: union, intersect or except."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Let:
    """`let name = value in body`."""

    name: str
    value: Expression
    body: Expression
    at: int


Expression: TypeAlias = Word | Reference | Call | Operation | Let


def words(expression: Expression) -> list[str]:
    """The patterns of the expression, in order: what must be loaded. Depths, regular expressions
    and the like are left out; what a negative pattern is taken from is there."""
    found: list[str] = []
    stack = [expression]
    while stack:
        node = stack.pop()
        match node:
            case Word(text, _):
                found += [EVERYTHING, text] if text.startswith("-") else [text]
            case Call(name, arguments, _):
                function = function_named(name)
                if function is not None and getattr(function, "UNIVERSE", False):
                    found.append(EVERYTHING)
                kinds = itertools.chain(arguments_of(function), itertools.repeat(Argument.NODES))
                pairs = zip(arguments, kinds, strict=False)
                stack.extend(reversed([a for a, kind in pairs if kind is Argument.NODES]))
            case Operation(_, left, right):
                stack += [right, left]
            case Let(_, value, body, _):
                stack += [body, value]
            case Reference():
                pass
    return found


def function_named(name: str) -> ModuleType | None:
    """The module of a query function; None where there is none of this name. `set` is grammar."""
    if name == "set":
        return None  # nor is it looked for among those of third parties, which takes long
    return extension.load(FUNCTIONS_PACKAGE, name, FUNCTIONS_GROUP)


def function_names() -> list[str]:
    """What functions there are, those of third parties last. Slow: for messages."""
    from importlib.metadata import entry_points

    own = extension.names(FUNCTIONS_PACKAGE)
    others = {entry.name for entry in entry_points(group=FUNCTIONS_GROUP)}
    return [*own, *sorted(others - set(own))]


def arguments_of(function: ModuleType | None) -> Sequence[Argument]:
    """What a function takes, in order; nothing is known of None."""
    return () if function is None else tuple(function.ARGUMENTS)


def summary(function: ModuleType | None) -> str | None:
    """The first line of its docstring: how it is written, and what it answers."""
    first = (getattr(function, "__doc__", None) or "").partition("\n")[0]
    return first.replace("`", "").removesuffix(".") or None


def place_of(expression: Expression) -> int:
    """Where an expression begins in the text."""
    while isinstance(expression, Operation):
        expression = expression.left
    return expression.at
