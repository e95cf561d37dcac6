"""A text that is no Python is refused with its place and what to write instead."""

from __future__ import annotations

import warnings

import pytest

from strata.core.errors import CellError
from strata.loading.scope import scan

MAGICS = [
    # source, line, a part of the hint
    ("%matplotlib inline", 1, "figures are shown by themselves"),
    ("x = 1\n!pip install -q numpy pandas", 2, "(uv add numpy pandas)"),
    ("%pip install scikit-learn", 1, "(uv add scikit-learn)"),
    ("%%time\nx = 1", 1, "how long each cell takes"),
    ("%timeit f(x)", 1, "timeit"),
    ("%load_ext autoreload", 1, "IPython extensions"),
    ("%env A=1", 1, "@env"),
    ("if x:\n    !ls -l", 2, "subprocess.run(['ls', '-l'], check=True)"),
    ("files = !ls", 1, "subprocess.run"),
    ("v = %sql select 1", 1, "kind `sql`"),
    ("?df", 1, "help"),
    ("df.head??", 1, "help"),
    ("%%html\n<b>it's</b>", 1, "HTML"),
    ("s = '''\n%time\n'''\n!ls", 4, "subprocess"),
    ("get_ipython().run_line_magic('matplotlib', 'inline')", 1, "figures"),
    ("get_ipython().system('pip install x')", 1, "uv add x"),
]


@pytest.mark.parametrize(("source", "line", "hint"), MAGICS)
def test_what_only_ipython_understands_is_refused(source: str, line: int, hint: str) -> None:
    with pytest.raises(CellError) as caught:
        scan(source, "nb/cell.py")
    assert caught.value.place == f"nb/cell.py:{line}"
    assert caught.value.hint is not None
    assert hint in caught.value.hint
    assert "syntax error" not in caught.value.what


SYNTAX = [
    ("x = (1,", 1),
    ("x = 1\nreturn x", 2),
    ("break", 1),
    ("x = yield", 1),
    ("def f():\n    nonlocal x", 2),
    ("def f(a, a): pass", 1),
    ("if x:\n    y\n  z", 3),
    ("def f():\n\tx\n        y", 3),
    ("x = 1\ny = '\0'", 2),
    ("x = 'abc", 1),
    ("from __future__ import nope", 1),
    ("(" * 300 + ")" * 300, 1),
    ("+".join(["a"] * 20_000), None),
    ("-" * 20_000 + "x", None),
    ("x = '\ud800'", None),
]


@pytest.mark.parametrize(("source", "line"), SYNTAX)
def test_a_syntax_error_has_a_line(source: str, line: int | None) -> None:
    with pytest.raises(CellError, match="syntax error: ") as caught:
        scan(source, "nb/cell.py")
    assert (caught.value.path, caught.value.line) == ("nb/cell.py", line)


ACCEPTED = [
    "await f()",
    "async with a as b:\n    [x async for x in b]",
    "x = 5 \\\n% y",
    "s = '''\n%time\n!ls\n?x\n'''",
    "# coding: latin-1\nx = 'é'",
    "\ufeffx = 1\r\n\x0c\r\ny = x",
    "try:\n    get_ipython()\nexcept NameError:\n    pass",
    "x = 1 if y else 2;",
    "\n\n",
    "# only a comment",
]


@pytest.mark.parametrize("source", ACCEPTED)
def test_python_is_accepted(source: str) -> None:
    scan(source, "nb/cell.py")


def test_code_that_python_warns_about_is_scanned_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scan("x is 1\n'\\d'\nassert (1, 2)", "nb/cell.py").reads == ("x",)
