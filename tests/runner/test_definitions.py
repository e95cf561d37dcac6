"""Functions and classes go from cell to cell as source, and stay what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runner.harness import Stored, cell, module, run

POINT = """\
class Point:
    class Inner(Point0):
        pass
    def __init__(self, x):
        self.x = x
        self.inner = Point.Inner()
    def __eq__(self, other):
        return isinstance(other, Point) and self.x == other.x
"""
BASE = "class Point0:\n    def double(self):\n        return twice(self.x)\n"
TWICE = "def twice(x):\n    return 2 * x\n"

TWICE_MODULE = module("aa" * 16, TWICE, ["twice"], line=3)
BASE_MODULE = module("bb" * 16, BASE, ["Point0"], line=7, uses={"twice": ["aa" * 16, "twice"]})
POINT_MODULE = module("cc" * 16, POINT, ["Point"], line=20, uses={"Point0": ["bb" * 16, "Point0"]})
MODULES = [TWICE_MODULE, BASE_MODULE, POINT_MODULE]
OWN = {"twice": "aa" * 16, "Point0": "bb" * 16, "Point": "cc" * 16}


def produce(source: str, outputs: list[str], folder: Path, **more) -> dict[str, Stored]:
    outcome = run(cell(source, outputs, **more), folder=folder)
    assert outcome.failure is None, outcome.failure["traceback"]
    assert outcome.unstorable == {}
    return outcome.outputs


def value(stored: Stored):
    assert stored.codec == "json"
    return json.loads(stored.data)


def bind(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"module": OWN[name], "name": name} for name in names}


@pytest.fixture
def points(tmp_path: Path) -> dict[str, Stored]:
    """Values of a cell that defines `Point` and what it needs."""
    source = TWICE + BASE + POINT + "p = Point(5)\nq = [p, Point, Point.Inner, twice, p.__init__]\n"
    return produce(source, ["p", "q"], tmp_path, own=OWN, modules=MODULES)


CHECKS = """
import sys
checks = [
    type(p) is Point, isinstance(p, Point), p == Point(5), q[0] == p, q[1] is Point,
    type(p.inner) is Point.Inner is q[2], q[3](4) == 8, q[4].__func__ is Point.__init__,
    p.inner.__class__.__bases__[0].__name__ == "Point0",
]
module = type(p).__module__
"""


def test_an_instance_is_one_of_the_class_that_the_next_cell_reads(points, tmp_path: Path):
    outcome = run(
        cell(
            CHECKS,
            ["checks", "module"],
            modules=MODULES,
            bindings={"p": {"slot": "p"}, "q": {"slot": "q"}, **bind("Point")},
        ),
        points,
        folder=tmp_path,
    )
    assert outcome.failure is None, outcome.failure["traceback"]
    assert value(outcome.outputs["checks"]) == [True] * 9
    assert value(outcome.outputs["module"]) == "strata_cell_" + "cc" * 6


def test_an_instance_carries_its_class_where_the_cell_does_not_read_it(points, tmp_path: Path):
    source = "Point = type(p)\n" + CHECKS.replace("q[1] is", "q[1] ==")
    outcome = run(
        cell(source, ["checks"], bindings={"p": {"slot": "p"}, "q": {"slot": "q"}}),
        points,
        folder=tmp_path,
    )
    assert outcome.failure is None, outcome.failure["traceback"]
    assert value(outcome.outputs["checks"]) == [True] * 9


def test_an_instance_that_is_handed_on_keeps_its_class_and_its_bytes(points, tmp_path: Path):
    source = "copy = type(p)(5)"
    handed = run(
        cell(source, ["p", "copy"], bindings={"p": {"slot": "p"}}), points, folder=tmp_path
    ).outputs
    assert handed["p"].data == points["p"].data == handed["copy"].data


def test_a_cell_that_defines_the_class_of_its_input_uses_one_class(points, tmp_path: Path):
    """As in a loop: the state is an instance of a class of the very cell that runs."""
    source = TWICE + BASE + POINT + "checks = [type(p) is Point, p == Point(5)]\np = Point(6)"
    outcome = run(
        cell(source, ["checks", "p"], own=OWN, modules=MODULES, bindings={"p": {"slot": "p"}}),
        points,
        folder=tmp_path,
    )
    assert outcome.failure is None, outcome.failure["traceback"]
    assert value(outcome.outputs["checks"]) == [True, True]
    assert outcome.outputs["p"].codec == "pickle"


def test_functions_that_call_each_other_live_in_one_module(run_cell):
    odd = "def odd(n):\n    return n != 0 and even(n - 1)\n"
    source = "def even(n):\n    return n == 0 or odd(n - 1)\n\n" + odd
    parity = module("dd" * 16, source, ["even", "odd"])
    outcome = run_cell(
        "import inspect\n"
        "answer = [even(10), inspect.getsource(odd), even.__globals__['odd'] is odd]",
        ["answer"],
        modules=[parity],
        bindings={n: {"module": "dd" * 16, "name": n} for n in ("even", "odd")},
    )
    assert value(outcome.outputs["answer"]) == [
        True,
        odd,
        True,
    ]


def test_a_definition_reads_values_of_its_own_cell(run_cell):
    area = module("ee" * 16, "def area(r):\n    return pi * r\n", ["area"], values={"pi": "ee.pi"})
    outcome = run_cell(
        "answer = area(2)",
        ["answer"],
        {"ee.pi": Stored("json", b"3")},
        modules=[area],
        bindings={"area": {"module": "ee" * 16, "name": "area"}},
    )
    assert value(outcome.outputs["answer"]) == 6


def test_a_value_may_be_an_instance_of_a_class_that_reads_it(tmp_path: Path):
    source = "class C:\n    def same(self):\n        return self is default\n"
    spec = module("ff" * 16, source, ["C"], values={"default": "ff.default"})
    stored = produce(
        source + "default = C()", ["default"], tmp_path, own={"C": "ff" * 16}, modules=[spec]
    )
    outcome = run(
        cell(
            "answer = [default.same(), C().same()]",
            ["answer"],
            modules=[spec],
            bindings={
                "C": {"module": "ff" * 16, "name": "C"},
                "default": {"slot": "ff.default"},
            },
        ),
        {"ff.default": stored["default"]},
        folder=tmp_path,
    )
    assert outcome.failure is None, outcome.failure
    assert value(outcome.outputs["answer"]) == [True, False]


def test_a_class_whose_values_are_not_given_is_an_error_of_the_input(tmp_path: Path):
    source = "class C:\n    def get(self):\n        return default\n"
    spec = module("ff" * 16, source, ["C"], values={"default": "ff.default"})
    stored = produce(
        source + "default = 5\nc = C()", ["c"], tmp_path, own={"C": "ff" * 16}, modules=[spec]
    )
    outcome = run(cell("c", bindings={"c": {"slot": "c"}}), stored, folder=tmp_path)
    assert outcome.failure["kind"] == "input"
    assert outcome.failure["message"] == (
        "'C' of another cell reads 'default', which this cell is not given"
    )


REGISTRY = "known = {}\ndef r(f):\n    known[f.__name__] = f\n    return f\n@r\ndef g(): pass\n"


def test_a_value_that_a_module_begins_itself_is_bound_when_it_has_been_executed(tmp_path: Path):
    spec = {**module("ff" * 16, REGISTRY, ["r", "g"], values={"known": "ff.known"})}
    spec["begun"] = ["known"]
    own = {"r": "ff" * 16, "g": "ff" * 16}
    stored = produce(REGISTRY + "known[1] = 2", ["known"], tmp_path, own=own, modules=[spec])
    outcome = run(
        cell(
            "answer = [known['g'] is g, known[1], r.__globals__['known'] is known, len(known)]",
            ["answer"],
            modules=[spec],
            bindings={
                "known": {"slot": "ff.known"},
                "g": {"module": "ff" * 16, "name": "g"},
                "r": {"module": "ff" * 16, "name": "r"},
            },
        ),
        {"ff.known": stored["known"]},
        folder=tmp_path,
    )
    assert outcome.failure is None, outcome.failure
    assert value(outcome.outputs["answer"]) == [True, 2, True, 2]


def test_a_value_that_waits_for_itself_is_one_error_with_advice(tmp_path: Path):
    spec = module("ff" * 16, REGISTRY.partition("\n")[2], ["g", "r"], values={"known": "ff.known"})
    own = {"r": "ff" * 16, "g": "ff" * 16}
    stored = produce(REGISTRY, ["known"], tmp_path, own=own, modules=[spec])
    asks = cell("known", modules=[spec], bindings={"known": {"slot": "ff.known"}})
    failure = run(asks, {"ff.known": stored["known"]}, folder=tmp_path).failure
    assert failure["kind"] == "input"
    assert failure["message"] == (
        "'g', 'r' of another cell cannot be made without 'known', which holds 'g', 'r' itself"
    )
    assert "`known = {}`" in failure["hint"]


def test_a_pickle_of_the_users_brings_the_definitions_that_it_names(points, tmp_path: Path):
    dumps = cell(
        "import pickle\nd = pickle.dumps(Point)", ["d"], modules=MODULES, bindings=bind("Point")
    )
    dumped = run(dumps, folder=tmp_path).outputs
    loads = cell("import pickle\nx = pickle.loads(d)(6).x", ["x"], bindings={"d": {"slot": "d"}})
    outcome = run(loads, dumped, folder=tmp_path)
    assert outcome.failure is None, outcome.failure
    assert value(outcome.outputs["x"]) == 6


@pytest.mark.parametrize("module_name", ["strata_cell_0123456789ab", "__main__"])
def test_a_pickle_of_what_did_not_come_along_says_what_to_read(run_cell, module_name: str):
    failure = run_cell(f"import pickle\npickle.loads(b'c{module_name}\\nf\\n.')").failure
    assert failure["kind"] == "exception"
    assert failure["line"] == 2
    assert failure["hint"].startswith("read the function or class")


def test_an_error_while_definitions_are_executed_is_placed_in_their_cell(run_cell):
    spec = module("ab" * 16, "import no_such_module", ["no_such_module"], line=12)
    outcome = run_cell(
        "no_such_module.x",
        modules=[spec],
        bindings={"no_such_module": {"module": "ab" * 16, "name": "no_such_module"}},
    )
    assert outcome.failure["kind"] == "exception"
    assert outcome.failure["type_name"] == "ModuleNotFoundError"
    assert (outcome.failure["file"], outcome.failure["line"]) == ("prep/cells/defs.py", 12)
    assert outcome.failure["traceback"] == (
        "Traceback (most recent call last):\n"
        '  File "prep/cells/defs.py", line 12, in <module>\n'
        "    import no_such_module\n"
        "ModuleNotFoundError: No module named 'no_such_module'\n"
    )


def test_a_module_that_nothing_needs_is_not_executed(run_cell):
    spec = module("ab" * 16, "raise ValueError", ["x"])
    assert run_cell("1", modules=[spec]).done


def test_future_features_hold_in_the_modules_that_ask_for_them(run_cell):
    spec = module("ab" * 16, "def f(x: NoSuchName): pass\n", ["f"], future=["annotations"])
    outcome = run_cell(
        "answer = f.__annotations__['x']",
        ["answer"],
        modules=[spec],
        bindings={"f": {"module": "ab" * 16, "name": "f"}},
    )
    assert value(outcome.outputs["answer"]) == "NoSuchName"


def test_star_imports_bind_what_they_bring(run_cell):
    spec = module("ab" * 16, "from math import *", ["*"])
    outcome = run_cell(
        "answer = [sqrt(4), 'nothing' in globals()]",
        ["answer"],
        modules=[spec],
        bindings={n: {"module": "ab" * 16, "name": n} for n in ("sqrt",)}
        | {"nothing": {"module": "ab" * 16, "name": "*"}},
    )
    assert value(outcome.outputs["answer"]) == [2.0, False]


def test_a_long_chain_of_definitions_is_built(run_cell):
    length = 1500
    ids = [f"{i:032x}" for i in range(length)]
    chain = [
        module(
            ids[i],
            f"def f{i}():\n    return {i}\n",
            [f"f{i}"],
            uses={f"f{i - 1}": [ids[i - 1], f"f{i - 1}"]} if i else {},
        )
        for i in range(length)
    ]
    last = f"f{length - 1}"
    outcome = run_cell(
        f"answer = {last}()",
        ["answer"],
        modules=chain,
        bindings={last: {"module": ids[-1], "name": last}},
    )
    assert outcome.failure is None, outcome.failure
    assert value(outcome.outputs["answer"]) == length - 1


CLASSES = """
import dataclasses, enum, functools, typing, collections
@dataclasses.dataclass(frozen=True)
class Data:
    a: int
    b: list
class Colour(enum.Enum):
    RED = 1
class Level(enum.IntEnum):
    LOW = 1
class Text(str):
    pass
class Pair(typing.NamedTuple):
    x: int
    y: int = 0
class Slots:
    __slots__ = ("a",)
class Custom(Exception):
    pass
class Table(dict):
    pass
@functools.lru_cache
def cached(x):
    return x
square = lambda x: x * x
class Meta(type):
    pass
class WithMeta(metaclass=Meta):
    pass
"""
CLASS_NAMES = [
    *("Data", "Colour", "Level", "Text", "Pair", "Slots", "Custom", "Table"),
    *("cached", "square", "Meta", "WithMeta"),
]
MAKE = """
slots = Slots(); slots.a = 5
table = Table(a=1)
Made = collections.namedtuple("Made", "x y", defaults=[3])
Fruit = enum.Enum("Fruit", "APPLE PEAR")
T = typing.TypeVar("T", bound=int)
UserId = typing.NewType("UserId", int)
values = [
    Data(1, [2]), Colour.RED, Level.LOW, Text("t"), Pair(1), slots, Custom("why"), table,
    cached, square, Meta, WithMeta, functools.partial(square, 3), {"k": Data},
    Made(1), Fruit.PEAR,
]
"""


def test_all_kinds_of_classes_and_functions_of_a_cell_can_be_stored(tmp_path: Path):
    spec = module("ac" * 16, CLASSES, CLASS_NAMES)
    own = dict.fromkeys(CLASS_NAMES, "ac" * 16)
    names = ["values", "Made", "Fruit", "T", "UserId"]
    stored = produce(CLASSES + MAKE, names, tmp_path, own=own, modules=[spec])
    check = """
a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = values
checks = [
    a == Data(1, [2]) and type(a) is Data, b is Colour.RED, c is Level.LOW and type(c) is Level,
    type(d) is Text and d == "t", e == (1, 0) and type(e) is Pair, type(f) is Slots and f.a == 5,
    type(g) is Custom and g.args == ("why",), type(h) is Table and h == {"a": 1}, i is cached,
    j is square and j(3) == 9, k is Meta, l is WithMeta, m() == 9, n["k"] is Data,
    type(o) is Made and o == (1, 3), p is Fruit.PEAR, T.__bound__ is int, UserId(5) == 5,
]
"""
    outcome = run(
        cell(
            check,
            ["checks", *names],
            modules=[spec],
            bindings={n: {"slot": n} for n in names}
            | {n: {"module": "ac" * 16, "name": n} for n in CLASS_NAMES},
        ),
        stored,
        folder=tmp_path,
    )
    assert outcome.failure is None, outcome.failure["traceback"]
    assert value(outcome.outputs["checks"]) == [True] * 18
    assert {n: outcome.outputs[n].data for n in names} == {n: stored[n].data for n in names}
    assert stored["values"].type_name == "list"


def test_two_processes_store_instances_as_the_same_bytes(tmp_path: Path):
    spec = module("ac" * 16, CLASSES, CLASS_NAMES)
    moved = {**spec, "chunks": [[90, "# comment\n" + CLASSES, "elsewhere.py"]]}
    own = dict.fromkeys(CLASS_NAMES, "ac" * 16)
    first = produce(CLASSES + MAKE, ["values"], tmp_path, own=own, modules=[spec])
    second = produce(
        "# comment\n\n" + CLASSES + MAKE, ["values"], tmp_path, own=own, modules=[moved]
    )
    assert first["values"].data == second["values"].data


UNSTORABLE = {
    "generator": ("(i for i in [1])", "generator can be read only once; make it a list"),
    "file": ("open('/dev/null')", "open file"),
    "lock": ("threading.Lock()", "is a lock"),
    "connection": ("sqlite3.connect(':memory:')", "is an open connection"),
    "local_function": ("outer()", "'inner' is defined inside 'outer'"),
    "local_instance": ("outer_class()", "'Inner' is defined inside 'outer_class'"),
    "anonymous": ("[lambda: 0]", "a lambda"),
    "conditional": ("Conditional()", "'Conditional' is not defined by one statement"),
    "view": ("memoryview(b'abc')", "view of another value's memory"),
    "made_class": ("type('X', (), {})", "'X' is not defined by one statement"),
    "raising": ("Raising()", "RuntimeError: no"),
    "weak": ("weakref.ref(Raising)", "cannot be pickled"),
    "context": ("contextvars.ContextVar('c')", "cannot be pickled"),
    "socket_": ("socket.socket()", "cannot be pickled"),
    "nested": ("{'a': [threading.RLock()]}", "is a lock"),
    "self_module": ("sys.modules['__main__']", "module"),
    "exiting": ("Exiting()", "SystemExit"),
}


def test_what_cannot_be_stored_says_what_it_is_and_why(run_cell):
    source = """
import contextvars, socket, sqlite3, sys, threading, weakref
def outer():
    def inner(): pass
    return inner
def outer_class():
    class Inner: pass
    return Inner()
if True:
    class Conditional: pass
class Raising:
    def __reduce__(self): raise RuntimeError("no")
class Exiting:
    def __reduce__(self): raise SystemExit(3)
good = 1
"""
    source += "".join(f"{name} = {text}\n" for name, (text, _) in UNSTORABLE.items())
    own = {"Raising": "ad" * 16}
    outcome = run_cell(source, ["good", *UNSTORABLE, "unbound"], own=own)
    assert outcome.failure is None, outcome.failure
    assert list(outcome.outputs) == ["good"]
    assert list(outcome.unstorable) == list(UNSTORABLE)
    wrong = {
        name: outcome.unstorable[name]["reason"]
        for name, (_, reason) in UNSTORABLE.items()
        if reason not in outcome.unstorable[name]["reason"]
    }
    assert wrong == {}
