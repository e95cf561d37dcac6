"""Names that one top-level statement defines cross cells as source."""

from __future__ import annotations

import pytest

from strata.loading.scope import DefinitionKind, scan

CASES = [
    # source, the definitions it has
    ("def f(): pass", "f"),
    ("@d\nclass A: pass", "A"),
    ("f = lambda: 1", "f"),
    ("f: T = lambda: 1", "f"),
    ("f = g = lambda: 1", ""),
    ("import numpy as np, os.path\nfrom . import a as b", "b np os"),
    ("x = 1", ""),
    ("if c:\n    def f(): pass", ""),
    ("try:\n    import a\nexcept ImportError:\n    a = None", ""),
    ("def f(): pass\nf = d(f)", ""),
    ("def f(): pass\ndef f(): pass", ""),
    ("def f(): pass\ndel f", ""),
    ("def f(): pass\nf.cache = {}", ""),
    ("def f(): f.n = 1", ""),
    ("def f(): pass\nf.register(1)", "f"),
    ("def f(): pass\ndef g():\n    global f\n    f = 1", "g"),
    ("def f(): pass\nfor f in x: pass", ""),
    ("import a\na.b = 1", "a"),
    ("import a\nimport a", "a"),
    ("import a\nimport a.b", "a"),
    ("import a\nimport b as a", ""),
    ("from m import *", ""),
]


@pytest.mark.parametrize(("source", "names"), CASES)
def test_which_names_are_definitions(source: str, names: str) -> None:
    assert " ".join(sorted(scan(source, "cell.py").definitions)) == names


READS = [
    ("def f(): return f() + g() + len(x)\ng = 1", "f", "g x"),
    ("@d\ndef f(a: T = b) -> R: return a", "f", "R T b d"),
    ("class A(B):\n    k = v\n    def m(self): return k, A", "A", "B k v"),
    ("f = lambda a=b: c", "f", "b c"),
    ("x = 1\ndef f():\n    def g(): return x\n    return g", "f", "x"),
    ("def f():\n    global n\n    n = n + 1", "f", "n"),
    ("from __future__ import annotations\ndef f(a: T): pass", "f", ""),
]


@pytest.mark.parametrize(("source", "name", "reads"), READS)
def test_a_definition_needs_all_globals_it_reads(source: str, name: str, reads: str) -> None:
    assert " ".join(scan(source, "cell.py").definitions[name].reads) == reads


TEXT_READS = [
    ("def f(a: 'T', *b: 'list[R]') -> 'm.X': pass", "R T m"),
    ("def f(a: list['T'], b: 'Dict[str, \"R\"]'): pass", "Dict R T"),
    ("async def f(a: 'f | int | T'): pass", "T"),
    ("class f:\n    a: 'T'\n    if c:\n        def m(self) -> 'R': pass", "R T"),
    ("def f(a: Literal['T'], b: t.Annotated['R', 'S'], c: 'not a type'): pass", "R"),
    ("def f(a: T, b: 'T'): pass", ""),
    ("def f():\n    x: 'T' = 1\n    def g(a: 'R'): pass", ""),
    ("from __future__ import annotations\ndef f(a: T, b: x.Y) -> 'R': pass", "R T x"),
    ("def f(a='T'): pass", ""),
]


@pytest.mark.parametrize(("source", "names"), TEXT_READS)
def test_names_in_annotations_that_are_text_are_read_if_they_are_there(
    source: str, names: str
) -> None:
    found = scan(source, "cell.py")
    assert " ".join(found.definitions["f"].text_reads) == names
    assert not set(names.split()) & set(found.reads)


def test_a_definition_is_as_written_from_its_first_decorator() -> None:
    source = (
        "é = 'é'; f = lambda: 'é' ; y = 2\n\n\n@a  # why\n@(\n  b)\ndef g( x ):\n  return x # z\n"
    )
    found = scan(source, "cell.py").definitions
    assert found["f"].source == "f = lambda: 'é'"
    assert found["f"].kind is DefinitionKind.LAMBDA
    assert found["g"].source == "@a  # why\n@(\n  b)\ndef g( x ):\n  return x"
    assert found["g"].normalized == "@a\n@b\ndef g(x):\n    return x"
    assert (found["f"].line, found["g"].line) == (1, 4)


def test_an_alias_is_a_definition_of_its_own() -> None:
    found = scan("from a . b import (\n  c,\n  d as e,\n)", "cell.py").definitions
    assert found["e"].source == found["e"].normalized == "from a.b import d as e"
    assert (found["e"].line, found["e"].kind) == (3, DefinitionKind.IMPORT)


def test_imports_of_one_package_are_one_definition() -> None:
    found = scan("import a\nimport a.b, a.c\nimport a.b", "cell.py").definitions
    assert found["a"].source == "import a\nimport a.b\nimport a.c"
