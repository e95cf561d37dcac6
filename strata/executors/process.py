"""One child process in a group of its own: started, signalled, waited for, cleaned up after.

Knows nothing of cells. The invariant: after `close`, neither the child nor anything left in its
process group runs, no zombie remains, and no descriptor is open.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from strata.core.dataclass import dataclass
from strata.core.errors import ExecutorError


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: with an exit code, or by a signal."""

    code: int | None
    signal: int | None
    peak_memory_bytes: int
    lost: bool = False
    """Killed because the process that had forked it was gone: no fault of what it did."""


class Parent(Protocol):
    """The process that started a child, as far as it can be asked about it."""

    def is_over(self) -> bool:
        """Whether the child has ended. Does not wait, and does not reap."""

    def reap(self, wait: bool) -> Exit | None:
        """How it ended: from then on its number may be another's. None where it has not yet."""


class Child:
    """A running process. Its standard input is empty; `stdout` and `stderr` do not block."""

    def __init__(
        self, pid: int, stdout: int, stderr: int, pidfd: int | None, parent: Parent
    ) -> None:
        """The descriptors are its to close; `pidfd` becomes readable when the process ends."""
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        os.set_blocking(stdout, False)
        os.set_blocking(stderr, False)
        self.pidfd = pidfd
        self._parent = parent
        self._open = True
        self._exit: Exit | None = None

    def ended(self) -> bool:
        """Whether the process itself is over. Does not wait, and does not reap."""
        if self._exit is None and not hasattr(os, "waitid"):  # macOS before Python 3.13
            self._exit = self._parent.reap(wait=False)
        return self._exit is not None or self._parent.is_over()

    def signal_group(self, number: signal.Signals) -> None:
        """Sends `number` to the process and all that it started and that stayed in its group."""
        # The unreaped child keeps the group's number from being given to a stranger.
        if self._exit is None or not hasattr(os, "waitid"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def kill_rest(self) -> Exit:
        """Kills all that is left of the group and reaps the child."""
        self.signal_group(signal.SIGKILL)
        self._exit = self._exit or self._parent.reap(wait=True)
        assert self._exit is not None
        return self._exit

    def close(self) -> None:
        """Ends everything; safe to call at any time, and twice."""
        if self._exit is None:
            self.kill_rest()
        if self._open:
            self._open = False
            for fd in (self.stdout, self.stderr, self.pidfd):
                if fd is not None:
                    os.close(fd)


def start(
    argv: Sequence[str], folder: Path, variables: Mapping[str, str], pass_fds: Sequence[int]
) -> Child:
    """Starts `argv` in `folder`. Raises `ExecutorError` when that cannot be done."""
    with contextlib.ExitStack() as failed, contextlib.ExitStack() as theirs:
        try:
            stdout, stderr = (_pipe(failed, theirs) for _ in ("stdout", "stderr"))
        except OSError as problem:
            raise too_many_files(problem) from problem
        popen = _start(argv, folder, variables, pass_fds, (stdout[1], stderr[1]))
        child = Child(popen.pid, stdout[0], stderr[0], open_pidfd(popen.pid), _Ourselves(popen))
        failed.pop_all()
        return child


def _pipe(reading: contextlib.ExitStack, writing: contextlib.ExitStack) -> tuple[int, int]:
    """Both ends of a pipe, each closed with its stack."""
    reader, writer = os.pipe()
    reading.callback(os.close, reader)
    writing.callback(os.close, writer)
    return reader, writer


class _Ourselves:
    """We are the parent."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    def is_over(self) -> bool:
        if not hasattr(os, "waitid"):
            return False
        try:
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._popen.pid, options) is not None
        except ChildProcessError:
            return True

    def reap(self, wait: bool) -> Exit | None:
        try:
            pid, status, usage = os.wait4(self._popen.pid, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            # Somebody above us ignores SIGCHLD: the status is lost, the end is not.
            found = Exit(0, None, 0)
        else:
            if pid == 0:
                return None
            found = exit_of(status, usage.ru_maxrss)
        self._popen.returncode = 0 if found.code is None else found.code
        return found


def exit_of(status: int, maxrss: int) -> Exit:
    """What `wait4` says."""
    unit = 1 if sys.platform == "darwin" else 1024
    code, peak = os.waitstatus_to_exitcode(status), maxrss * unit
    return Exit(code, None, peak) if code >= 0 else Exit(None, -code, peak)


def open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when `pid` ends, where the system has such a thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _start(
    argv: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    pass_fds: Sequence[int],
    streams: tuple[int, int],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=streams[0],
            stderr=streams[1],
            close_fds=True,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        raise _not_started(argv[0], folder, problem) from problem


def _not_started(program: str, folder: Path, problem: Exception) -> ExecutorError:
    if not folder.is_dir():
        return ExecutorError(f"{folder}: the notebook's folder is not there any more")
    number = problem.errno if isinstance(problem, OSError) else None
    if number == errno.ENOENT:
        what, hint = "is not there", "was it uninstalled? remove the environment to make it anew"
    elif number == errno.EACCES:
        what, hint = "may not be executed", "look at the permissions of it and its folder"
    elif number == errno.ENOEXEC:
        what, hint = "is not a program for this machine (exec format error)", None
    elif number in (errno.EMFILE, errno.ENFILE):
        return too_many_files(problem)
    elif number in (errno.ENOMEM, errno.EAGAIN):
        what, hint = (
            f"could not be started ({problem})",
            "the machine is short of memory or processes",
        )
    else:
        what, hint = f"could not be started ({problem})", None
    return ExecutorError(f"{program}: the interpreter {what}", hint=hint)


def too_many_files(problem: Exception) -> ExecutorError:
    """The error for a process that has no descriptors left."""
    hint = "raise the limit (`ulimit -n`) or build with fewer jobs (`-j`)"
    return ExecutorError(f"cannot start a cell: {problem}", hint=hint)
