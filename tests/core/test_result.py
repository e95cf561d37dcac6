"""Results as stored: what is written is what is read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.digest import digest_bytes
from strata.core.result import (
    ActionResult,
    CellFailure,
    FailureKind,
    Output,
    Unstorable,
    from_json,
    to_json,
)

any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
digests = st.builds(digest_bytes, st.binary(max_size=4))
seconds = st.floats(allow_nan=False, allow_infinity=False, min_value=0)
outputs = st.builds(Output, digests, any_text, any_text, any_text) | st.builds(
    Unstorable, any_text, any_text
)
failures = st.builds(
    CellFailure,
    st.sampled_from(FailureKind),
    any_text,
    any_text,
    st.none() | any_text,
    st.none() | st.integers(0),
    any_text,
    st.none() | any_text,
)
components = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
results = st.builds(
    ActionResult,
    outputs=st.dictionaries(any_text, outputs, max_size=3),
    displays=st.lists(st.dictionaries(any_text, digests, max_size=2), max_size=2).map(tuple),
    console=st.none() | digests,
    error=st.none() | failures,
    duration_s=seconds,
    peak_memory_bytes=st.integers(0),
    worker=any_text,
    finished_at=seconds,
    provenance=st.dictionaries(any_text, components, max_size=3),
    restated=st.lists(st.tuples(any_text, any_text), max_size=2).map(tuple),
)


@given(results)
def test_a_result_survives_being_stored(result):
    assert from_json(to_json(result)) == result


@given(results)
def test_every_promised_blob_is_listed(result):
    named = {str(d) for d in result.blobs()}
    stored = json.loads(to_json(result))
    kept = {o["digest"] for o in stored["outputs"].values() if "digest" in o}
    kept |= {d for bundle in stored["displays"] for d in bundle.values()}
    kept |= {stored["console"]} - {None}
    assert named == kept


def test_who_answered_is_not_stored():
    result = ActionResult().answered_by("remote")
    assert result.cache == "remote"
    assert from_json(to_json(result)).cache is None


def test_keys_that_a_newer_strata_added_are_ignored():
    record = json.loads(to_json(ActionResult(worker="gpu"))) | {"new": [1]}
    assert from_json(json.dumps(record).encode()).worker == "gpu"


ADDED_LATER = {
    *("machine", "shared", "aliases", "changed", "restated", "observed", "sandboxed", "accepted")
}


def test_a_record_of_an_earlier_version_is_read():
    whole = json.loads(to_json(ActionResult(worker="gpu")))
    early = {k: v for k, v in whole.items() if k not in ADDED_LATER}
    assert from_json(json.dumps(early).encode()) == ActionResult(worker="gpu")


def test_every_missing_key_is_a_value_error():
    whole = json.loads(to_json(ActionResult(error=CellFailure(FailureKind.EXIT, "T", "m"))))
    for key in whole.keys() - ADDED_LATER:
        partial = {k: v for k, v in whole.items() if k != key}
        with pytest.raises(ValueError, match="not a stored result"):
            from_json(json.dumps(partial).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"3", b"\xff", b"{", b'{"schema": "strata.result.v0"}', b'{"schema": 1}'],
)
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match=r"Expecting|stored result|schema|decode"):
        from_json(data)
