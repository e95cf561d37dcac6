"""Running the `uv` program: with the caller's variables, and ended when the build is.

Knows nothing of what it is asked to do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from strata.core.dataclass import dataclass
from strata.core.errors import EnvironmentFailed, Interrupted
from strata.executors.base import Cancellation

if TYPE_CHECKING:
    import subprocess

# Of these the caller's value would change what is made or found, not where it comes from.
_NOT_TAKEN_OVER = frozenset(
    {
        "CLICOLOR_FORCE",
        "CONDA_DEFAULT_ENV",
        "CONDA_PREFIX",
        "FORCE_COLOR",
        "PYTHONHOME",
        "PYTHONPATH",
        "UV_BREAK_SYSTEM_PACKAGES",
        "UV_DEV",
        "UV_FROZEN",
        "UV_LOCKED",
        "UV_NO_DEFAULT_GROUPS",
        "UV_NO_DEV",
        "UV_NO_EDITABLE",
        "UV_NO_GROUP",
        "UV_NO_INSTALL_PROJECT",
        "UV_NO_PROJECT",
        "UV_NO_SYNC",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_WORKING_DIR",
        "UV_WORKING_DIRECTORY",
        "VIRTUAL_ENV",
    }
)
_TOLD_LINES = 20


@dataclass(frozen=True, slots=True)
class UvEnded:
    """What uv left: its exit code and its words."""

    code: int
    stdout: str
    stderr: str

    @property
    def words(self) -> str:
        """The end of what uv said, for an error message."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return "\n".join(lines[-_TOLD_LINES:]) or f"uv ended with exit code {self.code}"


class Uv:
    """The uv program, as one build may use it. Safe for threads."""

    def __init__(self, variables: Mapping[str, str], cancellation: Cancellation) -> None:
        """`variables` are the caller's: uv needs its indexes, certificates, proxies and cache."""
        self.variables: Mapping[str, str] = {
            n: v for n, v in variables.items() if n not in _NOT_TAKEN_OVER
        }
        self._cancellation = cancellation

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        extra: Mapping[str, str] | None = None,
        keep_open: Sequence[int] = (),
    ) -> UvEnded:
        """Runs `uv arguments…` in `folder`, with `extra` variables, and waits for its end.

        `keep_open` are descriptors that uv inherits: a lock held by one lasts as long as uv, even
        if we are killed. Raises `EnvironmentFailed` without uv, `Interrupted` when cancelled.
        """
        self._stop_if_asked()
        import subprocess  # a null build has this module for the types, and runs nothing

        variables = {**self.variables, **(extra or {}), "NO_COLOR": "1"}
        try:
            process = subprocess.Popen(
                [_find_uv(), "--no-progress", *arguments],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=tuple(keep_open),
                start_new_session=True,
            )
        except OSError as problem:
            raise EnvironmentFailed(f"cannot run uv: {problem}") from problem
        with _Killer(process) as killer:
            unsubscribe = self._cancellation.subscribe(lambda _hasty: killer.kill())
            try:
                if self._cancellation.requested:  # asked before we listened
                    killer.kill()
                stdout, stderr = process.communicate()
            finally:
                unsubscribe()
        self._stop_if_asked()
        return UvEnded(
            process.returncode,
            stdout.decode("utf-8", "backslashreplace"),
            stderr.decode("utf-8", "backslashreplace"),
        )

    def _stop_if_asked(self) -> None:
        if self._cancellation.requested:
            raise Interrupted("stopped while an environment was being made")


class _Killer:
    """Kills a process group once, from any thread, and never after the process was waited for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread

    def kill(self) -> None:
        # At once and hard: uv's cache bears it, and a half-made environment is made anew.
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> _Killer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _find_uv() -> str:
    # Imported here: it looks at the installation, and a null build never needs it.
    from uv import find_uv_bin

    try:
        return os.fsdecode(find_uv_bin())
    except FileNotFoundError as problem:
        hint = "reinstall Strata: the `uv` package brings the program along"
        raise EnvironmentFailed(f"uv is not there: {problem}", hint=hint) from problem
