"""Where a cache cannot be, or cannot be written: one clear error, with advice, and nothing torn."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from strata.core.errors import ExitCode, StoreUnreachable
from strata.stores._filesystem import filesystem_of, refuse_network_filesystem
from strata.stores.journal import open_journal
from strata.stores.lmdb import open_store
from tests.stores import store_workers
from tests.stores.store_workers import build_in

MOUNT = ("unshare", "--mount")


def may_mount() -> bool:
    try:
        return subprocess.run([*MOUNT, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


needs_mounts = pytest.mark.skipif(not may_mount(), reason="needs the right to mount")


def mounted(script: str, folder: Path) -> tuple[str, ...]:
    """A prefix that runs a command where `script` was run before, with `folder` as $1."""
    return (*MOUNT, "sh", "-c", f'{script} && shift && exec "$@"', "sh", str(folder))


@needs_mounts
def test_a_full_disk_is_said_and_tears_nothing(tmp_path: Path) -> None:
    prefix = mounted("mount -t tmpfs -o size=3m tmpfs $1", tmp_path)
    store_workers.run("full_disk", tmp_path / "cache", prefix=prefix)


def test_a_limit_on_files_is_said_and_tears_nothing(tmp_path: Path) -> None:
    store_workers.run("limited_files", tmp_path)


@needs_mounts
def test_a_read_only_cache_can_be_read(tmp_path: Path) -> None:
    build_in(tmp_path, 25)
    prefix = mounted("mount --bind $1 $1 && mount -o remount,bind,ro $1", tmp_path)
    store_workers.run("read_only", tmp_path, prefix=prefix)


@needs_mounts
def test_a_read_only_cache_nobody_vouches_for_is_checked(tmp_path: Path) -> None:
    build_in(tmp_path, 25)
    prefix = mounted("mount --bind $1 $1 && mount -o remount,bind,ro $1", tmp_path)
    (tmp_path / "index" / "state").unlink()
    store_workers.run("read_only", tmp_path, prefix=prefix)
    (tmp_path / "index" / "data.mdb").write_bytes(b"garbage" * 5000)
    store_workers.run("read_only_and_refused", tmp_path, prefix=prefix)


@needs_mounts
def test_an_empty_read_only_folder_is_refused(tmp_path: Path) -> None:
    prefix = mounted("mount --bind $1 $1 && mount -o remount,bind,ro $1", tmp_path)
    store_workers.run("read_only_and_refused", tmp_path, prefix=prefix)
    store_workers.run("read_only_and_refused", tmp_path / "below", prefix=prefix)


def test_little_address_space_is_enough(tmp_path: Path) -> None:
    store_workers.run("little_memory", tmp_path)
    assert build_in(tmp_path, 50) == []
    store_workers.run("little_memory", tmp_path)


def test_a_map_that_is_too_small_is_said_or_grown(tmp_path: Path) -> None:
    store_workers.run("outgrow_the_map", tmp_path)


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("mine")
    for folder in (in_the_way, in_the_way / "below"):
        for opening in (open_store, open_journal):
            with pytest.raises(StoreUnreachable) as caught:
                opening(folder)
            assert caught.value.exit_code == ExitCode.INFRASTRUCTURE
            assert caught.value.hint
    assert in_the_way.read_text() == "mine"


MOUNTS = """\
22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:40 / /home rw shared:1 - nfs4 server:/home rw
31 30 0:41 / /home/me/my\\040disk rw - xfs /dev/vdb rw
32 22 0:42 / /mnt rw - ext4 /dev/vdc rw
33 22 0:43 / /mnt rw - fuse.sshfs host:/ rw
a line that is cut
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/homeless", "ext4"),
        ("/home", "nfs4"),
        ("/home/me/cache", "nfs4"),
        ("/home/me/my disk/cache", "xfs"),
        ("/mnt/cache", "fuse.sshfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert filesystem_of(path, MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr("strata.stores._filesystem._MOUNTS", mounts)
    for kind in ("nfs4", "cifs", "fuse.sshfs"):
        mounts.write_text(f"1 0 0:1 / / rw - {kind} server:/ rw\n")
        with pytest.raises(StoreUnreachable, match=kind) as caught:
            refuse_network_filesystem(tmp_path)
        assert "STRATA_CACHE_DIR" in (caught.value.hint or "")
    mounts.write_text("1 0 0:1 / / rw - btrfs /dev/vda rw\n")
    refuse_network_filesystem(tmp_path)
    mounts.unlink()
    refuse_network_filesystem(tmp_path)
