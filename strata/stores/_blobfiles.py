"""Large blobs as read-only files `cas/xx/<digest>`, each of which appears whole or not at all.

A file's name is the digest of its bytes, so the folder can be understood without the index. Whether
the bytes still have that digest is not known here; `strata.stores.lmdb` verifies.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from strata.core.digest import Digest
from strata.stores._signature import Signature

_READ_ONLY_MODE = 0o444
_CHUNK_BYTES = 1 << 20
_ABANDONED_S = 24 * 3600.0


class BlobFiles:
    """The folders `cas` and `tmp` of a cache. All methods raise `OSError`."""

    def __init__(self, folder: Path) -> None:
        self._cas = folder / "cas"
        self._tmp = folder / "tmp"

    def path_of(self, digest: Digest) -> Path:
        return self._cas / digest.hex[:2] / digest.hex

    def signature(self, digest: Digest) -> Signature | None:
        """How the file of `digest` looks, or None if there is none of its size."""
        found = self._stat(digest)
        if found is None or not stat.S_ISREG(found.st_mode) or found.st_size != digest.size_bytes:
            return None
        return Signature.of(found)

    def exists(self, digest: Digest) -> bool:
        """Something is in the place of `digest`, of whatever size."""
        return self._stat(digest) is not None

    def verify(self, digest: Digest) -> bool:
        """The file of `digest` has its bytes. Reads them all."""
        return digest_file(self.path_of(digest)) == digest

    def write(self, digest: Digest, data: bytes) -> Signature:
        """Makes the file of `digest`; replaces one that is there."""
        temporary = self._temporary()
        self._fill(temporary, lambda: _write_new(temporary, data))
        return self.install(temporary, digest)

    def take(self, source: Path) -> Path:
        """A file with the bytes of `source`, for `install`; nobody else knows its name.

        `source` is consumed, unless this raises.
        """
        temporary = self._temporary()
        if _has_one_name(source):
            try:
                return self._renamed(source, temporary)
            except OSError as problem:
                if problem.errno not in (errno.EXDEV, errno.EPERM):
                    raise
        self._fill(temporary, lambda: _copy_new(source, temporary))
        source.unlink()
        return temporary

    def install(self, path: Path, digest: Digest) -> Signature:
        """Renames `path`, which has the bytes of `digest`, so that nobody ever sees half of it."""
        path.chmod(_READ_ONLY_MODE)
        target = self._renamed(path, self.path_of(digest))
        return Signature.of(target.stat())

    def drop(self, digest: Digest) -> None:
        """Removes the file of `digest`, if there is one."""
        self.path_of(digest).unlink(missing_ok=True)

    def make_folders(self) -> None:
        self._cas.mkdir(parents=True, exist_ok=True)
        self._tmp.mkdir(parents=True, exist_ok=True)

    def remove_abandoned(self) -> None:
        """Removes what processes that died a day ago or longer were writing."""
        oldest = time.time() - _ABANDONED_S
        with os.scandir(self._tmp) as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    Path(entry.path).unlink(missing_ok=True)

    def _stat(self, digest: Digest) -> os.stat_result | None:
        try:
            return self.path_of(digest).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _temporary(self) -> Path:
        return self._tmp / f"{os.getpid()}-{os.urandom(8).hex()}"

    def _fill(self, temporary: Path, fill: Callable[[], None]) -> None:
        """Calls `fill`, which makes `temporary`: whole, or not at all."""
        try:
            try:
                fill()
            except FileNotFoundError:  # someone removed the cache while we use it
                self.make_folders()
                fill()
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _renamed(self, path: Path, target: Path) -> Path:
        try:
            return path.rename(target)
        except (FileNotFoundError, NotADirectoryError):
            target.parent.mkdir(parents=True, exist_ok=True)
            return path.rename(target)


def digest_file(path: Path) -> Digest:
    """The digest of the bytes of the file at `path`."""
    hasher = blake3()
    hasher.update_mmap(path)
    return Digest(hasher.hexdigest(), path.stat().st_size)


def _has_one_name(source: Path) -> bool:
    """Nobody reaches the file by another name: as a blob it must never change."""
    found = source.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READ_ONLY_MODE)
    try:
        _reserve(descriptor, len(data))
        _write_all(descriptor, memoryview(data))
    finally:
        os.close(descriptor)


def _copy_new(source: Path, path: Path) -> None:
    with source.open("rb", buffering=0) as reader:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READ_ONLY_MODE)
        try:
            _reserve(descriptor, os.fstat(reader.fileno()).st_size)
            while chunk := reader.read(_CHUNK_BYTES):
                _write_all(descriptor, memoryview(chunk))
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, rest: memoryview) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _reserve(descriptor: int, size_bytes: int) -> None:
    """Halves the cost of writing a large file, and finds out now that the disk is full."""
    if size_bytes < _CHUNK_BYTES or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
