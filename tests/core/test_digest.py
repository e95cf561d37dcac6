"""Digests: what is accepted as one, and that printing and parsing agree."""

from __future__ import annotations

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from strata.core.digest import Digest, digest_bytes

HEX = "ab" * 32


@given(st.binary())
def test_a_digest_is_blake3_and_the_size(data):
    digest = digest_bytes(data)
    assert digest == Digest(blake3(data).hexdigest(), len(data))
    assert digest_bytes(bytearray(data)) == digest_bytes(memoryview(data)) == digest


@given(st.binary())
def test_parsing_gives_back_what_was_printed(data):
    digest = digest_bytes(data)
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        HEX,
        f"{HEX}/",
        f"{HEX}/-1",
        f"{HEX}/1.0",
        f"{HEX}/１",
        f"{HEX}/ 1",
        f"{HEX}/1/2",
        f"{HEX.upper()}/1",
        f"{HEX[:-1]}/1",
        f"{HEX}0/1",
        f"{HEX[:-1]}g/1",
        f" {HEX}/1",
    ],
)
def test_anything_else_is_no_digest(text):
    with pytest.raises(ValueError, match="digest"):
        Digest.parse(text)


def test_a_size_is_not_negative():
    with pytest.raises(ValueError, match="negative size"):
        Digest(HEX, -1)


def test_digests_have_an_order_and_can_be_keys():
    small, large = Digest(HEX, 1), Digest(HEX, 2)
    assert small < large
    assert {small: 1}[Digest(HEX, 1)] == 1
