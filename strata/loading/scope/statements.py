"""Statements of a module, a class or a function, in the order in which Python runs them.

What happens to names inside an expression is told by `expressions`; ways that part and meet again
are in `flow`. A function's body is read with the same walk, its effects put aside until it can be
called.

Order: language reference, 7 "Simple statements" and 8 "Compound statements".
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from strata.core.dataclass import dataclass, field
from strata.loading.scope import flow
from strata.loading.scope.expressions import Evaluator
from strata.loading.scope.namespace import LateBody, Namespace
from strata.loading.scope.state import State
from strata.loading.scope.symbols import (
    Key,
    Scope,
    ScopeKind,
    arguments,
    bound_by,
    class_scope,
    function_scope,
    lazy_scope,
    type_parameter_scope,
)

_PASSIVE = """
    property setter getter deleter staticmethod classmethod abstractmethod cached_property cache
    lru_cache wraps total_ordering dataclass contextmanager asynccontextmanager overload override
"""

PASSIVE_DECORATORS = frozenset(_PASSIVE.split())
"""Decorators that are known not to call what they decorate."""

CALLED_BY_BASE = ("Enum", "Flag")
"""Ends of names of base classes that call methods of a class while it is being made."""


@dataclass(slots=True)
class Walk:
    """Runs statements against `names`.

    `eager_annotations` is False under `from __future__ import annotations`; `unbinds` says that
    some statement of the cell deletes a name, so that loops and handlers must look for it.
    """

    names: Namespace
    eager_annotations: bool = True
    unbinds: bool = True
    loops: list[list[flow.Exit]] = field(default_factory=list)
    expressions: Evaluator = field(init=False)
    _pending: list[tuple[ast.AST, Scope]] = field(default_factory=list)
    _methods: list[list[LateBody]] = field(default_factory=list)
    _classes: int = 0

    def __post_init__(self) -> None:
        self.expressions = Evaluator(self.names, self._read_body)

    def run(self, body: Sequence[ast.stmt]) -> None:
        """Runs `body` once, from top to bottom."""
        for statement in body:
            self.step(statement)

    def step(self, node: ast.stmt) -> None:
        """Runs one statement."""
        evaluate = self.expressions.evaluate
        match node:
            case ast.Expr():
                self._bare(node)
            case ast.Assign():
                self._assign(node)
            case ast.AugAssign():
                self._augment(node)
            case ast.AnnAssign():
                self._annotated(node)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.Return():
                evaluate(node.value)
                self.names.state.live = False
            case ast.Delete():
                evaluate(*node.targets)
            case ast.Global() | ast.Nonlocal() | ast.Pass():
                pass
            case _ if type(node).__name__ == "TypeAlias":  # Python 3.12
                self._type_alias(node)
            case _:
                flow.step(self, node)

    def _bare(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            self.expressions.mutate(value.func.value, by_store=False)
        self.expressions.evaluate(node.value)

    def _assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Lambda):
            self._named_lambda(node.value, node.targets)
        else:
            self.expressions.evaluate(node.value, *node.targets)

    def _named_lambda(self, node: ast.Lambda, targets: Sequence[ast.expr]) -> None:
        """A lambda that is only given names can only be called through them."""
        self.expressions.evaluate(*node.args.defaults, *node.args.kw_defaults)
        body = self._read_body(node, self.expressions.scope)
        self.expressions.evaluate(*targets)
        if body is None:
            return
        for target in targets:
            named = isinstance(target, ast.Name)
            self._define(target.id if isinstance(target, ast.Name) else None, [body], not named)

    def _augment(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            target = node.target
            key = self.expressions.key(target.id)
            self.expressions.look_up(target.id, target.lineno)
            if isinstance(key, str):
                self.expressions.mutate(target, by_store=False)
            self.expressions.evaluate(node.value)
            self.expressions.bind(target.id, target.lineno)
        else:
            self.expressions.evaluate(node.target, node.value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        """Value, target, annotation: in that order, whatever the text says."""
        in_function = self.expressions.scope.kind is ScopeKind.FUNCTION
        if node.value is not None:
            if isinstance(node.value, ast.Lambda):
                self._named_lambda(node.value, [node.target])
            else:
                self.expressions.evaluate(node.value, node.target)
        elif isinstance(node.target, ast.Attribute):
            self.expressions.evaluate(node.target.value)
        elif isinstance(node.target, ast.Subscript):
            self.expressions.evaluate(node.target.value, node.target.slice)
        if self.eager_annotations and not in_function:
            self.expressions.evaluate(node.annotation)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self.expressions.bind(bound_by(alias), alias.lineno)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        evaluator = self.expressions
        evaluator.evaluate(*node.decorator_list)
        evaluator.evaluate(*node.args.defaults, *node.args.kw_defaults)
        outside = evaluator.scope
        bodies = self._enter_type_parameters(node, None)
        if self.eager_annotations:
            annotations = [parameter.annotation for parameter in arguments(node.args)]
            evaluator.evaluate(*annotations, node.returns)
        body = self._read_body(node, evaluator.scope)
        evaluator.scope = outside
        if body is not None:
            bodies.append(body)
        self._bind_definition(node, bodies, called=_is_called(node.decorator_list))

    def _class(self, node: ast.ClassDef) -> None:
        evaluator = self.expressions
        evaluator.evaluate(*node.decorator_list)
        outside = evaluator.scope
        bodies = self._enter_type_parameters(node, node.name)
        evaluator.evaluate(*node.bases, *node.keywords)
        self._classes += 1
        evaluator.scope = class_scope(node, evaluator.scope, self._classes)
        self._methods.append(bodies)
        self.run(node.body)
        self._methods.pop()
        evaluator.scope = outside
        called = bool(node.keywords) or any(_name(b).endswith(CALLED_BY_BASE) for b in node.bases)
        self._bind_definition(node, bodies, called=called or _is_called(node.decorator_list))

    def _bind_definition(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        bodies: list[LateBody],
        *,
        called: bool,
    ) -> None:
        """A decorator may call the bodies before the name is bound, but hardly by that name."""
        self.expressions.bind(node.name, node.lineno)
        self._define(node.name, bodies, called)

    def _define(self, name: str | None, bodies: list[LateBody], called: bool) -> None:
        if self.expressions.late is None:
            key: Key | None = None if name is None else self.expressions.key(name)
            self.names.define(key, bodies, called=called)
            if self._methods and isinstance(key, tuple):
                self._methods[-1] += bodies

    def _type_alias(self, node: ast.stmt) -> None:
        """`type X = value`: the value is evaluated when somebody asks for it."""
        target, value = getattr(node, "name", None), getattr(node, "value", None)
        assert isinstance(target, ast.Name)
        assert isinstance(value, ast.expr)
        outside = self.expressions.scope
        bodies = self._enter_type_parameters(node, None)
        body = self._read_body(value, lazy_scope(self.expressions.scope))
        self.expressions.scope = outside
        self.expressions.evaluate(target)
        self._define(target.id, bodies if body is None else [*bodies, body], called=False)

    def _enter_type_parameters(self, node: ast.stmt, class_name: str | None) -> list[LateBody]:
        """The present scope is that of `node`'s type parameters, if it has any; their bounds and
        defaults are returned: they are evaluated when somebody asks for them.
        """
        params: list[ast.AST] = getattr(node, "type_params", [])
        if not params:
            return []
        scope = type_parameter_scope(params, self.expressions.scope, class_name)
        self.expressions.scope = scope
        parts = [getattr(p, part, None) for p in params for part in ("bound", "default_value")]
        lazy = [part for part in parts if isinstance(part, ast.expr)]
        bodies = [self._read_body(part, lazy_scope(scope)) for part in lazy]
        return [body for body in bodies if body is not None]

    def _read_body(self, node: ast.AST, scope: Scope) -> LateBody | None:
        """What a function, lambda or lazy expression in `scope` does when it is run.

        None inside another body, which then does it too.
        """
        self._pending.append((node, scope))
        if self.expressions.late is not None:
            return None
        body = LateBody()
        present = self.expressions.scope, self.names.state, self.loops, self._methods
        self.expressions.late, self.loops, self._methods = body, [], []
        while self._pending:
            self._read_pending(*self._pending.pop())
        self.expressions.late = None
        self.expressions.scope, self.names.state, self.loops, self._methods = present
        return body

    def _read_pending(self, node: ast.AST, scope: Scope) -> None:
        self.names.state = State()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.expressions.scope = function_scope(node, scope)
                self.run(node.body)
            case ast.Lambda():
                self.expressions.scope = function_scope(node, scope)
                self.expressions.evaluate(node.body)
            case _:
                self.expressions.scope = scope
                self.expressions.evaluate(node)


def _is_called(decorators: Sequence[ast.expr]) -> bool:
    return any(_name(decorator) not in PASSIVE_DECORATORS for decorator in decorators)


def _name(node: ast.expr) -> str:
    """The last part of what is called or named: `lru_cache` for `functools.lru_cache(None)`."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
