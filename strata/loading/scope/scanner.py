"""`scan`: the source of a Python cell in, what it says about names out."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

from strata.core.errors import CellError
from strata.loading.scope import ipython
from strata.loading.scope.beginnings import beginnings
from strata.loading.scope.definitions import Statement, definitions
from strata.loading.scope.model import Scan
from strata.loading.scope.names import BUILTINS, IMPLICIT
from strata.loading.scope.namespace import Namespace
from strata.loading.scope.normalize import normalize
from strata.loading.scope.source import clean, parse
from strata.loading.scope.statements import Walk
from strata.loading.scope.survey import Survey, survey
from strata.loading.scope.tree import children


def scan(source: str, path: str) -> Scan:
    """What the Python cell `source` binds, reads, changes and defines, as if it ran as the code
    of a module whose missing names are looked up in earlier cells.

    `path` is only for errors. Raises CellError, with the line and what to write instead, for text
    that is no Python or that only IPython understands. Runs nothing, and is thread-safe.
    """
    text = clean(source, path)
    tree = parse(text, path)
    try:
        return _scan(tree, text, path)
    except RecursionError:
        what = "syntax error: the code is nested too deeply to be understood"
        hint = "split the expression or the blocks into several statements"
        raise CellError(what, path=path, hint=hint) from None


def _scan(tree: ast.Module, text: str, path: str) -> Scan:
    looked = survey(tree)
    futures = _future_imports(tree)
    names = Namespace()
    statements = _walk(tree, names, looked, "annotations" not in futures)
    outside = _outside(names)
    ordinary = outside.keys() - BUILTINS - IMPLICIT
    binds = {key for key in names.state.linear if isinstance(key, str)}
    reads = ordinary & _hard(names)
    if "get_ipython" in reads and (found := ipython.call_of_shell(tree)) is not None:
        raise CellError(found.what, path=path, line=found.line, hint=found.hint)
    live = names.state.live
    defined = definitions(statements, names, text)
    return Scan(
        binds=_sorted(binds),
        reads=_sorted(reads),
        may_read=_sorted(ordinary - reads),
        mutates=_sorted(names.mutated & ordinary),
        deletes=_sorted(_deleted(tree) & ordinary - binds),
        assigns_into=_sorted(names.stored_into & ordinary),
        may_bind=_sorted(binds - names.state.definite) if live else (),
        definitions=defined,
        beginnings=beginnings(statements, names, defined, text),
        star_imports=tuple(_star_imports(tree)) if "*" in text else (),
        normalized="\n".join(statement.normalized for statement in statements),
        literals=_sorted(looked.literals),
        places=_sorted(looked.places - looked.outputs),
        writes=_sorted(looked.outputs),
        read_lines={name: outside[name] for name in sorted(ordinary)},
        bind_lines={name: names.bound_at[name] for name in sorted(binds)},
        builtin_reads=_sorted(outside.keys() & BUILTINS),
        future_imports=futures,
        shows_last=_shows_last(tree, text),
    )


def _walk(
    tree: ast.Module, names: Namespace, looked: Survey, eager_annotations: bool
) -> list[Statement]:
    """Runs every top-level statement against `names`."""
    walk = Walk(names, eager_annotations, looked.unbinds)
    statements: list[Statement] = []
    for node, depth in zip(tree.body, looked.depths, strict=True):
        names.needed.clear()
        walk.step(node)
        needed = frozenset(names.needed)
        statements.append(Statement(node, normalize(node, depth), needed, not eager_annotations))
    names.finish()
    return statements


def _outside(names: Namespace) -> dict[str, int]:
    """Every name that some path may look up outside, with the first line that does."""
    lines = dict(names.hard)
    for more in (names.soft, names.late):
        for name, line in more.items():
            lines[name] = min(line, lines.get(name, line))
    return lines


def _hard(names: Namespace) -> set[str]:
    """A late read of what the cell never binds can only be answered from outside."""
    return names.hard.keys() | (names.late.keys() - names.times_bound.keys())


def _future_imports(tree: ast.Module) -> tuple[str, ...]:
    found = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level
        for alias in node.names
    ]
    return _sorted(set(found))


def _star_imports(tree: ast.Module) -> Iterable[str]:
    """The language allows `import *` at the level of the module only, but inside `if` and such."""
    todo: list[ast.AST] = list(reversed(tree.body))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield f"from {'.' * node.level}{node.module or ''} import *"
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            parts = reversed(children(node))
            kinds = ast.stmt | ast.ExceptHandler | ast.match_case
            todo += [part for part in parts if isinstance(part, kinds)]


def _deleted(tree: ast.Module) -> set[str]:
    """Names that a statement of the cell's own deletes, whatever path it takes."""
    targets = [
        target for node in tree.body if isinstance(node, ast.Delete) for target in node.targets
    ]
    found: set[str] = set()
    while targets:
        match targets.pop():
            case ast.Name(id=name):
                found.add(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                targets += parts
    return found


def _shows_last(tree: ast.Module, text: str) -> bool:
    """The last statement is an expression, and no semicolon follows it.

    After the last expression come only closing parentheses, comments and semicolons.
    """
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return False
    last = tree.body[-1]
    lines = text.split("\n")[(last.end_lineno or 1) - 1 :]
    lines[0] = lines[0].encode()[last.end_col_offset or 0 :].decode()
    code = "".join(line.partition("#")[0] for line in lines)
    return ";" not in code


def _sorted(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
