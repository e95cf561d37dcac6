"""Scopes: where a name written in one of them is looked up.

The rules are those of the language reference, 4.2.2 "Resolution of names", the same as CPython's
`symtable.c` applies. They are written out here because `symtable` wants the source a second time
and says neither at which line nor in which order names are used; `test_corpus.py` holds the two
against each other over the standard library.

Knows nothing about the order in which names are bound.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from enum import Enum

from strata.core.dataclass import dataclass, field
from strata.loading.scope.names import CLASS_IMPLICIT, mangle
from strata.loading.scope.tree import children

Key = str | tuple[int, str]
"""A name of the module, or a name of the class with that number."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class ScopeKind(Enum):
    """What a scope belongs to."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    COMPREHENSION = "comprehension"
    TYPE_PARAMETERS = "type parameters"


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope: `bound` are its own names, `visible` those that functions inside it find before
    they look in the module. Names are mangled. `number` tells classes apart.
    """

    kind: ScopeKind
    parent: Scope | None = None
    bound: frozenset[str] = frozenset()
    declared_global: frozenset[str] = frozenset()
    visible: frozenset[str] = frozenset()
    class_name: str | None = None
    number: int = 0

    def find(self, name: str) -> Key | None:
        """Which name of the module or of a class `name` is; None for one of a function.

        A key of a class means: looked up there first, then in the module, never in between.
        """
        if self.kind is ScopeKind.MODULE or name in self.declared_global:
            return name
        if self.kind is ScopeKind.CLASS:
            if name in self.bound:
                return (self.number, name)
            return None if name in self.visible or name in CLASS_IMPLICIT else name
        if name in self.bound:
            return None
        assert self.parent is not None
        if self.kind is ScopeKind.TYPE_PARAMETERS:
            return self.parent.find(name)
        return None if name in self.parent.visible else name


MODULE = Scope(ScopeKind.MODULE)


def function_scope(node: Function, parent: Scope) -> Scope:
    """The scope of a function's or lambda's body."""
    names = _Bindings()
    names.bound.update(argument.arg for argument in arguments(node.args))
    names.collect([node.body] if isinstance(node, ast.Lambda) else node.body)
    names = names.mangled(parent.class_name)
    bound = frozenset(names.bound - names.declared_global - names.declared_nonlocal)
    return Scope(
        ScopeKind.FUNCTION,
        parent,
        bound,
        frozenset(names.declared_global),
        (parent.visible - names.declared_global) | bound,
        parent.class_name,
    )


def class_scope(node: ast.ClassDef, parent: Scope, number: int) -> Scope:
    """The scope of a class's body; functions in it do not see its names."""
    names = _Bindings()
    names.collect(node.body)
    names = names.mangled(node.name)
    return Scope(
        ScopeKind.CLASS,
        parent,
        frozenset(names.bound - names.declared_global - names.declared_nonlocal),
        frozenset(names.declared_global),
        parent.visible,
        node.name,
        number,
    )


def comprehension_scope(node: Comprehension, parent: Scope) -> Scope:
    """The scope of all of a comprehension but its first iterable."""
    targets = _Bindings()
    targets.collect([generator.target for generator in node.generators])
    bound = frozenset(targets.mangled(parent.class_name).bound)
    return Scope(
        ScopeKind.COMPREHENSION,
        parent,
        bound,
        visible=parent.visible | bound,
        class_name=parent.class_name,
    )


def type_parameter_scope(
    params: Sequence[ast.AST], parent: Scope, class_name: str | None = None
) -> Scope:
    """The scope between a generic definition and its surroundings (PEP 695)."""
    class_name = class_name or parent.class_name
    bound = frozenset(mangle(str(getattr(param, "name", "")), class_name) for param in params)
    return Scope(
        ScopeKind.TYPE_PARAMETERS,
        parent,
        bound,
        visible=parent.visible | bound,
        class_name=class_name,
    )


def lazy_scope(parent: Scope) -> Scope:
    """The scope of an expression that is evaluated on demand, as the value of `type X = …`: a
    function without parameters that, as an exception, sees the names of a class around it.
    """
    bound: frozenset[str] = frozenset()
    around: Scope | None = parent
    while around is not None and around.kind in (ScopeKind.CLASS, ScopeKind.TYPE_PARAMETERS):
        bound |= around.bound
        around = around.parent
    visible = parent.visible | bound
    name = parent.class_name
    return Scope(ScopeKind.FUNCTION, parent, bound, visible=visible, class_name=name)


def arguments(args: ast.arguments) -> list[ast.arg]:
    """All parameters, in the order in which their annotations are evaluated."""
    found = [*args.posonlyargs, *args.args]
    if args.vararg is not None:
        found.append(args.vararg)
    found += args.kwonlyargs
    if args.kwarg is not None:
        found.append(args.kwarg)
    return found


@dataclass(slots=True)
class _Bindings:
    """What the statements of one scope bind and declare, without those of scopes inside it."""

    bound: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)

    def mangled(self, class_name: str | None) -> _Bindings:
        if class_name is None:
            return self
        return _Bindings(
            {mangle(name, class_name) for name in self.bound},
            {mangle(name, class_name) for name in self.declared_global},
            {mangle(name, class_name) for name in self.declared_nonlocal},
        )

    def collect(self, nodes: Iterable[ast.AST]) -> None:
        stack = list(nodes)
        while stack:
            node = stack.pop()
            self._note(node)
            stack.extend(_same_scope(node))

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                self.bound.add(node.id)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.bound.add(node.name)
            case ast.Import() | ast.ImportFrom():
                self.bound.update(bound_by(alias) for alias in node.names)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                self.bound.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                self.bound.add(name)
            case ast.Global():
                self.declared_global.update(node.names)
            case ast.Nonlocal():
                self.declared_nonlocal.update(node.names)


def bound_by(alias: ast.alias) -> str:
    """The name that one part of an import statement binds."""
    return alias.asname or alias.name.partition(".")[0]


def _same_scope(node: ast.AST) -> Iterable[ast.AST]:
    """The children of `node` whose bindings belong to the scope that `node` is in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            return [*getattr(node, "decorator_list", []), *_evaluated_outside(node)]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return [node.elt, *_clauses(node)]
        case ast.DictComp():
            return [node.key, node.value, *_clauses(node)]
        case ast.Name() | ast.Constant():
            return ()
    return children(node)


def _evaluated_outside(node: Function) -> Iterable[ast.AST]:
    """Defaults and annotations: a walrus in them binds where the function is defined."""
    yield from node.args.defaults
    yield from (default for default in node.args.kw_defaults if default is not None)
    if not isinstance(node, ast.Lambda):
        parameters = arguments(node.args)
        annotations = [parameter.annotation for parameter in parameters] + [node.returns]
        yield from (annotation for annotation in annotations if annotation is not None)


def _clauses(node: Comprehension) -> list[ast.AST]:
    """Iterables and conditions: a walrus in them binds outside the comprehension."""
    parts: list[ast.AST] = []
    for generator in node.generators:
        parts += [generator.iter, *generator.ifs]
    return parts
