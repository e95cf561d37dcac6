"""What `--output` prints: every form for every kind of node, word for word."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from strata.core import extension
from strata.query.answer import Answer
from strata.query.nodes import Distribution, File, Kind, Variable
from tests.factories import label
from tests.query.answers import (
    OUTPUTS_PACKAGE,
    World,
    cell,
    drawn,
    everything,
    graph_of,
    lines,
    mixed,
    odd,
    of,
    text,
)

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
FORMS = extension.names(OUTPUTS_PACKAGE)

EMPTY = {
    "graph": "digraph mygraph {\n  node [shape=box];\n}",
    "json": '{\n  "schema": "strata.query.v1",\n  "cells": []\n}',
    "mermaid": "flowchart TD",
}
"""What of nothing is not nothing."""


# What holds for each.


@pytest.mark.parametrize("form", FORMS)
class TestEveryForm:
    def test_it_says_in_one_line_what_it_prints(self, form: str) -> None:
        module = extension.load(OUTPUTS_PACKAGE, form)
        assert module is not None
        assert module.__doc__ is not None
        assert re.fullmatch(r"\S.*[.:]", module.__doc__.splitlines()[0])
        assert module.write.__doc__

    def test_it_is_documented(self, form: str) -> None:
        page = (REFERENCE / "query.md").read_text(encoding="utf-8")
        assert re.search(rf"^\| `--output {form}` \| \S", page, re.MULTILINE)

    def test_of_nothing_it_prints_nothing_or_its_empty_form(self, form: str) -> None:
        assert text(form, of(graph_of([cell("a")]), ())) == EMPTY.get(form, "")

    def test_it_takes_every_kind_of_node(self, form: str) -> None:
        answer = mixed()
        for node in answer.nodes:
            assert lines(form, of(answer.graph, [node]))
        assert len(lines(form, answer)) >= 1

    def test_it_takes_a_variable_of_a_cell_that_is_not_loaded(self, form: str) -> None:
        """Patterns are checked before, functions may give anything."""
        assert lines(form, of(graph_of([]), [Variable(label("//gone:a"), "x")]))

    def test_it_draws_ten_thousand_cells_in_one_chain(self, form: str) -> None:
        """In a size that grows with the chain and not with its square."""
        cells = [cell("//nb:c0")]
        cells += [cell(f"//nb:c{i}", {f"//nb:c{i - 1}": "x"}) for i in range(1, 10_000)]
        said = text(form, of(graph_of(cells, shown=(Kind.CELL,)), [one.label for one in cells]))
        assert 10_000 * len("//nb:c0") < len(said) < 10_000 * 1000

    def test_it_takes_cells_that_need_each_other(self, form: str) -> None:
        answer = everything(drawn({"a": "c", "b": "a", "c": "b", "d": "dc"}))
        assert lines(form, answer) == lines(form, answer)

    def test_names_are_no_lines_of_their_own(self, form: str) -> None:
        """But where a line is a name, for the shell."""
        if form not in ("label", "label_kind", "location", "minrank", "maxrank"):
            assert not [line for line in text(form, odd()).split("\n") if line.startswith("lines")]


def test_every_form_prints_the_same_in_every_process() -> None:
    script = (
        "from tests.query.answers import mixed, odd, text\n"
        "from tests.query.test_outputs import FORMS\n"
        "print([text(form, answer) for form in FORMS for answer in (mixed(), odd())])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


@pytest.mark.parametrize("form", sorted({*FORMS} - {"tree"}))
def test_only_a_tree_looks_at_what_is_recorded(form: str) -> None:
    """So what the others print holds until a file changes."""
    world = World()
    cells = [cell("a"), cell("b", {"a": "x"})]
    lines(form, everything(graph_of(cells, world, shown=(Kind.CELL,))))
    assert world.asked == []


# Lines.


def test_a_label_a_line() -> None:
    assert lines("label", mixed()) == [
        "//prep:load",
        "//prep:load%raw",
        "//prep:clean",
        "//prep:clean%df",
        "//train:model",
        "data/sales.csv",
        "pandas==2.1.0",
    ]


def test_a_kind_and_a_label_a_line() -> None:
    assert lines("label_kind", mixed()) == [
        "python //prep:load",
        "variable //prep:load%raw",
        "python //prep:clean",
        "variable //prep:clean%df",
        "python //train:model",
        "file data/sales.csv",
        "distribution pandas==2.1.0",
    ]


def test_a_place_a_line() -> None:
    """A broken cell where it is broken, a variable where it is bound."""
    assert lines("location", mixed()) == [
        "prep/cells/load.py:1:1: python //prep:load",
        "prep/cells/load.py:3:1: variable //prep:load%raw",
        "prep/cells/clean.py:1:1: python //prep:clean",
        "prep/cells/clean.py:7:1: variable //prep:clean%df",
        "train/cells/model.py:4:1: python //train:model",
        "data/sales.csv:1:1: file data/sales.csv",
        "distribution pandas==2.1.0",
    ]


# Pictures.


def test_a_digraph_has_the_nodes_of_the_answer_and_the_edges_between_them() -> None:
    assert text("graph", mixed()) == (
        "digraph mygraph {\n"
        "  node [shape=box];\n"
        '  "//prep:load"\n'
        '  "//prep:load" -> "pandas==2.1.0"\n'
        '  "//prep:load%raw" [shape=ellipse]\n'
        '  "//prep:load%raw" -> "//prep:load"\n'
        '  "//prep:clean"\n'
        '  "//prep:clean" -> "//prep:load%raw"\n'
        '  "//prep:clean" -> "data/sales.csv"\n'
        '  "//prep:clean" -> "pandas==2.1.0"\n'
        '  "//prep:clean%df" [shape=ellipse]\n'
        '  "//prep:clean%df" -> "//prep:clean"\n'
        '  "//train:model"\n'
        '  "//train:model" -> "//prep:clean%df"\n'
        '  "//train:model" -> "//prep:load" [style=dashed]\n'
        '  "//train:model" -> "pandas==2.1.0"\n'
        '  "data/sales.csv" [shape=note]\n'
        '  "pandas==2.1.0" [shape=cylinder]\n'
        "}"
    )


def test_an_edge_through_what_is_not_in_the_answer_leads_to_the_cell() -> None:
    graph = mixed().graph
    answer = of(graph, [label("//prep:load"), label("//prep:clean")])
    assert '  "//prep:clean" -> "//prep:load"' in lines("graph", answer)
    graph = drawn({"a": "", "b": "a", "c": "b"})
    assert not [line for line in lines("graph", of(graph, [label("a"), label("c")])) if ">" in line]


def test_what_is_read_and_ordered_is_read() -> None:
    graph = graph_of([cell("a"), cell("b", {"a": "x"}, ["a"])], shown=(Kind.CELL,))
    assert '  "//nb:b" -> "//nb:a"' in lines("graph", everything(graph))


@pytest.mark.parametrize("form", ["graph", "mermaid"])
def test_without_implicit_edges_there_are_none_that_only_order(form: str) -> None:
    cells = [cell("a"), cell("b", None, ["a"])]
    shown = (Kind.CELL,)
    assert ">" in text(form, everything(graph_of(cells, shown=shown)))
    assert ">" not in text(form, everything(graph_of(cells, shown=shown, implicit=False)))


def test_a_file_of_the_answer_is_joined_to_its_readers_though_walks_leave_files_out() -> None:
    clean = label("//prep:clean")
    world = World({clean: ["data/sales.csv"]})
    graph = graph_of([cell("//prep:clean")], world, shown=(Kind.CELL,))
    answer = of(graph, [clean, File("data/sales.csv")])
    assert '  "//prep:clean" -> "data/sales.csv"' in lines("graph", answer)


def test_factored_as_bazel_does_it() -> None:
    """What `bazel query --order_output=full --output=graph` (4.2.3) printed for these targets, but
    for the order in which nodes come."""
    graph = drawn({"a": "", "b": "a", "c": "a", "d": "bc", "e": "da", "f": ""})
    assert lines("graph", everything(graph, factored=True))[2:-1] == [
        '  "//nb:a"',
        '  "//nb:b\\n//nb:c"',
        '  "//nb:b\\n//nb:c" -> "//nb:a"',
        '  "//nb:d"',
        '  "//nb:d" -> "//nb:b\\n//nb:c"',
        '  "//nb:e"',
        '  "//nb:e" -> "//nb:d"',
        '  "//nb:e" -> "//nb:a"',
        '  "//nb:f"',
    ]


def test_nodes_of_different_kinds_are_not_factored_into_one() -> None:
    answer = mixed()
    apart = [File("data/sales.csv"), Distribution("pandas", "2.1.0")]
    found = Answer(answer.graph, tuple(apart), factored=True)
    assert len([line for line in lines("graph", found) if "shape=" in line]) == 3


def test_names_in_a_digraph_are_quoted() -> None:
    string = r'"(?:[^"\\\n]|\\.)*"'
    statement = rf"  {string}(?: -> {string})?(?: \[\w+=\w+\])?"
    said = lines("graph", odd())[2:-1]
    assert [line for line in said if not re.fullmatch(statement, line)] == []
    assert r'  "//my \"dir\"/é:say \"hi\""' in said
    assert r'  "//my \"dir\"/é:\\back\\"' in said


def test_a_flowchart_has_a_box_a_notebook() -> None:
    assert text("mermaid", mixed()) == (
        "flowchart TD\n"
        '  subgraph p1["//prep"]\n'
        '    n1["//prep:load"]\n'
        '    n2(["//prep:load%raw"])\n'
        '    n3["//prep:clean"]\n'
        '    n4(["//prep:clean%df"])\n'
        "  end\n"
        '  subgraph p2["//train"]\n'
        '    n5["//train:model"]\n'
        "  end\n"
        '  n6[/"data/sales.csv"/]\n'
        '  n7[("pandas==2.1.0")]\n'
        "  n1 --> n7\n"
        "  n2 --> n1\n"
        "  n3 --> n2\n"
        "  n3 --> n6\n"
        "  n3 --> n7\n"
        "  n4 --> n3\n"
        "  n5 --> n4\n"
        "  n5 -.-> n1\n"
        "  n5 --> n7"
    )


def test_names_in_a_flowchart_mean_nothing_to_mermaid() -> None:
    plain = r'"(?:[\w /:.,=+@()%-]|#(?:\d+|quot);)*"'
    box = rf"(?:\[{plain}\]|\(\[{plain}\]\)|\[/{plain}/\]|\[\({plain}\)\])"
    edge = r"n\d+ (?:-->|-\.->) n\d+"
    line = rf"flowchart TD|  subgraph p\d+\[{plain}\]|  end|    n\d+{box}|  n\d+{box}|  {edge}"
    said = lines("mermaid", odd())
    assert [one for one in said if not re.fullmatch(line, one)] == []
    assert not [one for one in said if "%%" in one]
