"""Functions and classes that cross cells: who can reach a change runs, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, plain


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


HELPERS = {
    "inner": "def inner(n):\n    return n + 1",
    "outer": "def outer(n):\n    return inner(n) * 10",
    "aside": "def aside(n):\n    return -n",
    "uses": "x = outer(1)",
    "other": "y = aside(1)",
    "follows": "z = x > 0",
}


def test_an_edited_helper_two_calls_away_reruns_who_can_reach_it(space: Watched) -> None:
    space.cells(HELPERS)
    space.ran()
    space.edit("inner", "def inner(n):\n    return n + 2")
    assert space.ran() == ["follows", "inner", "outer", "uses"]
    assert space.values("x", "y", "z") == {"x": 30, "y": -1, "z": True}


@pytest.mark.parametrize(
    "same",
    [
        "def inner(n):  # adds one\n    return n + 1",
        "\n\ndef inner( n ):\n    return (n + 1)\n",
        "# A helper.\ndef inner(n):\n    # why\n\n    return n+1;",
        "def inner(n):\n    return n + 0x1",
    ],
)
def test_a_comment_or_formatting_in_a_helper_reruns_nothing(space: Watched, same: str) -> None:
    space.cells(HELPERS)
    space.ran()
    space.edit("inner", same)
    assert space.ran() == []


def test_a_docstring_of_a_helper_counts_as_it_can_be_seen(space: Watched) -> None:
    space.cells(HELPERS | {"sees": "d = outer.__doc__"})
    space.ran()
    space.edit("outer", "def outer(n):\n    '''Ten.'''\n    return inner(n) * 10")
    assert space.ran() == ["outer", "sees", "uses"]
    assert space.value("d") == "Ten."


def test_a_cell_that_only_moves_a_helper_reruns_nothing(space: Watched) -> None:
    """Which cell a function stands in is nothing that its callers can see."""
    space.cells(HELPERS)
    space.ran()
    both = HELPERS | {"inner": f"{HELPERS['inner']}\n{HELPERS['aside']}", "aside": "pass"}
    space.cells(both)
    assert not {"uses", "other", "follows"} & set(space.ran())


def test_a_second_function_beside_the_one_that_is_used_reruns_no_caller(space: Watched) -> None:
    space.cells({"defines": "def f():\n    return 1", "calls": "x = f()"})
    space.ran()
    space.edit("defines", "def f():\n    return 1\ndef g():\n    return 2")
    assert "calls" not in space.ran()
    space.edit("defines", "def f():\n    return 1\ndef g():\n    return 3")
    assert "calls" not in space.ran()


EDITS = {
    "decorator": (
        "def twice(f):\n    return lambda n: f(n) * {}",
        "@twice\ndef f(n):\n    return n",
        "x = f(1)",
    ),
    "wraps": (
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(*a):\n"
        "        return f(*a) + {}\n    return g",
        "@d\ndef f(n):\n    return n",
        "x = (f.__name__, f(1))",
    ),
    "default": ("def f(n={}):\n    return n", "g = lambda: f()", "x = g()"),
    "base": (
        "class A:\n    k = {}",
        "class B(A):\n    def get(self):\n        return self.k",
        "x = B().get()",
    ),
    "super": (
        "class A:\n    def get(self):\n        return {}",
        "class B(A):\n    def get(self):\n        return super().get() + 1",
        "x = B().get()",
    ),
    "metaclass": (
        "class M(type):\n    def __len__(cls):\n        return {}",
        "class A(metaclass=M):\n    pass",
        "x = len(A)",
    ),
    "field": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    a: int = {}",
        "def make():\n    return P()",
        "x = make().a",
    ),
    "enum": (
        "from enum import Enum\nclass Color(Enum):\n    RED = {}",
        "def name(n):\n    return Color(n).name",
        "x = [c.value for c in Color] + [name(Color.RED.value)]",
    ),
    "namedtuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'a b', defaults=[{}])",
        "def make():\n    return P(0)",
        "x = list(make())",
    ),
    "property": (
        "class A:\n    @property\n    def k(self):\n        return {}",
        "def read(a):\n    return a.k",
        "x = read(A())",
    ),
    "lambda": ("f = lambda n: n + {}", "g = lambda n: f(n) * 2", "x = g(1)"),
    "generator": (
        "def count():\n    yield from range({})",
        "def some():\n    yield from count()",
        "x = list(some())",
    ),
    "coroutine": (
        "async def inner():\n    return {}",
        "async def outer():\n    return await inner()",
        "x = await outer()",
    ),
    "constant": ("K = {}", "def f():\n    return K", "x = f()"),
    "partial": (
        "def add(a, b):\n    return a + b + {}",
        "import functools\nadd_one = functools.partial(add, 1)",
        "x = add_one(1)",
    ),
    "dispatch": (
        "import functools\n@functools.singledispatch\ndef f(n):\n    return {}",
        "def g(n):\n    return f(n)",
        "x = g('')",
    ),
    "cached": (
        "import functools\n@functools.lru_cache\ndef f(n):\n    return n + {}",
        "def g(n):\n    return f(n)",
        "x = g(1)",
    ),
    "nested": (
        "def outer():\n    def inner():\n        return {}\n    return inner",
        "def call():\n    return outer()()",
        "x = call()",
    ),
    "manager": (
        "import contextlib\n@contextlib.contextmanager\ndef m():\n    yield {}",
        "def f():\n    with m() as n:\n        return n",
        "x = f()",
    ),
    "method": (
        "class A:\n    def get(self):\n        return {}",
        "a = A()",
        "x = a.get()",
    ),
}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_reaches_through_a_(space: Watched, kind: str) -> None:
    """Two definitions, a user and a bystander, in four cells."""
    first, second, third = EDITS[kind]
    cells = {"first": first.format(2), "second": second, "third": third, "other": "y = 1"}
    space.cells(cells)
    space.ran()
    before = space.value("x")
    assert space.ran() == []
    space.edit("first", f"# Remark.\n{first.format(2)}  # remark")
    assert space.ran() == []
    space.edit("first", first.format(3))
    unreached = {"second"} if kind == "property" else set()
    assert set(space.ran()) == {"first", "second", "third"} - unreached
    assert space.value("x") != before
    space.edit("first", first.format(2))
    assert space.ran() == []
    assert space.value("x") == before


def test_functions_of_two_cells_that_call_each_other(space: Watched) -> None:
    cells = {
        "even": "def even(n):\n    return n == 0 or odd(n - 1)",
        "odd": "def odd(n):\n    return n != 0 and even(n - 1)",
        "asks": "x = even(10)",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x")
    space.edit("odd", "def odd(n):\n    return n != 0 and even(n - 2)")
    assert "asks" in space.ran()
    assert space.value("x") is False


def test_a_function_that_reads_a_computed_value_gets_the_one_of_its_cell(space: Watched) -> None:
    cells = {
        "makes": "factor = 2 * 3",
        "defines": "def scale(n):\n    return n * factor",
        "calls": "x = scale(2)",
        "other": "y = factor > 0",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x")
    space.edit("makes", "factor = 6")
    assert space.ran() == ["makes"]
    space.edit("makes", "factor = 7")
    assert space.ran() == ["calls", "defines", "makes", "other"]
    assert space.value("x") == 14


def test_a_method_that_reads_a_value_of_another_cell(space: Watched) -> None:
    cells = {
        "limit": "limit = 3",
        "defines": "class Box:\n    def fits(self, n):\n        return n < limit",
        "makes": "box = Box()",
        "asks": "x = box.fits(3)",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x") == {"x": False}
    space.edit("limit", "limit = 4")
    assert space.ran() == ["asks", "defines", "limit", "makes"]
    assert space.value("x") is True


def test_an_instance_of_one_cell_is_of_the_class_in_the_next(space: Watched) -> None:
    cells = {
        "define": (
            "from dataclasses import dataclass\nfrom enum import Enum\n"
            "class A:\n    pass\n"
            "@dataclass\nclass P:\n    n: int\n"
            "class Color(Enum):\n    RED = 1\n"
        ),
        "make": "a, p, c = A(), P(5), Color.RED",
        "same": "class Q(P):\n    pass\nq = Q(5)",
        "ask": (
            "x = [isinstance(a, A), p == P(5), c is Color.RED, isinstance(q, P), type(q) is Q]\n"
            "try:\n    raise KeyError\nexcept LookupError:\n    x.append(True)"
        ),
    }
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x") == {"x": [True] * 6}


def test_pickles_made_in_one_cell_are_read_in_another(space: Watched) -> None:
    cells = {
        "define": "class A:\n    def __init__(self, n): self.n = n",
        "dump": "import pickle\ndata = pickle.dumps([A(1), A])",
        "load": "import pickle\na, b = pickle.loads(data)\nx = [a.n, type(a) is A, b is A]",
    }
    space.cells(cells)
    space.ran()
    assert space.value("x") == [1, True, True]
    assert space.ran() == []
    space.edit("load", cells["load"] + "\nx.append(0)")
    assert space.ran() == ["load"]
    assert space.value("x") == [1, True, True, 0]


def test_a_pickle_of_what_the_reading_cell_never_names_is_read_all_the_same(space: Watched) -> None:
    space.cells({
        "define": "def f():\n    return 7",
        "dump": "import pickle\ndata = pickle.dumps(f)",
        "load": "import pickle\nx = pickle.loads(data)()",
    })  # fmt: skip
    space.ran()
    assert space.value("x") == 7


def test_a_decorator_that_fills_a_registry_in_its_own_cell(space: Watched) -> None:
    cells = {
        "define": (
            "known = {}\ndef register(f):\n    known[f.__name__] = f\n    return f\n"
            "@register\ndef g():\n    return 1"
        ),
        "ask": "x = [sorted(known), known['g'](), g()]",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x")


def test_annotations_that_are_text_mean_the_classes_of_other_cells(space: Watched) -> None:
    cells = {
        "define": "class T:\n    pass\ndef f(a: 'T') -> 'T':\n    return a",
        "ask": "import typing\nx = typing.get_type_hints(f)['a'] is T",
        "blind": "y = typing.get_type_hints(f)['return'].__name__",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x", "y") == plain(cells, "x", "y")


def test_a_function_that_is_redefined_below_is_the_new_one_for_those_below(space: Watched) -> None:
    cells = {
        "one": "def f():\n    return 1",
        "before": "x = f()",
        "two": "def f():\n    return 2",
        "after": "y = f()",
    }
    space.cells(cells)
    space.ran()
    assert space.values("x", "y") == plain(cells, "x", "y")
    space.edit("one", "def f():\n    return 3")
    assert space.ran() == ["before", "one"]
