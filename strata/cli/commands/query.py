"""`strata query`: questions about the graph of cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strata.analysis.graph import CellGraph
from strata.cli.invocation import (
    load_cells,
    open_workspace,
    pattern_of,
    wanted_labels,
)
from strata.cli.output import json_text, say_notice
from strata.cli.patterns import PatternCommand
from strata.cli.proving import heard, proving
from strata.core.label import Label
from strata.query.expression import evaluate, parse, words

if TYPE_CHECKING:
    from strata.cli.stamp import Found

SCHEMA = "strata.query.v1"
_FUNCTIONS_OF_ALL = {"rdeps": "rdeps(//..., {})"}


@click.command("query", cls=PatternCommand)
@click.argument("expression", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--output", type=click.Choice(["label", "label_kind", "json"]), default="label",
              show_default=True, help="How to print what is found.")  # fmt: skip
@click.pass_obj
def command(found: Found | None, expression: tuple[str, ...], output: str) -> None:
    """Print the cells that EXPRESSION answers; nothing is run.

    \b
    strata query 'deps(//train:model)'        the cell and all it needs
    strata query deps //train:model           the same
    strata query rdeps //prep:clean           all that needs it, in the whole workspace
    strata query 'rdeps(//train, //prep:clean, 1)'
    strata query '//... except //archive/...'
    """
    text = _expression(expression)
    parsed = parse(text)
    with proving(found) as proof:
        opened = open_workspace(Path.cwd(), heard(proof, say_notice), proof=proof)
        patterns = {w: pattern_of(opened, w) for w in words(parsed)}
        cells = load_cells(opened, patterns.values())

        def resolve(word: str) -> Iterable[Label]:
            return wanted_labels(cells.names.expand([patterns[word]]))

        graph = cells.graph
        said = _said(graph, graph.sorted(evaluate(parsed, graph, resolve, text)), output)
        click.echo(said, nl=False)
        if proof is not None:
            proof.keep_words(opened, said, of_results=False)


def _expression(given: tuple[str, ...]) -> str:
    """One expression; a function name as first word takes the words after it as its targets."""
    if len(given) == 1:
        return given[0]
    function, *targets = given
    inside = " + ".join(f'"{t}"' for t in targets)
    return _FUNCTIONS_OF_ALL.get(function, f"{function}({{}})").format(inside)


def _said(graph: CellGraph, labels: list[Label], output: str) -> str:
    if output == "json":
        cells = [
            {
                "label": str(label),
                "kind": graph.cells[label].kind,
                "file": graph.cells[label].path,
                "needs": [str(n) for n in graph.needs(label)],
                "broken": graph.cells[label].broken,
            }
            for label in labels
        ]
        return json_text({"schema": SCHEMA, "cells": cells}) + "\n"
    kinds = {label: f"{graph.cells[label].kind} " for label in labels}
    return "".join(f"{kinds[x] if output == 'label_kind' else ''}{x}\n" for x in labels)
