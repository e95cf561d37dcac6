"""The folder of a cache: its layout, its size, emptying it, and what crashes leave there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strata.core.errors import StoreUnreachable
from strata.stores import _folder
from strata.stores.lmdb import clear, open_store, size_bytes
from tests.stores import store_workers
from tests.stores.store_workers import build_in

COUNT = 10


def test_a_cache_of_a_newer_layout_is_refused_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as future:
        future.setattr(_folder, "LAYOUT", 7)
        build_in(tmp_path, COUNT)
    with pytest.raises(StoreUnreachable, match="newer Strata") as caught:
        open_store(tmp_path)
    assert "upgrade" in (caught.value.hint or "")
    monkeypatch.setattr(_folder, "LAYOUT", 7)
    assert build_in(tmp_path, COUNT) == []


def test_a_cache_of_an_older_layout_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_in(tmp_path, COUNT)
    monkeypatch.setattr(_folder, "LAYOUT", 2)
    assert build_in(tmp_path, COUNT) == list(range(COUNT))
    assert (tmp_path / "old" / "index" / "data.mdb").exists()
    assert build_in(tmp_path, COUNT) == []


def test_clearing_empties_the_cache_and_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    build_in(tmp_path, COUNT)
    (tmp_path / ".gitignore").write_text("*")
    clear(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".gitignore", "open.lock"]
    assert build_in(tmp_path, COUNT) == list(range(COUNT))


def test_clearing_a_cache_that_is_in_use_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store_workers.build(store, COUNT)
    with pytest.raises(StoreUnreachable, match="in use"):
        clear(tmp_path)
    assert store_workers.build(store, COUNT) == []
    store.close()
    clear(tmp_path)


def test_clearing_nothing_is_nothing(tmp_path: Path) -> None:
    clear(tmp_path / "absent")
    clear(tmp_path)


def test_the_size_is_that_of_what_is_stored(tmp_path: Path) -> None:
    assert size_bytes(tmp_path / "absent") == 0
    store = open_store(tmp_path)
    before = size_bytes(tmp_path)
    store.put(os.urandom(3 << 20))
    store.put(os.urandom(100_000))
    store.close()
    grown = size_bytes(tmp_path) - before
    assert (3 << 20) + 100_000 <= grown < (3 << 20) + 300_000


def test_what_crashed_processes_were_writing_is_removed_after_a_day(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    old, young = tmp_path / "tmp" / "1-old", tmp_path / "tmp" / "1-young"
    for path in (old, young):
        path.write_bytes(b"half a bl")
    os.utime(old, (1, 1))
    open_store(tmp_path).close()
    assert not old.exists()
    assert young.exists()
