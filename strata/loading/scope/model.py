"""What scope analysis finds out about a cell, as values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from strata.core.dataclass import dataclass, field


class DefinitionKind(StrEnum):
    """What a definition is; definitions cross cells as source, values as artifacts."""

    FUNCTION = "function"
    CLASS = "class"
    IMPORT = "import"
    LAMBDA = "lambda"
    TYPE_ALIAS = "type"
    BEGINNING = "beginning"  # of a value: see `Beginning`


@dataclass(frozen=True, slots=True)
class Definition:
    """A public or private name that one top-level statement of the cell defines, and nothing else
    in the cell rebinds: `def`, `class`, `import`, `name = lambda …`, `type X = …`.

    `source` is the statement as written (decorators included), `line` its first line from 1;
    `normalized` is the same without comments and formatting. `reads` are the global names that it
    reads, at definition time or later from inside a body (builtins left out). Imports that may be
    repeated (`import a`, `import a.b`) are one definition, with one statement a line.
    """

    name: str
    kind: DefinitionKind
    source: str
    normalized: str
    line: int
    reads: tuple[str, ...] = ()
    builtin_reads: tuple[str, ...] = ()
    """Builtins that it reads: they matter where a cell rebinds one (`input = load()`)."""
    text_reads: tuple[str, ...] = ()
    """Names in annotations that are text: read if some cell defines them, else not missed."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a value begins (`known = {}`) that decorators and base classes of its cell then change.

    To make the definitions again, the value has to be made again with them. `makers` are those
    definitions whose making may change it, `readers` those that read it then.
    """

    definition: Definition
    makers: tuple[str, ...]
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a cell's source says about names. All tuples of names are sorted.

    `binds`: bound in the cell's namespace when it has run to its end (private names included).
    `reads`: may be looked up in the cell's namespace before the cell binds them.
    `may_read`: bound by the cell, but on some path read first; never among `reads`.
    `mutates`: read from outside, and changed in place by a statement.
    """

    binds: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    """Those read from outside that the cell surely deletes: later cells do not have them."""
    assigns_into: tuple[str, ...] = ()
    """Those read from outside of which a statement assigns or deletes an attribute or an item."""
    may_bind: tuple[str, ...] = ()
    """Those of `binds` that some path leaves unbound: a reader may get an earlier cell's value."""
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    beginnings: Mapping[str, Beginning] = field(default_factory=dict)
    """By the name of the value."""
    star_imports: tuple[str, ...] = ()
    """The normalized statements `from m import *`, in order."""
    normalized: str = ""
    """The source without comments, blank lines and formatting; docstrings and literals count."""
    literals: tuple[str, ...] = ()
    """String literals that may name a file the cell reads, sorted, without duplicates."""
    places: tuple[str, ...] = ()
    """Those that stand where a call reads something: they may name a folder or a pattern."""
    writes: tuple[str, ...] = ()
    """String literals that stand where a file is written."""
    read_lines: Mapping[str, int] = field(default_factory=dict)
    """First line of each name in `reads` and `may_read`."""
    bind_lines: Mapping[str, int] = field(default_factory=dict)
    """First line of each name in `binds`."""
    builtin_reads: tuple[str, ...] = ()
    """Builtins looked up before the cell surely binds them: never among `reads` and `may_read`,
    they matter only where another cell rebinds one (`input = load()`)."""
    future_imports: tuple[str, ...] = ()
    """Names imported from `__future__`: they hold for the definitions of the cell, too."""
    shows_last: bool = False
    """The last statement is an expression without a trailing semicolon."""
