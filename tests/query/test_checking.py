"""What is wrong with an expression whatever the graph: nothing is loaded for it."""

from __future__ import annotations

import contextlib
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.errors import UsageError
from strata.query.checking import check
from strata.query.parsing import parse


def wrong(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        check(parse(text), text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("depz(a)", "no function 'depz'", 0),
        ("Deps(a)", "no function 'Deps'", 0),
        ("😀(a)", "no function '😀'", 0),
        ("a + _x(a)", "no function '_x'", 4),
        ("deps(a + depz(b))", "no function 'depz'", 9),
        ("depz(aaaa(b))", "no function 'depz'", 0),
        ("let v = depz(a) in b", "no function 'depz'", 8),
        ("deps()", "deps takes 1 to 2 arguments, not 0", 0),
        ("a + deps(a, 1, 2)", "deps takes 1 to 2 arguments, not 3", 4),
        ("rdeps(a)", "rdeps takes 2 to 3 arguments, not 1", 0),
        ("tests(a, b)", "tests takes 1 argument, not 2", 0),
        ("deps(a, b)", "deps takes a whole number here, not 'b'", 8),
        ("deps(a, -1)", "deps takes a whole number here, not '-1'", 8),
        ("deps(a, ²)", "deps takes a whole number here, not '²'", 8),
        ("deps(a, 1.5)", "deps takes a whole number here, not '1.5'", 8),
        ("deps(a, '')", "deps takes a whole number here, not ''", 8),
        ("deps(a, 1 + 1)", "deps takes a whole number here", 8),
        ("deps(a, deps(a))", "deps takes a whole number here", 8),
        ("let n = a in deps(a, $n)", "deps takes a whole number here", 21),
        ("deps(a, 99999999999)", "deps takes a whole number here, not '99999999999'", 8),
        (f"deps(a, {'9' * 50})", f"deps takes a whole number here, not '{'9' * 39}…'", 8),
        ("filter('[a', b)", "'[a' is not a regular expression: unterminated character set", 7),
        ("filter('*', b)", "'*' is not a regular expression: nothing to repeat", 7),
        ("filter('a(?i)', b)", "'a(?i)' is not a regular expression: global flags not at", 7),
        ("filter('(?L)', b)", "'(?L)' is not a regular expression: bad inline flags", 7),
        ("filter('a{9999999999999}', b)", "'a{9999999999999}' is not a regular expression", 7),
        ("filter(a + b, c)", "filter takes a regular expression here", 7),
        ("attr($a, b, c)", "attr takes a word here", 5),
        ("$v", "no variable '$v'", 0),
        ("(let v = a in b) + $v", "no variable '$v'", 19),
        ("let v = $v in b", "no variable '$v'", 8),
        ("let v = a in deps($w)", "no variable '$w'", 18),
    ],
)
def test_a_mistake_is_shown_with_a_caret_under_its_place(text: str, what: str, at: int) -> None:
    first, shown, caret = wrong(text).what.split("\n")
    assert first.startswith(f"in the query: {what}")
    assert shown == f"  {text}"
    assert caret == f"  {' ' * (at + text[:at].count('😀'))}^"


def test_an_unknown_function_is_told_the_nearest_or_all() -> None:
    assert wrong("depss(a)").hint == "did you mean deps?"
    assert wrong("sets(a)").hint == "did you mean set?"
    assert str(wrong("zzz(a)").hint).startswith("there are: set, ")


@pytest.mark.parametrize("text", ["deps()", "deps(a, b)"])
def test_of_a_function_with_wrong_arguments_it_is_told_how_it_is_written(text: str) -> None:
    assert (
        wrong(text).hint == "deps(x[, depth]): x and everything it needs, at most depth edges away"
    )


def test_an_unknown_variable_is_told_which_there_are() -> None:
    assert wrong("let v = a in let w = b in $x").hint == "there are: $v, $w"
    assert wrong("$x").hint == "write let name = … in … around it"


def test_what_python_warns_of_in_a_regular_expression_is_not_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(parse("filter('[[a]', b)"), "")


@given(st.text(alphabet="ab()[]{}*+?|^$\\.,0-9:=!<>PiLux", max_size=15) | st.text(max_size=10))
def test_any_text_is_a_regular_expression_or_one_mistake(regex: str) -> None:
    text = f"filter('{regex.replace(chr(39), '')}', a)"
    with contextlib.suppress(UsageError):
        check(parse(text), text)


def test_parentheses_by_the_thousand_in_a_regular_expression_are_a_mistake_at_most() -> None:
    for regex in ("(" * 5000, "(" * 5000 + ")" * 5000, "(a|" * 2000 + "b" + ")" * 2000):
        with contextlib.suppress(UsageError):
            check(parse(f"filter('{regex}', a)"), "")
