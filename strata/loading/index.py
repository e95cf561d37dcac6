"""A memory of file digests, so that a file which did not change is not read again.

A digest is trusted as long as the file's signature (size, mtime, ctime, inode) is the one it was
recorded with. mtime alone is not enough (rsync and `touch -r` put it back; ctime cannot be put
back), and no signature is if the file may have changed again within one tick of the file system's
clock: git's "racy" rule, see Documentation/technical/racy-git.txt. Such files are not recorded.

The memory is one file, replaced as a whole; whatever is wrong with it, it is empty. Several
processes may use it at once: the last to save wins, and what the other knew is learnt again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from strata.core.digest import Digest
from strata.core.signature import Signature, signature_of
from strata.loading import memory_file
from strata.loading.inputs import expand_inputs

__all__ = ["FileIndex", "expand_inputs"]

RACY_NS = 20_000_000
"""More than a tick of any clock that file systems stamp with (a jiffy is at most 10 ms)."""

_MAGIC = b"strata.index.v1\n"
_CHUNK_BYTES = 1 << 20


class FileIndex:
    """The digests of files, kept in `folder`. Safe to use from several threads.

    `clock_ns` must be the clock that stamps the files: wall time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_entries: int = 200_000,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder = folder
        self._most_entries = most_entries
        self._clock_ns = clock_ns
        self._entries = memory_file.read(folder / _FILE, _MAGIC)
        self._used: dict[str, None] = {}
        self._changed = False

    def digest(self, path: Path) -> Digest:
        """The digest of the regular file `path` (absolute). Raises `OSError` if it has none."""
        name = os.fspath(path)
        # os.stat, not lstat: a link means what it points to.
        signature = _signature(name)
        self._used[name] = None
        entry = self._entries.get(name)
        if entry is not None and entry[0] == signature:
            return Digest(entry[1], signature[0])
        return self._read(name)

    def _read(self, name: str) -> Digest:
        """Reads and records the file; again if it changes meanwhile, but not for ever."""
        digest: Digest | None = None
        for _ in range(3):
            # The time must be taken first: what is written after it has a later stamp.
            started_ns = self._clock_ns()
            before = _signature(name)
            digest = _digest_of(name)
            if _signature(name) == before and digest.size_bytes == before[0]:
                if max(before[1], before[2]) < started_ns - RACY_NS:
                    self._entries[name] = (before, digest.hex)
                    self._changed = True
                break
        assert digest is not None
        return digest

    def save(self) -> None:
        """Writes what was learnt, if anything. A folder that cannot be written is no error.

        Beyond the bound, the files that this process did not ask for are forgotten first.
        """
        if not self._changed:
            return
        # One C-level copy, as other threads may be adding.
        entries = dict(self._entries)
        if len(entries) > self._most_entries:
            used = {name: entries.pop(name) for name in list(self._used) if name in entries}
            entries = dict(list((entries | used).items())[-self._most_entries :])
        with contextlib.suppress(OSError):
            memory_file.store(self._folder / _FILE, _MAGIC, entries)
            self._changed = False


_FILE = "files.index"
_Entries = dict[str, tuple[Signature, str]]


def _signature(name: str) -> Signature:
    status = os.stat(name)
    if not stat.S_ISREG(status.st_mode):
        code = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
        raise OSError(code, "not a regular file", name)
    return signature_of(status)


def _digest_of(name: str) -> Digest:
    # In pieces, not mapped: a file that is cut short while it is mapped kills the process.
    hasher = blake3()
    size_bytes = 0
    with open(name, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            hasher.update(chunk)
            size_bytes += len(chunk)
    return Digest(hasher.hexdigest(), size_bytes)
