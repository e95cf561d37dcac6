"""Keys and values in one LMDB environment, for all threads and stores of this process.

LMDB must not be opened twice in a process nor used across a fork, and one thread may write at a
time: those three are kept here. Nobody else imports `_environment`.

Writes come in groups: `defer` puts one off, and the next `write` of any thread takes all that was
put off along in its own transaction. Where none comes, a thread commits them within
`_LONGEST_DEFERRED_S`. Until then they are in this process only, and die with it.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import lmdb

from strata.core.errors import StoreUnreachable
from strata.stores._environment import (
    DAMAGE,
    Environment,
    close_environment,
    from_lmdb,
    move_aside,
    open_environment,
)
from strata.stores._filesystem import ELSEWHERE, unreachable
from strata.stores._signature import this_boot
from strata.stores._state import State

T = TypeVar("T")

_LONGEST_DEFERRED_S = 0.05
_MOST_DEFERRED_BYTES = 4 << 20


class Cursor(Protocol):
    """A place among the records, which are in the order of their keys."""

    def set_range(self, key: bytes) -> bool: ...
    def next(self) -> bool: ...
    def key(self) -> memoryview: ...
    def value(self) -> memoryview: ...


class Transaction(Protocol):
    """What a read or a write may do. A memoryview ends with it: copy what is to be kept."""

    def get(self, key: bytes) -> memoryview | None: ...
    def put(self, key: bytes, value: bytes) -> bool: ...
    def delete(self, key: bytes) -> bool: ...
    def cursor(self) -> Cursor: ...


Deferred: TypeAlias = Callable[[Transaction, bytes, bytes], None]
"""Writes a value under a key, in a transaction that comes later."""


class Database:
    """One open environment, shared by everyone in this process who asked for its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = os.getpid()
        # One lock for readers too: a read takes microseconds, and closing or moving aside an
        # environment under a reader would end the process.
        self._mutex = threading.Lock()
        self._environment: Environment | None = open_environment(folder)
        self._closed = False
        self._later = _Later()
        self._later_lock = threading.Lock()
        self._committer: _Committer | None = None
        self._refused = False
        """The last write failed, so nothing is put off: who writes is to hear of it."""
        self.read_only = self._environment.state is None
        self.users = 0

    def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, given a snapshot. Raises `StoreUnreachable`.

        `work` MUST be short and MUST NOT come back here; it may be called a second time, on an
        empty environment, if the first turns out to be damaged. Of what is put off its
        transaction knows nothing: see `deferred`.
        """
        self._check_process()
        with self._mutex:
            return self._mending("read", lambda: self._read(work))

    def write(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns; what it changed is there for every process, whoever dies.

        As `read`; all that was put off is there too. Nothing is changed if `work` raises, or if
        this raises; what was put off is kept then, and tried again with the next write.
        """
        self.require_writable()
        with self._mutex:
            self._refused = True
            result = self._mending("write to", lambda: self._write(work))
            self._refused = False
            return result

    def defer(self, key: bytes, value: bytes, write: Deferred) -> None:
        """Puts off `write(transaction, key, value)`, for a while.

        At once where there is much already, or where the last write failed; raises as `write`.
        """
        self.require_writable()
        with self._later_lock:
            self._later.add(key, value, write)
            at_once = self._refused or self._later.size_bytes > _MOST_DEFERRED_BYTES
            if self._committer is None:
                self._committer = _Committer(self.commit)
        if not at_once:
            self._committer.wake()
            return
        try:
            self.commit()
        except StoreUnreachable:
            self.withdraw(key)
            raise

    def deferred(self, key: bytes) -> bytes | None:
        """The value that was put off last under `key`, or None.

        To be called by the work of a `read` only: else it might be on its way into the file.
        """
        return self._later.values.get(key)

    def withdraw(self, key: bytes) -> None:
        """Nothing is put off under `key`."""
        if key in self._later.values:
            with self._mutex, self._later_lock:
                self._later.remove(key)

    def commit(self) -> None:
        """All that was put off before is there for every process. Raises as `write`."""
        if self._later.writes:
            self.write(lambda transaction: None)

    def require_writable(self) -> None:
        """Raises `StoreUnreachable` where a `write` would be refused from the start."""
        self._check_process()
        if self.read_only:
            raise _read_only(self._folder)

    def close(self) -> None:
        """Ends the use; nothing may be called afterwards. Does nothing in a forked child."""
        if os.getpid() != self._process:
            return
        if self._committer is not None:
            self._committer.stop()
        if not self._closed:
            with suppress(StoreUnreachable):  # who wrote last was told
                self.commit()
        with self._mutex:
            environment, self._environment = self._environment, None
            self._closed = True
            if environment is not None:
                close_environment(environment)

    def _mending(self, doing: str, attempt: Callable[[], T]) -> T:
        try:
            try:
                return attempt()
            except lmdb.MapResizedError:
                self._opened().lmdb.set_mapsize(0)  # another process may have a larger map
                return attempt()
            except lmdb.ReadersFullError:
                self._opened().lmdb.reader_check()
                return attempt()
            except DAMAGE as problem:
                if self.read_only:
                    raise
                self._start_afresh(problem)
                return attempt()
        except lmdb.Error as problem:
            raise from_lmdb(problem, doing, self._folder) from problem
        except OSError as problem:
            raise unreachable(problem, doing, self._folder) from problem

    def _read(self, work: Callable[[Transaction], T]) -> T:
        with self._opened().lmdb.begin(buffers=True) as transaction:
            return work(transaction)

    def _write(self, work: Callable[[Transaction], T]) -> T:
        environment = self._opened()
        state = environment.state
        if state is None:
            raise _read_only(self._folder)
        with state.locked():
            trusted = state.vouches_for(environment.data)
            if trusted and not environment.marked:
                _mark(environment, state)
            with self._later_lock:
                taken, self._later = self._later, _Later()
            try:
                with environment.lmdb.begin(write=True, buffers=True) as transaction:
                    for key, value, write in taken.writes:
                        write(transaction, key, value)
                    return work(transaction)
            except BaseException as problem:
                trusted = trusted and not isinstance(problem, DAMAGE)
                with self._later_lock:
                    self._later = taken.followed_by(self._later)
                raise
            finally:
                # After a failure too: what a full disk took of a commit is no part of the data.
                if trusted:
                    state.keep(environment.data, this_boot())
                else:
                    state.forget()

    def _start_afresh(self, problem: lmdb.Error) -> None:
        environment = self._opened()
        self._environment = None
        if isinstance(problem, lmdb.PanicError):
            # A commit failed half-way (a full or dying disk). Opening again mends what is torn.
            close_environment(environment)
        else:
            move_aside(environment)

    def _opened(self) -> Environment:
        assert not self._closed, "the store was closed"
        if self._environment is None:
            self._environment = open_environment(self._folder)
            if self._environment.state is None:
                self.read_only = True
        return self._environment

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise _forked(self._folder)


class _Later:
    """Writes that were put off, in their order. Not for several threads."""

    def __init__(self) -> None:
        self.writes: list[tuple[bytes, bytes, Deferred]] = []
        self.values: dict[bytes, bytes] = {}
        """The last value by key."""
        self.size_bytes = 0

    def add(self, key: bytes, value: bytes, write: Deferred) -> None:
        self.writes.append((key, value, write))
        self.values[key] = value
        self.size_bytes += len(value)

    def remove(self, key: bytes) -> None:
        kept, self.writes, self.size_bytes = self.writes, [], 0
        self.values.clear()
        for one in kept:
            if one[0] != key:
                self.add(*one)

    def followed_by(self, later: _Later) -> _Later:
        for one in later.writes:
            self.add(*one)
        return self


class _Committer:
    """A thread that calls `commit` a little after each time that it was woken."""

    def __init__(self, commit: Callable[[], None]) -> None:
        self._commit = commit
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        if not self._woken.is_set():
            self._woken.set()

    def stop(self) -> None:
        """It has ended, and calls nothing any more."""
        self._stopped.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():  # asked after each `clear`, which may undo that of `stop`
            self._woken.wait()
            if self._stopped.wait(_LONGEST_DEFERRED_S):
                return
            self._woken.clear()
            with suppress(StoreUnreachable):  # the next write says so
                self._commit()


def _mark(environment: Environment, state: State) -> None:
    """Before the first write: from here on, power loss may tear data.mdb."""
    state.keep(environment.data, this_boot())
    state.sync()
    environment.marked = True


_databases: dict[str, Database] = {}
_registry = threading.Lock()


def acquire(folder: Path) -> Database:
    """The database in `folder`, opened unless this process has it open already.

    Raises `StoreUnreachable`. Every call is to be answered by one of `release`.
    """
    name = os.path.realpath(folder)
    with _registry:
        database = _databases.get(name)
        if database is None:
            database = _databases[name] = Database(Path(name))
        database._check_process()
        database.users += 1
        return database


def release(database: Database) -> None:
    """Ends one use; the last one closes it."""
    with _registry:
        database.users -= 1
        if database.users > 0:
            return
        for name in [n for n, d in _databases.items() if d is database]:
            del _databases[name]
        database.close()


def _read_only(folder: Path) -> StoreUnreachable:
    return StoreUnreachable("the cache is read-only", path=str(folder), hint=ELSEWHERE)


def _forked(folder: Path) -> StoreUnreachable:
    return StoreUnreachable(
        "the cache was opened before this process was forked, and LMDB does not survive that",
        path=str(folder),
        hint="start the process with 'spawn', or open the cache in it only",
    )


def _after_fork_in_child() -> None:
    """The child keeps what it inherited untouched: closing it would run LMDB's code too."""
    global _registry
    _registry = threading.Lock()
    if _databases:
        import ctypes

        for database in _databases.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(database))


@atexit.register
def _close_all() -> None:
    for database in list(_databases.values()):
        database.close()


os.register_at_fork(after_in_child=_after_fork_in_child)
