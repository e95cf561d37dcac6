"""Durations as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.quantities import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("250ms", 0.25),
        ("2m", 120),
        ("2 min", 120),
        ("1.5h", 5400),
        (" 7 ", 7),
        ("0", 0),
        ("1H", 3600),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1e3s", "1d", "1s 2s", "inf", "١s", "1..5s"])
def test_anything_else_is_a_value_error(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0
