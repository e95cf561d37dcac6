"""What expressions answer, over graphs that are written down."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.errors import LabelError, UsageError
from strata.query.evaluation import evaluate
from strata.query.expression import Reference
from strata.query.parsing import DEEPEST
from tests.query.toys import answer, graph_of

GRAPH = graph_of({"a": "", "b": "a", "c": "ab", "d": "c", "e": "b", "f": ""})


def letters(text: str) -> str:
    return "".join(answer(text, GRAPH))


def test_operators_are_left_associative_and_of_equal_precedence() -> None:
    assert letters("a + b ^ c") == ""
    assert letters("a + (b ^ c)") == "a"
    assert letters("a - b + b") == "ab"
    assert letters("a - a + b") == "b"
    assert letters("a - (a + b)") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deps(c)", "abc"),
        ("deps(d, 1)", "cd"),
        ("deps(d, 0)", "d"),
        ("deps(d + e, 2)", "abcde"),
        ("rdeps(//..., b)", "bcde"),
        ("rdeps(//..., b, 1)", "bce"),
        ("rdeps(d, b)", "bcd"),  # only what the universe needs
        ("rdeps(f, b)", ""),
        ("//... - rdeps(//..., a)", "f"),
        ("set(a b c) ^ deps(b)", "ab"),
        ("set()", ""),
        ("deps(set())", ""),
        ("deps('d', '1')", "cd"),
        ("set(a set(b c))", "abc"),
    ],
)
def test_what_expressions_answer(text: str, expected: str) -> None:
    assert letters(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("let v = a in $v + b", "ab"),
        ("let v=b in deps($v) - $v", "a"),
        ("let v = a in let v = b in $v", "b"),  # the inner one counts
        ("let v = a in (let v = b in $v) + $v", "ab"),  # and only inside
        ("let v = a in let v = $v + b in $v", "ab"),
        ("let v = a in let w = $v + b in $w - $v", "b"),
        ("a + let v = b in $v + c", "abc"),
        ("let deps = a in rdeps(//..., $deps, 1)", "abc"),
        ("let v = let w = a in $w + b in $v", "ab"),
        ("let v = a in set($v f)", "af"),
    ],
)
def test_let_names_a_set_for_what_follows(text: str, expected: str) -> None:
    assert letters(text) == expected


def test_a_ring_of_cells_is_walked_once() -> None:
    assert answer("deps(a)", graph_of({"a": "b", "b": "a"})) == ["a", "b"]


def test_a_pattern_that_means_nothing_is_an_error() -> None:
    with pytest.raises(LabelError):
        letters("a + nope")


def test_a_mistake_is_found_before_any_pattern_is_looked_at() -> None:
    with pytest.raises(UsageError):
        letters("nope + depz(a)")


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("a + some(b - b)", "some has nothing to choose from: this is empty", 9),
        ("some(a, 0)", "some takes at least 1 node", 8),
        ("deps(attr(nope, a, b))", "no attribute 'nope'", 10),
        ("producer('z', b)", "no cell of these reads 'z' from another", 9),
    ],
)
def test_an_argument_that_is_wrong_for_this_graph_is_shown(text: str, what: str, at: int) -> None:
    with pytest.raises(UsageError) as caught:
        letters(text)
    assert caught.value.what == f"in the query: {what}\n  {text}\n  {' ' * at}^"
    assert caught.value.hint is not None


def test_thousands_of_operators_meet_no_recursion_limit() -> None:
    assert letters(" + ".join(["a", "b"] * 3000)) == "ab"


@pytest.mark.parametrize("opening", ["deps(a + (", "set((", "let v = a in (", "f + (f + ("])
def test_nor_does_what_is_nested_as_deep_as_may_be(opening: str) -> None:
    deep = (DEEPEST - 1) // 2
    closing = ")" * opening.count("(") * deep
    assert "a" in letters(opening * deep + "a" + closing)


@given(st.lists(st.sampled_from(["a", "deps", "set", "(", ")", ",", "+", "-", "except", "1"])))
def test_nothing_but_errors_of_the_user_come_out_of_an_evaluation(pieces: list[str]) -> None:
    text = " ".join(pieces)
    with contextlib.suppress(UsageError, LabelError):
        letters(text)


def test_an_expression_is_checked_by_whoever_evaluates_it() -> None:
    """Not every caller has called `check` before."""
    with pytest.raises(UsageError):
        evaluate(Reference("v", 0), GRAPH, lambda _: (), "$v")
