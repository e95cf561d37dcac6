"""The normal form is equal exactly for cells that mean the same."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.loading.scope import scan
from strata.loading.scope.normalize import write_tree

SAME = [
    ("x=1", "x  =  1  # why"),
    ("x = 1\ny = 2", "x = 1;\n\n\ny = (2)\n"),
    ("x = 'a'", 'x = "a"'),
    ("x = 'a'", "x = u'a'"),
    ("x = 'ab'", "x = 'a' 'b'"),
    ("x = 1000", "x = 1_000"),
    ("x = [\n  1,\n  2,\n]", "x = [1, 2]"),
    ("x = 1", "x = 1  # type: ignore"),
    ("if a:\n  b", "if a:\n\tb\n"),
    ("x = 1\r\ny = 2\r\n", "x = 1\ny = 2"),
    ("\ufeffx = 1", "x = 1"),
    ("f(x)", "f(x);"),
    ("ﬁ = 1", "fi = 1"),
]
OTHER = [
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = True"),
    ("x = 0.0", "x = -0.0"),
    ("x = 'a'", "x = b'a'"),
    ("x = 1e999", "x = 1e308"),
    ("'doc'", "'other'"),
    ("def f():\n  'doc'", "def f():\n  'other'"),
    ("f'{x}'", "f'{x!s}'"),
    ("f'{{x}}'", "f'{x}'"),
    ("x: int = 1", "x = 1"),
    ("(x): int = 1", "x: int = 1"),
    ("a = 1\nb = 2", "b = 2\na = 1"),
    ("'a' + 'b'", "'ab'"),
    ("x = (1,)", "x = 1"),
    ("x = 'a\\tb'", "x = 'a b'"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_formatting_does_not_count(one: str, other: str) -> None:
    assert scan(one, "a.py").normalized == scan(other, "b.py").normalized


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_meaning_counts(one: str, other: str) -> None:
    assert scan(one, "a.py").normalized != scan(other, "b.py").normalized
    assert write_tree(ast.parse(one)) != write_tree(ast.parse(other))


@given(st.text(), st.text())
def test_every_string_is_read_back_from_the_normal_form(text: str, doc: str) -> None:
    text, doc = (t.encode("utf-8", "ignore").decode() for t in (text, doc))
    source = f"x = {text!r}\ndef f():\n    {doc!r}\n    return f{{}}".replace("f{}", "0")
    normalized = scan(source, "a.py").normalized
    assert ast.dump(ast.parse(normalized)) == ast.dump(ast.parse(source))


@given(st.text(st.characters(blacklist_characters="{}", blacklist_categories=["Cs"])))
def test_every_f_string_is_read_back_from_the_normal_form(text: str) -> None:
    tree = ast.parse("f'a{b}c'")
    assert isinstance(tree.body[0], ast.Expr)
    joined = tree.body[0].value
    assert isinstance(joined, ast.JoinedStr)
    assert isinstance(joined.values[0], ast.Constant)
    joined.values[0].value = text or "a"
    source = ast.unparse(tree)
    assert ast.dump(ast.parse(scan(source, "a.py").normalized)) == ast.dump(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "+".join(["a"] * 1000),
        "if a: pass\n" + "elif b: pass\n" * 1000,
        "x" + ".m()" * 300,
        "x = " + "0x" + "f" * 5000,
        "x = " + "[" * 90 + "]" * 90,
    ],
)
def test_long_and_deep_code_has_a_normal_form(source: str) -> None:
    found = scan(source, "a.py")
    assert found.normalized == scan(source + "  # why", "a.py").normalized
    assert found.normalized != scan(source + "\ny", "a.py").normalized


SHOWS = [
    ("x", True), ("x;", False), ("x ; # why", False), ("x  # a; b", True), ("(x\n)\n\n", True),
    ("(x\n);", False), ("x = 1", False), ("", False), ("x;\ny", True), ("'é;'", True),
    ("f(a)\n# end;", True),
]  # fmt: skip


@pytest.mark.parametrize(("source", "shows"), SHOWS)
def test_a_last_expression_is_shown_unless_a_semicolon_follows(source: str, shows: bool) -> None:
    assert scan(source, "a.py").shows_last is shows


def test_literals_are_whole_strings_that_could_be_paths() -> None:
    long, short = "y" * 513, "x" * 512
    source = f"""f('b', b'c', f'd{{e}}f{{"g"}}', 'a\\nb', '\\0', {long!r}, {short!r})\nx = 'b'"""
    assert scan(source, "a.py").literals == ("b", "g", short)
