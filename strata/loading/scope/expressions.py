"""Expressions, in the order in which Python evaluates them.

Works on an explicit stack: a sum of thousands of terms is as deep as it is long, and must not end
in a RecursionError. What is on the stack is a node to evaluate or a thunk to call when all that
lies above it is done.

Order: language reference, 6.16 "Evaluation order".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial

from strata.core.dataclass import dataclass, field
from strata.loading.scope.names import mangle
from strata.loading.scope.namespace import LateBody, Namespace
from strata.loading.scope.symbols import MODULE, Comprehension, Scope, comprehension_scope
from strata.loading.scope.tree import children

Item = ast.AST | Callable[[], None] | None


@dataclass(slots=True)
class Evaluator:
    """Reports what an expression does to `names`, seen from `scope`.

    `late` is set while the body of a function is read: its effects go there, because they happen
    when it is called. `read_body` turns a lambda into such a body.
    """

    names: Namespace
    read_body: Callable[[ast.AST, Scope], LateBody | None]
    scope: Scope = MODULE
    late: LateBody | None = None
    _lazy: int = 0
    _marks: list[int] = field(default_factory=list)

    def evaluate(self, *nodes: ast.AST | None) -> None:
        """Evaluates `nodes` one after the other."""
        stack: list[Item] = list(reversed(nodes))
        while stack:
            item = stack.pop()
            match item:
                case ast.Name():
                    self._name(item)
                case ast.Constant() | None:
                    pass
                case ast.AST():
                    stack.extend(reversed(self._parts(item)))
                case _:
                    item()

    def bind(self, name: str, line: int) -> None:
        """`name` is bound in the present scope."""
        key = self.key(name)
        if self.late is not None and isinstance(key, str):
            self.late.binds[key] = min(line, self.late.binds.get(key, line))
        elif key is not None:
            self.names.bind(key, line)

    def look_up(self, name: str, line: int) -> None:
        """`name` is looked up from the present scope."""
        key = self.key(name)
        if isinstance(key, tuple):
            if self.late is None:
                self.names.look_up_in_class(key, line)
            elif key not in self.names.state.definite:
                self._look_up_later(key[1], line)
        elif key is not None:
            if self.late is None:
                self.names.look_up(key, line, lazily=self._lazy > 0)
            else:
                self._look_up_later(key, line)

    def _look_up_later(self, name: str, line: int) -> None:
        assert self.late is not None
        self.late.reads[name] = min(line, self.late.reads.get(name, line))

    def delete(self, name: str, line: int) -> None:
        """`name` is deleted from the present scope; to delete is to look up first."""
        self.look_up(name, line)
        self.unbind(name)

    def unbind(self, name: str) -> None:
        """`name` is not bound any more in the present scope."""
        key = self.key(name)
        if self.late is not None and isinstance(key, str):
            self.late.deletes.add(key)
        elif key is not None:
            self.names.unbind(key)

    def mutate(self, node: ast.expr, *, by_store: bool) -> None:
        """The value that the attributes and subscripts of `node` start from is changed in place.

        Nothing follows from a chain that starts at anything but a name: a call may return a copy.
        """
        key = self._root(node)
        if key is None:
            return
        if self.late is not None:
            self.late.mutates.add(key)
            if by_store:
                self.late.stores_into.add(key)
            return
        self.names.mutate(key)
        if by_store:
            self.names.stored_into.add(key)

    def _root(self, node: ast.expr) -> str | None:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        key = self.key(node.id) if isinstance(node, ast.Name) else None
        if isinstance(key, tuple):
            return None if key in self.names.state.definite else key[1]
        return key

    def key(self, name: str) -> str | tuple[int, str] | None:
        """Where `name` lives, seen from the present scope; None for a name of a function."""
        return self.scope.find(mangle(name, self.scope.class_name))

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.look_up(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id, node.lineno)
        else:
            self.delete(node.id, node.lineno)

    def _parts(self, node: ast.AST) -> Sequence[Item]:
        """What `node` evaluates, in order."""
        match node:
            case ast.Call():
                return [node.func, *node.args, *node.keywords]
            case ast.Attribute() | ast.Subscript():
                if not isinstance(node.ctx, ast.Load):
                    self.mutate(node, by_store=True)
                return [node.value, node.slice] if isinstance(node, ast.Subscript) else [node.value]
            case ast.NamedExpr():
                return [node.value, node.target]
            case ast.BoolOp():
                return [node.values[0], *self._perhaps(node.values[1:])]
            case ast.Compare():
                first, *others = node.comparators
                return [node.left, first, *self._perhaps(others)]
            case ast.IfExp():
                return [node.test, *self._perhaps([node.body]), *self._perhaps([node.orelse])]
            case ast.Dict():
                return [part for pair in zip(node.keys, node.values, strict=True) for part in pair]
            case ast.Lambda():
                return [*node.args.defaults, *node.args.kw_defaults, partial(self._lambda, node)]
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._comprehension(node)
        return children(node)

    def _perhaps(self, nodes: Sequence[ast.expr]) -> list[Item]:
        """`nodes` are evaluated on some path: what they bind is not definite after them."""
        return [self._mark, *nodes, self._take_back]

    def _mark(self) -> None:
        self._marks.append(len(self.names.state.trail))

    def _take_back(self) -> None:
        mark = self._marks.pop()
        if len(self.names.state.trail) > mark:
            self.names.state.take_back(mark)
            self.names.shrunk()

    def _lambda(self, node: ast.Lambda) -> None:
        body = self.read_body(node, self.scope)
        if body is not None:
            self.names.define(None, [body])

    def _comprehension(self, node: Comprehension) -> Sequence[Item]:
        outside, inside = self.scope, comprehension_scope(node, self.scope)
        lazy = isinstance(node, ast.GeneratorExp)
        first, *others = node.generators
        parts: list[Item] = [first.iter, self._mark, partial(self._enter, inside, lazy)]
        parts += [first.target, *first.ifs]
        for generator in others:
            parts += [generator.iter, generator.target, *generator.ifs]
        parts += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return [*parts, partial(self._enter, outside, False, -1 if lazy else 0), self._take_back]

    def _enter(self, scope: Scope, lazy: bool, leave: int = 0) -> None:
        self.scope = scope
        self._lazy += int(lazy) + leave
