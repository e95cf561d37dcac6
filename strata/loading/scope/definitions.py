"""Which names of a cell are definitions: they cross to other cells as source, not as values.

A name is one only if a single top-level statement makes it what it is. So a function that gets an
attribute (`f.cache = {}`), a name that is bound again or deleted, and all that stands inside
`if` or `try` are values. Two exceptions, because nothing else could carry a module:

* attributes set on an imported module (`plt.rcParams["figure.dpi"] = 120`) do not change what the
  import means, so the name stays a definition;
* imports that may be repeated stay one definition: the same import twice, or `import a` and
  `import a.b`. Its source is then all of them, one a line.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from strata.core.dataclass import dataclass
from strata.loading.scope.annotations import text_names
from strata.loading.scope.model import Definition, DefinitionKind
from strata.loading.scope.names import BUILTINS, IMPLICIT
from strata.loading.scope.namespace import Namespace


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement, its normal form, and the names it looks up in the module.

    `postponed`: no annotation in it is evaluated.
    """

    node: ast.stmt
    normalized: str
    needed: frozenset[str]
    postponed: bool = False


def definitions(
    statements: Sequence[Statement], names: Namespace, text: str
) -> Mapping[str, Definition]:
    """The definitions of a cell by name, in the order of the source."""
    candidates: dict[str, list[Definition]] = {}
    for statement in statements:
        for candidate in _candidates(statement, text):
            candidates.setdefault(candidate.name, []).append(candidate)
    found: dict[str, Definition] = {}
    for name, same in candidates.items():
        if names.times_bound[name] != len(same) or name in names.unbound:
            continue
        if same[0].kind is not DefinitionKind.IMPORT and name in names.stored_into:
            continue
        if (merged := _merge(same)) is not None:
            found[name] = merged
    return found


def _candidates(statement: Statement, text: str) -> Sequence[Definition]:
    node = statement.node
    match node:
        case ast.Import():
            return [_import(f"import {_alias(part)}", part) for part in node.names]
        case ast.ImportFrom(module="__future__", level=0):
            return []
        case ast.ImportFrom():
            origin = "." * node.level + (node.module or "")
            parts = [part for part in node.names if part.name != "*"]
            return [_import(f"from {origin} import {_alias(part)}", part) for part in parts]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [make_definition(statement, node.name, DefinitionKind.FUNCTION, text)]
        case ast.ClassDef():
            return [make_definition(statement, node.name, DefinitionKind.CLASS, text)]
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda())
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.Lambda())
        ):
            return [make_definition(statement, name, DefinitionKind.LAMBDA, text)]
    target = getattr(node, "name", None)
    if type(node).__name__ == "TypeAlias" and isinstance(target, ast.Name):  # Python 3.12
        return [make_definition(statement, target.id, DefinitionKind.TYPE_ALIAS, text)]
    return []


def _alias(part: ast.alias) -> str:
    return part.name if part.asname is None else f"{part.name} as {part.asname}"


def _import(source: str, part: ast.alias) -> Definition:
    name = part.asname or part.name.partition(".")[0]
    return Definition(name, DefinitionKind.IMPORT, source, source, part.lineno)


def make_definition(statement: Statement, name: str, kind: DefinitionKind, text: str) -> Definition:
    """The definition of `name` that is `statement`."""
    start = _start(statement.node, text)
    line = text.count("\n", 0, start) + 1
    stop = _offset(text, statement.node.end_lineno or line, statement.node.end_col_offset or 0)
    needed = statement.needed - {name} - IMPLICIT
    hints = text_names(statement.node, postponed=statement.postponed)
    return Definition(
        name,
        kind,
        text[start:stop],
        statement.normalized,
        line,
        tuple(sorted(needed - BUILTINS)),
        tuple(sorted(needed & BUILTINS)),
        tuple(sorted(hints - needed - {name} - IMPLICIT - BUILTINS)),
    )


def _start(node: ast.stmt, text: str) -> int:
    """Where the statement begins; the tree knows where the first decorator does, after its `@`."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    if not decorators:
        return _offset(text, node.lineno, node.col_offset)
    first = decorators[0]
    return text.rindex("@", 0, _offset(text, first.lineno, first.col_offset))


def _offset(text: str, line: int, column_bytes: int) -> int:
    """The index into `text` of a place in the tree, whose columns count bytes of UTF-8."""
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    stop = text.find("\n", start)
    current = text[start:] if stop < 0 else text[start:stop]
    return start + len(current.encode()[:column_bytes].decode())


def _merge(same: Sequence[Definition]) -> Definition | None:
    """One definition that does what `same` do one after the other, if there is one."""
    first = same[0]
    texts = list(dict.fromkeys(part.source for part in same))
    if len(same) == 1:
        return first
    if any(part.kind is not DefinitionKind.IMPORT for part in same):
        return None
    whole_packages = all(text.startswith("import ") and " as " not in text for text in texts)
    if len(texts) > 1 and not whole_packages:
        return None
    source = "\n".join(texts)
    return Definition(first.name, first.kind, source, source, first.line)
