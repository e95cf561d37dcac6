"""How a file looks: what `stat` says of it that an ordinary write changes.

Looks at no file: what was seen is handed in. Why a file that looks the same is the same, and when
it is not, is told in `strata.loading.index`.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

Signature: TypeAlias = tuple[int, int, int, int]
"""Size in bytes, mtime_ns, ctime_ns, inode."""


class StatResult(Protocol):
    """What of an `os.stat_result` counts."""

    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...
    @property
    def st_ino(self) -> int: ...


def signature_of(status: StatResult) -> Signature:
    """The signature of the file of which `stat` said this."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
