"""An input that a cell changes in place is told, however it was changed; and no other is."""

from __future__ import annotations

import json

import pytest

from tests.runner.harness import module

MAKE = """
import collections, functools, io, itertools, random
import numpy as np, pandas as pd, pyarrow as pa
class Model:
    def fit(self):
        self.weights = [1]
    @functools.cached_property
    def size(self):
        return 5
class Rude:
    def __reduce__(self):
        if hasattr(self, "touched"):
            raise ValueError("no")
        return (Rude, ())
class Restless:
    counter = 0
    def __getstate__(self):
        Restless.counter += 1
        return {"n": Restless.counter}
xs = [1, 2]
nested = {"a": [{"b": 1}]}
queue = collections.deque([1, 2])
text = "abc"
pair = (1, [2])
numbers = np.arange(500_000.0)
small = np.arange(5)
parts = {"a": np.arange(500_000), "b": "text"}
frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, 2.5]})
big = pd.DataFrame({"a": np.arange(300_000.0), "b": np.arange(300_000)})
table = pa.table({"a": [1, None]})
rng = np.random.default_rng(3)
lot = random.Random(4)
model = Model()
rude = Rude()
restless = Restless()
lines = iter([1, 2, 3])
words = ["ab cd" * 2, "".join(["ab cd"] * 2)]
tags = {"b", "a", "c"}
index = pd.Index([3, 1])
"""
NAMES = [
    *("xs", "nested", "queue", "text", "pair", "numbers", "small", "parts", "frame", "big"),
    *("table", "rng", "lot", "model", "rude", "restless", "lines", "words", "tags", "index"),
]
IDS = {"Model": "aa" * 16, "Rude": "bb" * 16, "Restless": "cc" * 16}
CLASSES = "import functools\n" + MAKE[MAKE.index("class Model") : MAKE.index("xs = ")]
SPECS = [module(i, CLASSES, [name]) for name, i in IDS.items()]
BINDINGS = {name: {"slot": f"in.{name}"} for name in NAMES}

CHANGES = {
    "xs.append(3)": ["xs"],
    "xs.sort(reverse=True)": ["xs"],
    "(lambda v: v['a'][0].update(b=2))(nested)": ["nested"],
    "queue.popleft()": ["queue"],
    "pair[1].append(3)": ["pair"],
    "numbers[499_999] = 5": ["numbers"],
    "numbers += 0": [],
    "small[0] = 9": ["small"],
    "small.shape = (5, 1)": ["small"],
    "parts['a'][3] = 7": ["parts"],
    "parts['c'] = 1": ["parts"],
    "frame.drop(columns='a', inplace=True)": ["frame"],
    "frame.loc[0, 'c'] = 9": ["frame"],
    "big.iloc[5, 0] = -1.0": ["big"],
    "frame.attrs['unit'] = 'm'": ["frame"],
    "frame.index.name = 'i'": ["frame"],
    "rng.random()": ["rng"],
    "lot.random()": ["lot"],
    "setattr(model, 'k', 1)": ["model"],
    "model.fit()": ["model"],
    "model.size": ["model"],
    "next(lines)": ["lines"],
    "tags.add('d')": ["tags"],
    "xs.append(i for i in xs)": ["xs"],
    "setattr(rude, 'touched', 1)": ["rude"],
    "xs.append(3); queue.append(3)": ["xs", "queue"],
}
LOOKS = [
    "sorted(xs); xs == [1, 2]; list(xs); {**nested}",
    "xs.append(3); xs.pop()",
    "numbers.sum(); numbers * 2; numbers[::2].copy(); small.reshape(5, 1)",
    "numbers[0] = 5; numbers[0] = 0",
    "frame.describe(); frame['a'].sum(); frame.b.str.upper(); frame.index; frame.columns.tolist()",
    "frame.groupby('a').sum(); frame.sort_values('c'); frame.b.isna().sum(); frame._mgr",
    "frame['a'].values; frame.to_numpy(); list(frame.itertuples()); frame.b.array; frame.b.values",
    "big.sum(); big['a'].mean(); big[big.a > 5]; big.copy()",
    "table.to_pandas(); table.column('a').to_pylist()",
    "repr(model); vars(model); hash(text); sorted(words); list(tags); 'b' in tags",
    "index.get_loc(3); index.is_unique; index.argsort()",
    "restless.x = 1",
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory):
    from tests.runner.harness import cell, run

    arguments = cell(MAKE, NAMES, own=IDS, modules=SPECS)
    outcome = run(arguments, folder=tmp_path_factory.mktemp("made"))
    assert outcome.failure is None, outcome.failure["traceback"]
    assert outcome.unstorable == {}
    return {f"in.{name}": outcome.outputs[name] for name in NAMES}


def changed(run_cell, stored, source: str, by_path: bool = True) -> list[str]:
    outcome = run_cell(source, [], stored, bindings=BINDINGS, modules=SPECS, by_path=by_path)
    assert outcome.failure is None, outcome.failure["traceback"]
    return [slot.removeprefix("in.") for slot in outcome.changed]


@pytest.mark.parametrize("source", CHANGES)
def test_a_change_in_place_is_told(run_cell, stored, source: str):
    assert changed(run_cell, stored, source) == CHANGES[source]


@pytest.mark.parametrize("source", LOOKS)
@pytest.mark.parametrize("by_path", [False, True])
def test_a_cell_that_only_looks_changes_nothing(run_cell, stored, source: str, by_path: bool):
    assert changed(run_cell, stored, source, by_path) == []


def test_a_value_that_nothing_names_is_neither_loaded_nor_changed(run_cell, stored):
    outcome = run_cell("xs.append(1)", [], stored, bindings={"xs": BINDINGS["xs"]})
    assert outcome.changed == ["in.xs"]


def test_a_change_through_a_function_of_another_cell_is_told(run_cell, stored):
    source = "def add():\n    xs.append(5)\ndef look():\n    return len(xs)\n"
    spec = module("ab" * 16, source, ["add", "look"], values={"xs": "in.xs"})
    names = {name: {"module": "ab" * 16, "name": name} for name in ("add", "look")}
    only = {"in.xs": stored["in.xs"]}
    assert run_cell("look()", [], only, bindings=names, modules=[spec]).changed == []
    assert run_cell("add()", [], only, bindings=names, modules=[spec]).changed == ["in.xs"]


COUNT = module(
    "ab" * 16,
    "def count():\n    global N\n    N += 1\n    return N\n",
    ["count"],
    values={"N": "in.N"},
)


@pytest.mark.parametrize("by_name", [False, True])
def test_a_global_of_another_cell_that_is_bound_anew_is_told(run_cell, by_name: bool):
    stored = run_cell("N = 5", ["N"]).outputs
    bindings = {"count": {"module": "ab" * 16, "name": "count"}}
    if by_name:
        bindings["N"] = {"slot": "in.N"}
    given = {"in.N": stored["N"]}
    outcome = run_cell(
        "answer = count() + count()", ["N", "answer"], given, bindings=bindings, modules=[COUNT]
    )
    assert outcome.changed == ["in.N"]
    assert json.loads(outcome.outputs["answer"].data) == 13
    if by_name:
        assert json.loads(outcome.outputs["N"].data) == 7


def test_a_name_that_the_cell_itself_binds_anew_is_no_change(run_cell, stored):
    outcome = run_cell("xs = [*xs, 3]", ["xs"], stored, bindings={"xs": BINDINGS["xs"]})
    assert outcome.changed == []
    assert json.loads(outcome.outputs["xs"].data) == [1, 2, 3]


@pytest.mark.parametrize("by_path", [False, True])
def test_what_came_in_and_was_not_changed_is_not_sent_again(run_cell, stored, by_path: bool):
    """Neither written nor hashed: the parent has the bytes."""
    source = "len(xs), len(big), numbers.sum()\nnested.pop('a')"
    names = ["xs", "big", "numbers", "nested"]
    bindings = {name: BINDINGS[name] for name in names}
    given = {f"in.{name}": stored[f"in.{name}"] for name in names}
    outcome = run_cell(source, names, given, by_path=by_path, bindings=bindings)
    expected = {name: f"in.{name}" for name in ("xs", "big", "numbers")}
    assert outcome.handed_on == expected
    assert outcome.changed == ["in.nested"]


def test_what_came_in_and_was_not_changed_keeps_its_bytes(run_cell, stored):
    outcome = run_cell("", NAMES, stored, bindings=BINDINGS, modules=SPECS, by_path=True)
    different = [n for n in NAMES if outcome.outputs[n].data != stored[f"in.{n}"].data]
    assert different == []


def test_of_values_stored_together_only_the_changed_ones_are_told(run_cell):
    made = run_cell("x = [[1]]\ny = [x[0], 2]\nz = (y, [3])", ["x", "y", "z"])
    given = made.shared["x", "y", "z"].parts("x", "y", "z")
    bindings = {name: {"slot": name} for name in "xyz"}
    for source, expected in {
        "x[0][0]": [],
        "z[1].append(4)": ["z"],
        "y.append(4)": ["y", "z"],
        "x[0].append(4)": ["x", "y", "z"],
        "x[0] = [1]": ["x", "y", "z"],
    }.items():
        assert run_cell(source, [], given, bindings=bindings).changed == expected, source


def test_a_slot_of_the_same_artifact_changes_with_it(run_cell, stored):
    from dataclasses import replace

    one = replace(stored["in.xs"], artifact="//p:c%xs")
    bindings = {"p": {"slot": "p"}, "q": {"slot": "q"}}
    outcome = run_cell("p.append(1)", [], {"p": one, "q": one}, bindings=bindings)
    assert outcome.changed == ["p", "q"]


STAMPED = """
import time
class Stamped:
    def __init__(self):
        self.lines, self.twin, self.tags = [], None, set()
    def __getstate__(self):
        return {**vars(self), "stamp": time.time_ns(), "all": {time.time_ns()}}
"""
"""Stored as other bytes each time, as a figure is."""
UNSTEADY = {
    "s.lines.append(1)": True,
    "s.lines[0].append(1)": True,
    "s.tags.add('b')": True,
    "s.other = 5": True,
    "s.twin = s.lines": True,
    "s.lines[0] = [0]": False,
    "s.stamp = 7": False,
    "len(s.lines)": False,
}


@pytest.mark.parametrize("source", UNSTEADY)
@pytest.mark.parametrize("shown", [False, True])
def test_a_value_that_never_has_the_same_bytes_is_compared_in_what_is_steady(
    run_cell, source: str, shown: bool
):
    spec = module("aa" * 16, STAMPED, ["Stamped"])
    own = {"Stamped": "aa" * 16}
    make = f"{STAMPED}s = Stamped()\ns.lines = [[0], [0]]\ns.tags = {{'a'}}"
    stored = run_cell(make, ["s"], own=own, modules=[spec]).outputs
    bindings = {"s": {"slot": "s"}}
    outputs = ["s"] if shown else []
    outcome = run_cell(source, outputs, stored, bindings=bindings, modules=[spec])
    assert outcome.failure is None, outcome.failure["traceback"]
    assert outcome.changed == (["s"] if UNSTEADY[source] else [])
    if shown:  # it may have been changed where nothing can be told
        assert outcome.outputs["s"].data != stored["s"].data


@pytest.mark.slow
def test_a_figure_is_changed_by_what_is_drawn_into_it_and_not_by_showing_it(run_cell):
    names = ("fig", "ax")
    make = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])"
    given = run_cell(make, names).shared[names].parts(*names)
    bindings = {name: {"slot": name} for name in names}
    for source, expected in {
        "len(ax.lines); repr(fig); ax.get_xlim(); fig": [],
        "fig.savefig('x.png'); [t.get_text() for t in ax.get_xticklabels()]": [],
        "ax.plot([3, 4])": ["fig", "ax"],
        "ax.set_xlim(0, 9)": ["fig", "ax"],
        "ax.lines[0].set_color('red')": ["fig", "ax"],
    }.items():
        outcome = run_cell(source, [], given, bindings=bindings, shows_last=True)
        assert outcome.failure is None, outcome.failure["traceback"]
        assert outcome.changed == expected, source
