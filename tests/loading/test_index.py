"""The memory of file digests: never a wrong one, and no file read twice without need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strata.core.digest import digest_bytes
from strata.loading import index
from strata.loading.index import FileIndex

A_SECOND_NS = 1_000_000_000


class Clock:
    """A clock that is ahead of the files' stamps, so that none is racy unless it is set back."""

    def __init__(self) -> None:
        self.ahead_ns = 60 * A_SECOND_NS

    def __call__(self) -> int:
        return index.time.time_ns() + self.ahead_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes were read."""
    names: list[str] = []
    digest_of = index._digest_of

    def noted(name: str):
        names.append(Path(name).name)
        return digest_of(name)

    monkeypatch.setattr(index, "_digest_of", noted)
    return names


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(b"one")
    return path


def fresh(tmp_path: Path, clock: Clock) -> FileIndex:
    return FileIndex(tmp_path / "state", clock_ns=clock)


def test_a_file_is_read_once_and_after_saving_never(tmp_path, file, clock, reads):
    first = fresh(tmp_path, clock)
    assert first.digest(file) == first.digest(file) == digest_bytes(b"one")
    first.save()
    assert fresh(tmp_path, clock).digest(file) == digest_bytes(b"one")
    assert reads == ["a.csv"]


def test_nothing_is_remembered_without_saving(tmp_path, file, clock, reads):
    fresh(tmp_path, clock).digest(file)
    fresh(tmp_path, clock).digest(file)
    assert reads == ["a.csv", "a.csv"]


def test_a_change_of_the_same_size_with_the_time_put_back_is_seen(tmp_path, file, clock):
    memory = fresh(tmp_path, clock)
    memory.digest(file)
    before = file.stat()
    while file.stat().st_ctime_ns == before.st_ctime_ns:  # until the file system's clock ticks
        file.write_bytes(b"two")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert memory.digest(file) == digest_bytes(b"two")


def test_a_file_replaced_by_another_is_seen(tmp_path, file, clock):
    memory = fresh(tmp_path, clock)
    memory.digest(file)
    other = tmp_path / "new"
    other.write_bytes(b"two")
    other.replace(file)
    assert memory.digest(file) == digest_bytes(b"two")


@pytest.mark.parametrize("ahead_ns", [0, 15_000_000, -A_SECOND_NS])
def test_a_file_that_may_change_again_unseen_is_read_every_time(
    tmp_path, file, clock, reads, ahead_ns
):
    """git's racy rule, also where the file's clock runs ahead of ours."""
    stamp_ns = file.stat().st_ctime_ns
    memory = FileIndex(tmp_path / "state", clock_ns=lambda: stamp_ns + ahead_ns)
    memory.digest(file)
    memory.digest(file)
    memory.save()
    assert reads == ["a.csv", "a.csv"]
    assert not (tmp_path / "state").exists()


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, file, clock, monkeypatch):
    digest_of = index._digest_of
    writes = iter([b"twoo", b"three", b"four", b"fives"])

    def meddling(name: str):
        found = digest_of(name)
        Path(name).write_bytes(next(writes))
        return found

    memory = fresh(tmp_path, clock)
    monkeypatch.setattr(index, "_digest_of", meddling)
    memory.digest(file)
    monkeypatch.setattr(index, "_digest_of", digest_of)
    assert memory.digest(file) == digest_bytes(b"four")


def test_a_link_means_what_it_points_to(tmp_path, file, clock):
    link = tmp_path / "link"
    link.symlink_to(file)
    memory = fresh(tmp_path, clock)
    assert memory.digest(link) == digest_bytes(b"one")
    file.write_bytes(b"longer")
    assert memory.digest(link) == digest_bytes(b"longer")


def test_a_large_file_is_digested_in_pieces(tmp_path, clock):
    data = bytes(range(256)) * 10_000
    (tmp_path / "big").write_bytes(data)
    assert fresh(tmp_path, clock).digest(tmp_path / "big") == digest_bytes(data)


class TestWhatHasNoDigest:
    def test_a_missing_file(self, tmp_path, clock):
        with pytest.raises(FileNotFoundError):
            fresh(tmp_path, clock).digest(tmp_path / "gone")

    def test_a_folder(self, tmp_path, clock):
        with pytest.raises(IsADirectoryError):
            fresh(tmp_path, clock).digest(tmp_path)

    def test_a_pipe_does_not_block(self, tmp_path, clock):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            fresh(tmp_path, clock).digest(tmp_path / "pipe")

    def test_a_file_that_went_away(self, tmp_path, file, clock):
        memory = fresh(tmp_path, clock)
        memory.digest(file)
        file.unlink()
        with pytest.raises(FileNotFoundError):
            memory.digest(file)


class TestStored:
    @pytest.fixture
    def stored(self, tmp_path, file, clock) -> Path:
        memory = fresh(tmp_path, clock)
        memory.digest(file)
        memory.save()
        (path,) = (tmp_path / "state").iterdir()
        return path

    def test_any_damaged_byte_empties_it(self, tmp_path, file, clock, reads, stored):
        data = stored.read_bytes()
        reads.clear()
        for position in range(0, len(data), 7):
            damaged = bytearray(data)
            damaged[position] ^= 0x41
            stored.write_bytes(damaged)
            assert fresh(tmp_path, clock).digest(file) == digest_bytes(b"one")
        assert len(reads) == len(range(0, len(data), 7))

    @pytest.mark.parametrize("data", [b"", b"x", b"strata.index.v1\n", b"\0" * 100, b"{}"])
    def test_what_is_no_memory_is_an_empty_one(self, tmp_path, file, clock, stored, data):
        stored.write_bytes(data)
        assert fresh(tmp_path, clock).digest(file) == digest_bytes(b"one")

    def test_a_file_cut_short_is_an_empty_one(self, tmp_path, file, clock, stored):
        stored.write_bytes(stored.read_bytes()[:-1])
        assert fresh(tmp_path, clock).digest(file) == digest_bytes(b"one")

    def test_the_last_to_save_wins_and_nobody_is_wrong(self, tmp_path, file, clock, stored):
        other = tmp_path / "b.csv"
        other.write_bytes(b"bee")
        mine, theirs = fresh(tmp_path, clock), fresh(tmp_path, clock)
        file.write_bytes(b"changed")
        mine.digest(file)
        theirs.digest(other)
        mine.save()
        theirs.save()
        last = fresh(tmp_path, clock)
        assert last.digest(file) == digest_bytes(b"changed")
        assert last.digest(other) == digest_bytes(b"bee")
        assert [p.name for p in stored.parent.iterdir()] == [stored.name]

    def test_saving_where_nothing_can_be_written_is_no_error(self, tmp_path, file, clock):
        (tmp_path / "state").write_text("a file, not a folder")
        memory = fresh(tmp_path, clock)
        memory.digest(file)
        memory.save()

    def test_it_is_bounded_and_forgets_first_what_was_not_asked_for(self, tmp_path, clock, reads):
        files = [tmp_path / f"{n}.txt" for n in range(6)]
        for path in files:
            path.write_text(path.name)
        state = tmp_path / "state"
        first = FileIndex(state, most_entries=4, clock_ns=clock)
        for path in files[:4]:
            first.digest(path)
        first.save()
        second = FileIndex(state, most_entries=4, clock_ns=clock)
        for path in (files[0], files[4], files[5]):
            second.digest(path)
        second.save()
        reads.clear()
        third = FileIndex(state, most_entries=4, clock_ns=clock)
        for path in files:
            third.digest(path)
        assert len(reads) == 2
        assert not {"0.txt", "4.txt", "5.txt"} & set(reads)
