"""Many processes on one cache, some of which die."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from strata.core.digest import Digest
from strata.stores._blobfiles import digest_file
from strata.stores.lmdb import open_store
from tests.stores import store_workers
from tests.stores.store_workers import build_in, command, environment, is_cached


def start(name: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(name, *arguments), env=environment(), stdout=subprocess.PIPE)


def test_four_writers_and_two_readers_at_once(tmp_path: Path) -> None:
    builds = [start("build_all", tmp_path, 80) for _ in range(2)]
    builds += [start("build_backwards", tmp_path, 80) for _ in range(2)]
    builds += [start("read_until", tmp_path, 80) for _ in range(2)]
    assert [process.wait() for process in builds] == [0] * 6
    inode = (tmp_path / "index" / "data.mdb").stat().st_ino
    assert build_in(tmp_path, 80) == []
    assert (tmp_path / "index" / "data.mdb").stat().st_ino == inode, "had to be mended"


def test_the_index_grows_under_a_process_that_has_it_open(tmp_path: Path) -> None:
    """The map is larger than any cache, so nobody has to notice."""
    store = open_store(tmp_path)
    before = (tmp_path / "index" / "data.mdb").stat().st_size
    store_workers.run("build_all", tmp_path, 1500)
    assert (tmp_path / "index" / "data.mdb").stat().st_size > before + (4 << 20)
    assert all(is_cached(store, number) for number in range(1500))
    store.close()


def test_kill_9_loses_nothing_that_was_recorded_and_tears_no_blob(tmp_path: Path) -> None:
    recorded = 0
    for _ in range(6):
        recorded = killed_while_recording(tmp_path, recorded)
        store = open_store(tmp_path)
        assert [n for n in range(recorded) if not is_cached(store, n)] == []
        store.close()
    for path in (tmp_path / "cas").glob("*/*"):
        assert digest_file(path) == Digest(path.name, path.stat().st_size)


def test_others_go_on_when_one_is_killed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    recorded = killed_while_recording(tmp_path, 0)
    assert all(is_cached(store, number) for number in range(recorded))
    store_workers.perform(store, recorded + 1)
    store.close()
    store = open_store(tmp_path)
    assert all(is_cached(store, number) for number in (*range(recorded), recorded + 1))
    store.close()


def killed_while_recording(folder: Path, first: int) -> int:
    """Kills a process that records from `first` on; returns the first that it may not have."""
    process = start("record_forever", folder, first)
    assert process.stdout is not None
    with process:
        for _ in range(37):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
    return max([first + 37, *(int(line) + 1 for line in said)])


def test_a_forked_child_may_not_use_the_store_of_its_parent(tmp_path: Path) -> None:
    store_workers.run("fork_with_open_store", tmp_path)


def test_forked_children_may_open_the_store_themselves(tmp_path: Path) -> None:
    store_workers.run("pool_of_forks", tmp_path)


def test_a_folder_opened_twice_in_one_process_is_one_cache(tmp_path: Path) -> None:
    first, second = open_store(tmp_path), open_store(tmp_path / "." / "")
    digest = first.put(b"shared")
    first.close()
    first.close()
    assert second.get(digest) == b"shared"
    second.close()
