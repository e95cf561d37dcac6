"""`strata query`: questions about the graph of cells."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from strata.cli.asking import Question, asking
from strata.cli.cycles import cycles_through
from strata.cli.patterns import PatternCommand
from strata.core import extension
from strata.core.errors import ExitCode, UsageError
from strata.core.label import Label
from strata.query.answer import Answer
from strata.query.expression import Call, Expression, Let
from strata.query.nodes import Kind
from strata.query.order import Order, ordered
from strata.query.spelling import spelled

if TYPE_CHECKING:
    from strata.cli.asking import Asked
    from strata.cli.stamp import Found

OUTPUTS_PACKAGE = "strata.query.outputs"
_BOXES = "├─└│"


@click.command("query", cls=PatternCommand)
@click.argument("expression", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--output", type=click.Choice(extension.names(OUTPUTS_PACKAGE)),
              help="How to print what is found.  [default: label]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --output=json.")
@click.option("--order_output", "--order-output", "order", default="auto", show_default=True,
              type=click.Choice([order.value for order in Order]),
              help="In which order to print it.")  # fmt: skip
@click.option("--vars", "with_vars", is_flag=True, help="Variables are nodes, too.")
@click.option("--files", "with_files", is_flag=True, help="Input files are nodes, too.")
@click.option("--env", "with_env", is_flag=True, help="Distributions are nodes, too.")
@click.option("--noimplicit", is_flag=True, help="Leave out edges that only order cells (@after).")
@click.option("--graph:factored/--nograph:factored", "factored", default=False,
              help="In a graph, draw nodes with the same neighbours as one.")  # fmt: skip
@click.option("-k", "--keep_going", "--keep-going", "keep_going", is_flag=True,
              help="A pattern that means nothing is a warning; end with 3.")  # fmt: skip
@click.pass_obj
def command(
    found: Found | None,
    expression: tuple[str, ...],
    output: str | None,
    as_json: bool,
    order: str,
    with_vars: bool,
    with_files: bool,
    with_env: bool,
    noimplicit: bool,
    factored: bool,
    keep_going: bool,
) -> ExitCode:
    """Print what EXPRESSION answers; nothing is run.

    \b
    What does it need?        strata query deps //train:model
    What needs it?            strata query rdeps //prep:clean
    Why does it need that?    strata query somepath //report:plot //prep:load
    What reads this file?     strata query 'rdeps(//..., file(data/sales.csv))'
    What uses a package?      strata query 'rdeps(//..., package(pandas))'
    What must be run again?   strata query --output tree 'deps(//report)'
    All but some              strata query '//... except //archive/...'
    A picture for a README    strata query --output mermaid 'deps(//report)'

    Several words are a function and its arguments: `deps //train:model` is the same as
    `'deps(//train:model)'`.
    """
    if as_json and output not in (None, "json"):
        raise UsageError(f"--json and --output={output} cannot both be", hint="leave out one")
    form = extension.load(OUTPUTS_PACKAGE, "json" if as_json else output or "label")
    assert form is not None
    flags = {Kind.VARIABLE: with_vars, Kind.FILE: with_files, Kind.DISTRIBUTION: with_env}
    shown = {Kind.CELL, *(kind for kind, is_set in flags.items() if is_set)}
    question = Question(spelled(expression), shown, not noimplicit, keep_going)
    with asking(question, found) as (asked, keep):
        is_path = order == Order.AUTO and _is_path(question.parsed())
        nodes = ordered(asked.graph, asked.nodes, Order(order), is_path=is_path)
        answer = Answer(asked.graph, tuple(nodes), tuple(asked.missing), factored, _is_plain())
        said = "".join(f"{line}\n" for line in form.write(answer))
        is_whole = _say_cycles(asked)
        click.echo(said, nl=False)
        if asked.missing:
            return ExitCode.CHECK_NOT_MET
        if is_whole:
            keep(said)
    return ExitCode.OK


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


def _say_cycles(asked: Asked) -> bool:
    """Warns of cycles that stop a build of the cells of the answer; whether there are none."""
    labels = [node for node in asked.nodes if isinstance(node, Label)]
    messages = cycles_through(labels, asked.graph.cells, lambda: asked.cells.joined)
    for message in messages:
        from strata.cli.output import say_notice
        from strata.core.events import Notice

        say_notice(Notice("warning", message))
    return not messages
