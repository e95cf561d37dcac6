"""Values changed in place: as in a plain program from top to bottom, or one error that says how.

`agrees` holds a notebook against that program. Every case of it is silently wrong in the engine
that Strata is written to replace.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, plain


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def agrees(space: Watched, cells: dict[str, str], *names: str) -> None:
    """The values are those of the program, nothing runs again, and one cell alone gets the same."""
    space.cells(cells)
    expected = plain(cells, *names)
    space.ran()
    assert space.values(*names) == expected
    assert space.ran() == []
    last = list(cells)[-1]
    space.edit(last, f"{cells[last]}\nadded = 0")
    assert space.ran(f"//nb:{last}") == [last]
    assert space.values(*names) == expected


MODEL = (
    "class Model:\n"
    "    def __init__(self):\n        self.w = [0, 0]\n"
    "    def fit(self, X, y):\n        self.w[0] += sum(X)\n        self.b = y[0]\n"
    "        return self\n"
    "class Optimizer:\n"
    "    def __init__(self, params):\n        self.params = params\n"
    "    def step(self):\n        self.params[:] = [p + 1 for p in self.params]\n"
)

AS_IN_A_PROGRAM = {
    "a model fitted by a bare call": {
        "make": f"{MODEL}model = Model()\nX, y = [1, 2], [3, 4]",
        "fit": "model.fit(X, y)",
        "ask": "x = [model.w, model.b]",
    },
    "a model fitted in two cells in turn": {
        "make": f"{MODEL}model = Model()",
        "fit": "model.fit([1], [1])",
        "again": "model.fit([2], [2])",
        "ask": "x = [model.w, model.b]",
    },
    "an element assigned": {"make": "d = {'a': 1}", "set": "d['b'] = 2", "ask": "x = dict(d)"},
    "an element deleted": {"make": "d = {'a': 1}", "set": "del d['a']", "ask": "x = dict(d)"},
    "an attribute assigned": {
        "make": "class C: pass\nc = C()",
        "set": "c.n = 4",
        "ask": "x = c.n",
    },
    "an attribute of an attribute": {
        "make": "class C: pass\nc = C()\nc.d = C()\nc.d.n = [1]",
        "set": "c.d.n[0] += 4",
        "ask": "x = c.d.n",
    },
    "an augmented list": {"make": "xs = [1]", "set": "xs += [2]", "ask": "x = list(xs)"},
    "append, sort, pop": {
        "make": "xs = [3, 1]",
        "one": "xs.append(2)",
        "two": "xs.sort()",
        "ask": "x = list(xs)",
    },
    "a set and a deque": {
        "make": "from collections import deque\ns, q = {1}, deque([1, 2])",
        "set": "s.add(2)\nq.popleft()",
        "ask": "x = [sorted(s), list(q)]",
    },
    "a default dict that grows": {
        "make": "from collections import defaultdict\nd = defaultdict(list)",
        "set": "d['a'].append(1)",
        "ask": "x = dict(d)",
    },
    "inside a loop, an if and a with": {
        "make": "import contextlib\nxs = []",
        "set": (
            "for i in range(3):\n    if i:\n        with contextlib.nullcontext():\n"
            "            xs.append(i)"
        ),
        "ask": "x = list(xs)",
    },
    "a name rebound after it was changed": {
        "make": "xs = [1]",
        "set": "xs.append(2)\nxs = xs + [3]",
        "ask": "x = list(xs)",
    },
    "the same name read before and after": {
        "make": "xs = [1]",
        "before": "n = len(xs)",
        "set": "xs.append(2)",
        "ask": "x = [n, len(xs)]",
    },
    "two names that one cell made of one list": {
        "make": "a = [1]\nb = a",
        "set": "a.append(2)\nb.append(3)",
        "ask": "x = [a, b, a is b]",
    },
    "a list inside another, both changed by the cell": {
        "make": "inner = [1]\nouter = [inner, inner]",
        "set": "inner.append(2)\nouter.append(0)",
        "ask": "x = [outer, outer[0] is inner]",
    },
    "shared things that nobody changes": {
        "make": "a = [1]\nb = {'a': a}",
        "ask": "x = b['a'] is a",
    },
    "an optimizer that holds a model's parameters": {
        "make": f"{MODEL}model = Model()\nopt = Optimizer(model.w)",
        "ask": "x = opt.params is model.w",
    },
    "a random generator drawn from by a bare call": {
        "make": "import random\nrng = random.Random(1)",
        "draw": "rng.random()",
        "ask": "x = rng.random()",
    },
    "a name that was deleted": {
        "make": "a = 1",
        "again": "a = 2\nb = a\ndel a",
        "ask": "x = b",
    },
}


@pytest.mark.parametrize("cells", AS_IN_A_PROGRAM.values(), ids=AS_IN_A_PROGRAM)
def test_as_in_a_program(space: Watched, cells: dict[str, str]) -> None:
    agrees(space, cells, "x")


SAID_WITH_MUTATES = {
    "through a helper, deep in a dict": (
        {
            "make": "d = {'a': {'b': [1]}}",
            "help": "def deep(m):\n    m['a']['b'].append(2)",
            "set": "deep(d)",
            "ask": "x = dict(d)",
        },
        "d",
    ),
    "through a function of another cell that is assigned": (
        {
            "make": "d = {str(i): i for i in range(1000)}",
            "help": "def put(m):\n    m.update(zz=1)\n    return 1",
            "set": "n = put(d)",
            "ask": "x = len(d)",
        },
        "d",
    ),
    "in place, inside a function of another cell": (
        {
            "make": (
                "class Frame:\n    def __init__(self): self.rows = [1, None]\n"
                "    def dropna(self, inplace=False):\n"
                "        self.rows = [r for r in self.rows if r is not None]\n"
                "df = Frame()"
            ),
            "help": "def clean(frame):\n    frame.dropna(inplace=True)",
            "set": "clean(df)",
            "ask": "x = df.rows",
        },
        "df",
    ),
    "a generator drawn from in an expression": (
        {
            "make": "import random\nrng = random.Random(1)",
            "draw": "first = rng.random()",
            "ask": "x = rng.random()",
        },
        "rng",
    ),
    "an iterator moved on by next": (
        {"make": "it = iter([1, 2, 3])", "draw": "first = next(it)", "ask": "x = next(it)"},
        "it",
    ),
    "pop in an expression": (
        {"make": "xs = [1, 2]", "take": "last = xs.pop()", "ask": "x = list(xs)"},
        "xs",
    ),
    "setattr": (
        {"make": "class C: n = 0\nc = C()", "set": "setattr(c, 'n', 5)", "ask": "x = c.n"},
        "c",
    ),
    "through a loop variable": (
        {
            "make": "rows = [[1], [2]]",
            "set": "for row in rows:\n    row.append(0)",
            "ask": "x = rows[:]",
        },
        "rows",
    ),
    "through another name": (
        {"make": "xs = [1]", "set": "ys = xs\nys.append(2)\ndel ys", "ask": "x = list(xs)"},
        "xs",
    ),
    "in a comprehension": (
        {"make": "xs = [[1]]", "set": "_ = [r.append(2) for r in xs]", "ask": "x = xs[:]"},
        "xs",
    ),
    "in a function that changes what it reads": (
        {
            "make": "log = []",
            "help": "def note(n):\n    log.append(n)",
            "set": "note(1)",
            "ask": "x = list(log)",
        },
        "log",
    ),
}


@pytest.mark.parametrize(("cells", "name"), SAID_WITH_MUTATES.values(), ids=list(SAID_WITH_MUTATES))
def test_a_change_that_no_statement_shows_is_an_error_and_mutates_cures_it(
    space: Watched, cells: dict[str, str], name: str
) -> None:
    space.cells(cells)
    changing = list(cells)[-2]
    said = space.hint(changing)
    assert f"'{name}'" in said
    assert f"# @mutates {name}" in said
    agrees(space, cells | {changing: f"# @mutates {name}\n{cells[changing]}"}, "x")


UNREAD = {
    "nobody reads it later": {"make": "xs = [1]", "take": "last = xs.pop()"},
    "nothing is changed": {
        "make": "xs = [1]",
        "look": "def f(m):\n    return len(m)\nn = f(xs)",
        "ask": "y = list(xs)",
    },
    "a copy is changed": {
        "make": "xs = [1]",
        "copy": "ys = list(xs)\nys.append(2)",
        "ask": "y = [xs, ys]",
    },
}


@pytest.mark.parametrize("cells", UNREAD.values(), ids=list(UNREAD))
def test_no_fuss_where(space: Watched, cells: dict[str, str]) -> None:
    space.cells(cells)
    assert len(space.ran()) == len(cells)
    assert space.ran() == []


SHARED = {
    "a list that two names share": {
        "make": "a = [1]\nb = a",
        "set": "a.append(2)",
        "ask": "x = len(b)",
    },
    "a model changed by its optimizer": {
        "make": f"{MODEL}model = Model()\nopt = Optimizer(model.w)",
        "set": "opt.step()",
        "ask": "x = list(model.w)",
    },
    "an object reached from two names": {
        "make": "inner = {'n': 1}\nouter = [inner]",
        "set": "inner['n'] = 2",
        "ask": "x = outer[0]['n']",
    },
}


@pytest.mark.parametrize("cells", SHARED.values(), ids=list(SHARED))
def test_a_change_through_one_name_reaches_the_other_or_says_how(
    space: Watched, cells: dict[str, str]
) -> None:
    space.cells(cells)
    said = space.hint("set")
    cure = said.partition("`# @mutates ")[2].partition("`")[0]
    assert cure, said
    agrees(space, cells | {"set": f"# @mutates {cure}\n{cells['set']}"}, "x")


def test_an_edit_above_a_mutation_goes_through_it_and_is_cut_off(space: Watched) -> None:
    cells = {
        "make": "xs = [3, 1]",
        "sort": "xs.sort()",
        "ask": "x = xs[0]",
        "follow": "y = x + 1",
    }
    space.cells(cells)
    space.ran()
    space.edit("make", "xs = [1, 3]")
    assert space.ran() == ["make", "sort"]
    space.edit("make", "xs = [1, 4]")
    assert space.ran() == ["ask", "make", "sort"]


def test_a_mutating_cell_that_runs_again_starts_from_the_unchanged_value(space: Watched) -> None:
    space.cells({"make": "xs = [1]", "grow": "xs.append(2)", "ask": "n = len(xs)"})
    for _ in range(3):
        space.ran("--force")
        assert space.value("n") == 2
