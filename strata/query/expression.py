"""Query expressions: parsed, then evaluated over the graph of cells.

    expression  term (operator term)*          operators are left-associative, equal precedence
    term        word | "quoted" | name(expression, …) | set(word …) | (expression)
    operator    union + · intersect ^ · except -

The grammar is that of Bazel's query language. Words are target patterns; a function is a file in
`strata/query/functions`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from strata.analysis.graph import CellGraph
from strata.core import extension
from strata.core.dataclass import dataclass
from strata.core.errors import UsageError
from strata.core.label import Label

FUNCTIONS_PACKAGE = "strata.query.functions"
FUNCTIONS_GROUP = "strata.query"
DEEPEST = 100

Labels: TypeAlias = frozenset[Label]
Resolve: TypeAlias = Callable[[str], Iterable[Label]]


@dataclass(frozen=True, slots=True)
class Word:
    """A target pattern or a number, and where it stands."""

    text: str
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


Expression: TypeAlias = Word | Call | Operation

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign>[(),+^])|(?P<minus>-(?=[\s(]))"""
    r"""|(?P<word>[^\s(),+^"']+))"""
)
_OPERATORS = {"+": "union", "^": "intersect", "-": "except"} | {
    word: word for word in ("union", "intersect", "except")
}


_NO_WORDS = {"(", ")", ",", *_OPERATORS}
"""What can stand for a target pattern only in quotes."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int
    quoted: bool = False


def parse(text: str) -> Expression:
    """The expression written as `text`. Raises `UsageError` with a caret under the place."""
    parser = _Parser(text)
    expression = parser.expression(0)
    if parser.next is not None:
        raise parser.wrong("an operator or the end")
    return expression


def words(expression: Expression) -> list[str]:
    """The patterns of the expression, in order: what must be loaded. Depths are left out."""
    found: list[str] = []
    stack = [expression]
    while stack:
        node = stack.pop()
        match node:
            case Word(text, _):
                found.append(text)
            case Call(name, arguments, _):
                kinds = itertools.chain(_kinds(name), itertools.repeat(None))
                pairs = zip(arguments, kinds, strict=False)
                stack.extend(reversed([a for a, kind in pairs if kind is not int]))
            case Operation(_, left, right):
                stack += [right, left]
    return found


def evaluate(expression: Expression, graph: CellGraph, resolve: Resolve, text: str) -> Labels:
    """The labels that the expression answers. `resolve` gives the labels of a pattern."""
    match expression:
        case Word(word, _):
            return frozenset(resolve(word))
        case Operation():
            return _operations(expression, graph, resolve, text)
        case Call("set", arguments, _):
            return frozenset().union(*(evaluate(a, graph, resolve, text) for a in arguments))
        case Call(name, arguments, at):
            return _call(name, arguments, at, graph, resolve, text)


def _operations(last: Operation, graph: CellGraph, resolve: Resolve, text: str) -> Labels:
    """A row of operators, which may be as long as the command line: from left to right."""
    row: list[Operation] = []
    first: Expression = last
    while isinstance(first, Operation):
        row.append(first)
        first = first.left
    found = evaluate(first, graph, resolve, text)
    for operation in reversed(row):
        right = evaluate(operation.right, graph, resolve, text)
        match operation.operator:
            case "union":
                found |= right
            case "intersect":
                found &= right
            case _:
                found -= right
    return found


def spread(
    start: Labels, neighbours: Callable[[Label], Sequence[Label]], depth: int | None
) -> Labels:
    """`start` and what is at most `depth` steps away, breadth first; no depth: all."""
    found = set(start)
    frontier = list(start)
    steps = 0
    while frontier and (depth is None or steps < depth):
        frontier = [n for label in frontier for n in neighbours(label) if n not in found]
        frontier = list(dict.fromkeys(frontier))
        found.update(frontier)
        steps += 1
    return frozenset(found)


def _kinds(name: str) -> tuple[object, ...]:
    """What the arguments of a function are; empty where there is no such function."""
    module = extension.load(FUNCTIONS_PACKAGE, name, FUNCTIONS_GROUP)
    return () if module is None else tuple(module.ARGUMENTS)


def _call(
    name: str,
    arguments: Sequence[Expression],
    at: int,
    graph: CellGraph,
    resolve: Resolve,
    text: str,
) -> Labels:
    module = extension.load(FUNCTIONS_PACKAGE, name, FUNCTIONS_GROUP)
    if module is None:
        known = ("set", *extension.names(FUNCTIONS_PACKAGE))
        from difflib import get_close_matches  # only on the way to an error

        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        raise _error(text, at, f"no function '{name}'", hint)
    kinds = module.ARGUMENTS
    least = len(kinds) - module.OPTIONAL
    if not least <= len(arguments) <= len(kinds):
        takes = str(least) if least == len(kinds) else f"{least} to {len(kinds)}"
        raise _error(text, at, f"{name} takes {takes} arguments, not {len(arguments)}", None)
    values: list[Labels | int] = []
    for kind, argument in zip(kinds, arguments, strict=False):
        if kind is int:
            values.append(_number(argument, name, at, text))
        else:
            values.append(evaluate(argument, graph, resolve, text))
    answer: Labels = module.call(graph, *values)
    return answer


def _number(argument: Expression, name: str, at: int, text: str) -> int:
    if isinstance(argument, Word) and re.fullmatch("[0-9]{1,9}", argument.text):
        return int(argument.text)
    place = argument.at if isinstance(argument, (Word, Call)) else at
    raise _error(text, place, f"the depth of {name} is a whole number", None)


class _Parser:
    """Recursive descent over the tokens; depth is bounded because people write expressions."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.position = 0

    @property
    def next(self) -> _Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def take(self, text: str) -> bool:
        """Steps over the sign `text` if it is next."""
        token = self.next
        if token is None or token.quoted or token.text != text:
            return False
        self.position += 1
        return True

    def expression(self, depth: int) -> Expression:
        left = self.term(depth)
        while (token := self.next) is not None and not token.quoted and token.text in _OPERATORS:
            self.position += 1
            left = Operation(_OPERATORS[token.text], left, self.term(depth))
        return left

    def term(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self.wrong(f"at most {DEEPEST} levels of parentheses")
        token = self.next
        if token is None or (not token.quoted and token.text in _NO_WORDS):
            if token is not None and self.take("("):
                inner = self.expression(depth + 1)
                self.expect(")")
                return inner
            raise self.wrong("a target pattern, a function or '('")
        self.position += 1
        if token.quoted or not self.take("("):
            return Word(token.text, token.at)
        arguments: list[Expression] = []
        if token.text == "set":
            while not self.take(")"):
                arguments.append(self.term(depth + 1))
            return Call("set", tuple(arguments), token.at)
        if not self.take(")"):
            arguments.append(self.expression(depth + 1))
            while self.take(","):
                arguments.append(self.expression(depth + 1))
            self.expect(")")
        return Call(token.text, tuple(arguments), token.at)

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.wrong(f"'{text}'")

    def wrong(self, expected: str) -> UsageError:
        token = self.next
        at = len(self.text) if token is None else token.at
        found = "the end" if token is None else f"'{token.text}'"
        return _error(self.text, at, f"expected {expected}, found {found}", None)


def _tokens(text: str) -> Iterable[_Token]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            at = len(text) - len(text[position:].lstrip())
            raise _error(text, at, "a quote is never closed", None)
        kind = match.lastgroup
        assert kind is not None
        at = match.start(kind)
        token = match.group(kind)
        if kind == "quoted":
            yield _Token(token[1:-1], at, quoted=True)
        else:
            yield _Token(token, at)
        position = match.end()


def _error(text: str, at: int, what: str, hint: str | None) -> UsageError:
    """The expression with a caret under the place, what is wrong, and advice."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return UsageError(f"in the query: {what}\n  {flat}\n  {' ' * at}^", hint=hint)
