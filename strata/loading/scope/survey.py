"""One pass over a syntax tree for what needs neither scopes nor order."""

from __future__ import annotations

import ast
import re

from strata.core.dataclass import dataclass, field
from strata.loading.scope.tree import children
from strata.loading.scope.writes import read_from, written

LONGEST_LITERAL = 512
LONGEST_QUERY = 100_000

_QUOTED = re.compile(r"'([^'\n\0]*[./][^'\n\0]{1,200})'|\"([^\"\n\0]*[./][^\"\n\0]{1,200})\"")


@dataclass(slots=True)
class Survey:
    """`depths[i]` is how deep the i-th top-level statement is nested; `literals` are the string
    constants that can be the path of a file that is read: not bytes, not pieces of f-strings,
    without line feeds and NULs, and not where a file is written.
    """

    depths: list[int] = field(default_factory=list)
    literals: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    """Texts that stand where something is read: they may also be folders or patterns."""
    outputs: set[str] = field(default_factory=set)
    """Texts that stand where a file is written."""
    written: set[int] = field(default_factory=set)
    """Identities of the constants that say where a file is written."""
    unbinds: bool = False
    """Some statement deletes a name, or binds an exception to one."""


def survey(tree: ast.Module) -> Survey:
    """Looks at every node of `tree` once, and drops the prefix `u` of strings from it."""
    found = Survey()
    for statement in tree.body:
        found.depths.append(_look_into(statement, found))
    return found


def _look_into(statement: ast.stmt, found: Survey) -> int:
    depth = 0
    level: list[ast.AST] = [statement]
    while level:
        depth += 1
        below: list[ast.AST] = []
        for node in level:
            _note(node, found)
            parts = children(node)
            if type(node).__name__ in ("JoinedStr", "TemplateStr"):
                parts = [part for part in parts if not isinstance(part, ast.Constant)]
            below += parts
        level = below
    return depth


def _note(node: ast.AST, found: Survey) -> None:
    if isinstance(node, ast.Constant):
        node.kind = None  # `u""` is `""`
        value = node.value
        if (
            isinstance(value, str)
            and len(value) <= LONGEST_LITERAL
            and not ("\n" in value or "\0" in value)
        ):
            (found.outputs if id(node) in found.written else found.literals).add(value)
        if isinstance(value, str) and ("'" in value or '"' in value):
            # "select * from 'data/x.parquet'": a reader in native code takes the path from there.
            quoted = {a or b for a, b in _QUOTED.findall(value[:LONGEST_QUERY])}
            found.literals |= quoted
            found.places |= quoted
    elif isinstance(node, ast.Call):
        # A call is looked at before what is in it.
        writes = [id(constant) for constant in written(node)]
        found.written.update(writes)
        if not writes:
            found.places.update(text for text in read_from(node) if len(text) <= LONGEST_LITERAL)
    elif isinstance(node, ast.Delete) or (isinstance(node, ast.ExceptHandler) and node.name):
        found.unbinds = True
