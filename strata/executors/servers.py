"""Zygotes that outlive the build: where they are, how one is found, how many there may be.

Each is a socket in a folder that only its user can enter; its name is a digest of all that the
zygote is for, and the memory that it takes in MiB. One that loses its name ends: so to remove the
socket is to end it. Nothing here waits for anybody or holds anything; a socket of which nobody
answers any more is removed by who finds that out.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from blake3 import blake3

from strata.core.dataclass import dataclass
from strata.core.encoding import Encodable, encode

IDLE_S = 600.0
"""How long one waits for the next build."""
MOST = 6
"""So many of a user there are at once."""
_MOST_OF_MEMORY = 8
"""They take at most one part in so many of the machine's."""
_DOMAIN = "strata.zygote.v1"
_LONGEST_PATH = 80
"""Of the 107 bytes that the name of a socket may have; the rest is ours."""


@dataclass(frozen=True, slots=True)
class _Server:
    path: Path
    memory_bytes: int
    used_at_ns: int


class Servers:
    """The zygotes of one user. Several processes may use the folder at once."""

    def __init__(self, folder: Path, runner: Path, idle_s: float = IDLE_S) -> None:
        """`folder` is private: `private_folder`."""
        self._folder = folder
        self._around = [_runner_state(runner), *_process_state()]
        self.idle_s = idle_s

    def name(self, parts: Sequence[Encodable]) -> Path:
        """What the path of the zygote for `parts` begins with."""
        key = encode([_DOMAIN, self._around, list(parts)])
        return self._folder / blake3(key).hexdigest()[:32]

    def find(self, name: Path) -> str | None:
        """The path of the socket of that zygote; None where there is none."""
        found = next((s for s in self._all() if s.path.name.startswith(f"{name.name}-")), None)
        if found is None:
            return None
        with contextlib.suppress(OSError):
            os.utime(found.path)
        return str(found.path)

    def is_full(self) -> bool:
        """Whether somebody must leave before there can be another."""
        return _are_too_many(list(self._all()))

    def make_room(self) -> None:
        """There may be another: those that were not used for longest are asked to end."""
        servers = sorted(self._all(), key=lambda s: s.used_at_ns)
        while _are_too_many(servers):
            self.remove(str(servers.pop(0).path))

    def remove(self, path: str) -> None:
        """Who listens there, if anybody does, ends when its builds have."""
        with contextlib.suppress(OSError):
            os.unlink(path)

    def _all(self) -> Iterator[_Server]:
        try:
            entries = list(os.scandir(self._folder))
        except OSError:
            return
        for entry in entries:
            _, _, memory = entry.name.partition("-")
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if memory.isdigit() and stat.S_ISSOCK(status.st_mode):
                    yield _Server(Path(entry.path), int(memory) << 20, status.st_mtime_ns)


def private_folder(environ: Mapping[str, str]) -> Path | None:
    """A folder of this user that nobody else can enter, made if need be; None without any."""
    user = os.getuid()
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    for folder in (Path(runtime, "strata") if runtime else None, Path(f"/tmp/strata-{user}")):
        if folder is None or len(os.fsencode(folder)) > _LONGEST_PATH or not folder.is_absolute():
            continue
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            status = os.lstat(folder)
            is_private = stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == user
            if is_private and stat.S_ISDIR(status.st_mode):
                return folder
    return None


def _are_too_many(servers: Sequence[_Server]) -> bool:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    taken = sum(server.memory_bytes for server in servers)
    return len(servers) >= MOST or taken > memory // _MOST_OF_MEMORY


def _runner_state(runner: Path) -> Encodable:
    """What is another when Strata is."""
    found: list[Encodable] = []
    for entry in sorted(os.scandir(runner.parent), key=lambda e: e.name):
        if entry.name.endswith(".py"):
            status = entry.stat()
            found.append([entry.name, status.st_size, status.st_mtime_ns])
    return [str(runner), found]


def _process_state() -> Iterator[Encodable]:
    """What a process inherits from the one that starts it, beside its variables."""
    with contextlib.suppress(OSError):
        yield sorted(os.sched_getaffinity(0))
        yield os.nice(0)
        yield [os.getuid(), os.getgid(), *sorted(os.getgroups())]
    wanted = ("Umask", "SigIgn", "SigBlk", "CapEff", "Seccomp", "NoNewPrivs")
    status = _text("/proc/self/status").splitlines()
    yield [line for line in status if line.startswith(wanted)]
    yield [_text(f"/proc/self/{name}") for name in ("limits", "cgroup", "oom_score_adj")]
    for name in ("mnt", "net", "user", "pid", "ipc", "uts"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/self/ns/{name}")


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError):
        return ""
