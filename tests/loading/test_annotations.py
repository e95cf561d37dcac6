"""The leading block of comment lines of a cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.loading.annotations import Annotation, comments_of, parse_annotations


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("x = 1\n# @name late\n", []),
        ("# @name A\nx = 1", [("name", "A", 1)]),
        ("#@name A", [("name", "A", 1)]),
        ("#   @name    A b   \n", [("name", "A b", 1)]),
        ("# @nocache", [("nocache", "", 1)]),
        ("# @env A=b=c # d", [("env", "A=b=c # d", 1)]),
        ("\n\n# prose\n# @a 1\n\n#\n# @b 2\nx\n# @c 3", [("a", "1", 4), ("b", "2", 7)]),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# @a 1", [("a", "1", 3)]),
        ("\ufeff# @a 1", [("a", "1", 1)]),
        ("# @a 1\r\n# @b 2\r\n", [("a", "1", 1), ("b", "2", 2)]),
        ("  # @a 1\n# @b 2", []),
        ('"""doc"""\n# @a 1', []),
        ("# mail me@example.com\n# see @a", []),
        ("# @ a", []),
        ("# @größe 1", [("größe", "1", 1)]),
        ("# @a x\x0cy\u2028z\n# @b", [("a", "x\x0cy\u2028z", 1), ("b", "", 2)]),
        ("-- @a 1", []),
    ],
)
def test_which_lines_are_annotations(source, expected):
    assert parse_annotations(source) == tuple(Annotation(*line) for line in expected)


def test_sql_cells_take_both_kinds_of_comments():
    source = "-- @sql connection=w\n# @name orders\n--@cache forever\nselect 1 -- @no\n"
    keys = [a.key for a in parse_annotations(source, comments_of("sql"))]
    assert keys == ["sql", "name", "cache"]


def test_markdown_has_headings_and_no_annotations():
    assert parse_annotations("# @name Title\n", comments_of("markdown")) == ()


@pytest.mark.parametrize("kind", ["python", "prompt", "r", "shell", "widget", "made-up"])
def test_all_other_kinds_have_hash_comments(kind):
    assert comments_of(kind) == ("#",)


@given(st.text(alphabet="#-@ \t\r\n\x0b\x0caz=é\ufeff\0"), st.sampled_from(["python", "sql"]))
def test_any_text_parses_and_lines_are_those_of_an_editor(source, kind):
    lines = source.split("\n")
    last = 0
    for annotation in parse_annotations(source, comments_of(kind)):
        assert last < annotation.line <= len(lines)
        last = annotation.line
        assert f"@{annotation.key}" in lines[annotation.line - 1]
        assert annotation.value == annotation.value.strip()
