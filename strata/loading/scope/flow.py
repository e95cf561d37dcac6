"""Statements where ways part and meet: branches, loops, exceptions, `with`, `match`.

One rule for each statement: which states can reach each of its parts, and which leave it.
Exceptions can come from anywhere inside a `try`, so a handler finds definite only what was so
before and is deleted nowhere in the body.

Known to be optimistic: a context manager is taken to swallow no exceptions unless its name says
that it does (`suppress`, `raises`, ...). To take all for swallowing would make every
`with open(...) as f: data = f.read()` leave `data` in doubt.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from strata.core.dataclass import dataclass
from strata.loading.scope.state import State, join
from strata.loading.scope.symbols import Key
from strata.loading.scope.tree import children

if TYPE_CHECKING:
    from strata.loading.scope.statements import Walk

SWALLOWING = re.compile(r"suppress|raises|ignor|catch|ExitStack|swallow|silence", re.IGNORECASE)


@dataclass(slots=True)
class Exit:
    """What is bound where a loop's body is left by `break`, or else by `continue`."""

    state: State
    breaks: bool


def step(walk: Walk, node: ast.stmt) -> None:
    """Runs one statement that has parts, or leaves its place."""
    match node:
        case ast.If():
            _if(walk, node)
        case ast.For() | ast.AsyncFor():
            walk.expressions.evaluate(node.iter)
            _for(walk, node)
        case ast.While():
            _while(walk, node)
        case ast.Try() | ast.TryStar():
            _try(walk, node)
        case ast.With() | ast.AsyncWith():
            _with(walk, node)
        case ast.Match():
            _match(walk, node)
        case ast.Raise():
            walk.expressions.evaluate(node.exc, node.cause)
            walk.names.state.live = False
        case ast.Break() | ast.Continue():
            if walk.loops:
                walk.loops[-1].append(Exit(walk.names.state.fork(), isinstance(node, ast.Break)))
            walk.names.state.live = False
        case ast.Assert():
            walk.expressions.evaluate(node.test)
            after = walk.names.state.fork()
            walk.expressions.evaluate(node.msg)
            _continue_with(walk, after)


def _continue_with(walk: Walk, state: State) -> None:
    walk.names.go_to(state)


def _constant(test: ast.expr) -> bool | None:
    """What `test` always is; None if that is not known."""
    return bool(test.value) if isinstance(test, ast.Constant) else None


def _if(walk: Walk, node: ast.If) -> None:
    """`elif` is an `if` in `else`: followed here without recursion, chains can be long."""
    ends: list[State] = []
    while True:
        walk.expressions.evaluate(node.test)
        otherwise = walk.names.state.fork()
        truth = _constant(node.test)
        walk.names.state.live &= truth is not False
        walk.run(node.body)
        ends.append(walk.names.state)
        otherwise.linear |= walk.names.state.linear
        otherwise.live &= truth is not True
        _continue_with(walk, otherwise)
        if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
            break
        node = node.orelse[0]
    walk.run(node.orelse)
    _continue_with(walk, join([*ends, walk.names.state]))


def _for(walk: Walk, node: ast.For | ast.AsyncFor) -> None:
    walk.names.forget(_unbound_in(walk, node.body))
    exhausted = walk.names.state.fork()
    exits = _loop_body(walk, [node.target], node.body)
    if _surely_runs(node.iter):
        exhausted = join([walk.names.state, *(e.state for e in exits if not e.breaks)]).fork()
    _leave_loop(walk, exhausted, node.orelse, exits)


def _surely_runs(iterated: ast.expr) -> bool:
    """The loop has a first round, as its text shows: `for i in range(3)`, `for name in ["a"]`."""
    match iterated:
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return any(not isinstance(element, ast.Starred) for element in elements)
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(stop))], keywords=[]):
            return stop > 0
        case _:
            return False


def _while(walk: Walk, node: ast.While) -> None:
    walk.names.forget(_unbound_in(walk, node.body))
    truth = _constant(node.test)
    walk.names.loops += 1
    walk.expressions.evaluate(node.test)
    walk.names.loops -= 1
    exhausted = walk.names.state.fork()
    exhausted.live &= truth is not True
    walk.names.state.live &= truth is not False
    exits = _loop_body(walk, [], node.body)
    _leave_loop(walk, exhausted, node.orelse, exits)


def _loop_body(walk: Walk, targets: Sequence[ast.expr], body: Sequence[ast.stmt]) -> list[Exit]:
    """Runs the body once; returns the states at its `break`s and `continue`s."""
    exits: list[Exit] = []
    walk.loops.append(exits)
    walk.names.loops += 1
    walk.expressions.evaluate(*targets)
    walk.run(body)
    walk.names.loops -= 1
    walk.loops.pop()
    return exits


def _leave_loop(
    walk: Walk, exhausted: State, orelse: Sequence[ast.stmt], exits: list[Exit]
) -> None:
    """A loop may have run no body at all, unless only a `break` leaves it, and that one perhaps
    in a later round.
    """
    linear = walk.names.state.linear.union(*(e.state.linear for e in exits if not e.breaks))
    breaks = [each.state for each in exits if each.breaks]
    for state in breaks:
        state.linear |= linear
    exhausted.linear = exhausted.linear | linear if exhausted.live else linear
    _continue_with(walk, exhausted)
    walk.run(orelse)
    _continue_with(walk, join([walk.names.state, *breaks]))


def _try(walk: Walk, node: ast.Try | ast.TryStar) -> None:
    before = walk.names.state.fork()
    earlier = _exits(walk)
    _protected(walk, node)
    if not node.finalbody:
        return
    after = walk.names.state
    parts = [*node.body, *node.handlers, *node.orelse]
    before.definite -= _unbound_in(walk, parts)
    before.linear = set(after.linear)
    _continue_with(walk, before)
    walk.run(node.finalbody)
    final = walk.names.state
    leaving = [state for name, state in _exits(walk).items() if name not in earlier]
    unbound = _unbound_in(walk, node.finalbody)
    for state in [after, *leaving]:
        state.definite = (state.definite - unbound) | final.definite
        state.live &= final.live
    after.linear = final.linear
    _continue_with(walk, after)


def _protected(walk: Walk, node: ast.Try | ast.TryStar) -> None:
    """All of a `try` but its `finally`."""
    caught = walk.names.state.fork()
    caught.definite -= _unbound_in(walk, node.body)
    lost = _run_interruptible(walk, node.body)
    completed = walk.names.state
    caught.linear |= completed.linear | lost
    ends: list[State] = []
    for handler in node.handlers:
        _continue_with(walk, caught.fork())
        _handler(walk, handler)
        ends.append(walk.names.state)
        caught.linear |= walk.names.state.linear
    completed.linear |= caught.linear
    _continue_with(walk, completed)
    walk.run(node.orelse)
    _continue_with(walk, join([walk.names.state, *ends]))


def _run_interruptible(walk: Walk, body: Sequence[ast.stmt]) -> set[Key]:
    """Runs `body`; returns what it unbinds, which is still bound if an exception comes before."""
    lost: set[Key] = set()
    walk.names.losses.append(lost)
    walk.run(body)
    walk.names.losses.pop()
    return lost


def _exits(walk: Walk) -> dict[int, State]:
    """The states at the jumps, so far, out of bodies that are being walked, by identity."""
    return {id(each.state): each.state for exits in walk.loops for each in exits}


def _handler(walk: Walk, node: ast.ExceptHandler) -> None:
    """`except E as e` leaves `e` unbound, whichever way the handler is left."""
    walk.expressions.evaluate(node.type)
    if node.name is None:
        walk.run(node.body)
        return
    earlier = _exits(walk)
    walk.expressions.bind(node.name, node.lineno)
    walk.run(node.body)
    key = walk.expressions.key(node.name)
    for name, state in _exits(walk).items():
        if key is not None and name not in earlier:
            state.unbind(key)
    walk.expressions.unbind(node.name)


def _with(walk: Walk, node: ast.With | ast.AsyncWith) -> None:
    swallowing = False
    for item in node.items:
        walk.expressions.evaluate(item.context_expr, item.optional_vars)
        swallowing |= _swallows(item.context_expr)
    before = walk.names.state.fork()
    lost = _run_interruptible(walk, node.body)
    if swallowing:
        before.definite -= _unbound_in(walk, node.body)
        before.linear |= walk.names.state.linear | lost
        _continue_with(walk, join([walk.names.state, before]))


def _swallows(manager: ast.expr) -> bool:
    node = manager.func if isinstance(manager, ast.Call) else manager
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return SWALLOWING.search(name) is not None


def _match(walk: Walk, node: ast.Match) -> None:
    walk.expressions.evaluate(node.subject)
    otherwise = walk.names.state.fork()
    ends: list[State] = []
    for case in node.cases:
        _continue_with(walk, otherwise.fork())
        _pattern(walk, case.pattern)
        walk.expressions.evaluate(case.guard)
        otherwise.linear |= walk.names.state.linear  # a failed guard leaves captures bound
        walk.run(case.body)
        ends.append(walk.names.state)
        otherwise.linear |= walk.names.state.linear
        if case.guard is None and _irrefutable(case.pattern):
            otherwise.live = False
    _continue_with(walk, join([*ends, otherwise]))


def _pattern(walk: Walk, pattern: ast.pattern) -> None:
    """Looks up what the pattern compares with, then binds its captures."""
    captures: list[tuple[str, int]] = []
    stack: list[ast.AST] = [pattern]
    while stack:
        part = stack.pop()
        match part:
            case ast.expr():
                walk.expressions.evaluate(part)
                continue
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                captures.append((name, part.lineno))
            case ast.MatchMapping(rest=str(name)):
                captures.append((name, part.lineno))
        stack.extend(reversed(children(part)))
    for name, line in captures:
        walk.expressions.bind(name, line)


def _irrefutable(pattern: ast.pattern) -> bool:
    """The pattern matches everything (language reference, 8.6.3)."""
    while isinstance(pattern, ast.MatchOr | ast.MatchAs):
        if isinstance(pattern, ast.MatchOr):
            pattern = pattern.patterns[-1]
        elif pattern.pattern is None:
            return True
        else:
            pattern = pattern.pattern
    return False


def _unbound_in(walk: Walk, nodes: Iterable[ast.AST]) -> set[Key]:
    """What a statement among `nodes`, or inside one, deletes."""
    if not walk.unbinds:
        return set()
    found: set[Key] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        match node:
            case ast.Name(ctx=ast.Del(), id=str(name)) | ast.ExceptHandler(name=str(name)):
                key = walk.expressions.key(name)
                found |= {name} if key is None else {name, key}
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stack.extend(_statements_in(node))
    return found


def _statements_in(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, ast.Delete | ast.Tuple | ast.List):
        return children(node)
    kinds = (ast.stmt, ast.ExceptHandler, ast.match_case)
    return (part for part in children(node) if isinstance(part, kinds))
