"""A look-up that the cell has not answered by then is a read; one that it may have, a may-read."""

from __future__ import annotations

import pytest

from strata.loading.scope import scan

CASES = [
    # source, reads, may_read
    ("", "", ""),
    ("x", "x", ""),
    ("x = x + 1", "x", ""),
    ("x += 1", "x", ""),
    ("x = 1\nx += 1", "", ""),
    ("a, b = b, a", "a b", ""),
    ("for x in x: pass", "x", ""),
    ("for x in y: x", "y", ""),
    ("with f(x) as x: x", "f x", ""),
    ("[x := x + 1]", "x", ""),
    ("x = y = x", "x", ""),
    ("x = y[x] = z", "y z", ""),
    ("print(len(x), __name__, __file__)", "x", ""),
    ("del x", "x", ""),
    ("x = 1\ndel x\nx", "x", ""),
    ("x = 1\nif c:\n    del x\nx", "c", "x"),
    # f-strings, slices, starred, await
    ("f'{a!r:>{b}} {c=} {f\"{d}\"}'", "a b c d", ""),
    ("x[a:b:c, *d] = await e", "a b c d e x", ""),
    ("f(*a, **b, k=c)", "a b c f", ""),
    # comprehensions
    ("[x for x in y]", "y", ""),
    ("[z for x in y if w]", "w y z", ""),
    ("[y for x in y for y in x]", "y", ""),
    ("{k: v for k, v in d.items()}", "d", ""),
    ("[y for x in z if (y := x)]", "z", ""),
    ("[(y := x) for x in z]\ny", "z", "y"),
    ("[[a for a in b] for b in c]", "c", ""),
    ("sum(x for x in y)", "y", ""),
    ("[x async for x in y]", "y", ""),
    ("[lambda: x for x in y]", "y", ""),
    # conditional expressions
    ("c and (x := 1)\nx", "c", "x"),
    ("(x := 1) and c\nx", "c", ""),
    ("(x := 1) if c else 2\nx", "c", "x"),
    ("0 < a < (x := 1) < b\nx", "a b", "x"),
    # branches
    ("if c:\n    x = 1\nx", "c", "x"),
    ("if c:\n    x = 1\nelse:\n    x = 2\nx", "c", ""),
    ("if c:\n    x = 1\nelif d:\n    x = 2\nx", "c d", "x"),
    ("if c:\n    x = 1\nelse:\n    raise E\nx", "E c", ""),
    ("if c:\n    x = 1\nelse:\n    x", "c", "x"),
    ("if c:\n    x\nelse:\n    x = 1", "c x", ""),
    ("if True:\n    x = 1\nx", "", ""),
    ("if False:\n    x = 1\nx", "", "x"),
    ("assert (x := y), z\nx", "y z", ""),
    ("assert y, (x := 1)\nx", "x y", ""),
    # loops
    ("for i in y:\n    x = i\nx", "y", "x"),
    ("for i in y:\n    print(x)\n    x = i", "x y", ""),
    ("x = 0\nfor i in y:\n    print(x)\n    x = i", "y", ""),
    ("x = 0\nfor i in y:\n    print(x)\n    del x", "y", "x"),
    ("for i in y: pass\ni", "y", "i"),
    ("while True:\n    x = 1\n    if c: break\nx", "c", ""),
    ("while True:\n    if c: break\n    x = 1\nx", "c", "x"),
    ("while c:\n    x = 1\nelse:\n    x = 2\nx", "c", ""),
    ("for i in y:\n    x = 1\n    break\nelse:\n    x = 2\nx", "y", ""),
    ("for i in y:\n    if i: continue\n    x = 1\nx", "y", "x"),
    # exceptions
    ("try:\n    x = f()\nexcept E:\n    x = None\nx", "E f", ""),
    ("try:\n    x = f()\nexcept E:\n    pass\nx", "E f", "x"),
    ("try:\n    x = f()\nexcept E:\n    raise\nx", "E f", ""),
    ("try:\n    x = f()\nexcept E:\n    x", "E f", "x"),
    ("try:\n    x = f()\nfinally:\n    x", "f", "x"),
    ("try:\n    x = f()\nfinally:\n    y = 1\nx, y", "f", ""),
    ("try:\n    f()\nexcept E as e:\n    e", "E f", ""),
    ("try:\n    f()\nexcept E as e:\n    pass\ne", "E e f", ""),
    ("e = 1\ntry:\n    f()\nexcept E as e:\n    pass\ne", "E f", "e"),
    ("try:\n    import json\nexcept ImportError:\n    json = None\njson", "", ""),
    ("try:\n    pass\nexcept* E as e:\n    e", "E", ""),
    # with
    ("with open(p) as f:\n    x = f.read()\nx", "p", ""),
    ("with suppress(E):\n    x = f()\nx", "E f suppress", "x"),
    ("with a as b, b as c: c", "a", ""),
    # match
    ("match x:\n    case [a, *b]: a, b", "x", ""),
    ("match x:\n    case C(y=a, z=M.k) if a > g: pass", "C M g x", ""),
    ("match x:\n    case {K.a: b, **r}: b, r", "K x", ""),
    ("match x:\n    case 1:\n        y = 1\ny", "x", "y"),
    ("match x:\n    case 1:\n        y = 1\n    case _:\n        y = 2\ny", "x", ""),
    ("match x:\n    case 1:\n        y = 1\n    case z if z:\n        y = 2\ny", "x", "y"),
    # annotations
    ("x: T", "T", ""),
    ("x: T = v\nx", "T v", ""),
    ("x: x = 5", "", ""),
    ("(x): T", "T", ""),
    ("x.y: T = v", "T v x", ""),
    ("from __future__ import annotations\nx: T = 1\ndef f(a: U) -> V: pass", "", ""),
    ("x: 'T' = 1", "", ""),
    # imports
    ("import a.b\na", "", ""),
    ("import a.b as c\na", "a", ""),
    ("from m import x as y\nx, y", "x", ""),
    ("from m import *\nx", "x", ""),
    # definitions are evaluated where they stand
    ("@d\ndef f(a=b, *, c=e) -> r: pass", "b d e r", ""),
    ("def f(a: T, *b: U, **c: V): pass", "T U V", ""),
    ("class A(B, metaclass=M, k=v): pass", "B M v", ""),
    ("class A:\n    k = k", "k", ""),
    ("class A:\n    k = 1\n    m = k", "", ""),
    ("class A:\n    if c:\n        k = 1\n    m = k", "c", "k"),
    ("class A:\n    k = 1\n    m = [k for _ in k]", "k", ""),
    ("class A:\n    k = 1\n    def f(self): return k", "k", ""),
    ("class A:\n    def f(self): return __class__, super(), __qualname__\n    q = __qualname__",
     "__qualname__", ""),
    ("class A:\n    global g\n    g = 1\ng", "", ""),
    ("class A:\n    def f(self): return __x", "_A__x", ""),
    ("class A:\n    x: T = v", "T v", ""),
    ("global x\nx", "x", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "reads", "may_read"), CASES)
def test_what_a_cell_looks_up_outside(source: str, reads: str, may_read: str) -> None:
    found = scan(source, "cell.py")
    assert (" ".join(found.reads), " ".join(found.may_read)) == (reads, may_read)


LATE = [
    ("def f(): return x", "x", ""),
    ("x = 1\ndef f(): return x", "", ""),
    ("def f(): return x\nx = 1", "", ""),
    ("def f(): return x\nx = 1\nf()", "", ""),
    ("def f(): return x\nf()\nx = 1", "", "x"),
    ("def f(): return g()\ndef g(): return x\nf\nx = 1", "", "x"),
    ("def f(): return g()\nf\ndef g(): return x\nx = 1", "", "g x"),
    ("def f(): return f()", "", ""),
    ("@d\ndef f(): return x\nx = 1", "d", "x"),
    ("@property\ndef f(): return x\nx = 1", "", ""),
    ("def f(): return x\nif c: x = 1", "c", "x"),
    ("def f(): return x\nx = 1\nf\ndel x", "", "x"),
    ("def f(x): return x", "", ""),
    ("def f():\n    x = 1\n    return lambda: x", "", ""),
    ("def f():\n    x: T = 1\n    return x", "", ""),
    ("def f():\n    def g():\n        nonlocal y\n        y = z\n    y = 1", "z", ""),
    ("def f():\n    global x\n    x = 1\nf()\nx", "", "x"),
    ("def f():\n    global x\n    x += 1", "", "x"),
    ("x = 0\ndef f():\n    global x\n    x += 1\nf()", "", ""),
    ("def f():\n    global x\n    def g(): return x", "x", ""),
    ("def f():\n    class A:\n        k = k\n        j = k", "k", ""),
    ("def f():\n    k = 1\n    class A:\n        k = k", "k", ""),
    ("def f():\n    k = 1\n    class A:\n        j = k", "", ""),
    ("def f():\n    class A:\n        k = 1\n        def m(self): return k", "k", ""),
    ("def f():\n    return [x for x in y if (z := x)] + z", "y", ""),
    ("f = lambda: x\nx = 1\nf()", "", ""),
    ("f = lambda: x\nf()\nx = 1", "", "x"),
    ("f = lambda a=x: a\nx = 1", "x", ""),
    ("df.apply(lambda r: r[k])\nk = 1", "df", "k"),
    ("k = 1\ndf.apply(lambda r: r[k])", "df", ""),
    ("g = (k for _ in y)\nk = 1", "k y", ""),
    ("class A:\n    def m(self): return x\nx = 1\nA()", "", ""),
    ("class A:\n    def m(self): return x\nA()\nx = 1", "", "x"),
    ("class A(Enum):\n    def m(self): return x\nx = 1", "Enum", "x"),
    ("class A(B):\n    def m(self): return super(A, self), x\nx = 1", "B", ""),
    ("for i in y:\n    if i: f()\n    def f(): return x\nx = 1", "f y", "x"),
]


@pytest.mark.parametrize(("source", "reads", "may_read"), LATE)
def test_a_body_reads_what_is_unbound_when_it_may_first_be_called(
    source: str, reads: str, may_read: str
) -> None:
    found = scan(source, "cell.py")
    assert (" ".join(found.reads), " ".join(found.may_read)) == (reads, may_read)


def test_a_read_is_found_at_its_first_line() -> None:
    found = scan("def f():\n    return late\n\nx = (\n    now\n)\nnow\nlate\n", "cell.py")
    assert found.read_lines == {"late": 2, "now": 5}


def test_builtins_are_told_apart_because_another_cell_may_rebind_them() -> None:
    found = scan("def f(): return input\nprint(sum)\nsum = 1\nprint(sum)", "cell.py")
    assert found.reads == found.may_read == ()
    assert found.builtin_reads == ("input", "print", "sum")
    assert found.definitions["f"].builtin_reads == ("input",)
