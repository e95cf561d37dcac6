"""How the place of a mistake is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.errors import UsageError
from strata.query.mistakes import WIDEST, mistake, nearest, quoted
from strata.query.parsing import parse


def shown(text: str, at: int) -> tuple[str, str]:
    """The line of the expression and that of the caret."""
    _, line, caret = mistake(text, at, "what").what.split("\n")
    return line, caret


def columns(text: str) -> int:
    """Of characters that stand on a line."""
    wide = sum(unicodedata.east_asian_width(c) in ("W", "F") for c in text)
    return len([c for c in text if not unicodedata.category(c).startswith("M")]) + wide


def test_an_expression_of_several_lines_is_shown_on_one() -> None:
    with pytest.raises(UsageError) as caught:
        parse("a +\n\tb c\x1b[2J")
    assert caught.value.what.split("\n")[1:] == ["  a +  b c [2J", "         ^"]


@pytest.mark.parametrize(
    ("text", "at", "caret"),
    [
        ("日本 x", 3, 5),
        ("日本 x", 0, 0),
        ("😀+x", 2, 3),
        ("e\u0301 x", 3, 2),
        ("ab", 2, 2),
        ("\u202ea b", 3, 3),
        ("a\u200db c", 4, 4),
        ("\udcff b", 2, 2),
    ],
)
def test_the_caret_stands_under_its_place_on_a_terminal(text: str, at: int, caret: int) -> None:
    line, below = shown(text, at)
    assert below == f"  {' ' * caret}^"
    assert line.isprintable()


@given(st.text(max_size=300), st.data())
def test_of_a_long_expression_what_is_around_the_place_is_shown(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    line, caret = shown(text, at)
    assert line.isprintable()
    assert len(line) <= 2 + 1 + WIDEST + 1
    under = caret.index("^")
    before = next(n for n in range(len(line) + 1) if columns(line[:n]) >= under)
    flat = "".join(c if c.isprintable() else " " for c in text)
    assert line[before:].removesuffix("…").startswith(flat[at : at + 20].rstrip()[:1])


def test_a_long_expression_is_cut_on_both_sides() -> None:
    text = "a + " * 500 + "= + " + "b + " * 500
    with pytest.raises(UsageError) as caught:
        parse(text)
    _, line, caret = caught.value.what.split("\n")
    assert line[caret.index("^")] == "="
    assert line.startswith("  …a +")
    assert line.endswith(" + b + …")


def test_no_sign_of_a_word_does_anything_to_the_terminal() -> None:
    assert quoted("a\x1b[2Jb\n\u202e") == "'a [2Jb  '"
    assert quoted("a" * 40) == f"'{'a' * 40}'"
    assert quoted("a" * 5000) == f"'{'a' * 39}…'"


def test_the_nearest_or_all_are_told() -> None:
    assert nearest("depss", ["set", "deps"]) == "did you mean deps?"
    assert nearest("zzz", ["set", "deps"]) == "there are: set, deps"
