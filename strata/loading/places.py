"""Where things stand in a TOML text: the line of each key, for messages.

Reads text that is known to be valid TOML, and only when a message is due: tomllib, which reads
documents, keeps no places. Grammar: TOML 1.0.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from strata.core.dataclass import dataclass, field
from strata.loading.schema import TomlPath

_TOKEN = re.compile(
    r"""
      (?P<skip>[ \t\r]+|\#[^\n]*)
    | (?P<newline>\n)
    | (?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5}
                | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
    | (?P<mark>[\[\]{}=,.])
    | (?P<bare>[^\s\[\]{}=,.\#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def lines_by_path(text: str) -> Mapping[TomlPath, int]:
    """The line (from 1) of every table, key and list item of the TOML document `text`."""
    return _Scanner(_tokens(text)).scan()


def _tokens(text: str) -> list[_Token]:
    tokens = []
    line = 1
    for match in _TOKEN.finditer(text):
        kind, found = str(match.lastgroup), match.group()
        if kind != "skip":
            tokens.append(_Token(kind, found, line))
        line += found.count("\n")
    tokens.append(_Token("newline", "\n", line))
    return tokens


@dataclass(slots=True)
class _Open:
    """A list or inline table that is being read."""

    path: TomlPath
    is_list: bool
    position: int = 0

    def item(self) -> TomlPath:
        return (*self.path, self.position)


@dataclass(slots=True)
class _Scanner:
    """Walks the tokens once, statement by statement."""

    tokens: list[_Token]
    at: int = 0
    lines: dict[TomlPath, int] = field(default_factory=dict)
    last_item: dict[TomlPath, int] = field(default_factory=dict)
    """Of each list of `[[tables]]`, the position of the table written last."""

    def scan(self) -> Mapping[TomlPath, int]:
        table: TomlPath = ()
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "newline":
                self.at += 1
            elif token.text == "[":
                table = self._header(token.line)
            else:
                key = self._key(table)
                self._note(key, token.line)
                self._value(key)
        return self.lines

    def _note(self, path: TomlPath, line: int) -> None:
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], line)

    def _key(self, base: TomlPath) -> TomlPath:
        """The path that a dotted key names below `base`; steps over the `=` or `]` after it."""
        path = base
        while self.tokens[self.at].text not in ("=", "]"):
            token = self.tokens[self.at]
            if token.text != ".":
                path = (*path, _unquoted(token))
            self.at += 1
        self.at += 1
        return path

    def _header(self, line: int) -> TomlPath:
        self.at += 1
        many = self.tokens[self.at].text == "["
        self.at += many
        path: TomlPath = ()
        keys = self._key(())
        for key in keys[:-1]:
            path = self._inside((*path, key))
        path = (*path, keys[-1])
        self.at += many
        if many:
            self.last_item[path] = self.last_item.get(path, -1) + 1
            self._note(path, line)
        path = self._inside(path)
        self._note(path, line)
        return path

    def _inside(self, path: TomlPath) -> TomlPath:
        return (*path, self.last_item[path]) if path in self.last_item else path

    def _value(self, path: TomlPath) -> None:
        """Notes what stands inside the value of `path`; an explicit stack, as lists nest freely."""
        open_: list[_Open] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            here = open_[-1] if open_ else None
            if token.kind == "newline" and here is None:
                return
            if token.text in ("]", "}"):
                open_.pop()
            elif token.text == ",":
                assert here is not None
                here.position += 1
            elif token.kind != "newline":
                if here is not None and here.is_list:
                    path = here.item()
                    self._note(path, token.line)
                elif here is not None and not self._after_equals():
                    path = self._key(here.path)
                    self._note(path, token.line)
                    continue
                if token.text in ("[", "{"):
                    open_.append(_Open(path, token.text == "["))
            self.at += 1

    def _after_equals(self) -> bool:
        """Whether the token belongs to a value: numbers and dates come in several tokens."""
        before = self.at - 1
        while self.tokens[before].text not in ("=", ",", "{"):
            before -= 1
        return self.tokens[before].text == "="


def _unquoted(token: _Token) -> str:
    if token.kind != "string":
        return token.text
    if token.text.startswith("'"):
        return token.text.strip("'")
    # Escapes of a TOML key that Python does not share (`\e`) are not in TOML 1.0.
    return str(ast.literal_eval(token.text))
