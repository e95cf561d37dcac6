"""Which actions are confined, to what, and whether this machine can do it at all.

The confining itself is `strata/runner/sandbox.py`, in the cell's process; what a refusal is told as
is `strata.executors.refusals`. The invariant: what is asked for and cannot be kept is an error
before anything runs.
"""

from __future__ import annotations

import contextlib
import glob
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from strata.core.action import Action, ReadyAction
from strata.core.dataclass import dataclass
from strata.core.errors import UsageError
from strata.core.result import ActionResult

STRICT, OFF = "strict", "off"

_CREATE_RULESET, _VERSION = 444, 1  # the system call `landlock_create_ruleset`, asked its version
_TRY_UNSHARE = (
    "import ctypes, sys\n"
    "unshare = ctypes.CDLL(None).unshare\n"
    "sys.exit(unshare(0x40000000) != 0 and unshare(0x50000000) != 0)\n"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a build says of all its cells; `@sandbox` of a cell wins over `strict`."""

    strict: bool = False
    network: bool = True

    def confines(self, action: Action) -> bool:
        """Whether `action` may reach only what it declares."""
        return self.strict if action.sandbox is None else action.sandbox == STRICT

    def accepts(self, ready: ReadyAction, result: ActionResult) -> bool:
        """Whether a recorded result counts: of a confined cell only one made in confinement."""
        return result.sandboxed or not self.confines(ready.action)


UNCONFINED = Policy()


@dataclass(frozen=True, slots=True)
class Confinement:
    """What one action may reach of the workspace. Paths are absolute."""

    root: Path
    folder: Path
    """The notebook's."""
    read: tuple[str, ...]
    """Files that are declared."""
    write: tuple[str, ...]
    """Declared outputs; a path with marks in it stands for what a glob may give."""
    open: tuple[str, ...] = ()
    """Folders that are not the workspace's although they lie in it: scratch, environment."""


def check(policy: Policy, actions: Iterable[Action]) -> None:
    """Raises `UsageError` if this machine cannot keep what `policy` and the cells ask for."""
    confined = next((a for a in actions if policy.confines(a)), None)
    if confined is not None and (reason := no_landlock()) is not None:
        where = f"{confined.label}: " if confined.sandbox is not None else ""
        raise UsageError(
            f"{where}cells cannot be confined here: {reason}",
            hint="Linux 5.13 or later can, if `lsm=` at boot names landlock; "
            "build with --sandbox=off, without `# @sandbox strict`, to run cells unconfined",
        )
    if not policy.network and (reason := no_private_network()) is not None:
        raise UsageError(
            f"the network cannot be taken from cells here: {reason}",
            hint="build with --network=on, or let the kernel make user namespaces "
            "(`sysctl user.max_user_namespaces`)",
        )


def no_landlock() -> str | None:
    """Why this kernel has no Landlock for us; None if it has."""
    if not sys.platform.startswith("linux"):
        return "the sandbox needs Linux"
    import ctypes  # 5 ms, and only the sandbox needs it

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION) >= 1:
        return None
    return f"the kernel has no Landlock ({os.strerror(ctypes.get_errno()).lower()})"


def no_private_network() -> str | None:
    """Why a process here cannot leave the network; None if it can."""
    if not sys.platform.startswith("linux"):
        return "that needs Linux"
    # In a process of its own: what has been left cannot be entered again.
    tried = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TRY_UNSHARE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return None if tried.returncode == 0 else "the kernel refuses a network namespace (unshare)"


def confinement(
    policy: Policy, ready: ReadyAction, root: Path, *opened: Path | None
) -> Confinement | None:
    """What `ready` may reach beside the folders `opened`; None if it is not confined.

    A folder that is declared as an output is there afterwards: only so can it be opened to the
    cell that writes to it, and to nothing else.
    """
    action = ready.action
    if not policy.confines(action):
        return None
    folder = root / action.folder
    files = ready.provenance.get("files", {})
    assert isinstance(files, Mapping)
    read = tuple(str(root / path) for path in files)
    write = tuple(path for name in action.files.written for path in _written(root, folder, name))
    return Confinement(root, folder, read, write, tuple(str(p) for p in opened if p is not None))


def frame(
    policy: Policy, confined: Confinement | None, blobs: Iterable[str]
) -> dict[str, object] | None:
    """The entry `sandbox` of the `run` frame; None where there is nothing to do.

    `blobs` are the files of the values that the action gets.
    """
    if confined is None and policy.network:
        return None
    return {
        "read": None if confined is None else [*confined.read, *blobs],
        "write": [] if confined is None else list(confined.write),
        "network": policy.network,
    }


def _written(root: Path, folder: Path, name: str) -> Iterator[str]:
    """The paths that an output `name` stands for: itself, and files that match already."""
    path = declared_path(root, folder, name)
    if path is None:
        return
    if name.endswith("/"):
        with contextlib.suppress(OSError):  # the cell will say so
            os.makedirs(path, exist_ok=True)
    yield path
    if glob.has_magic(path):
        inside = os.path.join(root, "")
        found = glob.glob(path, recursive=True, include_hidden=True)
        yield from (p for p in found if os.path.realpath(p).startswith(inside))


def declared_path(root: Path, folder: Path, name: str) -> str | None:
    """The absolute path of what an annotation or a literal names; None outside the workspace."""
    start = root if name.startswith("//") else folder
    path = os.path.normpath(os.path.join(start, name[2:] if name.startswith("//") else name))
    return path if path.startswith(os.path.join(root, "")) else None
