"""A TOML file that a user wrote, parsed and checked, with places for what is wrong in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.core.errors import ConfigError
from strata.loading.files import UnreadableText, read_text
from strata.loading.schema import Schema, TomlPath, first_mistake, unknown_keys


@dataclass(frozen=True)
class Document:
    """One TOML file. `path` is as messages show it; `error` is the type of its mistakes."""

    path: str
    text: str
    data: Mapping[str, object]
    error: type[ConfigError]

    def line(self, where: TomlPath) -> int | None:
        """The line of `where`, or of the nearest table around it."""
        for end in range(len(where), 0, -1):
            if where[:end] in self._lines:
                return self._lines[where[:end]]
        return None

    @cached_property
    def _lines(self) -> Mapping[TomlPath, int]:
        from strata.loading.places import lines_by_path  # 5 ms, and only messages pay for it

        return lines_by_path(self.text)

    def mistake(self, where: TomlPath, what: str, hint: str | None = None) -> ConfigError:
        """The error that `what` is wrong at `where`."""
        return self.error(what, path=self.path, line=self.line(where), hint=hint)

    def check(self, schema: Schema) -> None:
        """Raises the first place where the document does not fit `schema`."""
        mistake = first_mistake(self.data, schema)
        if mistake is not None:
            raise self.mistake(mistake.where, mistake.what, mistake.hint)

    def unknown_keys(self, schema: Schema) -> tuple[str, ...]:
        """A warning for each key that `schema` does not know."""
        return tuple(self._unknown(u.where, u.near) for u in unknown_keys(self.data, schema))

    def misspelt_keys(self, schema: Schema) -> tuple[str, ...]:
        """A warning for each unknown key that is nearly a known one, and only for those.

        For files in which other programs keep keys of their own.
        """
        unknown = unknown_keys(self.data, schema, likeness=0.8)
        return tuple(self._unknown(u.where, u.near) for u in unknown if u.near is not None)

    def _unknown(self, where: TomlPath, near: str | None) -> str:
        advice = "it has no effect" if near is None else f"did you mean '{near}'?"
        table = ".".join(str(part) for part in where[:-1] if isinstance(part, str))
        inside = f" in [{table}]" if table else ""
        return f"{self.path}:{self.line(where)}: unknown key '{where[-1]}'{inside}; {advice}"


def read_document(path: Path, shown: str, error: type[ConfigError]) -> Document:
    """The TOML file `path`. Raises `error` where it cannot be read or is not TOML."""
    try:
        text = read_text(path)
    except UnreadableText as problem:
        name = path.name
        raise error(f"{name} {problem.what}", path=shown, hint=problem.hint) from problem
    try:
        return Document(shown, text, tomllib.loads(text), error)
    except ValueError as problem:  # TOMLDecodeError, and Python's own about endless numbers
        raise _syntax_error(str(problem), text, shown, error) from problem
    except RecursionError as problem:
        raise error("lists nested too deep", path=shown, hint="write it flatter") from problem


_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")


def _syntax_error(message: str, text: str, shown: str, error: type[ConfigError]) -> ConfigError:
    place = _AT_LINE.search(message)
    what = message[: place.start()] if place else message.split(";")[0]
    lines = text.rstrip("\n").split("\n")
    line = None if place is None else int(place.group(1) or len(lines))
    hint = 'TOML is `key = value`, with text in quotes: name = "Iris"'
    if line is not None and lines[line - 1 : line] and lines[line - 1].startswith(_CONFLICT):
        hint = "resolve the merge conflict"
    what = f"not valid TOML: {what[:1].lower()}{what[1:]}"
    return error(what, path=shown, line=line, hint=hint)
