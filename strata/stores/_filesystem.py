"""Which file systems a cache may live on, and locks between processes on one that may.

LMDB maps its file and locks between processes, which network file systems do not keep their
promises about (http://www.lmdb.tech/doc/, "Caveats").
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strata.core.errors import StoreUnreachable

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "lustre", "gpfs"}
    | {"beegfs", "glusterfs", "vboxsf", "prl_fs"}
)

ELSEWHERE = "set STRATA_CACHE_DIR to a folder on a local disk"

_ADVICE = {
    errno.ENOSPC: f"free some space, or {ELSEWHERE} that has room",
    errno.EDQUOT: f"free some of your quota, or {ELSEWHERE} that has room",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: f"the file system is read-only: {ELSEWHERE} that you can write to",
    errno.EACCES: f"check who owns it, or {ELSEWHERE} of your own",
    errno.EPERM: f"check who owns it, or {ELSEWHERE} of your own",
}

READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def refuse_network_filesystem(folder: Path) -> None:
    """Returns if `folder` (which exists) may hold a cache; else raises `StoreUnreachable`."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return  # not Linux: nothing cheap says what it is
    kind = filesystem_of(str(folder.resolve()), mounts)
    if kind in _REMOTE or kind.startswith("fuse"):
        raise StoreUnreachable(
            f"the cache cannot live on a file system of type '{kind}'",
            path=str(folder),
            hint=ELSEWHERE,
        )


def filesystem_of(path: str, mounts: str) -> str:
    """The type of the file system that holds the absolute `path`, or "".

    `mounts` is the text of /proc/self/mountinfo, see proc(5): field 5 is the mount point, and
    the type follows the separator " - ". Of mounts at one point the last one counts.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = _unescaped(fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, source.split(" ")[0]
    return kind


def _unescaped(point: str) -> str:
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        point = point.replace(code, character)
    return point


def unreachable(problem: OSError, doing: str, path: Path) -> StoreUnreachable:
    """What a user is told about `problem`, with advice where there is some."""
    reason = problem.strerror or str(problem)
    advice = _ADVICE.get(problem.errno or 0, ELSEWHERE)
    return StoreUnreachable(f"cannot {doing} the cache: {reason}", path=str(path), hint=advice)


def is_read_only(problem: OSError) -> bool:
    """`problem` says that we may not write here, which is not to say that we may not read."""
    return problem.errno in READ_ONLY


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds `path` (made if need be) against every process and thread. Raises `OSError`.

    The lock ends with the process that holds it, however that ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Not by closing alone: a child forked meanwhile holds the same lock through its copy.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def try_lock_alone(descriptor: int) -> bool:
    """Locks the open file against everyone; False if someone else has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_shared(descriptor: int) -> None:
    """Locks the open file together with others that share it."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)
