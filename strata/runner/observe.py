"""What the process touches while a cell runs: files, folders, modules.

An audit hook (PEP 578) hears of every file that Python opens, before it is opened. It knows nothing
of what is declared or of what counts: it leaves out what never can (the interpreter, its packages,
our own files) and tells the rest. What native code opens by itself, and what child processes do,
is not heard.

The hook is called for every audit event of the process, in any thread: it MUST be cheap, and MUST
NOT raise. It changes its tables by single operations of dicts only, so it needs no lock.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

from . import environ, imported
from .paths import CACHE, database, is_text, prefixes, signature_of, source_of, tidied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import FrameType
    from typing import Any, Optional

    from .paths import Signature

    Moved = tuple[str, str]
    """Two folders."""

MOST_NAMES = 20_000
_MOST_CHARACTERS = 3_000_000
"""Of all names together: a frame's header has a limit."""

_CREATED, _CHANGED, _GONE = "created", "changed", "created and gone again"
_LISTS_FOR_IMPORTS = {
    *("importlib", "_frozen_importlib", "_frozen_importlib_external"),
    *("importlib_metadata", "pkg_resources"),
}
"""Modules that list each folder of `sys.path`, the notebook's too, to find one name in it."""


class Watch:
    """What was touched since it was made. Names of files are absolute."""

    def __init__(self, root: str, not_seen: Iterable[str], own: Iterable[str]) -> None:
        """Nothing below `not_seen`, and none of the files in `own`, is recorded."""
        self.overflow = False
        self.paused = False
        self._root = os.path.join(root, "")
        self._ignored = prefixes(self._root, not_seen)
        self._reads: dict[str, Optional[Signature]] = {}
        self._asked: dict[str, None] = {}
        """Of `_reads`, what was asked about before the root was known, and not opened."""
        self._databases: dict[str, Signature] = {}
        self._folders: dict[str, None] = {}
        self._written: dict[str, str] = {}
        """What became of files by the process's own doing."""
        self._appended: dict[str, None] = {}
        self._made_folders: set[str] = set()
        self._known = set(own)
        self._names_left = MOST_NAMES
        self._characters_left = _MOST_CHARACTERS
        self._busy: set[int] = set()
        self.handlers: dict[str, Callable[[Any], None]] = {
            "open": self._open,
            "sqlite3.connect": self._connect,
            "import": self._load_extension,
            "os.listdir": self._list,
            "os.scandir": self._list,
            "os.mkdir": self._make_folder,
            "os.rename": self._rename,
            "os.remove": self._remove,
            "os.link": self._link,
            "os.symlink": self._make_link,
            "os.truncate": self._truncate,
        }

    def take(self, event: str, args: Any) -> None:
        """One audit event for which there is a handler. Raises nothing of its own."""
        me = get_ident()
        if self.overflow or self.paused or me in self._busy:
            return  # a path's own `__fspath__` may open files
        self._busy.add(me)
        try:
            self.handlers[event](args)
        except Exception:  # noqa: BLE001 - whatever is odd about it, the call itself will say
            pass
        finally:
            self._busy.discard(me)

    def has_made_folders(self) -> bool:
        """Whether the process wanted to make any."""
        return bool(self._made_folders)

    def is_users(self, file: str) -> bool:
        """Whether `file` is of the workspace, and of no environment in it."""
        return file.startswith(self._root) and not file.startswith(self._ignored)

    def ask(self, path: Any) -> None:
        """The process asks whether a file is there, or how it looks: `os.path.exists` decides what
        a cell does as much as reading does, and Python has no audit event for it."""
        me = get_ident()
        if self.overflow or self.paused or me in self._busy or type(path) is int:
            return
        self._busy.add(me)
        try:
            found = self._absolute(path)
            if found is not None and found.startswith(self._root):
                if self._root == "/" and found not in self._reads:
                    self._asked[found] = None
                self._note_read(found)
        except Exception:  # noqa: BLE001 - as in `take`
            pass
        finally:
            self._busy.discard(me)

    def settle(self, root: str, not_seen: Iterable[str], own: Iterable[str], moved: Moved) -> None:
        """What was seen so far, in a zygote, is told as it would be with these surroundings.

        `moved` is where the process was then, and where it is now. Outside of the root nobody
        would have heard it ask.
        """
        self._root = os.path.join(root, "")
        self._ignored = prefixes(self._root, not_seen)
        self._known.update(own)
        before, asked, place = self._reads, self._asked, os.path.join(moved[0], "")
        self._reads, self._asked = {}, {}
        for path, signature in before.items():
            inside = path.startswith(place)
            now = os.path.join(moved[1], path[len(place) :]) if inside else path
            is_heard = path not in asked or now.startswith(self._root)
            if is_heard and not now.startswith(self._ignored) and now not in self._known:
                self._reads[now] = signature
        self.paused = False

    def report(self) -> dict[str, object]:
        """`reads`, `folders` and `writes` of the `done` frame, and whether that is all."""
        for path, signature in self._databases.items():
            if signature_of(path) != signature:  # by SQLite, which nobody hears
                self._written.setdefault(path, _CHANGED)
        writes = [path for path, state in self._written.items() if state != _GONE]
        appends = [p for p in self._appended if p not in self._reads and p not in self._written]
        names = [*self._reads, *self._folders, *writes, *appends]
        return {
            "reads": [[p, *(s or ())] for p, s in self._reads.items() if is_text(p)],
            "folders": list(filter(is_text, self._folders)),
            "writes": list(filter(is_text, writes)),
            "appends": list(filter(is_text, appends)),
            "overflow": self.overflow or not all(map(is_text, names)),
        }

    def _open(self, args: Any) -> None:
        path, _, flags = args
        if type(path) is str and path.startswith(self._ignored):
            return
        found = self._absolute(path)
        if found is None or flags & getattr(os, "O_DIRECTORY", 0):
            return
        if flags & os.O_ACCMODE == os.O_RDONLY:
            self._asked.pop(found, None)
            self._note_read(found)
        elif not flags & os.O_APPEND:
            self._note_write(found)
        elif found not in self._appended and self._fits(found):  # a log
            self._appended[found] = None

    def _connect(self, args: Any) -> None:
        path = self._absolute(database(args[0]))
        if path is not None:
            signature = signature_of(path)
            if signature:
                self._note_read(path)
                self._databases.setdefault(path, signature)
            elif signature is None:
                self._note_write(path)  # SQLite will make it

    def _load_extension(self, args: Any) -> None:
        if args[1] is not None:  # an import of Python's own says no file
            self._note_read(self._absolute(args[1]))

    def _list(self, args: Any) -> None:
        path = self._absolute("." if args[0] is None else args[0])
        if (
            path is not None
            and path not in self._folders
            and path not in self._made_folders
            and not f"{path}/".startswith(self._ignored)
            and not _is_for_imports(_caller())
            and self._fits(path)
        ):
            self._folders[path] = None

    def _make_folder(self, args: Any) -> None:
        path = self._absolute(args[0], args[2])
        if path is not None and not os.path.lexists(path):  # `exist_ok`
            self._made_folders.add(path)

    def _rename(self, args: Any) -> None:
        source = self._absolute(args[0], args[2])
        target = self._absolute(args[1], args[3])
        if source is not None and os.path.isdir(source):
            self._rename_folder(source, target)
            return
        self._note_read(source)
        self._note_removal(source)
        self._note_write(target)

    def _rename_folder(self, source: str, target: str | None) -> None:
        for path in [p for p in list(self._written) if p.startswith(f"{source}/")]:
            self._note_removal(path)
            if target is not None:
                self._note_write(target + path[len(source) :])
        if source in self._made_folders and target is not None:
            self._made_folders.add(target)

    def _remove(self, args: Any) -> None:
        self._note_removal(self._absolute(args[0], args[1]))

    def _link(self, args: Any) -> None:
        self._note_read(self._absolute(args[0], args[2]))
        self._note_write(self._absolute(args[1], args[3]))

    def _make_link(self, args: Any) -> None:
        self._note_write(self._absolute(args[1], args[2]))

    def _truncate(self, args: Any) -> None:
        self._note_write(self._absolute(args[0]))

    def _absolute(self, path: Any, folder_fd: int = -1) -> str | None:
        """The path from the root; None for a descriptor, and for what is not of interest."""
        if type(path) is not str:
            if isinstance(path, int):
                return None
            path = os.fsdecode(path)
        if not path or "\0" in path:
            return None
        if path[0] != "/":
            folder = os.getcwd() if folder_fd < 0 else os.readlink(f"/proc/self/fd/{folder_fd}")
            path = f"{folder}/{path}"
        if "/." in path or "//" in path or path[-1] == "/":
            path = tidied(path)
        if path.startswith(self._ignored) or path in self._known:
            return None
        found: str = path
        return found

    def _note_read(self, path: str | None) -> None:
        """The first look at a file counts: what the process makes of it later is its own."""
        if path is None or path in self._reads or path in self._written:
            return
        if f"{CACHE}/" in path:
            path = source_of(path)
        signature = signature_of(path) if path else ()
        if signature != () and self._fits(path):
            self._reads.setdefault(path, signature or None)

    def _note_write(self, path: str | None) -> None:
        if path is None or f"{CACHE}/" in path:
            return
        state = self._written.get(path)
        if state is None:
            # A folder is opened so for a file without a name in it (`O_TMPFILE`).
            if not os.path.isdir(path) and self._fits(path):
                self._written[path] = _CHANGED if os.path.lexists(path) else _CREATED
        elif state == _GONE:
            self._written[path] = _CREATED

    def _note_removal(self, path: str | None) -> None:
        """A file that was not there before the process made it leaves no trace."""
        if path is None or f"{CACHE}/" in path:
            return
        state = self._written.get(path)
        if state == _CREATED:
            self._written[path] = _GONE
        elif state is None and self._fits(path):
            self._written[path] = _CHANGED

    def _fits(self, path: str) -> bool:
        self._names_left -= 1
        self._characters_left -= len(path)
        self.overflow = self._names_left < 0 or self._characters_left < 0
        return not self.overflow


class _Surroundings:
    """What of the `run` frame matters here, from when it came to when the cell starts."""

    root = ""
    scratch = ""
    place = ""
    """Where a zygote was when it imported what the process has."""
    own: Sequence[str] = ()
    hidden: Sequence[str] = ()


_told = _Surroundings()
_running: list[tuple[Watch, imported.Unfound, imported.Imported]] = []
"""The one watch, from `begin` on, with its finder, and what is known of modules."""


def prepare(header: Mapping[str, Any]) -> None:
    """Remembers, of a `run` frame, what `begin` needs."""
    _told.root = os.path.realpath(header.get("root") or os.getcwd())
    _told.scratch = header["scratch"]
    _told.own = [one["path"] for one in header["inputs"] if one["path"] is not None]
    _told.hidden = header.get("hidden_variables", ())


def root() -> str:
    """The root of the workspace, without symbolic links; before `prepare`, the current folder."""
    return _told.root or os.path.realpath(os.getcwd())


def begin() -> None:
    """From now on the process is watched. To be called once, right before code of a cell runs."""
    here = os.path.dirname(__file__)
    not_seen = [here, _told.scratch, *interpreter()]
    if not _running:
        _install(Watch(_told.root, not_seen, _told.own))
    watch = _running[0][0]
    if _told.place:
        watch.settle(_told.root, not_seen, _told.own, (_told.place, os.getcwd()))
    environ.install(_told.hidden, watch.is_users)


def begin_ahead(place: str) -> tuple[Watch, imported.Unfound, imported.Imported]:
    """The same in a zygote, from before it imports anything: the cells that it will be watch from
    there on. Its current folder, `place`, stands for theirs."""
    _told.place = place
    watch = Watch("/", [os.path.dirname(__file__), *interpreter()], ())
    _install(watch)
    environ.install((), watch.is_users)
    return _running[0]


def _install(watch: Watch) -> None:
    handlers, take = watch.handlers, watch.take

    def hook(event: str, args: Any) -> None:
        if event in handlers:
            take(event, args)

    unfound = imported.Unfound()
    _running.append((watch, unfound, imported.Imported(frozenset(sys.modules))))
    sys.meta_path.append(unfound)
    sys.addaudithook(hook)
    os.stat = _asking(os.stat, watch)


def _asking(stat: Any, watch: Watch) -> Any:
    """`os.stat`, heard by `watch`; `os.path` and `pathlib` look it up in `os` at each call."""

    def asked(path: Any, *arguments: Any, **options: Any) -> Any:
        watch.ask(path)
        return stat(path, *arguments, **options)

    asked.__name__, asked.__doc__ = "stat", stat.__doc__
    for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if stat in supported:
            supported.add(asked)  # `shutil` asks for it
    return asked


def seen() -> dict[str, object]:
    """What was seen since `begin`, for the `done` frame; nothing where it never began."""
    if not _running:
        return {}
    watch, unfound, modules = _running[0]
    return {
        **watch.report(),
        "modules": sorted(filter(is_text, modules.files())),
        "missing_modules": list(filter(is_text, unfound.report())),
        "variables": environ.asked(),
    }


def interpreter() -> list[str]:
    """Where Python and installed packages are, and what is no file."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    library = os.path.dirname(os.__file__)
    return [*prefixes, library, *imported.site_packages(), "/proc", "/sys", "/dev"]


def _caller() -> FrameType | None:
    """The innermost frame that is not ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return frame


def _is_for_imports(frame: FrameType | None) -> bool:
    name = "" if frame is None else str(frame.f_globals.get("__name__"))
    return name.partition(".")[0] in _LISTS_FOR_IMPORTS
