"""The children of a syntax tree's node, fast.

Scanning a cell looks at each node several times; `ast.iter_child_nodes` is most of that time.
"""

from __future__ import annotations

import ast

_NEVER_NODES = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment", "conversion", "level"}
    | {"module", "asname", "kwd_attrs", "simple", "is_async", "type_ignores", "tag"}
)
"""Fields that hold no code: strings, numbers, and signs that are the same everywhere."""

_fields_of: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below `node` in the order of its fields, without contexts (`Load`) and
    operators (`Add`).
    """
    kind = type(node)
    fields = _fields_of.get(kind)
    if fields is None:
        fields = tuple(name for name in kind._fields if name not in _NEVER_NODES)
        _fields_of[kind] = fields
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
