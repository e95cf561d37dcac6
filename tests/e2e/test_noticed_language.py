"""The language: what works in a Python program works in cells, or one error says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, plain


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


AS_IN_A_PROGRAM = {
    "a loop variable": {"loop": "for i in range(3):\n    pass", "ask": "x = i"},
    "loop variables in a tuple": {
        "loop": "for a, (b, *c) in [(1, (2, 3, 4))]:\n    pass",
        "ask": "x = [a, b, c]",
    },
    "a name bound by with": {
        "with": "import contextlib\nwith contextlib.nullcontext(5) as n:\n    pass",
        "ask": "x = n",
    },
    "a walrus in a condition": {
        "make": "if (n := len('abc')) > 2:\n    pass",
        "ask": "x = n",
    },
    "a walrus in a comprehension": {
        "make": "squares = [last := i * i for i in range(3)]",
        "ask": "x = [squares, last]",
    },
    "names bound by match": {
        "make": "match {'k': [1, 2]}:\n    case {'k': [first, *rest]}:\n        pass",
        "ask": "x = [first, rest]",
    },
    "a definition that is not taken": {
        "make": "n = 1",
        "maybe": "if n > 5:\n    n = 'large'",
        "ask": "x = n",
    },
    "a definition that is taken": {
        "make": "n = 1",
        "maybe": "if n < 5:\n    n = 'small'",
        "ask": "x = n",
    },
    "a function defined under a condition": {
        "make": "if True:\n    def f(): return 1\nelse:\n    def f(): return 2\ny = f()",
        "ask": "x = y",
    },
    "a bare annotation": {"make": "v = 7", "note": "v: int", "ask": "x = v"},
    "an annotated value": {"make": "v: int = 7", "ask": "x = v"},
    "an exception's name, which ends with its clause": {
        "make": "err = 'kept'",
        "try": "def f():\n    try: 1 / 0\n    except ZeroDivisionError as err: pass\nf()",
        "ask": "x = err",
    },
    "a name defined and deleted in one cell": {
        "make": "tmp = 1\nn = 2",
        "other": "m = n + 1\nt = m\ndel t",
        "ask": "x = m + tmp",
    },
    "a global of the cell in a class body": {
        "make": "class A:\n    k = 10\n    vals = [k for k in range(2)]\nk = 3",
        "ask": "x = [A.k, A.vals, k]",
    },
    "a comprehension in a class body that reads a global": {
        "make": "k = 3",
        "define": "class A:\n    k = 10\n    vals = [k for _ in range(2)]",
        "ask": "x = A.vals",
    },
    "shadowing a builtin": {"make": "sum = 5", "ask": "x = sum"},
    "a name rebound from itself": {"make": "n = 1", "more": "n = n + 1", "ask": "x = n"},
    "a swap": {"make": "a, b = 1, 2", "swap": "a, b = b, a", "ask": "x = [a, b]"},
    "unpacking with a star": {"make": "a, *b = range(4)", "ask": "x = [a, b]"},
    "global in a function of the cell": {
        "make": "n = 0\ndef up():\n    global n\n    n += 1\nup()\nup()",
        "ask": "x = n",
    },
    "the name of the program": {
        "make": "if __name__ == '__main__':\n    n = 1\nelse:\n    n = 2",
        "ask": "x = n",
    },
    "a keyword that is a name": {
        "make": "match = 1\ncase = 2\ntype = 3",
        "ask": "x = [match, case, type]",
    },
    "a try whose else binds": {
        "make": "try: n = 1\nexcept ValueError: n = 2\nelse: m = n\nfinally: o = 3",
        "ask": "x = [n, m, o]",
    },
    "an import under another name": {
        "make": "import os.path as p, json",
        "ask": "x = [p.join('a', 'b'), json.dumps(1)]",
    },
    "a star import of the library": {"make": "from math import *", "ask": "x = floor(pi)"},
    "a lambda": {"make": "k = 2\nf = lambda n: n * k", "ask": "x = f(4)"},
    "recursion": {"make": "def f(n):\n    return n and n + f(n - 1)", "ask": "x = f(4)"},
    "a format string with quotes": {"make": "n = 1", "ask": "x = f'{n!r:>{3}}{n=}'"},
}  # fmt: skip


@pytest.mark.parametrize("cells", AS_IN_A_PROGRAM.values(), ids=list(AS_IN_A_PROGRAM))
def test_as_in_a_program(space: Watched, cells: dict[str, str]) -> None:
    space.cells(cells)
    space.ran()
    assert space.values("x") == plain(cells, "x")
    assert space.ran() == []


def test_two_submodules_imported_in_two_cells_are_both_there(space: Watched) -> None:
    """`import sklearn.svm` here and `import sklearn.metrics` there: both bind `sklearn`."""
    cells = {
        "one": "import xml.dom",
        "two": "import xml.etree.ElementTree",
        "ask": "x = [xml.dom.Node.TEXT_NODE, xml.etree.ElementTree.fromstring('<a/>').tag]",
    }
    space.cells(cells)
    space.ran()
    assert space.value("x") == [3, "a"]


@pytest.mark.parametrize("reads", ["eval('n + 1')", "globals()['n'] + 1"])
def test_a_name_that_only_running_shows_is_read_or_the_error_says_where_it_is(
    space: Watched, reads: str
) -> None:
    space.cells({"make": "n = 1", "ask": f"x = {reads}"})
    if space.run("build", "--json").code == 0:
        assert space.value("x") == 2
    else:
        assert "//nb:make" in space.hint("ask")


def test_await_may_stand_at_the_top(space: Watched) -> None:
    space.cells({
        "define": "import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n",
        "await": "x = [await f(1), *await asyncio.gather(f(2), f(3))]",
        "loop": "async def g():\n    yield 1\ny = [i async for i in g()]",
    })  # fmt: skip
    space.ran()
    assert space.values("x", "y") == {"x": [1, 2, 3], "y": [1]}


def test_a_cell_is_the_main_program_and_knows_its_file_and_its_source(space: Watched) -> None:
    space.cells({
        "define": "def f():\n    return 1",
        "ask": (
            "import inspect, os\nclass C:\n    pass\n"
            "x = [__name__, os.path.basename(__file__), inspect.getsource(f).strip(),"
            " inspect.getsource(C).strip()]"
        ),
    })  # fmt: skip
    space.ran()
    source = ["def f():\n    return 1", "class C:\n    pass"]
    assert space.value("x") == ["__main__", "ask.py", *source]


def test_worker_processes_run_functions_of_cells(space: Watched) -> None:
    space.cells({
        "define": "def square(n):\n    return n * n",
        "map": (
            "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing\n"
            "if __name__ == '__main__':\n"
            "    fork = multiprocessing.get_context('fork')\n"
            "    with ProcessPoolExecutor(2, mp_context=fork) as pool:\n"
            "        x = list(pool.map(square, [1, 2, 3]))\n    del pool, fork"
        ),
    })  # fmt: skip
    space.ran()
    assert space.value("x") == [1, 4, 9]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys\nsys.exit(0)", "exit"),
        ("import sys\nsys.exit('no rows')", "no rows"),
        ("raise SystemExit", "exit"),
        ("import os\nos._exit(3)", "3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_cell_that_ends_the_program_says_so(space: Watched, body: str, words: str) -> None:
    space.cells({"ends": f"x = 1\n{body}", "reads": "y = x", "other": "z = 1"})
    ended = space.build(code=1)
    assert ended.ran == ["//nb:other"]
    assert ended.by_status("skipped") == ["//nb:reads"]
    assert words in ended.err


def test_what_child_processes_print_is_kept_and_shown_again_on_a_hit(space: Watched) -> None:
    space.cells({
        "says": (
            "import os, subprocess\nprint('cell', flush=True)\n"
            "subprocess.run(['echo', 'child'])\nos.write(1, b'descriptor\\n')\nx = 1"
        ),
        "reads": "y = x",
    })  # fmt: skip
    for expected in (["reads", "says"], []):
        assert space.ran() == expected
        assert space.stdout("says").split() == ["cell", "child", "descriptor"]


def test_a_syntax_error_skips_who_needs_the_cell_and_nobody_else(space: Watched) -> None:
    cells = {"a": "n = 1", "b": "m = n +\n", "c": "x = m", "d": "y = n"}
    space.cells(cells)
    ended = space.build(code=1)
    assert ended.by_status("failed") == ["//nb:b"]
    assert ended.by_status("skipped") == ["//nb:c"]
    assert ended.ran == ["//nb:a", "//nb:d"]
    assert "nb/cells/b.py:1" in ended.err
    space.edit("b", "m = n + 1")
    assert space.ran() == ["b", "c"]


def test_a_cycle_is_spelled_and_the_rest_is_built(space: Watched) -> None:
    space.cells({"a": "p = q", "b": "q = p", "c": "x = 1"})
    ended = space.build(code=1)
    assert ended.ran == ["//nb:c"]
    assert "//nb:a -(q)-> //nb:b -(p)-> //nb:a" in ended.err.replace("\n", "") or (
        "//nb:a -(p)-> //nb:b -(q)-> //nb:a" in ended.err
    )


def test_an_undefined_name_is_found_before_anything_runs(space: Watched) -> None:
    space.cells({"a": "numbers = 1\nopen('ran', 'w').close()", "b": "x = nubmers"})
    said = space.hint("b")
    assert "no cell defines 'nubmers'" in said
    assert "numbers" in said


def test_two_cells_with_one_id_are_an_error_of_the_notebook(space: Watched) -> None:
    space.cells({"a": "x = 1"})
    toml = space.root / "nb/notebook.toml"
    toml.write_text(toml.read_text() + '[[cells]]\nid = "a"\nfile = "other.py"\norder = 2\n')
    space.write("nb/cells/other.py", "y = 1")
    ended = space.run("build", "//nb")
    assert ended.code == 2
    assert "'a'" in ended.err


def test_an_unknown_annotation_is_a_warning_that_names_the_nearest(space: Watched) -> None:
    space.cells({"a": "# @nocahe\nx = 1"})
    (said,) = space.warnings()
    assert "nb/cells/a.py:1" in said
    assert "nocache" in said


def test_a_private_name_of_another_cell_is_an_error_that_says_what_to_do(space: Watched) -> None:
    space.cells({"a": "_secret = 1", "b": "x = _secret"})
    assert "_secret" in space.hint("b")


def test_a_long_chain_is_built_and_asked_for_without_a_limit(space: Watched) -> None:
    """Deeper than Python's recursion limit; the definitions need no processes."""
    cells = {"f0": "def f0():\n    return 0"}
    cells |= {f"f{i}": f"def f{i}():\n    return f{i - 1}" for i in range(1, 300)}
    cells["last"] = "n, f = 0, f299\nwhile f:\n    f, n = f(), n + 1\nx = n\ndel f"
    space.cells(cells)
    assert space.ran("//nb:last") == ["last"]
    assert space.value("x") == 300
