"""Decorators and base classes that register what they are given: each once, as in a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, plain


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


REGISTER = "def register(f):\n    known{}\n    return f\n"
G = "@register\ndef g():\n    return 1\n"
H = "@register\ndef h():\n    return g() + 1\n"
ASK = "x = [sorted(known), known['g'](), g(), h()]"

REGISTRIES = {
    "a dict": ("known = {}\n" + REGISTER.format("[f.__name__] = f") + G + H, ASK),
    "an annotated dict": (
        "known: dict[str, object] = dict()\n" + REGISTER.format("[f.__name__] = f") + G + H,
        ASK,
    ),
    "a list of names, which would grow": (
        "known = []\n" + REGISTER.format(".append(f.__name__)") + G + H,
        "x = [known, g(), h()]",
    ),
    "a default dict": (
        "from collections import defaultdict\nknown = defaultdict(list)\n"
        + REGISTER.format("['all'].append(f)")
        + G
        + H,
        "x = [[f.__name__ for f in known['all']], g(), h(), known['all'][0] is g]",
    ),
    "one that refuses a second of the same name": (
        "known = {}\ndef register(f):\n    assert f.__name__ not in known\n"
        "    known[f.__name__] = f\n    return f\n" + G + H,
        ASK,
    ),
    "an object with a method that decorates": (
        "class Registry:\n    def __init__(self):\n        self.all = {}\n"
        "    def register(self, f):\n        self.all[f.__name__] = f\n        return f\n"
        "known = Registry()\n@known.register\ndef g():\n    return 1\n",
        "x = [sorted(known.all), known.all['g'] is g, g(), type(known) is Registry]",
    ),
    "subclasses": (
        "known = []\nclass Base:\n    def __init_subclass__(cls, **more):\n"
        "        known.append(cls)\nclass A(Base):\n    pass\nclass B(Base):\n    pass\n",
        "x = [[k.__name__ for k in known], known[0] is A, isinstance(B(), known[1])]",
    ),
    "one that a later statement of the cell adds to": (
        "known = {}\n"
        + REGISTER.format("[f.__name__] = f")
        + G
        + H
        + "known['z'] = 5\nprint(known)",
        ASK,
    ),
    "one that is read through a function only": (
        "known = {}\n"
        + REGISTER.format("[f.__name__] = f")
        + G
        + H
        + "def names():\n    return sorted(known)",
        "x = [names(), g()]",
    ),
}


@pytest.mark.parametrize(("define", "ask"), REGISTRIES.values(), ids=list(REGISTRIES))
def test_a_registry_of_one_cell_has_each_entry_once(space: Watched, define: str, ask: str) -> None:
    cells = {"define": define, "ask": ask, "later": "y = x\nz = repr(known)"}
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x")
    assert space.ran() == []


def test_an_edit_of_one_that_registers_reruns_who_reads_the_registry(space: Watched) -> None:
    define = "known = {}\n" + REGISTER.format("[f.__name__] = f") + G
    space.cells({"define": define, "ask": "x = known['g']()", "other": "y = 1"})
    space.ran()
    space.edit("define", define.replace("return 1", "return 2"))
    assert space.ran() == ["ask", "define"]
    assert space.value("x") == 2


def test_a_registry_that_cannot_be_begun_again_is_an_error_with_advice(space: Watched) -> None:
    define = "import copy\nknown = copy.copy({})\n" + REGISTER.format("[f.__name__] = f") + G
    space.cells({"define": define, "ask": "x = known['g']()"})
    said = space.hint("ask")
    assert "'known'" in said
    assert "known = {}" in said


def test_a_pickle_in_a_file_of_what_the_reading_cell_never_names_says_what_to_read(
    space: Watched,
) -> None:
    space.cells({
        "define": "class A:\n    pass",
        "dump": "import pickle\nwith open('a.pkl', 'wb') as f:\n    pickle.dump(A(), f)",
        "load": "import pickle\nx = type(pickle.load(open('a.pkl', 'rb'))).__name__",
    })  # fmt: skip
    assert "read the function or class" in space.hint("load")
    space.edit("load", "import pickle\nx = type(pickle.load(open('a.pkl', 'rb'))) is A")
    space.ran()
    assert space.value("x") is True


def test_a_pickle_made_where_the_class_is_defined_says_what_to_read(space: Watched) -> None:
    space.cells({
        "define": "import pickle\nclass A:\n    pass\ndata = pickle.dumps(A())",
        "load": "import pickle\nx = type(pickle.loads(data)).__name__",
    })  # fmt: skip
    assert "read the function or class" in space.hint("load")
    space.edit("load", "import pickle\nx = type(pickle.loads(data)) is A")
    space.ran()
    assert space.value("x") is True


def test_a_cell_that_imports_one_submodule_has_those_that_earlier_cells_imported(
    space: Watched,
) -> None:
    cells = {
        "one": "import xml.dom",
        "two": "import xml.etree.ElementTree\nx = xml.dom.Node.TEXT_NODE",
        "define": "def f():\n    return xml.dom.Node.TEXT_NODE, xml.etree.ElementTree.__name__",
        "ask": "y = f()",
        "other": "z = xml.etree.ElementTree.__name__",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x", "y", "z") == plain(cells, "x", "y", "z")


def test_postponed_annotations_mean_classes_of_earlier_cells(space: Watched) -> None:
    cells = {
        "one": "class T:\n    pass",
        "two": "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass D:\n    t: T\n    n: int = 0",
        "ask": "import typing\nx = typing.get_type_hints(D)['t'].__name__",
    }
    space.cells(cells)
    space.ran()
    assert space.value("x") == "T"
    space.edit("one", "class T:\n    k = 1")
    assert space.ran() == ["ask", "one", "two"]
