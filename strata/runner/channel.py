"""Frames on the control socket, in both directions.

A frame is a 4-byte big-endian header length, an 8-byte big-endian payload length, a JSON header
and the payload. The socket is read and written as a plain file descriptor: `socket` is not
imported for it. A process forked by the cell has no channel: what it sends goes nowhere.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from . import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

_MOST_BUFFERS_A_WRITE = 512  # IOV_MAX is 1024 on Linux and macOS


class ParentGone(Exception):
    """The other end is closed: nobody wants the result."""


class Channel:
    """The runner's end. `send` may be called from any thread."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._fd = fd
        self._lock = allocate_lock()
        os.register_at_fork(after_in_child=self.close)

    def receive(self) -> Mapping[str, object]:
        """The header of the next frame; `read` its payload next. Raises `ParentGone`."""
        lengths = self.read(12)
        header = wire.decode(self.read(int.from_bytes(lengths[:4], "big")))
        assert isinstance(header, dict)
        return header

    def read(self, size: int) -> bytearray:
        """Exactly the next `size` bytes. Raises `ParentGone`."""
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            count = os.readv(self._fd, [rest])
            if count == 0:
                raise ParentGone
            rest = rest[count:]
        return data

    def send(self, header: Mapping[str, object], payload: Sequence[Buffer] = ()) -> None:
        """Sends one frame whose payload is these buffers, one after the other.

        Does nothing in a forked process. Raises `ParentGone`.
        """
        text = wire.encode(header)
        size = sum(len(part) for part in payload)
        lengths = len(text).to_bytes(4, "big") + size.to_bytes(8, "big")
        with self._lock:
            if self._fd >= 0:
                try:
                    write_all(self._fd, [lengths + text, *payload])
                except (BrokenPipeError, ConnectionError) as problem:
                    raise ParentGone from problem

    def detach(self) -> int:
        """The descriptor, which is no longer this channel's."""
        fd, self._fd = self._fd, -1
        return fd

    def close(self) -> None:
        """Nothing can be sent from here on; `send` does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._lock = allocate_lock()  # in a forked child another thread may have held it


def write_all(fd: int, buffers: Sequence[Buffer]) -> None:
    """Writes all bytes of `buffers` (flat, of bytes) to `fd`. Raises `OSError`."""
    waiting = [memoryview(part) for part in buffers if len(part)]
    waiting.reverse()
    while waiting:
        written = os.writev(fd, waiting[: -_MOST_BUFFERS_A_WRITE - 1 : -1])
        while written:
            part = waiting.pop()
            if written < len(part):
                waiting.append(part[written:])
                break
            written -= len(part)
