"""What a cell's process may reach of the workspace and of the network, from before the cell begins.

By Landlock (Linux, `man 7 landlock`): rules name what is allowed, a rule on a folder holds for all
below it, nothing can be taken back, and every child process inherits them. So the folders above
the workspace are opened entry by entry, the workspace file by file; of the workspace itself every
name may be listed, no content read. What cannot be enforced is an error, never ignored.

Also here: the exception that such a refusal became, found in what the cell raised. It is told as
`VERB PATH`; the parent, who knows the notebook, makes a sentence and an advice of it.
"""

from __future__ import annotations

import os
import sys

from .process import c_function, die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Callable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_RIGHTS_OF_FIRST_VERSION = (1 << 13) - 1
_SINCE = ((_REFER, 2), (_TRUNCATE, 3), (_IOCTL_DEV, 5))
"""Rights that later versions of Landlock know, and which."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""What a rule on a file may hold; the kernel refuses one that holds more."""
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_MAKING = (_RIGHTS_OF_FIRST_VERSION & ~_READING) | _REFER | _TRUNCATE
"""Writing, making, renaming and removing whatever is below a folder, and reading none of it."""

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev", "/run")
"""What stays open where the workspace is the whole file system."""

_REFUSALS = (13, 18)  # EACCES; EXDEV for a rename that would give a file more rights
_SQLITE = "unable to open database file"
_MOST_EXCEPTIONS = 50
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = frozenset(
    ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate")
)


class Sandbox:
    """What one process was confined to."""

    def __init__(self, root: str, scratch: str, read: Iterable[str], write: Iterable[str]) -> None:
        """All paths are absolute. `write` may name files and folders that are not there."""
        self._root = os.path.realpath(root)
        self._scratch = scratch
        self._read = frozenset(read)
        self._write = tuple(write)
        self._changed: dict[str, str] = {}
        """Paths that Python code wanted to write, and how."""
        self._database = ""
        """What SQLite was asked to open last: its errors do not say."""

    def enter(self) -> None:
        """From here on the kernel refuses everything else. Raises `OSError` where it cannot."""
        version = _landlock(_CREATE_RULESET, None, 0, _VERSION)
        rights = _RIGHTS_OF_FIRST_VERSION
        for right, since in _SINCE:
            rights |= right if version >= since else 0
        rules = _Rules(rights)
        self._allow(rules)
        rules.enforce()
        sys.addaudithook(self._note)

    def refused(self, problem: BaseException | None) -> str | None:
        """`VERB PATH` of the first refusal of ours among `problem` and what is behind it.

        The verb is `read`, `write`, `mkdir`, or `above` for what lies over the workspace.
        """
        paths = list(_paths_of(problem))
        if not paths and problem is not None and _SQLITE in str(problem):
            paths = [self._database]
        for path in paths:
            verb = self._verb(os.path.abspath(path))
            if verb is not None:
                return f"{verb} {os.path.abspath(path)}"
        return None

    def refused_reads(self, paths: Iterable[str]) -> list[str]:
        """Of files that the cell wanted to read, those of the workspace that it was refused."""
        return [path for path in paths if _is_in(path, self._root) and _cannot_be_read(path)]

    def _allow(self, rules: _Rules) -> None:
        for path in _around(self._root):
            rules.allow(path, ~0)
        rules.allow(self._root, _READ_DIR)
        for path in self._machinery():
            rules.allow(path, _READING)
        rules.allow(self._scratch, ~0)
        for path in self._read:
            rules.allow(path, _READING)
        for path in self._write:
            rules.allow(path, ~0)
            if not os.path.isdir(path):
                rules.allow(self._nearest_folder(path), _MAKING)

    def _machinery(self) -> Iterator[str]:
        """The interpreter, its packages and this program, wherever they are."""
        yield os.path.dirname(__file__)
        here = os.path.join(os.path.realpath(os.getcwd()), "")
        for path in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *sys.path}:
            # A package that is installed from the notebook's own folder would open all of it.
            if path and not here.startswith(os.path.join(os.path.realpath(path), "")):
                yield path

    def _nearest_folder(self, path: str) -> str:
        """The folder in which `path` would be made, or the one in which its folders would be."""
        path = os.path.dirname(path)
        while not os.path.isdir(path) and len(path) > len(self._root):
            path = os.path.dirname(path)
        return path

    def _note(self, event: str, arguments: Any) -> None:
        """The audit hook: an error says which path was refused, and not what for."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING_FLAGS:
                self._changed[_text(path)] = "write"
        elif event == "sqlite3.connect":
            self._database = _text(arguments[0])
        elif event in _CHANGES:
            for path in arguments[:2]:
                self._changed[_text(path)] = "mkdir" if event == "os.mkdir" else "write"

    def _verb(self, path: str) -> str | None:
        """What was refused at `path`, or None where the sandbox refuses nothing."""
        real = os.path.realpath(path)
        if not _is_in(real, self._root):
            made = not os.path.lexists(path) and _is_in(self._root, os.path.dirname(real))
            return "above" if made or _is_in(self._root, real) else None
        if _is_in(real, os.path.realpath(self._scratch)):
            return None
        changed = self._changed.get(path)
        if changed is not None:
            return changed
        if not os.path.lexists(path) or path in self._read:
            return "write"
        return None if os.path.isdir(path) else "read"


class _Rules:
    """A ruleset of Landlock while it is being written."""

    def __init__(self, rights: int) -> None:
        """`rights` are those that are refused where no rule allows them."""
        self._rights = rights
        self._fd = _landlock(_CREATE_RULESET, _packed(rights, 8), 8, 0)

    def allow(self, path: str, rights: int) -> None:
        """`rights` hold for `path` and all below it. A path that is not there is passed over."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            rights &= self._rights
            if not os.path.isdir(path):
                rights &= _OF_FILES
            if rights:
                rule = _packed(rights, 8) + _packed(fd, 4)
                _landlock(_ADD_RULE, self._fd, _PATH_BENEATH, rule, 0)
        finally:
            os.close(fd)

    def enforce(self) -> None:
        """The rules hold for this process and its children, for ever."""
        prctl = c_function("prctl")
        if prctl is None or prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError("the sandbox cannot be entered: prctl(PR_SET_NO_NEW_PRIVS) failed")
        _landlock(_RESTRICT_SELF, self._fd, 0)
        os.close(self._fd)


def leave_network() -> None:
    """This process has a network of its own, with nothing in it but itself. Raises `OSError`."""
    uid, gid = os.getuid(), os.getgid()
    unshare = c_function("unshare")
    if unshare is None:
        raise OSError("the network cannot be taken away: there is no unshare")
    if unshare(_CLONE_NEWNET) != 0:
        if unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            raise OSError("the network cannot be taken away: unshare failed")
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    die_with_parent()  # new credentials may have undone it
    _raise_loopback()


def _raise_loopback() -> None:
    """127.0.0.1 works, as far as the kernel lets us: pools and notebooks' servers use it."""
    try:
        import fcntl
        from _socket import AF_INET, SOCK_DGRAM, socket

        up_and_running = 0x41
        request = b"lo".ljust(16, b"\0") + up_and_running.to_bytes(2, sys.byteorder) + b"\0" * 22
        sock = socket(AF_INET, SOCK_DGRAM)
        fcntl.ioctl(sock.fileno(), 0x8914, request)  # SIOCSIFFLAGS
        sock.close()
    except OSError:
        return


def _around(root: str) -> Iterator[str]:
    """Everything outside of `root`: the entries of the folders above it, but those on the way.

    Links are left out: what they lead to counts where it is, and may be within `root`.
    """
    if root == "/":
        yield from _SYSTEM
    path = root
    while path != "/":
        above = os.path.dirname(path)
        try:
            names = os.listdir(above)
        except OSError:
            names = []
        for name in names:
            entry = os.path.join(above, name)
            if entry != path and not os.path.islink(entry):
                yield entry
        path = above


def _paths_of(problem: BaseException | None) -> Iterator[str]:
    """The paths that refused calls name, in `problem` and in those behind it."""
    waiting = [problem]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_EXCEPTIONS:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, OSError) and one.errno in _REFUSALS:
            # Of a rename, where it was to go comes first: what it left is rarely the reason.
            for path in (one.filename2, one.filename):
                if isinstance(path, (str, bytes)):
                    yield os.fsdecode(path)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _cannot_be_read(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as problem:
        return problem.errno in _REFUSALS
    return False


def _text(path: object) -> str:
    """The absolute path that a call was given, however; "" for a descriptor."""
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.path.abspath(os.fsdecode(path))
    return ""


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _packed(number: int, size: int) -> bytes:
    return number.to_bytes(size, sys.byteorder)


_syscall: list[Callable[..., int]] = []
"""The C library's, once it was looked up."""


def _landlock(number: int, *arguments: int | bytes | None) -> int:
    """A system call of Landlock. Raises `OSError` with what the kernel said."""
    import _ctypes

    if not _syscall:
        flags = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
        prototype = type("_Call", (_ctypes.CFuncPtr,), {"_flags_": flags})
        program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
        _syscall.append(prototype(_ctypes.dlsym(program, "syscall")))
    answer = _syscall[0](number, *arguments)
    if answer < 0:
        reason = os.strerror(_ctypes.get_errno())
        raise OSError(f"the sandbox cannot be entered: Landlock said: {reason}")
    return answer


def enter(header: Mapping[str, Any]) -> list[Sandbox]:
    """Does what the `sandbox` of a `run` frame asks for; the sandbox, if that is among it."""
    asked = header["sandbox"]
    if not asked["network"]:
        leave_network()
    if asked["read"] is None:
        return []
    sandbox = Sandbox(header["root"], header["scratch"], asked["read"], asked["write"])
    sandbox.enter()
    return [sandbox]
