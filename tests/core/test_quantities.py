"""Sizes as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.quantities import parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("1000", 1000),
        ("7B", 7),
        ("1KiB", 1024),
        ("1kb", 1000),
        ("1K", 1024),
        ("8g", 8 * 2**30),
        ("20GiB", 20 * 2**30),
        ("1.5 GB", 1_500_000_000),
        (".5MiB", 2**19),
        (" 2 TiB ", 2 * 2**40),
        ("1PB", 10**15),
    ],
)
def test_sizes(text, size_bytes):
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "GiB", "-1", "1e3", "1 GiB free", "1iB", "1XB", "0x10", "١GiB", "nan", "1..5G"]
)
def test_anything_else_is_a_value_error(text):
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


@given(st.text())
def test_any_text_is_a_size_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert parse_size(text) >= 0
