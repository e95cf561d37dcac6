"""Folders that live as long as one action, and are gone afterwards whatever was done to them.

All of one process lie in one room that it holds a lock on, so that what a killed build left
behind is known to be nobody's, and is removed by the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from strata.core.errors import ExecutorError

_LOCK = "lock"


class Scratch:
    """Makes folders below `root`. Safe for threads, and for several builds on one root."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._making = threading.Lock()
        self._room: Path | None = None
        self._numbers = count()

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder, removed at the end. Raises `ExecutorError` if it cannot be made."""
        try:
            path = self._own_room() / str(next(self._numbers))
            path.mkdir(0o700)
        except OSError as problem:
            raise ExecutorError(f"cannot make a scratch folder: {problem}") from problem
        try:
            yield path
        finally:
            if not _removed_empty(path):
                remove(path)

    def _own_room(self) -> Path:
        with self._making:
            if self._room is None or not self._room.is_dir():
                self._root.mkdir(parents=True, exist_ok=True)
                _remove_abandoned(self._root)
                room, lock = _make_room(self._root)
                self._room = room.resolve()
                weakref.finalize(self, _leave, self._room, lock, os.getpid())
            return self._room


def _removed_empty(path: Path) -> bool:
    """Nearly all cells leave nothing."""
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def remove(path: Path) -> None:
    """Nothing is at `path` any more, unless the system forbids it even to the owner."""
    for attempt in (_remove_tree, _remove_locked_tree, _remove_deep_tree):
        if not path.exists():
            return
        with contextlib.suppress(OSError, RecursionError):
            attempt(path)


def _remove_tree(path: Path) -> None:
    shutil.rmtree(path)


def _remove_locked_tree(path: Path) -> None:
    """For folders whose owner was denied them: the right to a folder comes before its list."""
    path.chmod(stat.S_IRWXU)
    for folder, names, _ in os.walk(path):
        for inner in (Path(folder, name) for name in names):
            if not inner.is_symlink():
                inner.chmod(stat.S_IRWXU)
    shutil.rmtree(path)


def _remove_deep_tree(path: Path) -> None:
    """For a tree deeper than Python's stack, or than a path may be long: `rm` uses descriptors."""
    subprocess.run(
        ["rm", "-rf", "--", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _make_room(root: Path) -> tuple[Path, int]:
    while True:
        room = Path(tempfile.mkdtemp(prefix="room-", dir=root))
        with contextlib.suppress(FileNotFoundError):  # a neighbour took it for abandoned
            lock = os.open(room / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if _locked(lock) and (room / _LOCK).exists():
                return room, lock
            os.close(lock)


def _remove_abandoned(root: Path) -> None:
    for room in root.glob("room-*"):
        with contextlib.suppress(OSError):
            lock = os.open(room / _LOCK, os.O_RDWR)
            try:
                if _locked(lock):
                    remove(room)
            finally:
                os.close(lock)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _leave(room: Path, lock: int, owner: int) -> None:
    if os.getpid() == owner:  # a forked copy of us ends without taking the room along
        remove(room)
        os.close(lock)
