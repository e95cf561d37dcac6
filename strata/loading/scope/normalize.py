"""The normal form of statements: equal for texts that mean the same, different for others.

Rule. The normal form is written from the syntax tree. So comments, type comments, blank lines,
indentation, line breaks, redundant parentheses, semicolons, the style of quotes, prefixes that
change nothing (`u""`, `r""` of the same value) and the spelling of numbers (`1_000`, `0x10`) do not
count. Everything that the tree holds does: every name, every literal, docstrings, annotations,
order. Line numbers, which a traceback could show, are ignored on purpose.

`ast.unparse` writes it. It recurses, so a statement nested deeper than `DEEPEST` is written in
another notation, by a walk that does not; so is one that `ast.unparse` refuses (backslashes in
f-strings before Python 3.12, integers of more than 4,300 digits). Which notation is used depends
on the statement alone, never on how deep the caller stands. `test_normalize.py` reads normal forms
back and compares trees.
"""

from __future__ import annotations

import ast

DEEPEST = 100


def normalize(statement: ast.stmt, depth: int) -> str:
    """The normal form of `statement`, whose nesting is `depth` deep."""
    if depth <= DEEPEST:
        try:
            return ast.unparse(statement)
        except ValueError:
            pass
    return "# " + write_tree(statement)


def write_tree(node: ast.AST) -> str:
    """The tree in prefix notation on one line: injective, and without recursion.

    Begins with neither a name nor a keyword, so that no unparsed statement looks like it.
    """
    written: list[str] = []
    stack: list[object] = [node]
    while stack:
        item = stack.pop()
        match item:
            case _Text():
                written.append(item)
            case ast.AST():
                written.append(f"{type(item).__name__}(")
                fields = [name for name in item._fields if name not in ("kind", "type_comment")]
                stack.append(_Text(")"))
                stack += [getattr(item, name, None) for name in reversed(fields)]
            case list():
                written.append("[")
                stack.append(_Text("]"))
                stack += reversed(item)
            case _:
                written.append(_constant(item))
    return " ".join(written)


class _Text(str):
    """A piece of the notation, as against a string of the tree."""

    __slots__ = ()


def _constant(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)  # str() of a very long int is refused
    return f"{type(value).__name__}:{value!r}"
