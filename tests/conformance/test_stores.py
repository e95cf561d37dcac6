"""What every store keeps to. An implementation joins by existing.

Each module of `strata/stores` offers `CONFORMANCE`: seam ("content", "results", "journal") to a
function that makes an empty implementation, given an empty folder. "results" makes one that is a
content store too, because a result counts only with its blobs. One with a `close` is closed.
A module without `CONFORMANCE` fails here, unless it is listed as no store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import pytest

from strata.core import extension
from strata.core.action import ActionKey
from strata.core.digest import Digest, digest_bytes
from strata.core.errors import BlobMissing, StoreUnreachable
from strata.core.label import Label
from strata.core.result import (
    ActionResult,
    CellFailure,
    FailureKind,
    Output,
    Unstorable,
)
from strata.stores.base import (
    MOST_SETS,
    ActionCache,
    Blob,
    Brief,
    BuildRecord,
    ContentStore,
    Journal,
    Records,
    Run,
    brief_of,
    gist_of,
)

NOT_STORES = {"base"}
SEAMS = {"content", "results", "journal"}

SIZES = (0, 1, 4095, 4096, 4097, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 1 << 20, 3 << 20)
KEY = ActionKey("ab" * 32)
LABEL = Label("train", "model")


class Store(ContentStore, ActionCache, Protocol):
    """Both seams of a cache."""


def implementations(seam: str) -> list[str]:
    return [name for name in stores() if seam in offered_by(name)]


def stores() -> list[str]:
    return [name for name in extension.names("strata.stores") if name not in NOT_STORES]


def offered_by(name: str) -> dict[str, object]:
    module = extension.load("strata.stores", name)
    return getattr(module, "CONFORMANCE", {})


def make(request: pytest.FixtureRequest, seam: str, folder: Path) -> Iterator[object]:
    factory = offered_by(request.param)[seam]
    assert callable(factory)
    made = factory(folder)
    yield made
    close = getattr(made, "close", None)
    if close is not None:
        close()


@pytest.fixture(params=implementations("content"))
def content(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContentStore]:
    yield from make(request, "content", tmp_path / "store")


@pytest.fixture(params=implementations("results"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    yield from make(request, "results", tmp_path / "store")


@pytest.fixture(params=implementations("journal"))
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    yield from make(request, "journal", tmp_path / "store")


@pytest.mark.parametrize("name", stores())
def test_every_module_of_the_folder_is_under_test(name: str) -> None:
    offered = offered_by(name).keys()
    assert offered, f"strata/stores/{name}.py has no CONFORMANCE, and is not in NOT_STORES"
    assert offered <= SEAMS


@pytest.mark.parametrize("size_bytes", SIZES)
def test_what_was_put_is_what_is_got(content: ContentStore, size_bytes: int) -> None:
    for data in (pattern(size_bytes), bytes(size_bytes)):
        digest = content.put(data)
        assert digest == digest_bytes(data)
        assert read(content.get(digest)) == data


@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_file_that_is_put_is_consumed(
    content: ContentStore, tmp_path: Path, size_bytes: int
) -> None:
    source = tmp_path / "value.bin"
    source.write_bytes(pattern(size_bytes))
    digest = content.put(source)
    assert not source.exists()
    assert read(content.get(digest)) == pattern(size_bytes)


@pytest.mark.parametrize("size_bytes", SIZES)
def test_putting_twice_is_putting_once(
    content: ContentStore, tmp_path: Path, size_bytes: int
) -> None:
    source = tmp_path / "value.bin"
    source.write_bytes(pattern(size_bytes))
    digests = {content.put(pattern(size_bytes)), content.put(source)}
    assert len(digests) == 1
    assert not source.exists()
    assert read(content.get(digests.pop())) == pattern(size_bytes)


def test_a_file_that_is_not_there_cannot_be_put(content: ContentStore, tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable):
        content.put(tmp_path / "absent.bin")


def test_a_blob_that_was_never_put_is_missing(content: ContentStore) -> None:
    with pytest.raises(BlobMissing):
        content.get(digest_bytes(b"never put"))


def test_a_digest_with_another_size_names_other_bytes(content: ContentStore) -> None:
    for data in (b"small", pattern(2 << 20)):
        other = Digest(content.put(data).hex, len(data) + 1)
        assert content.missing([other]) == {other}
        with pytest.raises(BlobMissing):
            content.get(other)
        assert read(content.get(digest_bytes(data))) == data, "the right one was harmed"


def test_missing_says_what_a_get_would_not_find(content: ContentStore) -> None:
    small, large = content.put(b"small"), content.put(pattern(2 << 20))
    absent = digest_bytes(b"absent")
    assert content.missing([small, absent, large, absent]) == {absent}
    assert content.missing([]) == set()


def test_threads_share_a_content_store(content: ContentStore) -> None:
    blobs = [pattern(size, seed) for seed in range(5) for size in (10, 5000, 200_000)]
    wrong: list[Digest] = []

    def work() -> None:
        for data in blobs:
            digest = content.put(data)
            if read(content.get(digest)) != data:
                wrong.append(digest)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert content.missing([digest_bytes(data) for data in blobs]) == set()


def test_a_recorded_result_is_looked_up(store: Store) -> None:
    result = stored_result(store)
    store.record(KEY, result)
    assert store.lookup(KEY) == result


def test_a_key_that_was_never_recorded_is_a_miss(store: Store) -> None:
    assert store.lookup(KEY) is None


def test_a_later_record_replaces_the_earlier(store: Store) -> None:
    store.record(KEY, stored_result(store))
    later = ActionResult(duration_s=2.0)
    store.record(KEY, later)
    assert store.lookup(KEY) == later


def test_a_result_whose_blobs_are_gone_is_a_miss(store: Store) -> None:
    gone = Output(digest_bytes(b"never put"), "json")
    store.record(KEY, ActionResult(outputs={"x": gone}))
    assert store.lookup(KEY) is None


def test_a_failure_is_not_recorded(store: Store) -> None:
    failure = CellFailure(FailureKind.EXCEPTION, "ValueError", "no")
    with pytest.raises(AssertionError):
        store.record(KEY, ActionResult(error=failure))
    assert store.lookup(KEY) is None


def test_sets_of_observations_come_newest_first_and_once(store: Store) -> None:
    assert store.recorded_sets(KEY) == ()
    one, two = {"file:a": "1"}, {"file:a": "2", "dist:b": "3"}
    for observed in (one, two, one):
        store.add_set(KEY, observed)
    assert store.recorded_sets(KEY) == (one, two)
    assert store.recorded_sets(ActionKey("cd" * 32)) == ()


def test_the_oldest_set_beyond_sixteen_goes(store: Store) -> None:
    for number in range(MOST_SETS + 3):
        store.add_set(KEY, {"file:a": str(number)})
    kept = [observed["file:a"] for observed in store.recorded_sets(KEY)]
    assert kept == [str(n) for n in range(MOST_SETS + 2, 2, -1)]
    assert len(kept) == 16


def test_sets_and_a_result_of_one_key_do_not_disturb_each_other(store: Store) -> None:
    store.add_set(KEY, {"file:a": "1"})
    assert store.lookup(KEY) is None
    store.record(KEY, ActionResult(worker="w"))
    found = store.lookup(KEY)
    assert found is not None
    assert found.worker == "w"
    assert store.recorded_sets(KEY) == ({"file:a": "1"},)


def test_a_label_without_runs_has_none(journal: Journal) -> None:
    assert journal.last(LABEL) is None


def test_the_last_run_is_the_newest(journal: Journal) -> None:
    for number in range(3):
        journal.append(LABEL, run(number))
    journal.append(Label("train", "other"), run(99))
    assert journal.last(LABEL) == run(2)


def test_briefs_are_of_the_newest_runs_of_those_that_have_any(journal: Journal) -> None:
    other = Label("train", "other")
    for number in range(3):
        journal.append(LABEL, run(number))
    assert journal.briefs([LABEL, other]) == {LABEL: brief_of(run(2))}
    journal.append(other, run(7))
    assert journal.briefs([other]) == {other: brief_of(run(7))}
    assert journal.briefs([]) == {}


def test_a_brief_says_what_a_hit_would_say(journal: Journal) -> None:
    failed = ActionResult(error=CellFailure(FailureKind.EXIT, "SystemExit", "3"), duration_s=2.5)
    results = [
        ActionResult(duration_s=1.5),
        failed,
        ActionResult(observed={"file:a": "1"}),
        ActionResult(observed={"file:a": "2"}),
        ActionResult(accepted="it only changes a name"),
    ]
    for number, result in enumerate(results):
        key = None if number == 1 else KEY
        journal.append(LABEL, Run(key, "ran", "", result))
        brief = journal.briefs([LABEL])[LABEL]
        assert brief == Brief(key, result.duration_s, gist_of(result))
    assert len({gist_of(result) for result in results}) == len(results)
    again = ActionResult(observed={"file:a": "1"}, cache="local", duration_s=9)
    assert gist_of(again) == gist_of(results[2])


def test_the_run_of_a_failure_is_kept_whole(journal: Journal) -> None:
    failure = CellFailure(FailureKind.TIMEOUT, "Timeout", "too long", "fit.py", 3, "…", "hint")
    failed = Run(None, "failed", "source changed", ActionResult(error=failure))
    journal.append(LABEL, failed)
    assert journal.last(LABEL) == failed


def test_the_history_is_the_newest_64_newest_first(journal: Journal) -> None:
    for number in range(70):
        journal.append(LABEL, run(number))
    history = getattr(journal, "history")(LABEL)  # noqa: B009  (not part of the seam)
    assert history == [run(number) for number in range(69, 5, -1)]


def test_a_run_is_kept_with_all_that_is_known_of_it(journal: Journal) -> None:
    result = ActionResult(accepted="only a message", cache="remote", observed={"file:a": "1"})
    whole = Run(
        KEY,
        "cached",
        "why",
        result,
        at=1234.5,
        build="ab12cd34",
        artifacts={"df": "//prep:clean%df"},
        definers={"f": "prep/cells/f.py"},
        looked={"file:b": "absent"},
        moving=("a",),
    )
    journal.append(LABEL, whole)
    assert journal.last(LABEL) == whole
    assert journal.history(LABEL) == [whole]


def test_builds_are_the_newest_256_newest_first(journal: Journal) -> None:
    for number in range(260):
        journal.add_build(build(number))
    assert records(journal).builds() == [build(number) for number in range(259, 3, -1)]


def test_without_a_build_there_are_none(journal: Journal) -> None:
    assert records(journal).builds() == []
    journal.append(LABEL, run(1))
    assert records(journal).builds() == []


def records(journal: Journal) -> Records:
    """What leaves records for later can give them."""
    return cast("Records", journal)


def build(number: int) -> BuildRecord:
    """Builds of three different lists of cells, one of them empty."""
    cells = tuple(f"//train:c{i}" for i in range(number % 3))
    settled = {"//train:c0": ("ran", "source changed")} if cells else {}
    counts = {"ran": len(settled)}
    return BuildRecord(f"{number:08x}", 1.5, 0.25, ("//...",), cells, counts, settled, number == 7)


def read(blob: Blob) -> bytes:
    return blob if isinstance(blob, bytes) else blob.read_bytes()


def pattern(size_bytes: int, seed: int = 0) -> bytes:
    """Bytes that do not compress."""
    from blake3 import blake3

    return blake3(b"%d" % seed).digest(size_bytes)


def stored_result(store: Store) -> ActionResult:
    return ActionResult(
        outputs={
            "df": Output(store.put(pattern(2 << 20)), "npy", "DataFrame", "3 × 4"),
            "n": Output(store.put(b"4"), "json", "int", "4"),
            "lock": Unstorable("lock", "cannot be pickled"),
        },
        displays=({"text/html": store.put(b"<b>4</b>"), "text/plain": store.put(b"4")},),
        console=store.put(b'[["stdout", "hi"]]'),
        duration_s=1.5,
        peak_memory_bytes=1 << 30,
        worker="gpu",
        finished_at=1.0,
        provenance={"source": "abc", "inputs": {"x": None, "y": "json:…"}},
    )


def run(number: int) -> Run:
    return Run(KEY, "ran", f"reason {number}", ActionResult(duration_s=float(number)))
