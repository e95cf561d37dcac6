"""Instructions of questions, by callgrind: a graph of twice the size costs twice as much.

The same graphs are made, and a small one is asked, in both of two programs; one of them asks the
large ones, too. What is between them is the question alone.
"""

from __future__ import annotations

import pytest

from tests.perf.counting import instructions

pytestmark = pytest.mark.slow

_SETUP = """
import gc
gc.disable()
from strata.analysis.graph import CellGraph, Edge, GraphCell
from strata.core.label import Label
from strata.query.evaluation import evaluate
from strata.query.graph import QueryGraph
from strata.query.parsing import parse

def chain(at):
    return [at - 1] if at else []

def fan(at):
    return [0] if at else []

def layers(at):
    return range(at - at % 8 - 8, at - at % 8) if at >= 8 else []

def graph_of(needs, count):
    labels = [Label(f"n{at // 20}", f"c{at}") for at in range(count)]
    cells = {}
    for at, own in enumerate(labels):
        edges = tuple(Edge(own, labels[need], ("x",)) for need in needs(at))
        cells[own] = GraphCell(own, "python", "f.py", edges)
    return QueryGraph(CellGraph(cells), None, None, None), labels

def ask(text, graph, labels):
    patterns = {"first": labels[:1], "last": labels[-1:], "all": labels}
    return evaluate(parse(text), graph, patterns.__getitem__, text)
"""

QUESTIONS = {
    "deps": "deps(last)",
    "rdeps": "rdeps(all, first)",
    "somepath": "somepath(last, first)",
    "allpaths": "allpaths(last, first)",
}
CELLS = 256
UNEVEN = 1.05
"""Sets and dictionaries grow in steps, and sorting takes a little more than linear time."""


def instructions_of(question: str, count: int) -> int:
    """What `evaluate` takes on a graph of each shape, and what these find out when they are first
    asked."""
    small = "".join(f"ask({one!r}, *graph_of(layers, 16))\n" for one in QUESTIONS.values())
    program = f"{_SETUP}\n{small}made = [graph_of(shape, size) for shape in (chain, fan, layers)]\n"
    asking = f"for graph in made: ask({question!r}, *graph)\n"
    return instructions(program + asking, count) - instructions(program, count)


@pytest.mark.parametrize("function", QUESTIONS)
def test_a_question_about_twice_as_many_cells_takes_twice_as_long(function: str) -> None:
    once, twice = (instructions_of(QUESTIONS[function], n) for n in (CELLS, 2 * CELLS))
    assert twice <= 2 * UNEVEN * once
