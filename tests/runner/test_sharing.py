"""Outputs that have mutable parts in common are stored together, and stay connected."""

from __future__ import annotations

import json

import pytest

from tests.runner.harness import Outcome

IMPORTS = "import collections, datetime, functools, logging\nimport numpy as np, pandas as pd\n"

CONNECTED = {
    "one list": ("x = [1]\ny = x", "y.append(2)\nok = x == [1, 2]"),
    "a list in a dict": ("x = [1]\ny = {'k': [x]}", "x.append(2)\nok = y == {'k': [[1, 2]]}"),
    "a dict in two lists": ("d = {}\nx = [d]\ny = [0, d]", "x[0][1] = 2\nok = y == [0, {1: 2}]"),
    "behind tuples": ("d = {}\nx = (1, (d,))\ny = (d,)", "y[0][1] = 2\nok = x == (1, ({1: 2},))"),
    "an instance's attribute": (
        "x = collections.Counter('a')\ny = functools.partial(print, x)",
        "x['b'] = 5\nok = y.args[0] == {'a': 1, 'b': 5}",
    ),
    "a method and its object": ("x = [1]\ny = x.append", "y(2)\nok = x == [1, 2]"),
    "an iterator": ("x = [1, 2]\ny = iter(x)", "x[0] = 5\nok = next(y) == 5"),
    "a generator of numbers": (
        "x = np.random.default_rng(1)\ny = {'rng': x}",
        "ok = y['rng'] is x",
    ),
    "an array and a view": (
        "x = np.arange(12.0).reshape(3, 4)\ny = x[1:, ::2].T",
        "y[0, 0] = -1\nok = x[1, 0] == -1 and y.shape == (2, 2) and y.base is x.base",
    ),
    "two views that overlap": (
        "base = np.arange(1000)\nx = base[:600]\ny = base[400:][::-1]",
        "y[-1] = -5\nok = x[400] == -5 and list(y[:2]) == [999, 998]",
    ),
    "a frame": (
        "x = pd.DataFrame({'a': [1, 2]})\ny = [x]",
        "x['b'] = 5\nok = list(y[0]) == ['a', 'b']",
    ),
    "a list in a frame": (
        "x = [1]\ny = pd.DataFrame({'a': [x]})",
        "x.append(2)\nok = y.a[0] == [1, 2]",
    ),
    "a figure and its axes": (
        "import matplotlib.pyplot as plt\nx, y = plt.subplots()",
        "y.plot([1, 2])\nok = x.axes[0] is y and len(x.axes[0].lines) == 1",
    ),
    "a cycle": (
        "x = {}\ny = {'x': x}\nx['y'] = y",
        "ok = x['y'] is y and y['x'] is x",
    ),
}

APART = {
    "equal lists": "x = [1, [2]]\ny = [1, [2]]",
    "a text, a tuple and a date": "t = ('a', datetime.date(2020, 1, 1))\nx = [t]\ny = {'t': t}",
    "a class": "x = [dict]\ny = [dict]",
    "a function": "x = [len, functools.reduce]\ny = {1: functools.reduce, 2: len}",
    "a logger": "x = [logging.getLogger('a')]\ny = [logging.getLogger('a')]",
    "a type of data": "t = np.dtype('f8')\nx = np.zeros(3, t)\ny = [np.float64(1), t]",
    "rows of one array": "base = np.arange(10)\nx = base[:5]\ny = base[5:]",
    "columns of one array": "base = np.arange(12).reshape(3, 4)\nx = base[:, :2]\ny = base[:, 2:]",
    "an index": "x = pd.DataFrame({'a': [1]})\ny = pd.Series([2], index=x.index)",
    "a frame and its copy on write": "x = pd.DataFrame({'a': [1]})\ny = x['a']",
    "what belongs to a module": "import os\nx = [os.environ]\ny = {1: os.environ}",
    "an unstorable one": "x = [1]\ny = (x, (i for i in x))",
}


def run_both(run_cell, make: str, use: str) -> Outcome:
    """The outcome of a cell that is given `x` and `y` of another cell, stored together."""
    made = run_cell(IMPORTS + make, ["x", "y"])
    assert made.failure is None, made.failure["traceback"]
    assert set(made.outputs) == {"x", "y"}
    assert list(made.shared) == [("x", "y")]
    bindings = {"x": {"slot": "x"}, "y": {"slot": "y"}}
    return run_cell(
        IMPORTS + use,
        ["ok"],
        made.shared["x", "y"].parts("x", "y"),
        bindings=bindings,
        by_path=True,
    )


@pytest.mark.parametrize("case", CONNECTED)
def test_what_is_connected_stays_connected_in_the_next_cell(run_cell, case: str):
    outcome = run_both(run_cell, *CONNECTED[case])
    assert outcome.failure is None, outcome.failure["traceback"]
    assert json.loads(outcome.outputs["ok"].data) is True


@pytest.mark.parametrize("case", APART)
def test_what_cannot_be_changed_connects_nothing(run_cell, case: str):
    made = run_cell(IMPORTS + APART[case], ["x", "y"])
    assert made.failure is None, made.failure["traceback"]
    assert made.shared == {}


def test_groups_are_those_that_are_connected_and_no_larger(run_cell):
    source = "a = []\nb = [a]\nc = []\nd = {1: c}\ne = [2]\nf = (b, 3)"
    made = run_cell(source, list("abcdef"))
    assert list(made.shared) == [("a", "b", "f"), ("c", "d")]
    assert made.shared["c", "d"].codec == "pickle"
    assert set(made.outputs) == set("abcdef")


def test_a_joint_value_does_not_depend_on_how_its_parts_were_made(run_cell):
    first = run_cell("a = 'x y'\nb = ['x y', {3, 1, 2}]\nc = [b, 'x y']", ["b", "c"])
    second = run_cell("b = [''.join(['x', ' y']), {2, 3, 1}]\nc = [b, 'x' + str(' y')]", ["b", "c"])
    assert first.shared["b", "c"].data == second.shared["b", "c"].data


GIVEN = "x = {'train': [1], 'test': [2], 'n': 3}\nz = [5]"


@pytest.fixture
def given(run_cell):
    return run_cell(GIVEN, ["x", "z"]).outputs


BIND = {"x": {"slot": "x"}, "z": {"slot": "z"}}


@pytest.mark.parametrize(
    ("source", "aliases"),
    [
        ("y = x", [["y", "x"]]),
        ("y = x['train']\nw = x['test']", [["y", "x"], ["w", "x"]]),
        ("y = list(x['train'])\nw = x['n']", []),
        ("y = [x['train'], z]", [["y", "x"], ["y", "z"]]),
        ("y = z.append", [["y", "z"]]),
    ],
)
def test_an_output_that_holds_a_part_of_an_input_is_told(run_cell, given, source, aliases):
    outcome = run_cell(source, ["y", "w"], given, bindings=BIND)
    assert outcome.failure is None
    assert outcome.aliases == aliases
    assert outcome.shared == {}


def test_an_input_that_is_an_output_belongs_to_the_outputs_that_hold_it(run_cell, given):
    outcome = run_cell("y = [x['train']]\nx['k'] = 1", ["x", "y"], given, bindings=BIND)
    assert list(outcome.shared) == [("x", "y")]
    assert outcome.aliases == []


def test_arrays_of_one_stored_value_are_not_connected_by_the_file_they_lie_in(run_cell):
    source = "import numpy as np\nx = {'a': np.arange(5000.0), 'b': np.ones(5000)}"
    given = run_cell(source, ["x"]).outputs
    for by_path in (False, True):
        outcome = run_cell(
            "a, b = x['a'], x['b']",
            ["a", "b"],
            given,
            bindings={"x": {"slot": "x"}},
            by_path=by_path,
        )
        assert outcome.shared == {}
        assert outcome.aliases == [["a", "x"], ["b", "x"]]


def test_two_slots_of_one_artifact_are_one_object(run_cell, given):
    from dataclasses import replace

    same = {"p": given["x"], "q": given["x"]}
    same = {slot: replace(one, artifact="//p:c%x") for slot, one in same.items()}
    check = "answer = p is q"
    bindings = {"p": {"slot": "p"}, "q": {"slot": "q"}}
    together = run_cell(check, ["answer"], same, bindings=bindings)
    assert json.loads(together.outputs["answer"].data) is True
    apart = run_cell(check, ["answer"], {"p": given["x"], "q": given["x"]}, bindings=bindings)
    assert json.loads(apart.outputs["answer"].data) is False
