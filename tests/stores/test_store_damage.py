"""Nothing anybody does to a file of the cache between two builds makes the later one wrong."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from strata.core.digest import digest_bytes
from strata.core.errors import BlobDamaged, BlobMissing
from strata.core.result import ActionResult, Output
from strata.stores._signature import SETTLED, Signature, Witness, this_boot
from strata.stores._state import State
from strata.stores.lmdb import open_store
from tests.stores import store_workers
from tests.stores.store_workers import build_in, key_of, value_of

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache that was filled and closed."""
    build_in(tmp_path, COUNT)
    return tmp_path


def delete(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_first(path: Path) -> None:
    flip(path, 0)


def flip_middle(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]) if byte else b"")


def fill_with_garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(max(path.stat().st_size, 100)))


DAMAGES = (delete, empty, halve, flip_first, flip_middle, fill_with_garbage)


def files_of(folder: Path) -> list[Path]:
    return sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_file_may_be_damaged(folder: Path, damage: Callable[[Path], None]) -> None:
    names = files_of(folder)
    assert {"STORE_VERSION", "index/data.mdb", "index/lock.mdb", "index/state"} < set(
        map(str, names)
    )
    for name in names:
        if (folder / name).exists():  # an earlier repair may have removed it
            damage(folder / name)
        build_in(folder, COUNT)
        assert build_in(folder, COUNT) == [], f"{name} was not repaired"


def test_bits_may_flip_anywhere_in_the_index(tmp_path: Path) -> None:
    store_workers.run("flip_bits", tmp_path, 1, 25)


def test_an_index_that_is_damaged_while_it_is_open_is_moved_aside(tmp_path: Path) -> None:
    store_workers.run("damage_while_open", tmp_path)
    assert (tmp_path / "index" / "damaged.mdb").exists()


def test_the_whole_folder_may_go(folder: Path) -> None:
    shutil.rmtree(folder)
    assert build_in(folder, COUNT) == list(range(COUNT))


def test_the_folder_may_go_while_it_is_open(folder: Path) -> None:
    store = open_store(folder)
    shutil.rmtree(folder)
    for number in range(COUNT, 2 * COUNT):
        store_workers.perform(store, number)
    store.close()
    build_in(folder, 2 * COUNT)


def test_one_damaged_file_reruns_one_action(folder: Path) -> None:
    (large, _) = [n for n in range(COUNT) if len(value_of(n)) > 128 << 10]
    flip_middle(path_of(folder, large))
    assert build_in(folder, COUNT) == [large]


def test_a_damaged_file_is_dropped_when_it_is_met_and_a_put_heals_it(folder: Path) -> None:
    path = path_of(folder, 4)
    flip_middle(path)
    store = open_store(folder)
    with pytest.raises(BlobDamaged):
        store.get(digest_bytes(value_of(4)))
    assert not path.exists()
    with pytest.raises(BlobMissing):
        store.get(digest_bytes(value_of(4)))
    assert store.lookup(key_of(4)) is None
    store_workers.perform(store, 4)
    store.close()


def test_a_put_heals_a_file_that_nobody_read(folder: Path) -> None:
    flip_middle(path_of(folder, 4))
    store = open_store(folder)
    digest = store.put(value_of(4))
    assert store_workers.read(store.get(digest)) == value_of(4)
    store.close()


def test_a_touched_or_copied_file_is_verified_and_stays(folder: Path) -> None:
    path = path_of(folder, 4)
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    assert build_in(folder, COUNT) == []
    assert path.stat().st_ino == inode


def test_a_copied_cache_is_a_cache(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(folder, copy)
    assert build_in(copy, COUNT) == []


def test_large_blobs_outlive_the_index(folder: Path) -> None:
    shutil.rmtree(folder / "index")
    store = open_store(folder)
    digest = digest_bytes(value_of(4))
    assert store.missing([digest]) == set()
    assert store_workers.read(store.get(digest)) == value_of(4)
    store.close()


def test_an_undamaged_index_is_opened_without_a_copy(folder: Path) -> None:
    inode = (folder / "index" / "data.mdb").stat().st_ino
    assert build_in(folder, COUNT) == []
    assert (folder / "index" / "data.mdb").stat().st_ino == inode


def test_after_power_loss_the_index_is_copied_and_nothing_is_lost(folder: Path) -> None:
    path = folder / "index" / "data.mdb"
    before = path.stat()
    set_boot(folder, b"earlier!")
    assert build_in(folder, COUNT) == []
    assert path.stat().st_ino != before.st_ino


def test_an_index_that_was_closed_well_survives_a_reboot_as_it_is(folder: Path) -> None:
    state = State(folder / "index", writable=False)
    witness = state.witness()
    state.close()
    assert witness is not None
    assert witness.boot == SETTLED


def test_a_lock_file_removed_under_a_running_build_separates_the_two(folder: Path) -> None:
    """Two writers with two lock files on one data.mdb would tear it."""
    store = open_store(folder)
    (folder / "index" / "lock.mdb").unlink()
    store_workers.run("build_all", folder, COUNT + 10)
    for number in range(COUNT, COUNT + 30):
        store_workers.perform(store, number)
    store.close()
    build_in(folder, COUNT + 30)
    assert build_in(folder, COUNT + 30) == []


def test_a_record_in_the_place_of_another_is_none(folder: Path) -> None:
    store = open_store(folder)
    database = store._database
    one, other = (b"a" + bytes.fromhex(key_of(number)) for number in (1, 2))
    value = database.read(lambda txn: bytes(txn.get(one) or b""))
    database.write(lambda txn: txn.put(other, value))
    assert store.lookup(key_of(2)) is None
    assert store.lookup(key_of(1)) is not None
    store.close()


def test_a_result_is_dropped_when_its_large_blob_is_truncated(folder: Path) -> None:
    halve(path_of(folder, 4))
    store = open_store(folder)
    assert store.lookup(key_of(4)) is None
    store.record(key_of(99), ActionResult(outputs={"x": Output(digest_bytes(value_of(4)), "raw")}))
    assert store.lookup(key_of(99)) is None
    store.close()


def test_a_witness_counts_in_its_boot_only_unless_it_is_settled() -> None:
    look = Signature(10, 1, 2, 3)
    assert Witness(look, this_boot()).vouches_for(look)
    assert Witness(look, SETTLED).vouches_for(look)
    assert not Witness(look, b"earlier!").vouches_for(look)
    others = [(11, 1, 2, 3), (10, 0, 2, 3), (10, 1, 0, 3), (10, 1, 2, 0)]
    assert not any(Witness(look, SETTLED).vouches_for(Signature(*other)) for other in others)


def path_of(folder: Path, number: int) -> Path:
    hex_digest = digest_bytes(value_of(number)).hex
    return folder / "cas" / hex_digest[:2] / hex_digest


def set_boot(folder: Path, boot: bytes) -> None:
    data = os.open(folder / "index" / "data.mdb", os.O_RDONLY)
    state = State(folder / "index", writable=True)
    state.keep(data, boot)
    state.close()
    os.close(data)
