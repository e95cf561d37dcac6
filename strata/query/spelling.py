"""Expressions that are spelled as words of a command line: `deps //train:model 2`."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from strata.core.errors import UsageError
from strata.query.arguments import Argument
from strata.query.expression import arguments_of, function_named, function_names
from strata.query.mistakes import nearest, quoted
from strata.query.parsing import KEYWORDS, OPERATORS


def spelled(given: Sequence[str]) -> str:
    """The expression that the words of a command line mean; at least one word.

    If the first of several is a function, the others are its arguments in order. Words that are
    left over belong to its last set, without those that begin with `-`; a number at the end is the
    depth. Else the words are one expression with spaces between. Raises `UsageError`.
    """
    name, *rest = given
    function = function_named(name) if rest else None
    if name == "set" and rest and not _goes_on(rest[0]):
        words, without = _parted(rest)
        return " - ".join([f"set({' '.join(map(_in_quotes, words))})", *map(_in_quotes, without)])
    if function is not None:
        # Of a set no argument begins so; a regular expression may.
        takes_set = arguments_of(function)[0] is Argument.NODES
        if not (takes_set and _goes_on(rest[0])):
            return f"{name}({', '.join(_arguments(name, function, rest))})"
    elif rest and name.isidentifier() and name not in KEYWORDS and not _goes_on(rest[0]):
        hint = nearest(name, ["set", *function_names()])
        raise UsageError(f"no function {quoted(name)}, and no expression begins so", hint=hint)
    return " ".join(given)


def _goes_on(word: str) -> bool:
    """It can stand behind the first word of an expression, and for no target."""
    return word in OPERATORS or word.startswith("(")


def _arguments(name: str, function: ModuleType, given: list[str]) -> list[str]:
    """The arguments of `function` as an expression has them; as many as there are words for."""
    kinds = list(arguments_of(function))
    if Argument.NODES not in kinds:
        return [_in_quotes(word) for word in given]
    first_set = kinds.index(Argument.NODES)
    for word in given[first_set:]:
        if word in OPERATORS:
            hint = f"write one expression in quotes: '{name}(… {word} …)'"
            raise UsageError(f"{quoted(word)} among the words after {quoted(name)}", hint=hint)
    last_set = len(kinds) - 1 - kinds[::-1].index(Argument.NODES)
    targets, without = _parted(given[first_set:])
    words = [*given[:first_set], *targets]
    depth = [words.pop()] if kinds[-1] is Argument.DEPTH and _ends_in_number(words) else []
    if len(words) == last_set and hasattr(function, "FIRST_SET"):
        words.insert(first_set, function.FIRST_SET)
    union = " + ".join(map(_set, words[last_set:]))
    last = " - ".join([union, *map(_set, without)])
    pairs = zip(kinds, words[:last_set], strict=False)
    before = [_set(w) if kind is Argument.NODES else _in_quotes(w) for kind, w in pairs]
    return [*before, *([last] if union else []), *depth]


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is meant, and what is to be left out of it; of negative patterns alone, the first is
    meant as it is written: all but this."""
    targets = [word for word in words if not word.startswith("-")]
    without = [word[1:] for word in words if word.startswith("-")]
    if without and not targets:
        targets.append(f"-{without.pop(0)}")
    return targets, without


def _ends_in_number(words: list[str]) -> bool:
    """The last of several words is a number."""
    return len(words) > 1 and words[-1].isascii() and words[-1].isdecimal()


def _set(word: str) -> str:
    """One target, whatever it has in it; a call, as in `rdeps 'file(x)'`, as it is."""
    name, _, rest = word.partition("(")
    if rest.endswith(")") and (name == "set" or function_named(name) is not None):
        return word
    return _in_quotes(word)


def _in_quotes(word: str) -> str:
    if '"' not in word:
        return f'"{word}"'
    if "'" not in word:
        return f"'{word}'"
    what = f"{quoted(word)} has both kinds of quotes in it, so no expression can have it"
    raise UsageError(what, hint="leave one kind out; in a regular expression . stands for any sign")
