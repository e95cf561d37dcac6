"""A zygote that stays when the build that started it has ended, for the builds that follow.

It listens on a socket that is named after all that it is for. Each build that connects gets a fork
of it, a zygote of the build's own; so builds do not wait for each other, and what one of them
leaves behind is not there for the next. Without builds it ends after a while, and when it is asked
to; nobody misses it.
"""

from __future__ import annotations

import os

from . import process
from .channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_BACKLOG = 64
_TICK_S = 5.0


def serve_builds(channel: Channel, header: Mapping[str, Any], ready: Mapping[str, Any]) -> Channel:
    """Returns in each fork, with the channel of the build that it was made for.

    Who started us is told on `channel`, once others can connect. The socket's name ends with the
    memory that we take, in MiB.
    """
    fd = channel.detach()
    if os.fork():
        os._exit(0)  # so nobody has to wait for what goes on
    os.setsid()
    channel = Channel(fd)
    sockets = process.take_out("_socket")
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    # Under another name until it listens: who finds it can talk to it.
    path = f"{header['listen']}-{ready['memory_bytes'] >> 20}"
    new = f"{path}.{os.getpid()}"
    listener.bind(new)
    listener.listen(_BACKLOG)
    os.rename(new, path)
    channel.send(ready)
    channel.close()
    process.leave_streams()
    return _Server(sockets, listener, path, header["idle_s"]).run(ready)


class _Server:
    def __init__(self, sockets: Any, listener: Any, path: str, idle_s: float) -> None:
        self._sockets = sockets
        self._listener = listener
        self._path = path
        self._mine = self._identity()
        self._idle_s = idle_s
        self._builds: set[int] = set()

    def run(self, ready: Mapping[str, Any]) -> Channel:
        left_s = self._idle_s
        tick_s = min(_TICK_S, self._idle_s / 2)
        self._listener.settimeout(tick_s)
        while left_s > 0 and self._identity() == self._mine:
            try:
                fd, _ = self._listener._accept()
            except self._sockets.timeout:
                self._reap()
                left_s = self._idle_s if self._builds else left_s - tick_s
                continue
            except OSError:
                break
            left_s = self._idle_s
            channel = self._admit(fd)
            if channel is not None:
                channel.send(ready)
                return channel
            self._reap()
        if self._identity() == self._mine:
            os.unlink(self._path)
        os._exit(0)

    def _admit(self, fd: int) -> Channel | None:
        """A fork of this process for who has connected; in it, the channel."""
        os.set_blocking(fd, True)
        if self._peer(fd) != os.getuid():
            os.close(fd)
            return None
        pid = os.fork()
        if pid == 0:
            os.setsid()
            self._listener.close()
            return Channel(fd)
        self._builds.add(pid)
        os.close(fd)
        return None

    def _peer(self, fd: int) -> int:
        """The user at the other end."""
        peer = self._sockets.socket(fileno=os.dup(fd))
        credentials = peer.getsockopt(self._sockets.SOL_SOCKET, self._sockets.SO_PEERCRED, 12)
        peer.close()
        return int(memoryview(credentials).cast("i")[1])

    def _reap(self) -> None:
        for pid in list(self._builds):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                self._builds.discard(pid)

    def _identity(self) -> tuple[int, int] | None:
        """Which socket has our name: another server may have taken it, or somebody removed it."""
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino
