"""What this process looks at on the disk and in the environment while a command is answered.

The same means by which the runner watches cells: an audit hook (PEP 578) hears of files that are
opened and folders that are listed, before it happens, and `os.stat` and `os.lstat` are heard,
for which Python has no event. So nobody who reads a file can forget to say so, third parties'
rules included. What native code opens by itself is not heard: LMDB's own files, which are state.

Each path is known by its *first* look: what was read later and looked otherwise is found out when
all are looked at again (`strata.cli.stamping`).
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from strata.cli.stamp import signature
from strata.core.dataclass import dataclass, field

if TYPE_CHECKING:
    from strata.cli.stamp import Signature

_real_stat, _real_lstat = os.stat, os.lstat
_watch: list[Watch] = []
"""The one that watches now, if any does. The hook stays for good, so it asks here."""
_hooked: list[bool] = []


@dataclass(slots=True)
class Watch:
    """What was looked at since it was made. `began_ns` is wall time."""

    began_ns: int = field(default_factory=time.time_ns)
    stats: dict[str, Signature | None] = field(default_factory=dict)
    """Absolute path to how it looked, links followed; None where nothing was found."""
    modes: dict[str, int] = field(default_factory=dict)
    links: dict[str, Signature | None] = field(default_factory=dict)
    """The same of what was asked for without following links; only links, and what is not there."""
    listers: dict[str, set[str | None]] = field(default_factory=dict)
    """Folder to the packages for which it was listed. Who only asks whether it is there does not
    care for what is in it."""
    readers: dict[str, set[str | None]] = field(default_factory=dict)
    """Path to the packages for which it was looked at; None: for all."""
    unknown: bool = False
    """Something was looked at of which we cannot say what it is."""
    ended: bool = False
    """Nothing more is noted: what was looked at is being looked at again."""
    _local: threading.local = field(default_factory=threading.local)

    @contextlib.contextmanager
    def reading_for(self, package: str) -> Iterator[None]:
        """What this thread looks at within, it looks at for the notebook `package`."""
        before = self.package
        self._local.package = package
        try:
            yield
        finally:
            self._local.package = before

    @property
    def package(self) -> str | None:
        """The notebook for which this thread looks at things now."""
        package: str | None = getattr(self._local, "package", None)
        return package

    def stat(self, path: Any, options: Mapping[str, Any]) -> os.stat_result:
        """`os.stat`, remembered."""
        try:
            status = _real_stat(path, **options)
        except OSError:
            self._note(path, options, None)
            raise
        self._note(path, options, status)
        return status

    def opened(self, path: Any, flags: int) -> None:
        """A file is about to be opened; only reading is of interest."""
        if flags & os.O_ACCMODE == os.O_RDONLY:
            self._look_at(path)

    def listing(self, path: Any) -> None:
        """A folder is about to be listed."""
        found = self._look_at("." if path is None else path)
        if found is not None:
            self.listers.setdefault(found, set()).add(self.package)

    def _look_at(self, path: Any) -> str | None:
        name = _absolute(path)
        if name is None:
            return None
        if name not in self.stats:
            try:
                self._remember(name, _real_stat(name))
            except (OSError, ValueError):
                self._remember(name, None)
        self._read_by(name)
        return name

    def _note(self, path: Any, options: Mapping[str, Any], status: os.stat_result | None) -> None:
        if options.get("dir_fd") is not None:
            self.unknown = True
            return
        name = _absolute(path)
        if name is None:
            return
        if options.get("follow_symlinks", True):
            self._remember(name, status)
        elif status is None:
            self.links.setdefault(name, None)
        elif status.st_mode & 0o170000 == 0o120000:
            self.links.setdefault(name, signature(status))
        else:
            self._remember(name, status)
        self._read_by(name)

    def _remember(self, name: str, status: os.stat_result | None) -> None:
        if name not in self.stats:
            self.stats[name] = None if status is None else signature(status)
            self.modes[name] = 0 if status is None else status.st_mode

    def _read_by(self, name: str) -> None:
        self.readers.setdefault(name, set()).add(self.package)


class Consulted(Mapping[str, str]):
    """The caller's environment; keeps the value of each variable that was asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.asked: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        self.asked[name] = self._environ.get(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """A watch over this process; one at a time."""
    assert not _watch, "something is being watched already"
    watch = Watch()
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_hook)
    _watch.append(watch)
    os.stat, os.lstat = _heard_stat, _heard_lstat
    try:
        yield watch
    finally:
        os.stat, os.lstat = _real_stat, _real_lstat
        _watch.clear()


def _hook(event: str, args: Any) -> None:
    if event in ("open", "os.listdir", "os.scandir") and _watch and not _watch[0].ended:
        if event == "open":
            _watch[0].opened(args[0], args[2])
        else:
            _watch[0].listing(args[0])


def _heard_stat(path: Any, **options: Any) -> os.stat_result:
    heard = _watch and not _watch[0].ended
    return _watch[0].stat(path, options) if heard else _real_stat(path, **options)


def _heard_lstat(path: Any, **options: Any) -> os.stat_result:
    return _heard_stat(path, follow_symlinks=False, **options)


def _absolute(path: Any) -> str | None:
    """The path from the root as it was named; None for a descriptor."""
    if isinstance(path, int):
        return None
    name = os.fsdecode(path)
    if "\0" in name or not name:
        return None
    return (name if name[0] == "/" else f"{os.getcwd()}/{name}").rstrip("/") or "/"
