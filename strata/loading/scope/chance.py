"""What a cell takes from imported modules: `np.random.rand(3)`, `os.environ["X"] = "1"`.

One walk over the tree. A chain of attributes is reported under the full name of what it means, if
its first name is bound by imports, and by nothing else, in the scope where it is looked up. So a
parameter called `time`, or a method `now` of some object, is never taken for the module's.
Annotations are left out: they name types and call nothing.

Does not know which of these uses matter (`strata.analysis.suspects`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

from strata.core.dataclass import dataclass, field
from strata.loading.scope.source import clean, parse
from strata.loading.scope.symbols import arguments
from strata.loading.scope.tree import children

MAIN: Final = ""
"""The unit of all that runs when the cell does."""

METHODS: Final = frozenset({"sample"})
"""Methods that are reported, as `.sample`, whatever they are called on."""

UNKNOWN: Final = object()
"""The value of an argument that is neither a constant nor begins with a known text."""


class How(Enum):
    """What a cell does with a name of a module."""

    READ = "looked up"
    CALLED = "called"
    CHANGED = "assigned or deleted, itself or one of its items"


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call, or the key of a changed item; of a text its known beginning.

    `more`: there are others, behind `*` or `**`.
    """

    positional: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """One place: `name` is `numpy.random.rand` where `np.random.rand` is `written`."""

    name: str
    written: str
    line: int
    how: How
    given: Given = field(default_factory=Given)


@dataclass(frozen=True, slots=True)
class CellUses:
    """By unit, that is a definition that crosses cells, or `MAIN` for the rest of the cell:
    its uses in the order of the text, and the names that it looks up in the module."""

    uses: Mapping[str, Sequence[Use]] = field(default_factory=dict)
    names: Mapping[str, Collection[str]] = field(default_factory=dict)


def uses(source: str, units: Collection[str], imported: Mapping[str, str]) -> CellUses:
    """What `source`, a cell that was scanned without error, uses of modules.

    `units` are the names of its definitions; `imported` are names that it has from other cells,
    and what they mean.
    """
    walk = _Walk()
    unit_of: dict[str, list[_Sighting]] = {MAIN: []}
    for statement in parse(clean(source, ""), "").body:
        unit = _defines(statement)
        walk.sightings = unit_of.setdefault(unit if unit in units else MAIN, [])
        walk.through(statement)
    return CellUses(
        {unit: _resolved(seen, imported) for unit, seen in unit_of.items()},
        {unit: _module_names(seen) for unit, seen in unit_of.items()},
    )


def imported_by(statements: str) -> dict[str, str]:
    """The names that import statements bind, and what they mean; relative ones are left out."""
    scope = _Scope()
    for node in ast.parse(statements).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _bind_imports(node, scope)
    return scope.imports


def _defines(statement: ast.stmt) -> str:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda()):
            return name
    return MAIN


@dataclass(slots=True, eq=False)
class _Scope:
    """The names of one scope: what imports and texts bound them, and those that others bound."""

    parent: _Scope | None = None
    is_class: bool = False
    is_comprehension: bool = False
    imports: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    declared: dict[str, _Scope] = field(default_factory=dict)
    """Names that `global` and `nonlocal` give to another scope."""

    def bind(self, name: str) -> None:
        self._owner(name).others.add(name)

    def bind_import(self, name: str, meaning: str) -> None:
        owner = self._owner(name)
        if owner.imports.setdefault(name, meaning) != meaning:
            owner.others.add(name)

    def bind_text(self, name: str, text: str) -> None:
        owner = self._owner(name)
        if owner.texts.setdefault(name, text) != text:
            owner.others.add(name)

    def _owner(self, name: str) -> _Scope:
        return self.declared.get(name, self)

    def around(self) -> _Scope:
        """Where a walrus binds: no comprehension."""
        scope = self
        while scope.is_comprehension and scope.parent is not None:
            scope = scope.parent
        return scope

    def module(self) -> _Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def find(self, name: str) -> _Scope | None:
        """The scope that has `name`; None if no scope of the cell has."""
        scope: _Scope | None = self.declared.get(name, self)
        while scope is not None:
            if (scope is self or not scope.is_class) and scope._has(name):
                return scope
            scope = scope.parent
        return None

    def _has(self, name: str) -> bool:
        return name in self.others or name in self.imports or name in self.texts


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A chain `root.attributes`, kept until all names of all scopes are known.

    `root` is empty where the chain begins with a value that has no name.
    """

    scope: _Scope
    root: str
    attributes: tuple[str, ...]
    line: int
    how: How
    call: ast.Call | None = None
    key: ast.expr | None = None


class _Walk:
    """Notes bindings in scopes, and every chain of names in `sightings`."""

    def __init__(self) -> None:
        self.module = _Scope()
        self.sightings: list[_Sighting] = []

    def through(self, statement: ast.stmt) -> None:
        """Looks at every node of a top-level statement, in the order of the text."""
        todo: list[tuple[ast.AST, _Scope]] = [(statement, self.module)]
        while todo:
            node, scope = todo.pop()
            todo += reversed(self._look(node, scope))

    def _look(self, node: ast.AST, scope: _Scope) -> list[tuple[ast.AST, _Scope]]:
        """Notes one node; gives what is to be looked at below it."""
        match node:
            case ast.Name():
                self._name(node, scope)
                return []
            case ast.Constant():
                return []
            case ast.Attribute():
                how = How.READ if isinstance(node.ctx, ast.Load) else How.CHANGED
                return [] if self._see(node, scope, how) else [(node.value, scope)]
            case ast.Call():
                return self._call(node, scope)
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                seen = self._see(node.value, scope, How.CHANGED, key=node.slice)
                return _in(scope, [node.slice] if seen else [node.value, node.slice])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return _function(node, scope)
            case ast.ClassDef():
                scope.bind(node.name)
                outside = [*node.decorator_list, *node.bases, *node.keywords]
                return [*_in(scope, outside), *_in(_Scope(scope, is_class=True), node.body)]
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return _comprehension(node, scope)
        return _in(scope, _statement(node, scope))

    def _name(self, node: ast.Name, scope: _Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            self._see(node, scope, How.READ)
        else:
            scope.bind(node.id)

    def _call(self, node: ast.Call, scope: _Scope) -> list[tuple[ast.AST, _Scope]]:
        below: list[ast.AST] = [*node.args, *node.keywords]
        if not self._see(node.func, scope, How.CALLED, call=node):
            below.insert(0, node.func)
            if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
                line = node.func.end_lineno or node.lineno
                seen = _Sighting(scope, "", (node.func.attr,), line, How.CALLED, node)
                self.sightings.append(seen)
        return _in(scope, below)

    def _see(
        self,
        node: ast.expr,
        scope: _Scope,
        how: How,
        call: ast.Call | None = None,
        key: ast.expr | None = None,
    ) -> bool:
        """Notes `a.b.c`; False for what does not begin with a name."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return False
        chain = tuple(reversed(attributes))
        self.sightings.append(_Sighting(scope, node.id, chain, node.lineno, how, call, key))
        return True


def _in(scope: _Scope, nodes: Iterable[ast.AST]) -> list[tuple[ast.AST, _Scope]]:
    return [(node, scope) for node in nodes]


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: _Scope
) -> list[tuple[ast.AST, _Scope]]:
    inner = _Scope(scope)
    inner.others.update(argument.arg for argument in arguments(node.args))
    outside = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
    if isinstance(node, ast.Lambda):
        return [*_in(scope, outside), (node.body, inner)]
    scope.bind(node.name)
    return [*_in(scope, [*node.decorator_list, *outside]), *_in(inner, node.body)]


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: _Scope
) -> list[tuple[ast.AST, _Scope]]:
    inner = _Scope(scope, is_comprehension=True)
    first, *others = node.generators
    made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    return [(first.iter, scope), *_in(inner, [first.target, *first.ifs, *others, *made])]


def _statement(node: ast.AST, scope: _Scope) -> list[ast.AST]:
    """Notes what other nodes bind; gives the nodes below, in the same scope."""
    match node:
        case ast.Import() | ast.ImportFrom():
            _bind_imports(node, scope)
            return []
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            text = _text(value)
            if text is None:
                scope.bind(name)
            else:
                scope.bind_text(name, text)
            return [value]
        case ast.AnnAssign():
            return [] if node.value is None else [node.value, node.target]
        case ast.NamedExpr(target=ast.Name(id=name)):
            scope.around().bind(name)
            return [node.value]
        case ast.Global():
            scope.declared.update(dict.fromkeys(node.names, scope.module()))
        case ast.Nonlocal() if scope.parent is not None:
            scope.declared.update(dict.fromkeys(node.names, scope.parent))
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            scope.bind(name)
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            scope.bind(name)
    return children(node)


def _bind_imports(node: ast.Import | ast.ImportFrom, scope: _Scope) -> None:
    for alias in node.names:
        if isinstance(node, ast.Import):
            first = alias.name.partition(".")[0]
            scope.bind_import(alias.asname or first, alias.name if alias.asname else first)
        elif alias.name != "*" and not node.level:
            scope.bind_import(alias.asname or alias.name, f"{node.module}.{alias.name}")
        elif alias.name != "*":
            scope.bind(alias.asname or alias.name)


def _module_names(seen: Iterable[_Sighting]) -> frozenset[str]:
    found = set()
    for sighting in seen:
        scope = sighting.scope.find(sighting.root)
        if scope is None or scope.parent is None:
            found.add(sighting.root)
    return frozenset(found)


def _resolved(seen: Iterable[_Sighting], imported: Mapping[str, str]) -> list[Use]:
    """The sightings that mean something of a module, or one of `METHODS`."""
    found = []
    for sighting in seen:
        root, attributes = sighting.root, sighting.attributes
        meaning = _meaning(sighting, imported)
        if meaning is not None:
            name = ".".join((meaning, *attributes))
        elif sighting.how is How.CALLED and attributes and attributes[-1] in METHODS:
            name = f".{attributes[-1]}"
        else:
            continue
        written = ".".join((root, *attributes))
        found.append(Use(name, written, sighting.line, sighting.how, _given(sighting)))
    return found


def _meaning(sighting: _Sighting, imported: Mapping[str, str]) -> str | None:
    scope = sighting.scope.find(sighting.root)
    if scope is None:
        return imported.get(sighting.root)
    if sighting.root in scope.others or sighting.root in scope.texts:
        return None
    return scope.imports[sighting.root]


def _given(sighting: _Sighting) -> Given:
    scope, call = sighting.scope, sighting.call
    if sighting.key is not None:
        return Given((_value(sighting.key, scope),))
    if call is None:
        return Given()
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    return Given(
        tuple(_value(argument, scope) for argument in call.args),
        {k.arg: _value(k.value, scope) for k in call.keywords if k.arg is not None},
        starred or any(k.arg is None for k in call.keywords),
    )


def _value(node: ast.expr, scope: _Scope) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    text = _text(node, scope)
    return UNKNOWN if text is None else text


def _text(node: ast.expr, scope: _Scope | None = None) -> str | None:
    """The text that an expression is known to begin with."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
        if isinstance(node, ast.FormattedValue):
            node = node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and scope is not None:
        owner = scope.find(node.id)
        if owner is not None and node.id not in owner.others and node.id not in owner.imports:
            return owner.texts[node.id]
    return None
