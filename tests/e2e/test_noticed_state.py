"""State that no variable of a cell shows: in classes, functions, modules, and unsteady values.

The next cell gets what it would have in a plain program, or a cell fails and says how to mend it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, plain


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


NO_VARIABLE = {
    "a class attribute that is set": ("class C:\n    n = 1", "C.n = 2", "x = C.n"),
    "a list of a class": ("class C:\n    xs = []", "C.xs.append(1)", "x = list(C.xs)"),
    "a list of a class, through an instance": (
        "class C:\n    xs = []\nc = C()",
        "c.xs.append(1)",
        "x = list(C.xs)",
    ),
    "a count in a class, by a method": (
        "class C:\n    n = 0\n    def up(self): type(self).n += 1\nc = C()",
        "c.up()",
        "x = C.n",
    ),
    "a class that lists its subclasses": (
        "class B:\n    names = []\n    def __init_subclass__(cls): B.names.append(cls.__name__)",
        "class S(B):\n    pass",
        "x = list(B.names)",
    ),
    "a default that can change": (
        "def f(n, seen=[]):\n    seen.append(n)\n    return list(seen)",
        "y = f(1)",
        "x = f(2)",
    ),
    "an attribute of a function": ("def f():\n    return f.n", "f.n = 3", "x = f()"),
    "a counter in a closure": (
        "def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return step\nstep = counter()",
        "y = step()",
        "x = step()",
    ),
    "a global of a function of another cell": (
        "total = 0\ndef add():\n    global total\n    total += 1",
        "add()",
        "x = total",
    ),
    "a registry that a decorator fills": (
        "known = {}\ndef register(f):\n    known[f.__name__] = f\n    return f",
        "@register\ndef g():\n    return 1",
        "x = sorted(known)",
    ),
    "an attribute of a module": ("import helper", "helper.n = 5", "x = helper.n"),
    "a list of a module": ("import helper", "helper.xs.append(1)", "x = list(helper.xs)"),
}


@pytest.mark.parametrize("parts", NO_VARIABLE.values(), ids=list(NO_VARIABLE))
def test_it_is_seen_by_the_next_cell_or_the_change_is_refused(
    space: Watched, parts: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value is that of the program, or a cell fails and says how to mend it."""
    helper = space.write("nb/helper.py", "n = 1\nxs = []\n")
    monkeypatch.syspath_prepend(helper.parent)
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    cells = dict(zip(("define", "change", "ask"), parts, strict=True))
    space.cells(cells)
    if space.run("build", "--json").code == 0:
        assert space.values("x") == plain(cells, "x")
        return
    failed = space.fails()
    assert any(error["hint"] for error in failed.values()), failed


UNSTEADY = (
    "class Drawn:\n"
    "    def __init__(self): self.lines = []\n"
    "    def draw(self, n): self.lines.append(n)\n"
    "    def __getstate__(self):\n        import time\n"
    "        return {'lines': self.lines, 'stamp': time.time_ns()}\n"
    "ax = Drawn()"
)
"""A value that is stored as other bytes each time, as a matplotlib figure is."""


def test_a_value_that_never_has_the_same_bytes_is_changed_where_a_statement_says_so(
    space: Watched,
) -> None:
    cells = {"make": UNSTEADY, "draw": "ax.draw(1)", "ask": "x = list(ax.lines)"}
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x") == {"x": [1]}


def test_a_value_that_never_has_the_same_bytes_is_not_changed_in_silence(space: Watched) -> None:
    cells = {
        "make": UNSTEADY,
        "help": "def draw(a):\n    a.draw(1)\n    return 1",
        "draw": "n = draw(ax)",
        "ask": "x = list(ax.lines)",
    }
    space.cells(cells)
    if space.run("build", "--json").code == 0:
        assert space.values("x") == plain(cells, "x")
    else:
        assert "# @mutates ax" in space.hint("draw")


def test_a_name_deleted_by_a_later_cell_is_gone_below(space: Watched) -> None:
    """A plain program raises NameError there."""
    space.cells({"make": "a = 1", "drop": "del a", "ask": "x = a"})
    failed = space.fails()
    assert "ask" in failed or "drop" in failed
    assert all(error["hint"] for error in failed.values()), failed
