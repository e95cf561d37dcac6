"""`strata aquery`: the actions of cells, their keys, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable

import click

from strata.cli.actions_seen import Seeing, see_actions
from strata.cli.asking import Asked, Question, asking
from strata.cli.output import say_notice
from strata.cli.patterns import PatternCommand
from strata.core.errors import ExitCode
from strata.core.events import Notice
from strata.core.label import Label
from strata.query.nodes import Node, Variable
from strata.query.spelling import spelled


@click.command("aquery", cls=PatternCommand)
@click.argument("expression", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--output", type=click.Choice(["text", "json"]), default="text",
              show_default=True, help="How to print the actions.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@click.option("-k", "--keep_going", "--keep-going", "keep_going", is_flag=True,
              help="A pattern that means nothing is a warning; end with 3.")  # fmt: skip
@click.option("-v", "--verbose", is_flag=True,
              help="Show long values, too: sources, definitions, arguments.")  # fmt: skip
def command(
    expression: tuple[str, ...], output: str, as_json: bool, keep_going: bool, verbose: bool
) -> ExitCode:
    """Show what would be done for the cells that EXPRESSION answers: their actions.

    Of each action its key and what the key is made of, the command, inputs, files and outputs with
    their digests, and whether a result is in the cache. EXPRESSION is one of `strata query`.
    Nothing is run.

    \b
    strata aquery //train:model               one cell
    strata aquery deps //train:model          it and all it needs
    strata aquery -v //train:model            with the texts that are in its key
    strata aquery --json //... | jq -r '.cells[] | .label + " " + (.actions[].key // "?")'
    """
    text = spelled(expression)
    with asking(Question(text, keep_going=keep_going), None) as (asked, _):
        seeing = see_actions(asked.opened, asked.cells, _labels(asked))
    if seeing.interrupted:
        return ExitCode.INTERRUPTED
    for piece in _pieces(seeing, text, output=output, as_json=as_json, whole=verbose):
        click.echo(piece, nl=False)
    if asked.nodes and not seeing.cells:
        say_notice(Notice("note", f"no actions: {_nothing(seeing.without)}"))
    return ExitCode.CHECK_NOT_MET if asked.missing else ExitCode.OK


def _labels(asked: Asked) -> list[Label]:
    """The cells of the answer, in definition order; of a variable the cell that makes it."""
    found = (_cell_of(node) for node in asked.nodes)
    return asked.graph.cells.sorted(label for label in found if label is not None)


def _cell_of(node: Node) -> Label | None:
    match node:
        case Label():
            return node
        case Variable(cell, _):
            return cell
    return None


def _pieces(
    seeing: Seeing, expression: str, *, output: str, as_json: bool, whole: bool
) -> Iterable[str]:
    if as_json or output == "json":
        from strata.cli.actions_json import json_pieces

        return json_pieces(seeing, expression, whole=whole)
    from strata.cli.actions_said import text_pieces

    return text_pieces(seeing, whole=whole)


def _nothing(labels: tuple[Label, ...]) -> str:
    """Why an answer that is not empty has no action."""
    if not labels:
        return "no cell is in the answer"
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    build = "builds" if len(labels) == 1 else "build"
    return f"{', '.join(map(str, labels[:3]))}{more} {build} nothing"
