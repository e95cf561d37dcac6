"""Values that the making of definitions changes: `known = {}`, and `@register` that fills it.

A decorator runs where its definition is made. Whoever gets the definition from another cell makes
it again, and the decorator would change the value as the cell left it: it would find itself there
already, or nothing at all, since a value that holds the function waits for the function. So what
is made again begins where the cell began: with the statement that makes the value.

That is sound if nothing but definitions touches the value before the last of them is made, and if
making it again costs nothing: a display, or a call of a class with nothing computed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from strata.core.dataclass import replace
from strata.loading.scope.definitions import Statement, make_definition
from strata.loading.scope.model import Beginning, Definition, DefinitionKind
from strata.loading.scope.names import BUILTINS, IMPLICIT
from strata.loading.scope.namespace import Namespace
from strata.loading.scope.tree import children

_CLASSES = frozenset({"dict", "list", "set", "defaultdict", "deque", "count"})
"""Classes whose names do not begin with a capital."""


def beginnings(
    statements: Sequence[Statement],
    names: Namespace,
    definitions: Mapping[str, Definition],
    text: str,
) -> dict[str, Beginning]:
    """The beginnings of values that the making of `definitions` may change, by name."""
    made = {i: n for i, s in enumerate(statements) if (n := _name(s.node)) in definitions}
    made_with = {i: frozenset(_made_with(statements[i].node)) for i in made}
    if not any(made_with.values()):
        return {}
    reached = {i: _reached(needed, definitions) for i, needed in made_with.items()}
    found: dict[str, Beginning] = {}
    for place, statement in enumerate(statements):
        name = _begins(statement, definitions)
        makers = [i for i in made if name in reached[i]]
        if not name or not makers or names.times_bound[name] != 1 or name in names.unbound:
            continue
        before = (s for i, s in enumerate(statements[: max(makers)]) if i != place)
        touching = (s.needed for s in before if _name(s.node) not in definitions)
        if not any(name in _reached(needed, definitions) for needed in touching):
            within = set().union(*(reached[i] for i in makers), (made[i] for i in makers))
            definition = make_definition(statement, name, DefinitionKind.BEGINNING, text)
            found[name] = Beginning(
                replace(definition, reads=(*definition.reads, name)),
                tuple(made[i] for i in makers),
                tuple(d.name for d in definitions.values() if d.name in within and name in d.reads),
            )
    return found


def _name(node: ast.stmt) -> str:
    """What a statement defines; "" for those that may define nothing, or several names."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def _begins(statement: Statement, definitions: Mapping[str, Definition]) -> str:
    """The name of the value that `statement` makes, if it can be made again at no cost; or ""."""
    node = statement.node
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return ""
    arguments: Sequence[ast.AST]
    match node.value:
        case ast.Dict() | ast.List() | ast.Set():
            arguments = [node.value]
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
            if not (called[:1].isupper() or called in _CLASSES):
                return ""
            arguments = [*node.value.args, *node.value.keywords]
        case _:
            return ""
    parts = list(_all_of(arguments))
    computes = any(isinstance(part, ast.Call | ast.Await | ast.comprehension) for part in parts)
    known = BUILTINS | IMPLICIT | definitions.keys()
    if computes or not known.issuperset(n.id for n in parts if isinstance(n, ast.Name)):
        return ""
    return _name(node)


def _made_with(node: ast.stmt) -> Iterator[str]:
    """Names that are looked up while `node` defines something, and that may be called."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    used: list[ast.AST] = list(node.decorator_list)
    evaluated: list[ast.AST] = []
    if isinstance(node, ast.ClassDef):
        used += [*node.bases, *node.keywords]
        functions = ast.FunctionDef | ast.AsyncFunctionDef
        evaluated += [part for part in node.body if not isinstance(part, functions)]
        used += [d for p in node.body if isinstance(p, functions) for d in p.decorator_list]
    else:
        evaluated += [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
    used += [part for part in _all_of(evaluated) if isinstance(part, ast.Call)]
    yield from (part.id for part in _all_of(used) if isinstance(part, ast.Name))


def _all_of(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        stack += children(node)


def _reached(names: Iterable[str], definitions: Mapping[str, Definition]) -> set[str]:
    """`names`, and what the definitions among them read, themselves or through others."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            if name in definitions:
                stack += definitions[name].reads
    return found
