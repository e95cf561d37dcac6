"""One zygote as the engine sees it: a socket on which processes for cells are offered.

The other end is `strata/runner/zygote.py`. What goes wrong here is never an error of a build: a
zygote that is dead, silent or strange raises `Lost`, and whoever asked does without it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.executors.base import Cancellation
from strata.executors.frames import pack
from strata.executors.process import Child, Exit, exit_of, open_pidfd

READY_S = 120.0
"""How long importing may take; a cell would take as long."""
ANSWER_S = 20.0
"""How long a fork, or the end of a process that was killed, may take."""

_PREFIX = struct.Struct(">IQ")
_FDS = 3
_MOST_BYTES = 1 << 20


class Lost(Exception):
    """The zygote is not there any more, or not as it should be; the text says what happened."""


class Unfit(Exception):
    """The modules cannot be imported ahead; the text says why."""

    def __init__(self, reason: str, lasting: bool) -> None:
        super().__init__(reason)
        self.lasting = lasting
        """Whether it will be so the next time."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a zygote says of itself."""

    memory_bytes: int
    names: frozenset[str] = frozenset()
    """Top-level modules that it has imported, or looked for in vain."""
    reads: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Files and folders that it has read, and how they looked; () where nothing was there."""
    absent: tuple[str, ...] = ()
    """What was looked for in the current folder, and not found."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process that waits for its `run` frame, and our end of its channel."""

    child: Child
    channel: socket.socket


class Zygote:
    """The connection to one zygote. Safe for threads."""

    def __init__(
        self,
        connection: socket.socket,
        frames: Frames,
        traits: Traits,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """`process` is ended with the connection."""
        self.traits = traits
        self.lost = False
        self.running = 0
        self.used_at = time.monotonic()
        self._connection = connection
        self._process = process
        self._frames = frames
        self._lock = threading.Lock()
        self._offers: deque[tuple[int, Sequence[int]]] = deque()
        self._exits: dict[int, Exit] = {}

    def take(self) -> Started:
        """The process that is offered; another one is asked for. Raises `Lost`."""
        with self._lock, self._careful():
            while not self._offers:
                self._hear()
            pid, fds = self._offers.popleft()
            self._connection.sendall(_NEXT)
            self.running += 1
            self.used_at = time.monotonic()
        stdout, stderr, channel = fds
        pidfd = open_pidfd(pid)
        if pidfd is None:  # no descriptors left
            for fd in fds:
                os.close(fd)
            raise Lost("its end would not be noticed")
        child = Child(pid, stdout, stderr, pidfd, _Forked(self, pid, pidfd))
        return Started(child, socket.socket(fileno=channel))

    def reap(self, pid: int) -> Exit:
        """How the process ended. Raises `Lost`."""
        with self._lock:
            self.running -= 1
            with self._careful():
                self._connection.sendall(_frame({"type": "reap", "pid": pid}))
                while pid not in self._exits:
                    self._hear()
                return self._exits.pop(pid)

    def close(self) -> None:
        """The zygote is gone, and every process of its that is left."""
        with self._lock:
            self.lost = True
            self._connection.close()
            for _, fds in self._offers:
                for fd in fds:
                    os.close(fd)
            self._offers.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def leave(self) -> None:
        """We have nothing to do with it any more; a fork of it lives on."""
        self._connection.close()
        if self._process is not None:
            self._process.wait()

    def _hear(self) -> None:
        header, fds = self._frames.next()
        match header:
            case {"type": "offer", "pid": int(pid)} if len(fds) == _FDS:
                self._offers.append((pid, fds))
            case {"type": "exit", "pid": int(pid), "status": int(status), "peak": int(peak)}:
                self._exits[pid] = exit_of(status, peak)
            case _:
                raise Lost(f"it said {header!r:.80}")

    @contextlib.contextmanager
    def _careful(self) -> Iterator[None]:
        if self.lost:
            raise Lost("it is gone")
        try:
            yield
        except (Lost, OSError) as problem:
            self.lost = True
            raise Lost(str(problem)) from problem


class _Forked:
    """The zygote is the parent of a child."""

    def __init__(self, zygote: Zygote, pid: int, pidfd: int) -> None:
        self._zygote = zygote
        self._pid = pid
        self._poll = select.poll()
        self._poll.register(pidfd, select.POLLIN)

    def is_over(self) -> bool:
        return bool(self._poll.poll(0))

    def reap(self, wait: bool) -> Exit | None:
        try:
            return self._zygote.reap(self._pid)
        except Lost:
            # The kernel has killed it, as its parent is gone.
            self._poll.poll(ANSWER_S * 1000)
            return Exit(None, signal.SIGKILL, 0, lost=True)


class Frames:
    """Frames that arrive on a stream socket, with the descriptors that came along."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._fds: deque[int] = deque()

    def next(self) -> tuple[Mapping[str, object], Sequence[int]]:
        """The next frame; its descriptors, if it is an offer. Raises `Lost` and `OSError`."""
        while True:
            if len(self._buffer) >= _PREFIX.size:
                size, _ = _PREFIX.unpack_from(self._buffer)
                end = _PREFIX.size + size
                if size > _MOST_BYTES:
                    raise Lost("it said too much")
                if len(self._buffer) >= end:
                    header = _parsed(bytes(self._buffer[_PREFIX.size : end]))
                    del self._buffer[:end]
                    count = _FDS if header.get("type") == "offer" else 0
                    if len(self._fds) < count:
                        raise Lost("it offered nothing")
                    return header, [self._fds.popleft() for _ in range(count)]
            data, fds, _, _ = socket.recv_fds(self._connection, 1 << 16, _FDS)
            self._fds.extend(fds)
            if not data:
                raise Lost("it has ended")
            self._buffer += data


def start(
    argv: Sequence[str],
    variables: Mapping[str, str],
    asked: Mapping[str, object],
    runner: Path,
    cancellation: Cancellation,
) -> Zygote:
    """A zygote that has done what the frame `asked` says, and ends with us.

    Raises `Lost`, also when the build is stopped meanwhile, and `Unfit`. One that is to `listen` is
    not to be used: connect to it.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    said, writer = os.pipe()
    with contextlib.ExitStack() as stack:
        failed = stack.enter_context(contextlib.ExitStack())
        failed.callback(ours.close)
        stack.callback(os.close, said)
        os.set_blocking(said, False)
        try:
            process = subprocess.Popen(
                [*argv, "-s", str(runner), str(theirs.fileno())],
                cwd="/",
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as problem:
            raise Lost(str(problem)) from problem
        finally:
            os.close(writer)
            theirs.close()
        failed.callback(process.wait)
        failed.callback(process.kill)
        stack.callback(cancellation.subscribe(lambda _hasty: _hang_up(ours)))
        frames = Frames(ours)
        traits = greet(ours, frames, asked)
        # It would be missing in the cells that import the modules.
        with contextlib.suppress(BlockingIOError):
            if os.read(said, 1):
                raise Unfit("they print something when they are imported", lasting=True)
        failed.pop_all()
        return Zygote(ours, frames, traits, process)


def _hang_up(connection: socket.socket) -> None:
    """Whoever waits for an answer there waits no longer."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def connect(path: str) -> Zygote:
    """A fork of the zygote that listens there, which ends with us. Raises `Lost`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(ANSWER_S)
        connection.connect(path)
        if _peer(connection) != os.getuid():
            raise Lost("it is another user's")
        frames = Frames(connection)
        return Zygote(connection, frames, greet(connection, frames))
    except (OSError, Unfit) as problem:
        connection.close()
        raise Lost(str(problem)) from problem
    except Lost:
        connection.close()
        raise


def _peer(connection: socket.socket) -> int:
    """The user at the other end."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[1])


def greet(
    connection: socket.socket, frames: Frames, asked: Mapping[str, object] | None = None
) -> Traits:
    """What the zygote says of itself, when it is ready. Raises `Lost` and `Unfit`."""
    try:
        connection.settimeout(READY_S)
        if asked is not None:
            connection.sendall(_frame({"type": "zygote", **asked}))
        header, _ = frames.next()
        connection.settimeout(ANSWER_S)
        return _traits(header)
    except (OSError, TypeError, KeyError, ValueError) as problem:
        raise Lost(str(problem)) from problem


def _traits(header: Mapping[str, object]) -> Traits:
    match header:
        case {"type": "unfit", "reason": str(reason), "lasting": bool(lasting)}:
            raise Unfit(reason, lasting)
        case {
            "type": "ready",
            "memory_bytes": int(memory_bytes),
            "names": list(names),
            "reads": list(reads),
            "absent": list(absent),
        }:
            looks = tuple((str(path), tuple(signature)) for path, *signature in reads)
            return Traits(memory_bytes, frozenset(names), looks, tuple(absent))
        case _:
            raise Lost(f"it said {header!r:.80}")


def _frame(header: Mapping[str, object]) -> bytes:
    return b"".join(pack(header))


_NEXT = _frame({"type": "next"})


def _parsed(text: bytes) -> Mapping[str, object]:
    try:
        header = json.loads(text)
    except ValueError as problem:
        raise Lost(f"it said what is no JSON: {problem}") from problem
    return header if isinstance(header, dict) else {}
