"""Expressions answer what sets answer: generated ones, over generated graphs, with cycles too."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from strata.analysis.graph import CellGraph, Edge, GraphCell
from strata.core.errors import UsageError
from strata.core.label import parse_label
from strata.query.evaluation import evaluate
from strata.query.graph import QueryGraph
from strata.query.parsing import parse
from tests.query.generated import Expressions, seen_with, world
from tests.query.reference import ToyCell, World, Wrong
from tests.query.toys import Known, query_graph, resolver

SEEDS = range(60)
WORLDS = 4
"""A seed."""
EXPRESSIONS = 10
"""A world."""


def graph_of(seen: World) -> QueryGraph:
    cells = {parse_label(cell.label): _graph_cell(cell) for cell in seen.cells}
    known = Known(files={parse_label(cell.label): cell.files for cell in seen.cells})
    return query_graph(
        CellGraph(cells),
        variables=seen.variables,
        files=seen.files,
        implicit=seen.implicit,
        known=known,
    )


def _graph_cell(cell: ToyCell) -> GraphCell:
    own = parse_label(cell.label)
    edges = tuple(Edge(own, parse_label(p), names) for p, names in cell.edges.items())
    return GraphCell(
        own,
        cell.kind,
        f"{own.package}/cells/{own.name}.py",
        edges,
        cell.tags,
        cell.worker,
        defines=cell.defines,
        attributes=cell.said,
    )


def expected(meaning: object) -> frozenset[str] | None:
    """None for an error."""
    assert callable(meaning)
    try:
        found: frozenset[str] = meaning()
    except Wrong:
        return None
    return found


def found(text: str, graph: QueryGraph) -> frozenset[str] | None:
    """None for an error."""
    try:
        return frozenset(map(str, evaluate(parse(text), graph, resolver(graph), text)))
    except UsageError:
        return None


@pytest.mark.parametrize("seed", SEEDS)
def test_an_expression_answers_what_sets_answer(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(WORLDS):
        seen = seen_with(rng, world(rng))
        graph = graph_of(seen)
        expressions = Expressions(rng, seen)
        for _ in range(EXPRESSIONS):
            text, meaning = expressions.expression(depth=3)
            assert found(text, graph) == expected(meaning), (text, seen)


def test_what_is_generated_has_everything_in_it() -> None:
    """Every function that needs only the graph, errors, cycles, and answers that are not empty."""
    counted: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for seed in SEEDS:
        rng = random.Random(seed)
        for _ in range(WORLDS):
            seen = seen_with(rng, world(rng))
            counted["cyclic"] += any((b, a) in seen.down for a, b in seen.down)
            counted["variables"] += seen.variables
            counted["without implicit"] += not seen.implicit
            expressions = Expressions(rng, seen)
            for _ in range(EXPRESSIONS):
                text, meaning = expressions.expression(depth=3)
                answer = expected(meaning)
                counted["expressions"] += 1
                counted["wrong"] += answer is None
                counted["something"] += bool(answer)
                functions.update(set(re.findall(r"(\w+)\(", text)))
    assert counted["expressions"] >= 1000
    assert min(counted["something"], counted["wrong"] * 10) >= 300
    assert min(counted["cyclic"], counted["variables"], counted["without implicit"]) >= 20
    assert {name for name in ON_THE_GRAPH if functions[name] < 30} == set()


ON_THE_GRAPH = {
    "allpaths", "allrdeps", "attr", "deps", "filter", "kind", "labels", "producer", "rdeps",
    "same_pkg_direct_rdeps", "set", "siblings", "some", "somepath", "tag", "tests", "vars",
    "worker",
}  # fmt: skip
"""The functions that ask for nothing but the graph."""
