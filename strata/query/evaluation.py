"""What expressions answer, over a graph of cells. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from strata.query.arguments import Argument, ArgumentError
from strata.query.checking import Literal, check, literal
from strata.query.expression import (
    Call,
    Expression,
    Let,
    Operation,
    Reference,
    Word,
    arguments_of,
    function_named,
    place_of,
    summary,
)
from strata.query.graph import QueryGraph
from strata.query.mistakes import mistake
from strata.query.nodes import Node, Nodes

Resolve: TypeAlias = Callable[[str], Iterable[Node]]
"""The nodes of a target pattern. Raises `LabelError` where it means nothing."""


def evaluate(expression: Expression, graph: QueryGraph, resolve: Resolve, text: str) -> Nodes:
    """The nodes that the expression answers; `text` is how it was written, for messages.

    Raises `UsageError` with a caret under the place, and what `resolve` raises.
    """
    check(expression, text)
    return _Evaluation(graph, resolve, text).nodes(expression, {})


class _Evaluation:
    """One expression that `check` has let pass, over one graph."""

    def __init__(self, graph: QueryGraph, resolve: Resolve, text: str) -> None:
        self.graph = graph
        self.resolve = resolve
        self.text = text

    def nodes(self, expression: Expression, named: Mapping[str, Nodes]) -> Nodes:
        """The answer, where `let` has given these names to sets."""
        match expression:
            case Word(word, _):
                return frozenset(self.resolve(word))
            case Reference(name, _):
                return named[name]
            case Operation():
                return self._operations(expression, named)
            case Let(name, value, body, _):
                return self.nodes(body, {**named, name: self.nodes(value, named)})
            case Call("set", arguments, _):
                return frozenset[Node]().union(*(self.nodes(a, named) for a in arguments))
            case Call():
                return self._call(expression, named)

    def _operations(self, last: Operation, named: Mapping[str, Nodes]) -> Nodes:
        """A row of operators, which may be as long as the command line: from left to right."""
        row: list[Operation] = []
        first: Expression = last
        while isinstance(first, Operation):
            row.append(first)
            first = first.left
        found = set(self.nodes(first, named))
        for operation in reversed(row):
            right = self.nodes(operation.right, named)
            match operation.operator:
                case "union":
                    found |= right
                case "intersect":
                    found &= right
                case _:
                    found -= right
        return frozenset(found)

    def _call(self, call: Call, named: Mapping[str, Nodes]) -> Nodes:
        function = function_named(call.name)
        assert function is not None
        pairs = zip(arguments_of(function), call.arguments, strict=False)
        values = [self._value(kind, argument, call, named) for kind, argument in pairs]
        try:
            answer: Nodes = function.call(self.graph, *values)
        except ArgumentError as wrong:
            at = place_of(call.arguments[wrong.position])
            hint = wrong.hint or summary(function)
            raise mistake(self.text, at, wrong.what, hint) from None
        return answer

    def _value(
        self, kind: Argument, argument: Expression, call: Call, named: Mapping[str, Nodes]
    ) -> Nodes | Literal:
        if kind is Argument.NODES:
            return self.nodes(argument, named)
        return literal(kind, argument, call, self.text)
