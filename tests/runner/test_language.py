"""A cell is a Python program: what holds for a script holds for it."""

from __future__ import annotations

import json

import pytest

from tests.runner.harness import Stored


def values(outcome):
    assert outcome.failure is None, outcome.failure["traceback"]
    return {name: json.loads(stored.data) for name, stored in outcome.outputs.items()}


LANGUAGE = {
    "class_scope": ("k = 3\nclass A:\n    k = 10\n    v = [k for _ in range(2)]\nx = A.v", [3, 3]),
    "walrus": ("x = [y := 5, y]", [5, 5]),
    "annotation_only": ("v: int\nx = 'v' in globals()", False),
    "annotated": ("v: int = 1\nx = list(__annotations__)", ["v"]),
    "except_name": (
        "try:\n    1/0\nexcept ZeroDivisionError as e:\n    pass\nx = 'e' in globals()",
        False,
    ),
    "deleted": ("y = 1\ndel y\nx = 'y' in globals()", False),
    "star_import": ("from math import *\nx = floor(2.5)", 2),
    "main": ("x = __name__", "__main__"),
    "main_module": ("import __main__\ny = 5\nx = __main__.y", 5),
    "docstring": ('"""Doc."""\nx = __doc__', "Doc."),
    "future": (
        "from __future__ import annotations\ndef f(a: B): pass\nx = f.__annotations__['a']",
        "B",
    ),
    "no_inherited_future": ("def f(a: int): pass\nx = f.__annotations__['a'] is int", True),
    "argv": ("import sys\nx = sys.argv", ["train/cells/fit.py"]),
    "stdin": ("import sys\nx = sys.stdin.read()", ""),
    "recursion": ("def f(n):\n    return n and f(n - 1)\nx = f(900)", 0),
    "executed": ("exec('x = 1 + 1')", 2),
    "global_": ("def f():\n    global x\n    x = 4\nf()", 4),
    "comprehension": ("a = 2\nx = [a * i for i in range(3)]", [0, 2, 4]),
    "private": ("_p = 1\n__version__ = '1'\nx = [_p, __version__]", [1, "1"]),
    "getsource": (
        "import inspect\ndef f():\n    return 1\nx = inspect.getsource(f)",
        "def f():\n    return 1\n",
    ),
    "getfile": ("import inspect\ndef f(): pass\nx = inspect.getfile(f)", "train/cells/fit.py"),
    "own_pickle": (
        "import pickle\nclass P: pass\nx = type(pickle.loads(pickle.dumps(P()))) is P",
        True,
    ),
    "pool": (
        "import multiprocessing as m\nfrom concurrent.futures import ProcessPoolExecutor as P\n"
        "def f(n): return n * n\n"
        "with P(2, mp_context=m.get_context('fork')) as p:\n    x = list(p.map(f, [1, 2, 3]))",
        [1, 4, 9],
    ),
    "await_": ("import asyncio\nawait asyncio.sleep(0)\nx = 1", 1),
    "async_for": (
        "async def g():\n    yield 1\n    yield 2\nx = [i async for i in g()]",
        [1, 2],
    ),
    "asyncio_run": ("import asyncio\nasync def f(): return 3\nx = asyncio.run(f())", 3),
    "stdlib_not_shadowed": (
        "import json, pickle\nx = [json.dumps(1), hasattr(pickle, 'dumps')]",
        ["1", True],
    ),
    "no_names_of_ours": (
        "x = sorted(n for n in globals() if not n.startswith('__'))",
        [],
    ),
    "threads_are_joined": (
        "import threading, time\nx = []\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), x.append(1))).start()",
        [1],
    ),
    "open_pools_are_ended": (
        "from concurrent.futures import ThreadPoolExecutor as P\nx = []\n"
        "pool = P(2)\npool.submit(x.append, 7)",
        [7],
    ),
    "daemons_are_not_waited_for": (
        "import threading, time\nx = 1\n"
        "threading.Thread(target=lambda: time.sleep(60), daemon=True).start()",
        1,
    ),
    "set_order": ("x = list({'b', 'a', 'c', 'd'}) == list({'b', 'a', 'c', 'd'})", True),
    "no_newline_at_end": ("x = 1\nif x:\n    x = 2", 2),
    "tabs": ("if 1:\n\tx = 1", 1),
    "form_feed": ("\fx = 1", 1),
    "crlf": ("x = 1\r\nx += 1\r\n", 2),
    "byte_order_mark": ("\ufeffx = 1", 1),
}


@pytest.mark.parametrize("name", LANGUAGE)
def test_the_language(name: str, run_cell):
    source, expected = LANGUAGE[name]
    assert values(run_cell(source, ["x"])) == {"x": expected}


def test_the_folder_of_the_notebook_is_first_on_the_path(tmp_path, run_cell):
    (tmp_path / "helper.py").write_text("answer = 42")
    outcome = run_cell(
        "import sys, os, helper\npath = sys.path[0]\nx = helper.answer\nhere = os.getcwd()\n"
        "own = [p for p in sys.path if 'runner' in p]\nfile = __file__",
        ["path", "x", "here", "own", "file"],
    )
    here = str(tmp_path)
    file = f"{here}/cells/fit.py"
    expected = {"path": here, "x": 42, "here": here, "own": [], "file": file}
    assert values(outcome) == expected


def test_without_site_the_interactive_builtins_are_there(run_cell):
    outcome = run_cell(
        "x = [f is not None for f in (exit, quit, help, copyright)]", ["x"], options=["-S"]
    )
    assert values(outcome) == {"x": [True] * 4}


def test_nothing_of_ours_can_be_imported(run_cell):
    source = (
        "import importlib.util as u\nx = [u.find_spec(n) for n in ('strata', 'wire', 'displays')]"
    )
    assert values(run_cell(source, ["x"], options=["-S"])) == {"x": [None] * 3}


def test_safe_path_does_not_lose_an_entry(run_cell):
    outcome = run_cell("import json\nx = 1", ["x"], options=["-P"])
    assert values(outcome) == {"x": 1}


def test_a_value_that_two_names_share_is_loaded_once(run_cell):
    slot = {"slot": "s"}
    outcome = run_cell(
        "x = a is b", ["x"], {"s": Stored("json", b"[1]")}, bindings={"a": slot, "b": slot}
    )
    assert values(outcome) == {"x": True}


def test_a_slot_that_is_not_given_leaves_its_name_unbound(run_cell):
    outcome = run_cell("x = 'a' in globals()", ["x"], bindings={"a": {"slot": "s"}})
    assert values(outcome) == {"x": False}


def test_names_that_are_not_bound_are_not_sent(run_cell):
    outcome = run_cell("x = 1\nif x > 1:\n    y = 2", ["x", "y"])
    assert list(outcome.outputs) == ["x"]
    assert outcome.unstorable == {}


def test_mutating_a_mapped_input_changes_only_this_run(tmp_path, run_cell):
    stored = run_cell("import numpy as np\na = np.arange(50_000.0)", ["a"]).outputs
    outcome = run_cell(
        "a[0] = 9\nx = a.sum()", ["a"], stored, by_path=True, bindings={"a": {"slot": "a"}}
    )
    assert outcome.outputs["a"].data != stored["a"].data
    written = [p for p in tmp_path.iterdir() if p.name.startswith("input-")]
    assert [p.read_bytes() for p in written] == [stored["a"].data]


def test_looking_at_a_value_does_not_change_its_bytes(run_cell):
    """Names that are strings of a literal are one object here and two after loading."""
    make = "class_names = ['setosa', 'setosa'.upper().lower()]\nd = ({'k' 'ey': 1}, class_names)"
    stored = run_cell(make, ["d"]).outputs
    outcome = run_cell("d[0].get('key')", ["d"], stored, bindings={"d": {"slot": "d"}})
    assert outcome.outputs["d"].data == stored["d"].data
    changed = run_cell("d[0]['key'] = 2", ["d"], stored, bindings={"d": {"slot": "d"}})
    assert changed.outputs["d"].data != stored["d"].data


def test_summaries_are_short_and_about_the_value(run_cell):
    outcome = run_cell(
        "import numpy as np, pandas as pd\n"
        "a = np.arange(150.0).reshape(50, 3)\n"
        "df = pd.DataFrame({'x': range(150), 'y': 'a'})\n"
        "xs = list(range(10**5))\n"
        "class Bad:\n    def __repr__(self): raise ValueError\n"
        "bad = [Bad]\nn = 5\ntext = 'z' * 10**6",
        ["a", "df", "xs", "n", "text"],
    )
    summaries = {name: stored.summary for name, stored in outcome.outputs.items()}
    assert summaries["a"].startswith("50 × 3 of float64\nfrom 0.0 to 149.0\n")
    assert summaries["df"].startswith("150 rows × 2 columns\n   x  y\n0  0  a\n")
    assert summaries["xs"].startswith("100,000 elements\n[0, 1, 2, ")
    assert summaries["n"] == "5"
    assert all(len(text) <= 2000 for text in summaries.values())
    types = {name: stored.type_name for name, stored in outcome.outputs.items()}
    assert types == {
        "a": "numpy.ndarray",
        "df": types["df"],
        "xs": "list",
        "n": "int",
        "text": "str",
    }
    assert types["df"].startswith("pandas.")
