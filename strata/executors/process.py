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
from dataclasses import dataclass
from pathlib import Path

from strata.core.errors import ExecutorError


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: with an exit code, or by a signal."""

    code: int | None
    signal: int | None
    peak_memory_bytes: int


class Child:
    """A running process. Its standard input is empty; `stdout` and `stderr` do not block."""

    def __init__(
        self,
        argv: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        pass_fds: Sequence[int],
    ) -> None:
        """Starts `argv` in `folder`. Raises `ExecutorError` when that cannot be done."""
        self._popen = _start(argv, folder, variables, pass_fds)
        self.pid = self._popen.pid
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        self.stdout = self._popen.stdout.fileno()
        self.stderr = self._popen.stderr.fileno()
        os.set_blocking(self.stdout, False)
        os.set_blocking(self.stderr, False)
        self.pidfd = _open_pidfd(self.pid)
        self._exit: Exit | None = None

    def ended(self) -> bool:
        """Whether the process itself is over. Does not wait, and does not reap."""
        if self._exit is not None:
            return True
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._reap(os.WNOHANG)
        try:
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self.pid, options) is not None
        except ChildProcessError:
            return True

    def signal_group(self, number: signal.Signals) -> None:
        """Sends `number` to the process and all that it started and that stayed in its group."""
        # The unreaped child keeps the group's number from being given to a stranger.
        if self._exit is None or not hasattr(os, "waitid"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def kill_rest(self) -> Exit:
        """Kills all that is left of the group and reaps the child."""
        self.signal_group(signal.SIGKILL)
        self._reap(0)
        assert self._exit is not None
        return self._exit

    def close(self) -> None:
        """Ends everything; safe to call at any time, and twice."""
        if self._exit is None:
            self.kill_rest()
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()

    def _reap(self, options: int) -> bool:
        if self._exit is not None:
            return True
        try:
            pid, status, usage = os.wait4(self.pid, options)
        except ChildProcessError:
            # Somebody above us ignores SIGCHLD: the status is lost, the end is not.
            self._exit = Exit(0, None, 0)
        else:
            if pid == 0:
                return False
            unit = 1 if sys.platform == "darwin" else 1024
            code = os.waitstatus_to_exitcode(status)
            peak = usage.ru_maxrss * unit
            self._exit = Exit(code, None, peak) if code >= 0 else Exit(None, -code, peak)
        self._popen.returncode = 0 if self._exit.code is None else self._exit.code
        return True


def _open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when `pid` ends, where the system has such a thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _start(
    argv: Sequence[str], folder: Path, variables: Mapping[str, str], pass_fds: Sequence[int]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
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
