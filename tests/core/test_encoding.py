"""The canonical encoding: injective, type-exact, independent of the order of mappings."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.encoding import decode, encode

any_text = st.text(st.characters(codec=None, exclude_categories=()))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | any_text | st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)


def exactly_equal(left: object, right: object) -> bool:
    """Equal with equal types throughout; floats by their bits."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float):
        return struct.pack(">d", left) == struct.pack(">d", right)
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(exactly_equal(a, b) for a, b in pairs)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            exactly_equal(left[key], right[key]) for key in left
        )
    return left == right


@given(values)
def test_decoding_gives_the_value_back_type_for_type(value):
    assert exactly_equal(decode(encode(value)), value)


@given(values, values)
def test_two_values_share_an_encoding_only_if_they_are_the_same(left, right):
    assert (encode(left) == encode(right)) == exactly_equal(left, right)


@given(st.dictionaries(any_text, scalars, max_size=6), st.randoms())
def test_the_order_in_which_a_mapping_was_built_does_not_count(mapping, random):
    entries = list(mapping.items())
    random.shuffle(entries)
    assert encode(dict(entries)) == encode(mapping)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (1, 1.0),
        (0.0, -0.0),
        ("a", b"a"),
        ("", None),
        ([], {}),
        ([[]], [[], []]),
        (["ab", "c"], ["a", "bc"]),
        ([1, [2, 3]], [[1, 2], 3]),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        ("é", "e\u0301"),
        (255, -1),
        (2**64, 2**64 + 1),
        ("1", 1),
        (math.inf, -math.inf),
    ],
)
def test_values_that_python_or_a_careless_encoding_confuses_differ(left, right):
    assert encode(left) != encode(right)


def test_a_tuple_and_a_list_encode_alike():
    assert encode((1, ("a",))) == encode([1, ["a"]])


def test_depth_is_not_limited_by_the_interpreters_stack():
    value: list[object] = []
    for _ in range(50_000):
        value = [value]
    assert len(encode(value)) == 9 * 50_001


@given(values)
def test_what_lies_very_deep_is_encoded_as_it_is_elsewhere(value):
    deep = value
    for _ in range(2000):
        deep = [deep]
    assert encode(deep) == encode([None])[:9] * 2000 + encode(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), [1, {3}], {"a": 1j}, bytearray(b"x")])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(TypeError, match="canonically"):
        encode(value)


def test_mapping_keys_must_be_strings():
    with pytest.raises(TypeError, match="keys must be strings, not int"):
        encode({1: "a"})


@given(values, st.data())
def test_a_damaged_encoding_is_a_value_error_or_another_value(value, data):
    encoded = encode(value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(ValueError, match="cut short"):
        decode(encoded[:cut])
    with pytest.raises(ValueError, match="after the value"):
        decode(encoded + b"N")


@given(st.binary(max_size=40))
def test_any_bytes_decode_to_a_value_or_raise_value_error(data):
    try:
        value = decode(data)
    except ValueError:
        return
    assert exactly_equal(decode(encode(value)), value)
