"""How a file looked to `stat` when its bytes were last known to be right.

An ordinary write, a truncation or a replacement changes the modification time, the change time,
the size or the inode, so a file that still looks the same need not be hashed again. What this
cannot see is a machine that lost power: the file system may have kept the times and not the bytes.
So a `Witness` names the boot in which it was written, and counts in that boot only, unless the
bytes are known to have reached the disk (`SETTLED`).
"""

from __future__ import annotations

import os
import struct
from functools import cache
from pathlib import Path

from blake3 import blake3

from strata.core.dataclass import dataclass

_BOOT_BYTES = 8
_LAYOUT = struct.Struct(f"<QqqQ{_BOOT_BYTES}s")

SETTLED = bytes(_BOOT_BYTES)
"""In the place of a boot: the bytes are on the disk, whatever happened since."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What `stat` says of a file that an ordinary write to it changes."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Signature:
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@dataclass(frozen=True, slots=True)
class Witness:
    """That a file's bytes were right when it looked like `signature`, in the boot `boot`."""

    signature: Signature
    boot: bytes

    def vouches_for(self, found: Signature) -> bool:
        """The file looks unchanged, and no power was lost since it was seen."""
        return self.signature == found and self.boot in (SETTLED, this_boot())

    def pack(self) -> bytes:
        s = self.signature
        return packed(s.size_bytes, s.mtime_ns, s.ctime_ns, s.inode, self.boot)

    @classmethod
    def unpack(cls, data: bytes) -> Witness | None:
        """The witness that `pack` wrote, or None for anything of another length."""
        if len(data) != _LAYOUT.size:
            return None
        size_bytes, mtime_ns, ctime_ns, inode, boot = _LAYOUT.unpack(data)
        return cls(Signature(size_bytes, mtime_ns, ctime_ns, inode), boot)


packed = _LAYOUT.pack
"""A witness as bytes, made of its parts."""


@cache
def this_boot() -> bytes:
    """A name of the current boot of this machine, never `SETTLED`.

    Where the system has none, a name of this process: then files are checked more often, which
    is the safe side.
    """
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        name = os.urandom(16)
    return blake3(b"strata.boot.v1" + name).digest(_BOOT_BYTES)
