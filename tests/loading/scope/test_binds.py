"""What is bound when the cell has run to its end, and what may not be."""

from __future__ import annotations

import pytest

from strata.loading.scope import scan

CASES = [
    # source, binds, may_bind
    ("a = b.c = d[0] = [e, *f] = 1", "a e f", ""),
    ("a: int", "", ""),
    ("a: int = 1", "a", ""),
    ("_a = __version__ = 1", "__version__ _a", ""),
    ("import a.b, c as d\nfrom m import x, y as z", "a d x z", ""),
    ("from m import *", "", ""),
    ("from __future__ import annotations", "annotations", ""),
    ("def f(a): b = 1\nasync def g(): pass\nclass C:\n    d = 1", "C f g", ""),
    ("[a for a in x]", "", ""),
    ("[b := a for a in x]", "b", "b"),
    ("{a: (b := c)}", "b", ""),
    ("lambda a: (b := a)", "", ""),
    ("for a, (b, *c) in x: pass", "a b c", "a b c"),
    ("with x as (a, b): pass", "a b", ""),
    ("with x as y.z: pass", "", ""),
    ("x = 1\ndel x", "", ""),
    ("x = 1\ndel x\nx = 2", "x", ""),
    ("x = 1\nif c: del x", "x", "x"),
    ("x = 1\nif c: del x\nelse: del x", "", ""),
    ("for i in y:\n    x = 1\n    del x", "i", "i"),
    ("try:\n    x = 1\nexcept E as e:\n    pass", "x", "x"),
    ("e = 1\ntry:\n    x = 1\nexcept E as e:\n    pass", "e x", "e x"),
    ("try:\n    x = 1\nexcept E as e:\n    x = e", "x", ""),
    ("try:\n    x = 1\n    f()\n    del x\nexcept E:\n    pass", "x", "x"),
    ("try:\n    f()\nfinally:\n    x = 1", "x", ""),
    ("try:\n    f()\nexcept E:\n    pass\nelse:\n    x = 1", "x", "x"),
    ("match v:\n    case [a]: pass", "a", "a"),
    ("match v:\n    case a: pass", "a", ""),
    ("def f():\n    global g\n    g = 1", "f g", "g"),
    ("def f():\n    global g\n    del g\ng = 1", "f g", "g"),
    ("def f():\n    global g, h\n    import g\n    for h in g: pass", "f g h", "g h"),
    ("if TYPE_CHECKING:\n    from m import T", "T", "T"),
    ("while True:\n    x = 1\n    if x: break", "x", ""),
    ("for i in y:\n    x = 1\nelse:\n    x = 2", "i x", "i"),
    ("if c:\n    x = 1\nelse:\n    raise E", "x", ""),
    ("with suppress(E):\n    x = 1", "x", "x"),
]


@pytest.mark.parametrize(("source", "binds", "may_bind"), CASES)
def test_what_a_cell_leaves_bound(source: str, binds: str, may_bind: str) -> None:
    found = scan(source, "cell.py")
    assert (" ".join(found.binds), " ".join(found.may_bind)) == (binds, may_bind)


def test_a_binding_is_found_at_its_first_line() -> None:
    found = scan("from m import (\n    a,\n    b,\n)\n@d\ndef f(): pass\na = 1\n", "cell.py")
    assert found.bind_lines == {"a": 2, "b": 3, "f": 6}


def test_star_imports_and_future_imports_are_listed() -> None:
    source = "from __future__ import annotations, division\nfrom ..m  import  *  # all\n"
    found = scan(source + "if c:\n    from n import *", "cell.py")
    assert found.star_imports == ("from ..m import *", "from n import *")
    assert found.future_imports == ("annotations", "division")
    assert found.definitions == {}
