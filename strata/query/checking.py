"""What is wrong with an expression before anything is loaded for it: names of functions and of
variables, numbers of arguments, and arguments that are no sets.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import TypeAlias

from strata.query.arguments import Argument
from strata.query.expression import (
    Call,
    Expression,
    Let,
    Operation,
    Reference,
    Word,
    arguments_of,
    function_named,
    function_names,
    place_of,
    summary,
)
from strata.query.mistakes import mistake, nearest, quoted

Literal: TypeAlias = int | str | re.Pattern[str]


def check(expression: Expression, text: str) -> None:
    """Raises `UsageError` for the first mistake in `expression`, which was written as `text`."""
    stack: list[tuple[Expression, tuple[str, ...]]] = [(expression, ())]
    while stack:
        node, names = stack.pop()
        match node:
            case Reference(name, at):
                if name not in names:
                    known = ", ".join(f"${other}" for other in dict.fromkeys(names))
                    hint = f"there are: {known}" if known else "write let name = … in … around it"
                    raise mistake(text, at, f"no variable {quoted(f'${name}')}", hint)
            case Let(name, value, body, _):
                stack += [(body, (*names, name)), (value, names)]
            case Operation(_, left, right):
                stack += [(right, names), (left, names)]
            case Call():
                stack += [(one, names) for one in reversed(_sets_of(node, text))]
            case Word():
                pass


def _sets_of(call: Call, text: str) -> list[Expression]:
    """The arguments that are expressions; the others are as they must be."""
    if call.name == "set":
        return list(call.arguments)
    function = function_named(call.name)
    if function is None:
        hint = nearest(call.name, ["set", *function_names()])
        raise mistake(text, call.at, f"no function {quoted(call.name)}", hint)
    _check_number(call, function, text)
    sets: list[Expression] = []
    for kind, argument in zip(arguments_of(function), call.arguments, strict=False):
        if kind is Argument.NODES:
            sets.append(argument)
        else:
            literal(kind, argument, call, text)
    return sets


def _check_number(call: Call, function: ModuleType, text: str) -> None:
    most = len(arguments_of(function))
    least = most - function.OPTIONAL
    if not least <= len(call.arguments) <= most:
        takes = str(least) if least == most else f"{least} to {most}"
        plural = "" if takes == "1" else "s"
        what = f"{call.name} takes {takes} argument{plural}, not {len(call.arguments)}"
        raise mistake(text, call.at, what, summary(function))


def literal(kind: Argument, argument: Expression, call: Call, text: str) -> Literal:
    """An argument of `call` that is no set, as the function gets it. Raises `UsageError`."""
    at = place_of(argument)
    if not isinstance(argument, Word):
        hint = "write one word, or put it in quotes"
        raise mistake(text, at, f"{call.name} takes {kind.value} here", hint)
    if kind is Argument.TEXT:
        return argument.text
    if kind is Argument.DEPTH:
        if not re.fullmatch("[0-9]{1,9}", argument.text):
            what = f"{call.name} takes {kind.value} here, not {quoted(argument.text)}"
            raise mistake(text, at, what, summary(function_named(call.name)))
        return int(argument.text)
    return _pattern(argument, text)


def _pattern(word: Word, text: str) -> re.Pattern[str]:
    """The regular expression; what Python's warns of is left to those who wrote it."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(word.text)
    except (re.error, ValueError, OverflowError, RecursionError) as problem:
        why = str(problem).partition("\n")[0]
        what = f"{quoted(word.text)} is not a regular expression: {why}"
        raise mistake(text, word.at, what, "a backslash before a sign takes its meaning") from None
