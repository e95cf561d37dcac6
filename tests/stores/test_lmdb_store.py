"""How the local cache keeps blobs: as records, compressed, or as files; and for how long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strata.core.action import ActionKey
from strata.core.digest import digest_bytes
from strata.core.result import ActionResult, Output
from strata.stores._inline import INLINE_LIMIT_BYTES, RAW_FROM_BYTES, inline_bytes, inline_value
from strata.stores._sealed import seal_text, unseal_text
from strata.stores.lmdb import LmdbStore, open_store
from tests.stores.store_workers import read

NEAR_A_THRESHOLD = st.sampled_from(
    (0, 4 << 10, 64 << 10, INLINE_LIMIT_BYTES, RAW_FROM_BYTES)
).flatmap(lambda edge: st.integers(max(0, edge - 3), edge + 3))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LmdbStore:
    return open_store(tmp_path_factory.mktemp("cache"))


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(size_bytes=NEAR_A_THRESHOLD, seed=st.binary(max_size=8), random=st.booleans())
def test_blobs_of_sizes_around_the_thresholds_come_back(
    store: LmdbStore, size_bytes: int, seed: bytes, random: bool
) -> None:
    from blake3 import blake3

    data = blake3(seed).digest(size_bytes) if random else (seed + b".") * size_bytes
    data = data[:size_bytes]
    digest = store.put(data)
    assert digest == digest_bytes(data)
    assert store.missing([digest]) == set()
    assert read(store.get(digest)) == data


@given(st.binary(max_size=6000), st.integers(1, 50))
def test_an_inline_value_holds_exactly_its_bytes(piece: bytes, times: int) -> None:
    data = piece * times
    value = inline_value(data)
    assert value is None or inline_bytes(value) == data


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=500), st.data())
def test_no_flipped_bit_passes_a_seal(key: bytes, text: bytes, data: st.DataObject) -> None:
    value = seal_text(key, text)
    assert unseal_text(key, value) == text
    place = data.draw(st.integers(0, len(value) * 8 - 1))
    spoiled = bytearray(value)
    spoiled[place // 8] ^= 1 << place % 8
    assert unseal_text(key, bytes(spoiled)) is None
    assert unseal_text(key + b"x", value) is None
    assert unseal_text(key, value[:-1]) is None


def test_from_one_mebibyte_on_a_blob_can_be_mapped(store: LmdbStore) -> None:
    path = store.get(store.put(bytes(RAW_FROM_BYTES)))
    assert isinstance(path, Path)
    assert path.stat().st_mode & 0o777 == 0o444


def test_what_compresses_well_takes_little(store: LmdbStore) -> None:
    value = inline_value(b"a,b,c\n" * 100_000)
    assert value is not None
    assert len(value) < 2000
    assert inline_value(os.urandom(INLINE_LIMIT_BYTES + 1)) is None


def test_a_file_that_has_another_name_is_copied(tmp_path: Path) -> None:
    """Else whoever writes to it by that name would change the blob."""
    store = open_store(tmp_path / "cache")
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_bytes(bytes(2 << 20))
    other.hardlink_to(source)
    digest = store.put(source)
    assert not source.exists()
    other.write_bytes(b"changed")
    assert read(store.get(digest)) == bytes(2 << 20)
    store.close()


def test_a_symbolic_link_is_consumed_and_what_it_names_is_left(tmp_path: Path) -> None:
    store = open_store(tmp_path / "cache")
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(bytes(2 << 20))
    link.symlink_to(target)
    digest = store.put(link)
    assert not link.is_symlink()
    assert target.exists()
    target.write_bytes(b"changed")
    assert read(store.get(digest)) == bytes(2 << 20)
    store.close()


def test_a_closed_cache_has_everything_when_it_is_opened_again(tmp_path: Path) -> None:
    key = ActionKey("cd" * 32)
    store = open_store(tmp_path)
    small, large = store.put(b"small"), store.put(bytes(2 << 20))
    result = ActionResult(outputs={"x": Output(small, "json"), "y": Output(large, "npy")})
    store.record(key, result)
    store.close()
    store = open_store(tmp_path)
    assert store.lookup(key) == result
    assert read(store.get(large)) == bytes(2 << 20)
    store.close()


def test_the_journal_may_be_closed_while_the_cache_is_open(tmp_path: Path) -> None:
    from strata.stores.journal import open_journal

    store, journal = open_store(tmp_path / "cache"), open_journal(tmp_path / "journal")
    journal.close()
    store.put(b"x")
    store.close()
