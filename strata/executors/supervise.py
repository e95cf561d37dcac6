"""Watching one runner from start to end: its messages, its output, its time, the wish to stop.

One thread, one `select`: it wakes when something arrives, when the process ends, when the build
is cancelled or when a deadline passes, and for nothing else. It ends when the *process* ends: a
grandchild that keeps a pipe open holds nobody up.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from strata.core.dataclass import dataclass, field
from strata.executors.base import Cancellation
from strata.executors.capture import Capture
from strata.executors.frames import DoneSent, FailedSent, FrameReader, Malformed, Message
from strata.executors.process import Child, Exit

TIMEOUT_GRACE_S = 2.0
"""From SIGTERM to SIGKILL when a cell ran too long."""
CANCEL_GRACE_S = 1.0
"""The same when the build is stopped; asked twice, there is none."""
LINGER_S = 2.0
"""How long a runner may live after its last message: threads of the cell that do not end."""

_CHUNK = 1 << 16
_SOCKET_CHUNK = 1 << 18
_AFTERWARDS_LIMIT_BYTES = 16 << 20  # read of one stream once the process is gone
_NO_PIDFD_TICK_S = 0.02


class Stop(Enum):
    """Why we ended the process, if we did."""

    TIMEOUT = "it ran longer than it may"
    CANCELLED = "the build was stopped"


@dataclass(slots=True)
class Ending:
    """All that is known of a run when it is over."""

    exit: Exit
    messages: list[Message] = field(default_factory=list)
    """Outputs and displays, in the order sent."""
    final: FailedSent | DoneSent | None = None
    malformed: str | None = None
    stop: Stop | None = None


def supervise(
    child: Child,
    channel: socket.socket,
    request: Sequence[bytes],
    capture: Capture,
    timeout_s: float,
    cancellation: Cancellation,
) -> Ending:
    """Sends `request`, and returns when the child has ended and its group is dead."""
    with contextlib.ExitStack() as stack:
        wake = _Wake()
        stack.callback(wake.close)
        selector = stack.enter_context(selectors.DefaultSelector())
        watch = _Watch(child, channel, request, capture, timeout_s, cancellation, wake, selector)
        stack.callback(cancellation.subscribe(lambda _hasty: wake.set()))
        while not child.ended():
            watch.step()
        # Reaped only here: until then the group's number is the child's, dead or alive.
        ended = child.kill_rest()
        watch.drain()
        peak_memory_bytes = watch.peak_memory_bytes or ended.peak_memory_bytes
        return Ending(
            exit=Exit(ended.code, ended.signal, peak_memory_bytes, ended.lost),
            messages=watch.messages,
            final=watch.final,
            malformed=watch.malformed,
            stop=watch.stop,
        )


class _Wake:
    """Makes a `select` return from another thread, or from a signal handler."""

    def __init__(self) -> None:
        # Reentrant: a signal may be handled by the thread that is closing this.
        self._lock = threading.RLock()
        self._open = True
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)

    def set(self) -> None:
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._open:
                os.write(self._writer, b"!")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.reader, _CHUNK)

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                os.close(self.reader)
                os.close(self._writer)


class _Watch:
    """The state of one watched run. The earliest of its deadlines bounds each wait."""

    def __init__(
        self,
        child: Child,
        channel: socket.socket,
        request: Sequence[bytes],
        capture: Capture,
        timeout_s: float,
        cancellation: Cancellation,
        wake: _Wake,
        selector: selectors.BaseSelector,
    ) -> None:
        self._child = child
        self._channel = channel
        self._outgoing = [memoryview(piece) for piece in reversed(request) if piece]
        self._capture = capture
        self._cancellation = cancellation
        self._frames = FrameReader()
        self._timeout_at: float | None = time.monotonic() + timeout_s
        self._kill_at: float | None = None
        self._killed = False
        self.messages: list[Message] = []
        self.final: FailedSent | DoneSent | None = None
        self.malformed: str | None = None
        self.stop: Stop | None = None
        self.peak_memory_bytes = 0
        self._wake = wake
        self._selector = selector
        self._sources: dict[int, Callable[[], int]] = {}
        self._register()

    def _register(self) -> None:
        self._channel.setblocking(False)
        child, channel = self._child, self._channel.fileno()
        self._sources = {
            child.stdout: lambda: self._read_pipe("stdout", child.stdout),
            child.stderr: lambda: self._read_pipe("stderr", child.stderr),
            channel: self._read_channel,
        }
        for source in self._sources:
            self._selector.register(source, selectors.EVENT_READ)
        if self._outgoing:
            self._selector.modify(channel, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self._selector.register(self._wake.reader, selectors.EVENT_READ)
        if child.pidfd is not None:
            self._selector.register(child.pidfd, selectors.EVENT_READ)

    def step(self) -> None:
        """Does what is due, then waits for the next thing and handles it."""
        self._enforce(time.monotonic())
        for key, events in self._selector.select(self._pause()):
            if key.fd == self._wake.reader:
                self._wake.clear()
            elif events & selectors.EVENT_WRITE:
                self._write_channel()
            if events & selectors.EVENT_READ and key.fd in self._sources:
                self._sources[key.fd]()

    def drain(self) -> None:
        """Reads what the dead process left in its pipes, and no more than that."""
        for source, read in list(self._sources.items()):
            taken = 0
            while source in self._sources and taken < _AFTERWARDS_LIMIT_BYTES:
                count = read()
                if count == 0:
                    break
                taken += count

    def _pause(self) -> float | None:
        moments = [m for m in (self._timeout_at, self._kill_at) if m is not None]
        pause = max(0.0, min(moments) - time.monotonic()) if moments else None
        if self._child.pidfd is not None:
            return pause
        return _NO_PIDFD_TICK_S if pause is None else min(pause, _NO_PIDFD_TICK_S)

    def _enforce(self, now: float) -> None:
        if self._cancellation.requested:
            self._end(Stop.CANCELLED, now, CANCEL_GRACE_S)
        if self._timeout_at is not None and now >= self._timeout_at:
            self._end(Stop.TIMEOUT, now, TIMEOUT_GRACE_S)
        if self._cancellation.hasty:
            self._kill_at = now
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            if not self._killed:
                self._killed = True
                self._child.signal_group(signal.SIGKILL)

    def _end(self, why: Stop, now: float, grace_s: float) -> None:
        """Asks the group to end; the first reason stays, the earliest deadline counts."""
        if why is Stop.TIMEOUT:
            self._timeout_at = None
        if self._killed or self.stop is why:
            return
        if self.stop is None:
            self.stop = why
            self._child.signal_group(signal.SIGTERM)
        kill_at = now + grace_s
        self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)

    def _read_pipe(self, stream: str, source: int) -> int:
        try:
            data = os.read(source, _CHUNK)
        except BlockingIOError:
            return 0
        if data:
            self._capture.feed(stream, data)
        else:
            self._forget(source)
        return len(data)

    def _read_channel(self) -> int:
        try:
            data = self._channel.recv(_SOCKET_CHUNK)
        except BlockingIOError:
            return 0
        except ConnectionError:
            data = b""
        if data:
            self._hear(data)
        else:
            self._forget(self._channel.fileno())
        return len(data)

    def _hear(self, data: bytes) -> None:
        if self.malformed is not None:
            return
        try:
            for message in self._frames.feed(data):
                if isinstance(message, FailedSent | DoneSent):
                    self._settle(message)
                else:
                    self.messages.append(message)
        except Malformed as problem:
            self.malformed = str(problem)
            self._kill_at = time.monotonic()

    def _settle(self, final: FailedSent | DoneSent) -> None:
        """The runner has said its last: from here its time is short, and not the cell's."""
        self.final = final
        now = time.monotonic()
        self._timeout_at = None
        self._kill_at = now + LINGER_S if self._kill_at is None else self._kill_at
        self.peak_memory_bytes = final.peak_memory_bytes or _high_water_bytes(self._child.pid)

    def _write_channel(self) -> None:
        try:
            while self._outgoing:
                piece = self._outgoing[-1]
                sent = self._channel.send(piece)
                self._outgoing[-1] = piece[sent:]
                if not self._outgoing[-1]:
                    self._outgoing.pop()
        except BlockingIOError:
            return
        except ConnectionError:
            self._outgoing.clear()  # it ended before it read all: its exit will say why
        if self._channel.fileno() in self._sources:
            self._selector.modify(self._channel.fileno(), selectors.EVENT_READ)

    def _forget(self, source: int) -> None:
        del self._sources[source]
        self._selector.unregister(source)


def _high_water_bytes(pid: int) -> int:
    """The most memory `pid` has had since its exec; 0 where that cannot be known.

    `ru_maxrss` is no substitute on Linux: it begins with what *we* had when we started the child.
    """
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
