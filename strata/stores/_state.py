"""The file `state` beside an LMDB file: who vouches for it, and the lock between its writers.

The lock makes the witness exact: between the commit of one writer and its witness no other commits.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strata.stores._sealed import seal, unseal
from strata.stores._signature import Signature, Witness, packed

_KEY = b"strata.state.v1"
_NO_WITNESS = b"\0"


class State:
    """The file `state`: a sealed witness of data.mdb, and the lock between writers."""

    def __init__(self, folder: Path, *, writable: bool) -> None:
        mode = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self._descriptor = os.open(folder / "state", mode, 0o666)
        self._kept = b""
        """What `keep` wrote last, in this boot then, and how the file looked."""
        self._kept_look = (0, 0, 0, 0)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other writers out; ends with the process, however that ends."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def witness(self) -> Witness | None:
        payload = unseal(_KEY, self._read())
        return None if payload is None else Witness.unpack(payload)

    def vouches_for(self, data: int) -> bool:
        found = os.fstat(data)
        # In most cases nobody else has written since we did, and nothing has to be read out of it.
        if self._kept and _look(found) == self._kept_look and self._read() == self._kept:
            return True
        witness = self.witness()
        return witness is not None and witness.vouches_for(Signature.of(found))

    def keep(self, data: int, boot: bytes) -> None:
        """From now on vouches for the open file `data` as it looks now."""
        self._kept_look = _look(os.fstat(data))
        self._kept = seal(_KEY, packed(*self._kept_look, boot))
        os.pwrite(self._descriptor, self._kept, 0)

    def forget(self) -> None:
        """From now on vouches for nothing."""
        self._kept = b""
        os.pwrite(self._descriptor, _NO_WITNESS, 0)

    def _read(self) -> bytes:
        return os.pread(self._descriptor, 256, 0)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def _look(found: os.stat_result) -> tuple[int, int, int, int]:
    """The parts of a `Signature`."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
