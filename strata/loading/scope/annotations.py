"""Names in annotations that are text: in quotes, or under `from __future__ import annotations`.

Nobody looks them up while the cell runs; `typing.get_type_hints` does, and what builds on it. So
they are read if somebody defines them, and are no mistake if nobody does.

Does not know scopes: a name that a class around the annotation binds is taken for one of the
module. What stands inside a function's body is left out, as no one can ask for its annotations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from strata.loading.scope.source import expression
from strata.loading.scope.symbols import arguments

_LONGEST_TEXT = 1_000


def text_names(statement: ast.stmt, *, postponed: bool) -> frozenset[str]:
    """The names in the annotations of a definition that are text; all of them, if `postponed`."""
    found: set[str] = set()
    stack: list[tuple[ast.AST, bool]] = [(a, postponed) for a in _annotations(statement)]
    while stack:
        node, is_text = stack.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            inner = expression(node.value) if len(node.value) <= _LONGEST_TEXT else None
            stack += [] if inner is None else [(inner, True)]
        elif isinstance(node, ast.Name):
            found |= {node.id} if is_text else set()
        else:
            stack += [(part, is_text) for part in _parts(node)]
    parameters = {getattr(p, "name", "") for p in getattr(statement, "type_params", ())}
    return frozenset(found - parameters)


def _annotations(statement: ast.stmt) -> Iterator[ast.expr]:
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                given = [argument.annotation for argument in arguments(node.args)]
                yield from (a for a in (*given, node.returns) if a is not None)
            case ast.AnnAssign():
                yield node.annotation
            case ast.stmt():
                parts = ast.iter_child_nodes(node)
                stack += [part for part in parts if isinstance(part, ast.stmt)]


def _parts(node: ast.AST) -> list[ast.AST]:
    """What types are below `node`: the texts in `Literal[...]` are no types."""
    if isinstance(node, ast.Subscript):
        name = node.value.attr if isinstance(node.value, ast.Attribute) else None
        name = node.value.id if isinstance(node.value, ast.Name) else name
        if name == "Literal":
            return [node.value]
        if name == "Annotated" and isinstance(node.slice, ast.Tuple):
            return [node.value, *node.slice.elts[:1]]
    return list(ast.iter_child_nodes(node))
