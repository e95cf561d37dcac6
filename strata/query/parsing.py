"""How expressions are written: the grammar of Bazel's query language.

    expression  term (operator term)*                   operators are left-associative, one rank
    term        word | "quoted" | $name | name(argument, …) | set(term …) | (expression)
                | let name = expression in expression   which reaches as far as it can
    operator    union + · intersect ^ · except -

Source: https://bazel.build/query/language, "Lexical syntax" and "Grammar". What is ours: a word may
hold any sign but those of the grammar, `=` and `%` too, because labels do; in quotes `$` is a
letter; `set` takes any terms; and where an expression is expected, `-//x` is a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from strata.core.dataclass import dataclass
from strata.core.errors import UsageError
from strata.query.expression import (
    Call,
    Expression,
    Let,
    Operation,
    Reference,
    Word,
    function_named,
    summary,
)
from strata.query.mistakes import mistake, quoted

DEEPEST = 100
"""Levels of parentheses, calls and `let`."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign>[(),+^=-])|(?P<word>[^\s(),+^"'=-][^\s(),+^"']*))"""
)
_NAME = r"[^\W\d]\w*"
_LET_NAME = re.compile(rf"\s*(?P<word>{_NAME})\s*(?P<sign>=)")
OPERATORS = {"+": "union", "^": "intersect", "-": "except"} | {
    word: word for word in ("union", "intersect", "except")
}
KEYWORDS = {"let", "in", "set", *OPERATORS}
"""What can stand for a target pattern, or name a variable, only in quotes or not at all."""
_NO_WORDS = {"(", ")", ",", "=", *KEYWORDS}
_ABOUT_NAMES = "in quotes, $ has no meaning; an operator - has spaces around it"
_ABOUT_LET = "let name = … in …, then $name means it"
_A_TERM = "a target pattern, a function or '('"


def parse(text: str) -> Expression:
    """The expression written as `text`. Raises `UsageError` with a caret under the place."""
    parser = _Parser(text)
    expression = parser.expression(0)
    if parser.next is not None:
        raise parser.wrong("an operator or the end", parser.advice_for_two())
    return expression


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int
    quoted: bool = False

    @property
    def end(self) -> int:
        return self.at + len(self.text)


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
        """Steps over the sign or keyword `text` if it is next."""
        taken = self.is_sign(text)
        self.position += taken
        return taken

    def expression(self, depth: int) -> Expression:
        left = self.term(depth)
        while (token := self.next) is not None and not token.quoted and token.text in OPERATORS:
            self.position += 1
            left = Operation(OPERATORS[token.text], left, self.term(depth))
        return left

    def term(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self.wrong(f"at most {DEEPEST} levels of parentheses and 'let'")
        token = self.next
        if token is None:
            raise self.wrong(_A_TERM)
        if self.take("("):
            inner = self.expression(depth + 1)
            self.expect(")")
            return inner
        if self.take("let"):
            return self.let(token, depth)
        if self.take("-"):
            return self.negative(token)
        return self.word(token, depth)

    def word(self, token: _Token, depth: int) -> Expression:
        """A pattern, a reference, or a call."""
        if token.text in _NO_WORDS - {"set"} and not token.quoted:
            raise self.wrong(_A_TERM, self.advice_for_signs())
        self.position += 1
        if token.quoted:
            return Word(token.text, token.at)
        if self.take("("):
            return self.call(token, depth)
        if token.text == "set":
            raise self.wrong("'('", "set(a b c); a notebook of this name goes in quotes")
        if not token.text.startswith("$"):
            return Word(token.text, token.at)
        if not re.fullmatch(_NAME, token.text[1:]):
            self.position -= 1
            raise self.wrong("the name of a variable after '$'", _ABOUT_NAMES)
        return Reference(token.text[1:], token.at)

    def call(self, name: _Token, depth: int) -> Call:
        """The arguments of a function, whose name and parenthesis are read."""
        arguments: list[Expression] = []
        if name.text == "set":
            while not self.take(")"):
                if self.is_sign("-"):
                    raise self.wrong("a target pattern or ')'", "set(a b) - c takes c from the set")
                arguments.append(self.term(depth + 1))
        elif not self.take(")"):
            arguments.append(self.expression(depth + 1))
            while self.take(","):
                arguments.append(self.expression(depth + 1))
            self.expect(")")
        return Call(name.text, tuple(arguments), name.at)

    def let(self, keyword: _Token, depth: int) -> Let:
        """`let` is read; its name and the sign after it are tokens of their own."""
        name = self.next
        is_name = name is not None and not name.quoted and name.text not in KEYWORDS
        if name is None or not is_name or not re.fullmatch(_NAME, name.text):
            raise self.wrong("a name after 'let'", _ABOUT_LET)
        self.position += 1
        self.expect("=", _ABOUT_LET)
        value = self.expression(depth + 1)
        self.expect("in", _ABOUT_LET)
        return Let(name.text, value, self.expression(depth + 1), keyword.at)

    def negative(self, minus: _Token) -> Word:
        """`-//x` is a pattern where an expression is expected, if nothing is between."""
        token = self.next
        is_word = token is not None and (token.quoted or token.text not in _NO_WORDS)
        if token is None or not is_word or token.at != minus.end:
            self.position -= 1
            raise self.wrong(_A_TERM)
        self.position += 1
        if not token.quoted and (token.text.startswith("$") or self.is_sign("(")):
            self.position -= 2
            raise self.wrong(_A_TERM, "write before the - what it is to be taken from: //... - …")
        return Word(f"-{token.text}", minus.at)

    def is_sign(self, text: str) -> bool:
        """The sign or keyword `text` is next."""
        token = self.next
        return token is not None and not token.quoted and token.text == text

    def expect(self, text: str, hint: str | None = None) -> None:
        if not self.take(text):
            raise self.wrong(f"'{text}'", hint or self.advice_for_two())

    def wrong(self, expected: str, hint: str | None = None) -> UsageError:
        token = self.next
        at = len(self.text) if token is None else token.at
        found = "the end" if token is None else quoted(token.text)
        return mistake(self.text, at, f"expected {expected}, found {found}", hint)

    def advice_for_two(self) -> str | None:
        """For what stands behind a term without an operator between."""
        before, behind = self.tokens[self.position - 1], self.next
        if behind is None or not (behind.quoted or behind.text not in _NO_WORDS):
            return None
        if not before.quoted and (function := function_named(before.text)) is not None:
            return summary(function)
        is_term = before.quoted or before.text not in _NO_WORDS or before.text == ")"
        return "with + between, it is both of them" if is_term else None

    def advice_for_signs(self) -> str | None:
        """For what is no word because of its first sign."""
        if self.next is None or self.next.text not in ("+", "^", "="):
            return None
        before = self.tokens[self.position - 1] if self.position else None
        begins = before is not None and not before.quoted and before.text in ("(", ",")
        return "a regular expression with signs goes in quotes" if begins else None


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    end = len(text.rstrip())
    after_let = False
    while position < end:
        match = _LET_NAME.match(text, position) if after_let else None
        if match is not None:
            yield _Token(match["word"], match.start("word"))
            yield _Token("=", match.start("sign"))
            after_let = False
            position = match.end()
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            at = len(text) - len(text[position:].lstrip())
            hint = "a word with one kind of quotes in it goes in quotes of the other kind"
            raise mistake(text, at, "a quote is never closed", hint)
        kind = match.lastgroup
        assert kind is not None
        at = match.start(kind)
        token = match.group(kind)
        after_let = token == "let"
        if kind == "quoted":
            yield _Token(token[1:-1], at, quoted=True)
        else:
            yield _Token(token, at)
        position = match.end()
