"""A process that has imported what cells will import, and becomes a fresh process for each.

A fork of it is a cell's process: whatever it imported stands in the child as if the child had
imported it. It never runs code of a user's, starts no threads, and holds nothing of the workspace:
no file, no folder, no lock. What makes it unfit for that is found out before it serves
(`preload`), and once in a child that tries what it has imported (`probes`).

It answers on one stream socket, in frames (`channel`). Of itself it offers a child that waits for
its `run` frame: `{"type": "offer", "pid"}`, with the descriptors of the child's stdout, stderr and
channel. Asked for `next`, it forks another; for `reap`, it waits for a child and says how it ended:
until then the number of the child's group stays its own. When the socket is closed, it kills what
it has forked, and ends.
"""

from __future__ import annotations

import os
import sys

from . import preload, process
from .channel import Channel, ParentGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Optional

_SIGKILL = 9
_ERROR = 1


def serve(channel: Channel, header: Mapping[str, Any]) -> Channel:
    """Does what a `zygote` frame asks for. Returns in each child, with its channel."""
    ready = preload.prepare(header["imports"], header["place"], header["probe"])
    process.die_with_parent(False)  # the thread that started us may end before the build
    if ready["type"] == "ready" and header["listen"] is not None:
        from .server import serve_builds

        channel = serve_builds(channel, header, ready)
    else:
        channel.send(ready)
    if ready["type"] != "ready":
        os._exit(0)
    return _Zygote(channel).run()


class _Zygote:
    """The children of one process, and the socket on which they are offered."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._sockets = process.take_out("_socket")
        self._socket: Any = self._sockets.socket(fileno=channel.detach())
        self._alive: dict[int, None] = {}
        self._pid = os.getpid()

    def run(self) -> Channel:
        """Serves until nobody asks any more. Returns in each child."""
        channel = Channel(os.dup(self._socket.fileno()))
        try:
            child = self._offer()
            while child is None:
                asked: Mapping[str, Any] = channel.receive()
                if asked["type"] == "next":
                    child = self._offer()
                elif asked["pid"] in self._alive:
                    channel.send(self._reap(asked["pid"]))
            channel.close()
            return child
        except (ParentGone, OSError):
            if os.getpid() == self._pid:
                self._end()
            os._exit(_ERROR)

    def _offer(self) -> Optional[Channel]:
        """Forks a child and offers it. Its channel, in the child."""
        out, err = os.pipe(), os.pipe()
        theirs, ours = self._sockets.socketpair(self._sockets.AF_UNIX, self._sockets.SOCK_STREAM)
        told = os.pipe()
        pid = os.fork()
        if pid == 0:
            return self._begin(out[1], err[1], ours.detach(), told[1])
        self._alive[pid] = None
        os.close(told[1])
        os.read(told[0], 1)  # its group is there: it can be signalled
        text = b'{"type":"offer","pid":%d}' % pid
        fds = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (out[0], err[0], theirs.fileno()))
        frame = len(text).to_bytes(4, "big") + bytes(8) + text
        rights = (self._sockets.SOL_SOCKET, self._sockets.SCM_RIGHTS, fds)
        self._socket.sendmsg([frame], [rights])
        theirs.close()
        ours.close()
        for fd in (*out, *err, told[0]):
            os.close(fd)
        return None

    def _begin(self, out: int, err: int, fd: int, told: int) -> Channel:
        """What a process is that was started for a cell: its session, its life, its streams."""
        os.setsid()
        process.die_with_parent()
        if os.getppid() != self._pid:
            os._exit(_ERROR)
        self._socket.close()
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.write(told, b"!")
        process.close_others([fd])
        return Channel(fd)

    def _reap(self, pid: int) -> dict[str, object]:
        del self._alive[pid]
        _, status, usage = os.wait4(pid, 0)
        return {"type": "exit", "pid": pid, "status": status, "peak": usage.ru_maxrss}

    def _end(self) -> None:
        for pid in self._alive:
            try:
                os.killpg(pid, _SIGKILL)
            except OSError:
                continue
