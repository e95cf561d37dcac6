"""A value from outside that a statement changes in place is mutated."""

from __future__ import annotations

import pytest

from strata.loading.scope import scan

CASES = [
    ("x.a.b[0] = 1", "x"),
    ("del x[k]", "x"),
    ("x[0] += 1", "x"),
    ("x += 1", "x"),
    ("(a, x.b), *c[0] = v", "c x"),
    ("for x.i in y: pass", "x"),
    ("with f() as x.a: pass", "x"),
    ("[0 for x.i in y]", "x"),
    ("model.fit(X)", "model"),
    ("await model.fit(X)", "model"),
    ("a.b[0].c()", "a"),
    ("df.head().x()", ""),
    ("df.head().x = 1", ""),
    ("print(x)", ""),
    ("y = model.fit(X)", ""),
    ("f(x).a = 1", ""),
    ("x = []\nx.append(1)\nx[0] = 2\nx += x", ""),
    ("x = x\nx.append(1)", ""),
    ("if c: x = []\nx.append(1)", "x"),
    ("x.append(1)\nx = []", "x"),
    ("def f(): cache[k] = 1", "cache"),
    ("def f(cache): cache[k] = 1", ""),
    ("def f():\n    global n\n    n += 1", "n"),
    ("n = 0\ndef f():\n    global n\n    n += 1", ""),
    ("def f(): log.append(1)\nlog = []", ""),
    ("def f(): log.append(1)\nf()\nlog = []", "log"),
    ("class A:\n    x = {}\n    x[0] = 1\n    y[0] = 1", "y"),
    ("df: T\ndf.x: T = 1", "df"),
    ("df.x: T", ""),
]


@pytest.mark.parametrize(("source", "mutates"), CASES)
def test_what_a_cell_changes_in_place(source: str, mutates: str) -> None:
    assert " ".join(scan(source, "cell.py").mutates) == mutates
