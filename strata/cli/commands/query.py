"""`strata query`: questions about the graph of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strata.cli.answering import OUTPUTS_PACKAGE, Wish, say_answer
from strata.cli.asking import Question
from strata.cli.patterns import PatternCommand
from strata.core import extension
from strata.core.errors import ExitCode, UsageError
from strata.query.nodes import Kind
from strata.query.order import Order
from strata.query.spelling import spelled

if TYPE_CHECKING:
    from strata.cli.stamp import Found


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
    flags = {Kind.VARIABLE: with_vars, Kind.FILE: with_files, Kind.DISTRIBUTION: with_env}
    shown = {Kind.CELL, *(kind for kind, is_set in flags.items() if is_set)}
    question = Question(spelled(expression), shown, not noimplicit, keep_going)
    form = "json" if as_json else output or "label"
    return say_answer(Wish(question, form, Order(order), factored), found)
