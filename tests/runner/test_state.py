"""State in no variable: what a cell puts into classes, functions and modules is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.harness import Outcome, module

ID = "ab" * 16
DEFINED = """
import enum, functools, time
class C:
    n = 0
    names = []
    _cache = {}
    sizes = {"a": (1, [2])}
    class Inner:
        parts = []
    def up(self, more=[]):
        type(self).n += 1
        more.append(1)
    @staticmethod
    def put(one, many=[]):
        many.append(one)
    @functools.cached_property
    def late(self):
        return 5
    def __init_subclass__(cls):
        C.names.append(cls.__name__)
class Unsteady:
    def __getstate__(self):
        return {"at": time.time_ns()}
class D:
    unsteady = Unsteady()
    made = 0
    def __setstate__(self, state):
        D.made += 1
class Colour(enum.Flag):
    RED = 1
    BLUE = 2
def f(n, seen=[], *, kept={}, _memo={}):
    seen.append(n)
    return seen
def wrapped(g):
    @functools.wraps(g)
    def inner(*a):
        return g(*a)
    return inner
@wrapped
def h(n, seen=[]):
    seen.append(n)
"""
NAMES = ["C", "D", "Colour", "f", "wrapped", "h", "Unsteady"]
SPEC = module(ID, DEFINED, NAMES)
BINDINGS = {name: {"module": ID, "name": name} for name in NAMES}

CHANGES = {
    "C.n = 2": ["C.n"],
    "C.n = 0": [],
    "C.extra = 5": ["C.extra"],
    "del C.sizes": ["C.sizes"],
    "C().up()": ["C.n", "C.up(more)"],
    "C.put(1)": ["C.put(many)"],
    "C().names.append(1)": ["C.names"],
    "C.names = []": [],
    "C.names.append(1); C.names.pop()": [],
    "C.sizes['a'][1].append(3)": ["C.sizes"],
    "C.Inner.parts.append(1)": ["C.Inner.parts"],
    "class S(C): pass": ["C.names"],
    "C._cache[1] = 2; C().late; len(C.names)": [],
    "f(1)": ["f(seen)"],
    "f.__kwdefaults__['kept'][1] = 2; f.__kwdefaults__['_memo'][1] = 2": ["f(kept)"],
    "f.calls = 3": ["f.calls"],
    "h(1)": ["h.__wrapped__(seen)"],
    "Colour.RED | Colour.BLUE; D.unsteady": [],
    "C.names.append(lambda: 1)": ["C.names"],
    "D(); import json; x = json": [],
}


def restated(outcome: Outcome) -> list[list[str]]:
    assert outcome.failure is None, outcome.failure["traceback"]
    return outcome.restated


@pytest.mark.parametrize("source", CHANGES)
def test_a_change_of_the_state_of_a_definition_is_told(run_cell, source: str):
    outcome = run_cell(source, [], bindings=BINDINGS, modules=[SPEC])
    assert restated(outcome) == [[ID, place] for place in CHANGES[source]]


def test_what_a_cell_defines_itself_does_not_count(run_cell):
    source = f"{DEFINED}C.n = 2\nf(1)"
    assert restated(run_cell(source, [], own={"C": ID, "f": ID}, modules=[SPEC])) == []


def test_what_loading_a_value_changes_does_not_count(run_cell):
    own = dict.fromkeys(NAMES, ID)
    stored = run_cell(f"{DEFINED}d = D(); d.k = 1", ["d"], own=own, modules=[SPEC]).outputs
    bindings = {**BINDINGS, "d": {"slot": "d"}}
    outcome = run_cell("made = D.made", ["made"], stored, bindings=bindings, modules=[SPEC])
    assert restated(outcome) == []
    assert outcome.outputs["made"].data == b"1"


HELPER = """
import logging, threading
from os import environ
n, xs, _cache, frozen = 1, [], {}, (1, 2)
lock, log, called = threading.Lock(), logging.getLogger("x"), {"f": lambda: 1}
def add():
    xs.append(1)
    _cache[1] = 1
"""
MODULE_CHANGES = {
    "import helper; helper.n = 5": ["n"],
    "import helper; helper.n = 1; helper.frozen = (1, 2)": [],
    "import helper; helper.add()": ["xs"],
    "from helper import xs; xs.append(1)": ["xs"],
    "import helper; helper.extra = 1": ["extra"],
    "import helper; helper._private = 1; len(helper.xs)": [],
    "import helper; del helper.frozen": ["frozen"],
    "import helper; helper.log.setLevel(10); helper.lock.acquire()": [],
    "import helper, os; os.environ['A'] = '1'": [],
    "import helper; helper.called['g'] = len": ["called"],
    "import helper, registers": [],
    "import helper; helper.n = 5; import registers": ["n"],
    "import registers; registers.helper.n = 5": ["n"],
    "import lazy; lazy.asked": [],
}


@pytest.mark.parametrize("source", MODULE_CHANGES)
def test_a_change_of_a_local_module_is_told(run_cell, tmp_path: Path, source: str):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "registers.py").write_text("import helper\nhelper.xs.append('registered')\n")
    lazy = "def __getattr__(name):\n    globals()[name] = 5\n    return 5\n"
    (tmp_path / "lazy.py").write_text(lazy)
    expected = [["file:helper.py", place] for place in MODULE_CHANGES[source]]
    assert restated(run_cell(source)) == expected
