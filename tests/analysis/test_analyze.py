"""Cells to graphs: what is in the action graph, what is broken and why, and the graph of cells."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.analysis.cell_graph import cell_graph
from strata.core.action import USUAL, Action, Late, dependencies, first_action, make_ready
from strata.core.action_graph import ActionGraph
from strata.core.result import FailureKind
from tests.factories import (
    ENVIRONMENT,
    action_of,
    actions_of,
    analyzed,
    cell,
    joined,
    label,
    notebook,
)


def labels(*names: str) -> list[str]:
    return [str(label(name)) for name in names]


def texts(found: object) -> list[str]:
    return [str(one) for one in found]  # type: ignore[attr-defined]


# The graph.


def test_the_graph_holds_what_is_wanted_and_what_it_needs_in_definition_order() -> None:
    cells = {"z": "x = 1", "b": "y = x", "m": "unneeded = 1", "a": "w = y"}
    graph = analyzed(notebook(cells), wanted=["a"])
    assert texts(graph.nodes) == labels("z", "b", "a")
    assert graph.needs[label("a")] == (label("b"),)


def test_a_cell_that_builds_nothing_has_no_node_and_stops_nothing() -> None:
    cells = [cell("a", "# Hello", kind="markdown"), cell("b", "# @after a\nx = 1")]
    graph = analyzed(notebook(cells))
    assert texts(graph.nodes) == labels("b")
    assert texts(graph.reachable([label("a"), label("b")])) == labels("b")


def test_reachable_cells_come_in_definition_order_broken_or_not() -> None:
    graph = analyzed(notebook({"a": "x = 1", "b": "(", "c": "z = x", "d": "nothing"}))
    assert texts(graph.reachable(graph.needs)) == labels("a", "b", "c", "d")


def test_after_is_order_only() -> None:
    graph = analyzed(notebook({"a": "x = 1", "b": "# @after a\ny = 1"}))
    action = action_of(graph, "b")
    assert action.after == (label("a"),)
    assert action.inputs == {}
    assert graph.needs[label("b")] == (label("a"),)
    assert action.provenance == actions_of(b="# @after b2\ny = 1", b2="q = 1")["b"].provenance


def test_two_analyses_of_the_same_cells_are_equal() -> None:
    cells = {"a": "import os\nK = 1\ndef f(): return K, os", "b": "y = f()", "c": "y.x = 1"}
    assert analyzed(notebook(cells)) == analyzed(notebook(cells))


# Broken cells.


def test_a_problem_of_one_cell_leaves_the_rest_as_it_was() -> None:
    graph = analyzed(notebook({"a": "x = 1", "b": "x = (", "c": "z = x", "d": "w = 1"}))
    assert texts(graph.broken) == labels("b")
    assert texts(graph.nodes) == labels("a", "c", "d")
    assert graph.needs[label("c")] == (label("b"),)


def test_a_broken_cell_fails_with_its_place_and_advice() -> None:
    failure = analyzed(notebook({"a": "feature = 1", "b": "\nfeatur"})).broken[label("b")]
    assert failure.kind is FailureKind.BROKEN
    assert (failure.type, failure.message) == ("GraphError", "no cell defines 'featur'")
    assert (failure.file, failure.line) == ("nb/cells/b.py", 2)
    assert failure.hint == "did you mean 'feature'?"


def test_what_a_cell_needs_of_the_machine_is_on_its_action_and_in_no_key() -> None:
    plain = analyzed(notebook({"a": "x = 1"})).nodes[label("a")]
    needs = analyzed(notebook({"a": "# @resources cpu=4 mem=8GiB gpu=1\nx = 1"})).nodes[label("a")]
    assert isinstance(plain, Action)
    assert isinstance(needs, Action)
    assert plain.resources == USUAL
    said = needs.resources
    assert (said.cpu, said.memory_bytes, said.gpus) == (4.0, 8 * 2**30, 1)
    assert needs.provenance == plain.provenance


@pytest.mark.parametrize(
    "annotation",
    [
        "@loop max_iter=3 carry=x",
        "@variant model rf",
        "@per_variant",
        "@mount raw s3://b/p",
        "@dataset x",
        "@worker gpu",
    ],
)
def test_a_promise_that_this_version_cannot_keep_is_an_error_at_its_line(annotation: str) -> None:
    graph = analyzed(notebook({"a": f"# @tags t\n# {annotation}\nx = 1"}))
    failure = graph.broken[label("a")]
    assert (failure.file, failure.line) == ("nb/cells/a.py", 2)
    assert failure.hint is not None


# Cycles.


def cycle(graph: ActionGraph, name: str) -> str:
    return graph.broken[label(name)].message


def test_a_cycle_is_spelled_with_the_variable_on_each_arrow() -> None:
    graph = analyzed(notebook({"a": "x = y", "b": "y = x"}))
    assert cycle(graph, "a") == "cells need each other: //nb:a -(y)-> //nb:b -(x)-> //nb:a"
    assert graph.broken[label("a")] == graph.broken[label("b")]
    assert graph.broken[label("a")].file == "nb/cells/a.py"


def test_several_variables_and_order_are_on_their_arrows() -> None:
    graph = analyzed(notebook({"a": "# @after b\nx = 1", "b": "u = x", "c": "1"}))
    assert cycle(graph, "a") == "cells need each other: //nb:a -(@after)-> //nb:b -(x)-> //nb:a"
    graph = analyzed(notebook({"a": "x = p + q", "b": "p = q = x"}))
    assert "-(p, q)->" in cycle(graph, "a")


def test_a_cell_after_itself_is_a_cycle_of_one() -> None:
    graph = analyzed(notebook({"a": "# @after a\nx = 1"}))
    assert cycle(graph, "a") == "cells need each other: //nb:a -(@after)-> //nb:a"


def test_a_cycle_breaks_its_own_cells_only() -> None:
    cells = {"z": "q = 1", "a": "x = y + q", "b": "y = x", "c": "w = x", "d": "v = 1"}
    graph = analyzed(notebook(cells))
    assert texts(graph.broken) == labels("a", "b")
    assert texts(graph.nodes) == labels("z", "c", "d")
    assert graph.needs[label("c")] == (label("a"),)
    assert graph.needs[label("a")] == ()


def test_the_shortest_cycle_is_shown() -> None:
    cells = {"a": "x = y", "b": "y = x + z", "c": "z = y"}
    graph = analyzed(notebook(cells))
    assert cycle(graph, "c") == "cells need each other: //nb:a -(y)-> //nb:b -(x)-> //nb:a"


def test_functions_of_cells_may_call_each_other() -> None:
    graph = analyzed(notebook({"a": "def f(): return g()", "b": "def g(): return f()"}))
    assert graph.broken == {}


def test_a_cycle_through_two_notebooks_is_found() -> None:
    here = notebook({"a": "x = y"}, inputs={"y": "//other:y"})
    other = notebook({"b": "y = x"}, package="other", inputs={"x": "//nb:x"})
    graph = analyzed(here, other)
    assert cycle(graph, "a") == "cells need each other: //nb:a -(y)-> //other:b -(x)-> //nb:a"


def test_a_ring_of_thousands_is_found_without_recursion() -> None:
    count = 1200
    cells = {f"c{i}": f"x{i} = x{(i + 1) % count}" for i in range(count)}
    graph = analyzed(notebook(cells))
    assert len(graph.broken) == count
    assert graph.nodes == {}


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=6))
def test_what_is_not_broken_has_no_cycle(reads: list[list[int]]) -> None:
    cells = {f"c{i}": f"x{i} = [{', '.join(f'x{j}' for j in of)}]" for i, of in enumerate(reads)}
    graph = analyzed(notebook(cells))
    order: list[object] = []
    waiting = dict(graph.needs)
    while waiting:
        ready = [w for w in waiting if all(n in order for n in waiting[w])]
        assert ready, waiting
        order += ready
        for one in ready:
            del waiting[one]
    for name, node in graph.nodes.items():
        assert set(dependencies(first_action(node))) <= set(graph.needs[name])


# What an action says.


def test_declared_variables_come_from_the_notebook_or_the_caller() -> None:
    source = "# @env MODE=fast\n# @env API_KEY\n# @env REGION\nx = 1"
    environ = {"API_KEY": "hunter2", "MODE": "ignored", "OTHER": "not declared"}
    action = action_of(analyzed(notebook({"a": source}), environ=environ), "a")
    assert dict(action.variables) == {"MODE": "fast", "API_KEY": "hunter2"}
    assert action.secrets == ("API_KEY",)
    assert "hunter2" not in str(action.provenance)
    assert "hunter2" not in repr(action)


def test_the_value_of_a_variable_counts_and_that_of_a_secret_does_not() -> None:
    def provenance(source: str, **environ: str) -> object:
        graph = analyzed(notebook({"a": source}), environ=environ)
        return action_of(graph, "a").provenance

    plain = "# @env MODE\nx = 1"
    assert provenance(plain, MODE="a") != provenance(plain, MODE="b")
    assert provenance(plain, MODE="a") != provenance(plain)
    secret = "# @env MY_TOKEN\nx = 1"
    assert provenance(secret, MY_TOKEN="a") == provenance(secret, MY_TOKEN="b")


def test_files_are_declared_and_the_environment_is_in_the_provenance() -> None:
    text = "# @input raw/*.csv\nfrom m import load, glob, z\n"
    text += "x = load('data.csv')\ny = glob('more')\nz.to_csv('out.csv')"
    action = action_of(analyzed(notebook({"a": text})), "a")
    assert action.files.globs == ("raw/*.csv",)
    assert action.files.named == ("data.csv", "more")
    assert action.files.places == ("data.csv", "more")
    assert action.files.written == ("out.csv",)
    assert action.provenance["files"] == {}
    late = Late({"files": {"nb/data.csv": "1"}})
    assert make_ready(action, {}, late).provenance["files"] == {"nb/data.csv": "1"}
    assert action.provenance["environment"] == ENVIRONMENT.component()
    assert action.environment == ENVIRONMENT


def test_annotations_that_cannot_change_the_result_are_in_the_action_and_not_in_the_key() -> None:
    source = "# @timeout 5\n# @retries 2\n# @nocache\n# @name Fit\n# @tags slow\nx = 1"
    action = action_of(analyzed(notebook({"a": source})), "a")
    assert (action.timeout_s, action.retries, action.cacheable) == (5.0, 2, False)
    assert action.provenance == action_of(analyzed(notebook({"a": "x = 1"})), "a").provenance


def test_the_worker_of_the_command_line_wins() -> None:
    graph = analyzed(notebook({"a": "# @worker gpu\nx = 1"}), worker="local")
    assert action_of(graph, "a").worker == "local"


def test_an_optional_input_is_marked() -> None:
    actions = actions_of(z="c = 1", a="x = 0", b="if c:\n    x = 1\ny = x")
    assert actions["b"].inputs["x"].optional
    assert not actions["b"].inputs["c"].optional


# The graph of cells.


def test_the_cell_graph_has_values_definitions_and_order() -> None:
    found = joined(
        notebook(
            {
                "a": "x = 1",
                "b": "def f(): return x",
                "c": "# @after a\n# @tags slow big\ny = f()",
                "d": "from math import *",
                "e": "sqrt(",
                "f": "z = sqrt(y)",
                "g": "many",
                "h": "many = 1",
                "i": "many = 2",
            }
        )
    )
    graph = cell_graph(list(found.values()))
    edges = {
        (str(e.reader)[5:], str(e.producer)[5:], e.names)
        for c in graph.cells.values()
        for e in c.edges
    }
    assert edges == {
        ("b", "a", ("x",)),
        ("c", "b", ("f",)),
        ("c", "a", ()),
        ("f", "d", ("sqrt",)),
        ("f", "c", ("y",)),
    }
    assert graph.cells[label("c")].tags == ("slow", "big")
    assert graph.readers[label("a")] == (label("b"), label("c"))
    assert graph.cells[label("a")].broken is None
    assert "several later cells" in str(graph.cells[label("g")].broken)
    assert graph.cells[label("e")].broken is not None


def test_the_cell_graph_sorts_by_definition_order() -> None:
    graph = cell_graph(list(joined(notebook({"z": "x = 1", "a": "y = x"})).values()))
    for some in itertools.permutations([label("z"), label("a")]):
        assert graph.sorted(some) == [label("z"), label("a")]
