"""One pass over a syntax tree for what needs neither scopes nor order."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from strata.loading.scope.tree import children
from strata.loading.scope.writes import written

LONGEST_LITERAL = 512


@dataclass(slots=True)
class Survey:
    """`depths[i]` is how deep the i-th top-level statement is nested; `literals` are the string
    constants that can be the path of a file that is read: not bytes, not pieces of f-strings,
    without line feeds and NULs, and not where a file is written.
    """

    depths: list[int] = field(default_factory=list)
    literals: set[str] = field(default_factory=set)
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
            and id(node) not in found.written
        ):
            found.literals.add(value)
    elif isinstance(node, ast.Call):
        # A call is looked at before what is in it.
        found.written.update(map(id, written(node)))
    elif isinstance(node, ast.Delete) or (isinstance(node, ast.ExceptHandler) and node.name):
        found.unbinds = True
