"""Writes come in groups: what was put off is seen at once, and committed before it counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strata.core.action import ActionKey
from strata.core.digest import digest_bytes
from strata.core.errors import BlobMissing, StoreUnreachable
from strata.core.label import Label
from strata.core.result import ActionResult, Output
from strata.stores import _database
from strata.stores._database import Database
from strata.stores.base import Run
from strata.stores.journal import open_journal
from strata.stores.lmdb import LmdbStore, open_store
from tests.stores import store_workers
from tests.stores.store_workers import key_of

LABEL = Label("train", "model")
RUN = Run(ActionKey("ab" * 32), "ran", "why", ActionResult())


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is committed because time went by."""
    monkeypatch.setattr(_database, "_LONGEST_DEFERRED_S", 3600.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LmdbStore]:
    store = open_store(tmp_path / "cache")
    yield store
    store.close()


def transactions(store: LmdbStore, work: Callable[[], object]) -> int:
    """How many transactions changed the file of the index while `work` was done."""
    before = last_transaction(store)
    work()
    return last_transaction(store) - before


def last_transaction(store: LmdbStore) -> int:
    environment = store._database._environment
    assert environment is not None
    number: int = environment.lmdb.info()["last_txnid"]
    return number


@pytest.mark.usefixtures("never")
def test_the_blobs_the_set_and_the_result_of_an_action_are_one_transaction(
    store: LmdbStore,
) -> None:
    def perform() -> None:
        outputs = {f"x{n}": Output(store.put(b"%d" % n * 3000), "raw") for n in range(5)}
        console = store.put(b"console")
        store.add_set(key_of(1), {"file:a": "1"})
        store.record(key_of(1), ActionResult(outputs=outputs, console=console))

    store.record(key_of(0), ActionResult())
    assert transactions(store, perform) == 1
    found = store.lookup(key_of(1))
    assert found is not None
    assert store.missing(found.blobs()) == set()
    assert store.recorded_sets(key_of(1)) == ({"file:a": "1"},)


@pytest.mark.usefixtures("never")
def test_threads_that_record_at_once_share_transactions(store: LmdbStore) -> None:
    store.record(key_of(0), ActionResult())
    with store._database._mutex:  # a commit that takes long
        threads = [threading.Thread(target=store.put, args=(b"%d" % n,)) for n in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert transactions(store, lambda: store.record(key_of(1), ActionResult())) == 1


@pytest.mark.usefixtures("never")
def test_what_was_put_off_is_seen_by_everybody_in_the_process(tmp_path: Path) -> None:
    store, other = open_store(tmp_path), open_store(tmp_path)
    digests = [store.put(data) for data in (b"", b"small", b"large" * 20_000)]
    assert other.missing(digests) == set()
    assert [other.get(digest) for digest in digests] == [b"", b"small", b"large" * 20_000]
    store.close()
    other.close()


@pytest.mark.usefixtures("never")
def test_a_result_that_is_found_may_have_blobs_that_are_put_off(store: LmdbStore) -> None:
    store.record(key_of(1), ActionResult(console=store.put(b"console")))
    digest = store.put(b"console")
    found = store.lookup(key_of(1))
    assert found is not None
    assert found.console == digest


@pytest.mark.usefixtures("never")
def test_closing_commits_what_was_put_off(tmp_path: Path) -> None:
    store, journal = open_store(tmp_path / "cache"), open_journal(tmp_path / "journal")
    digest = store.put(b"small")
    store.add_set(key_of(1), {"file:a": "1"})
    journal.append(LABEL, RUN)
    store.close()
    journal.close()
    store, journal = open_store(tmp_path / "cache"), open_journal(tmp_path / "journal")
    assert store.get(digest) == b"small"
    assert store.recorded_sets(key_of(1)) == ({"file:a": "1"},)
    assert journal.last(LABEL) == RUN
    store.close()
    journal.close()


def test_what_nothing_follows_is_committed_after_a_moment(store: LmdbStore) -> None:
    store.put(b"small")
    store_workers.run("wait_for_blob", store.folder, "small")


@pytest.mark.usefixtures("never")
def test_very_much_is_not_put_off(store: LmdbStore) -> None:
    store.put(b"the first")
    for number in range(60):
        store.put(b"%03d" % number + store_workers.value_of(4)[:100_000])
    assert store._database._later.size_bytes < _database._MOST_DEFERRED_BYTES
    store_workers.run("wait_for_blob", store.folder, "the first")


@pytest.mark.usefixtures("never")
def test_runs_are_read_in_the_order_in_which_they_were_put_off(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for number in range(70):
        journal.append(LABEL, Run(None, "failed", f"{number}", ActionResult()))
        if number % 20 == 7:
            assert journal.history(LABEL)[0].reason == f"{number}"
    assert [run.reason for run in journal.history(LABEL)] == [f"{n}" for n in range(69, 5, -1)]
    journal.close()


@pytest.mark.usefixtures("never")
def test_a_refused_commit_is_said_and_what_was_put_off_is_not_lost(
    store: LmdbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.put(b"put off")

    def refuse(database: Database, work: object) -> None:
        raise StoreUnreachable("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(Database, "_write", refuse)
        with pytest.raises(StoreUnreachable):
            store.record(key_of(1), ActionResult(console=digest))
        with pytest.raises(StoreUnreachable):
            store.put(b"refused at once")
    assert store.get(digest) == b"put off"
    assert store.lookup(key_of(1)) is None
    with pytest.raises(BlobMissing):
        store.get(digest_bytes(b"refused at once"))
    store.record(key_of(1), ActionResult(console=digest))
    assert store.lookup(key_of(1)) is not None
    store_workers.run("wait_for_blob", store.folder, "put off")
