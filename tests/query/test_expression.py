"""Expressions as values: which patterns are in them, and which functions there are."""

from __future__ import annotations

from strata.core import extension
from strata.query.expression import FUNCTIONS_PACKAGE, function_named, function_names, words
from strata.query.parsing import parse


def test_words_are_the_patterns_in_order_and_not_the_depths() -> None:
    assert words(parse("deps(a + b, 2) - rdeps(//..., set(c d), 3) ^ e")) == [
        *("a", "b", "//...", "c", "d", "e")
    ]
    assert words(parse("deps(2024, 1)")) == ["2024"]  # a folder may be called so
    assert words(parse("unknown(1, 2)")) == ["1", "2"]


def test_words_are_no_names_of_attributes_and_no_regular_expressions() -> None:
    assert words(parse("attr(name, '^a', b) + filter(c, kind(d, e)) + producer(df, f)")) == [
        *("b", "e", "f")
    ]


def test_words_are_those_of_values_too_that_are_named() -> None:
    assert words(parse("let v = a + b in deps($v) - c")) == ["a", "b", "c"]


def test_what_looks_at_everything_has_everything_loaded() -> None:
    assert words(parse("allrdeps(a)")) == ["//...", "a"]


def test_a_negative_pattern_is_taken_from_everything() -> None:
    """Whatever else is in the expression, so that it always means the same."""
    assert words(parse("-//a")) == ["//...", "-//a"]
    assert words(parse("deps(-//a) + b")) == ["//...", "-//a", "b"]
    assert words(parse("a -//b")) == ["a", "//b"]


def test_functions_are_what_the_folder_has() -> None:
    assert set(extension.names(FUNCTIONS_PACKAGE)) <= set(function_names())
    assert function_named("deps") is not None
    assert function_named("depz") is None
    assert function_named("__init__") is None
    assert function_named("a.b") is None
