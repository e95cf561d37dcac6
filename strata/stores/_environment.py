"""Opening and closing one LMDB environment so that nothing on the disk can hurt this process.

A folder holds

    data.mdb     the records; whoever has the environment open shares an flock on it
    lock.mdb     LMDB's own
    state        a `Witness` of data.mdb, renewed at every commit; also the lock between writers
    open.lock    held while the environment is opened, mended, moved aside or closed
    damaged.mdb  the last data.mdb that could not be read whole, for whoever wants to look

LMDB must not map a damaged file (see `_salvage`). So data.mdb is opened only if its witness
vouches for it, or if another process has it open, which checked before. Otherwise what can be read
of it is copied into a new file first. kill -9 outside a commit leaves a true witness; inside a
commit it costs one copy. The witness names the boot: `sync=False` loses nothing when a process
dies, but power may be lost, and after that the file is copied too, unless its last user ended well
and synced it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import lmdb

from strata.core.dataclass import dataclass
from strata.core.errors import StoreUnreachable
from strata.stores._filesystem import (
    ELSEWHERE,
    is_read_only,
    lock_shared,
    locked,
    refuse_network_filesystem,
    try_lock_alone,
    unreachable,
)
from strata.stores._salvage import Verdict
from strata.stores._signature import SETTLED, this_boot
from strata.stores._state import State

DAMAGE: tuple[type[lmdb.Error], ...] = (
    lmdb.CorruptedError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.VersionMismatchError,
    lmdb.IncompatibleError,
)
"""What LMDB says of a file that it cannot go on with."""

_MAP_SIZES_BYTES = tuple(1 << bits for bits in (40, 36, 34, 32, 31, 30, 28))
_MAX_READERS = 4096


@dataclass(slots=True)
class Environment:
    """An open LMDB environment. `state` is None when it is read-only."""

    lmdb: lmdb.Environment
    folder: Path
    data: int
    """A descriptor of data.mdb, which carries our share of the lock on it."""
    state: State | None
    marked: bool = False
    """The state on the disk says that power loss may have torn data.mdb."""


def open_environment(folder: Path) -> Environment:
    """The environment in `folder`, made or mended if need be; raises `StoreUnreachable`.

    Read-only where we may not write: then it must exist and be whole.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "open.lock"):
            return _open_held(folder)
    except FileExistsError as problem:
        raise StoreUnreachable(
            "the cache cannot be here: something that is not a folder is in the way",
            path=str(folder),
            hint=f"remove it, or {ELSEWHERE}",
        ) from problem
    except OSError as problem:
        if not is_read_only(problem):
            raise unreachable(problem, "open", folder) from problem
        return _open_read_only(folder)


def close_environment(environment: Environment) -> None:
    """Ends the use of `environment`; the last user makes it safe against power loss."""
    try:
        with locked(environment.folder / "open.lock"):
            if environment.state is not None and try_lock_alone(environment.data):
                _settle(environment.lmdb, environment.state, environment.data)
            _release(environment)
    except OSError:  # the folder was removed meanwhile: there is nothing to settle
        _release(environment)


def move_aside(environment: Environment) -> None:
    """Closes `environment` and takes its file out of the way; others go on with what they have."""
    with locked(environment.folder / "open.lock"):
        inode = os.fstat(environment.data).st_ino
        _release(environment)
        path = environment.folder / "data.mdb"
        if path.exists() and path.stat().st_ino == inode:
            _quarantine(environment.folder)


def in_use(folder: Path) -> bool:
    """Some process has the environment in `folder` open."""
    try:
        data = os.open(folder / "data.mdb", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not try_lock_alone(data)
    finally:
        os.close(data)


def _open_held(folder: Path) -> Environment:
    """The environment in `folder`, whose open.lock we hold."""
    state = State(folder, writable=True)
    try:
        _make_safe(folder, state)
        try:
            return _open_safe(folder, state)
        except DAMAGE:
            # The file is vouched for, so it is lock.mdb; or LMDB knows better than we do.
            _quarantine(folder)
            return _open_safe(folder, state)
    except lmdb.Error as problem:
        state.close()
        raise from_lmdb(problem, "open", folder) from problem
    except BaseException:
        state.close()
        raise


def _make_safe(folder: Path, state: State) -> None:
    """Afterwards data.mdb is absent, or LMDB may map it."""
    try:
        data = os.open(folder / "data.mdb", os.O_RDONLY)
    except FileNotFoundError:
        refuse_network_filesystem(folder)
        _remove(folder / "lock.mdb")
        return
    try:
        if try_lock_alone(data):
            if not state.vouches_for(data):
                refuse_network_filesystem(folder)
                _mend(folder, state)
        elif not (folder / "lock.mdb").exists():
            # Its users hold a lock file that is gone: sharing data.mdb with them would tear it.
            _quarantine(folder)
    finally:
        os.close(data)


def _open_safe(folder: Path, state: State) -> Environment:
    path = folder / "data.mdb"
    fresh = not path.exists()
    environment = _open_lmdb(folder, readonly=False)
    data = os.open(path, os.O_RDONLY)
    lock_shared(data)
    if fresh:
        state.keep(data, this_boot())
    environment.reader_check()
    return Environment(environment, folder, data, state)


def _open_read_only(folder: Path) -> Environment:
    try:
        data = os.open(folder / "data.mdb", os.O_RDONLY)
    except FileNotFoundError as problem:
        raise StoreUnreachable(
            "the cache is empty, and we may not write to it", path=str(folder), hint=ELSEWHERE
        ) from problem
    except OSError as problem:
        raise unreachable(problem, "read", folder) from problem
    try:
        doubtful = try_lock_alone(data) and not _vouched_for(folder, data)
        if doubtful and _salvage(folder, None) is not Verdict.WHOLE:
            raise StoreUnreachable(
                "the cache is damaged, and we may not mend it", path=str(folder), hint=ELSEWHERE
            )
        lock_shared(data)
        return Environment(_open_lmdb(folder, readonly=True), folder, data, None)
    except lmdb.Error as problem:
        os.close(data)
        raise from_lmdb(problem, "read", folder) from problem
    except BaseException:
        os.close(data)
        raise


def _salvage(folder: Path, copy: Path | None) -> Verdict:
    from strata.stores._mend import salvage  # only after a crash, see there

    return salvage(folder, copy)


def _vouched_for(folder: Path, data: int) -> bool:
    try:
        state = State(folder, writable=False)
    except OSError:
        return False
    try:
        return state.vouches_for(data)
    finally:
        state.close()


def _open_lmdb(folder: Path, *, readonly: bool) -> lmdb.Environment:
    """The largest map that this process may have: growing one later is what goes wrong."""
    for size_bytes in _MAP_SIZES_BYTES:
        try:
            return lmdb.open(
                str(folder),
                map_size=size_bytes,
                readonly=readonly,
                create=not readonly,
                lock=not readonly,
                sync=False,
                metasync=False,
                readahead=False,
                max_readers=_MAX_READERS,
            )
        except lmdb.MemoryError:
            if size_bytes == _MAP_SIZES_BYTES[-1]:
                raise
    raise AssertionError("unreachable")


def _mend(folder: Path, state: State) -> None:
    """Replaces data.mdb by a copy of what can be read of it; we have it alone."""
    copy = folder / "copy"
    _remove_copy(copy)
    verdict = _salvage(folder, copy)
    if verdict is Verdict.NO_ROOM:
        _remove_copy(copy)
        raise StoreUnreachable(
            "the cache must be checked, and there is no room for that",
            path=str(folder),
            hint=f"free some space, or {ELSEWHERE}",
        )
    if verdict is Verdict.DAMAGED:
        _quarantine(folder)
    if (copy / "data.mdb").exists():
        (copy / "data.mdb").replace(folder / "data.mdb")
        data = os.open(folder / "data.mdb", os.O_RDONLY)
        state.keep(data, this_boot())
        os.close(data)
    else:
        _remove(folder / "data.mdb")
    _remove(folder / "lock.mdb")
    _remove_copy(copy)


def _settle(environment: lmdb.Environment, state: State, data: int) -> None:
    """Syncs data.mdb, and says so, if that was not yet done; we have it alone."""
    witness = state.witness()
    if witness is None or witness.boot == SETTLED or not state.vouches_for(data):
        return
    try:
        environment.sync(True)
    except lmdb.Error:
        return  # it stays unsettled, which costs a copy after the next boot
    state.keep(data, SETTLED)


def _release(environment: Environment) -> None:
    environment.lmdb.close()
    fcntl.flock(environment.data, fcntl.LOCK_UN)
    os.close(environment.data)
    if environment.state is not None:
        environment.state.close()


def _quarantine(folder: Path) -> None:
    """Takes data.mdb, and the lock file that belongs to it, out of the way."""
    (folder / "data.mdb").replace(folder / "damaged.mdb")
    _remove(folder / "lock.mdb")


def _remove_copy(copy: Path) -> None:
    for name in ("data.mdb", "lock.mdb"):
        _remove(copy / name)
    if copy.exists():
        copy.rmdir()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def from_lmdb(problem: lmdb.Error, doing: str, folder: Path) -> StoreUnreachable:
    """What a user is told about `problem`; LMDB's messages end in the system's words."""
    reason = str(problem).rpartition(": ")[2]
    if isinstance(problem, lmdb.MapFullError):
        hint = "run 'strata clean', or raise the limit on address space (ulimit -v)"
    else:
        hint = f"free some space, or {ELSEWHERE}"
    return StoreUnreachable(f"cannot {doing} the cache: {reason}", path=str(folder), hint=hint)
