"""What `strata query` prints, from a question as the command line has understood it.

Apart from the command, because the console entry answers plain questions from the graph that is
remembered without the command line (`strata.cli.boot`).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from strata.cli import graph_memory
from strata.cli.asking import Question, asking, recalled
from strata.cli.cycles import cycles_through
from strata.core import extension
from strata.core.dataclass import dataclass
from strata.core.errors import ExitCode, StrataError
from strata.core.label import Label
from strata.query.answer import Answer
from strata.query.expression import Call, Expression, Let
from strata.query.order import Order, ordered
from strata.query.spelling import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from strata.cli.asking import Asked
    from strata.cli.stamp import Found

OUTPUTS_PACKAGE = "strata.query.outputs"
_BOXES = "├─└│"


@dataclass(frozen=True, slots=True)
class Wish:
    """A question, and how its answer is to be printed."""

    question: Question
    form: str = "label"
    """The name of an output."""
    order: Order = Order.AUTO
    factored: bool = False


def say_answer(wish: Wish, found: Found | None) -> ExitCode:
    """Prints the answer; what `found` is for is kept where it may be. Raises `StrataError`."""
    with asking(wish.question, found) as (asked, keep):
        said = _said(wish, asked)
        messages = _cycles(asked)
        for message in messages:
            from strata.cli.output import say_notice
            from strata.core.events import Notice

            say_notice(Notice("warning", message))
        sys.stdout.write(said)
        sys.stdout.flush()
        if asked.missing:
            return ExitCode.CHECK_NOT_MET
        if not messages:
            keep(said)
    return ExitCode.OK


def remembered_answer(words: Sequence[str], found: Found, environ: Mapping[str, str]) -> str | None:
    """What is printed for a plain question, if the graph that is remembered has the answer and
    there is nothing else to say; else None."""
    try:
        wish = Wish(Question(spelled(words)))
        memory = graph_memory.recall(found.asked[1], environ)
        if memory is None:
            return None
        nothing = contextlib.ExitStack()  # is opened, as nothing may be loaded
        answer = recalled(wish.question, found, memory, nothing, may_load=False)
        if answer is None:
            return None
        asked, keep = answer
        said = _said(wish, asked)
        if asked.notices or _cycles(asked):
            return None
    except StrataError:
        return None  # the command line says what is wrong
    keep(said)
    return said


def _said(wish: Wish, asked: Asked) -> str:
    is_path = wish.order is Order.AUTO and _is_path(wish.question.parsed())
    nodes = ordered(asked.graph, asked.nodes, wish.order, is_path=is_path)
    answer = Answer(asked.graph, tuple(nodes), tuple(asked.missing), wish.factored, _is_plain())
    form = extension.load(OUTPUTS_PACKAGE, wish.form)
    assert form is not None
    return "".join(f"{line}\n" for line in form.write(answer))


def _is_path(expression: Expression) -> bool:
    """Whether the answer is one path, which is printed from its start to its end."""
    while isinstance(expression, Let):
        expression = expression.body
    return isinstance(expression, Call) and expression.name == "somepath"


def _is_plain() -> bool:
    """Whether what is printed is shown where there are no boxes to draw with."""
    try:
        _BOXES.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _cycles(asked: Asked) -> list[str]:
    """What is wrong with cells of the answer that need each other in a circle."""
    labels = [node for node in asked.nodes if isinstance(node, Label)]
    return cycles_through(labels, asked.graph.cells, lambda: asked.cells.joined)
