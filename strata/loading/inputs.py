"""`@input` globs to the workspace files that they mean now.

Patterns are relative to the notebook's folder; `//` at the front means the workspace root. `*`, `?`
and `[…]` match within one name, hidden ones too (as in pathlib); `**` means any number of folders.
A folder means all files below it. Found by walking, state folders (`.git`, `.strata`, …) are left
out; named, they are not. Links to folders are followed once and must not lead out of the workspace.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.loading.packages import NEVER_ENTERED


def expand_inputs(root: Path, folder: str, globs: Sequence[str]) -> tuple[str, ...]:
    """The files that `globs` match for the notebook in `folder`: relative to `root`, sorted.

    A glob that matches nothing adds nothing. Raises `ValueError`, with a message for the user,
    for a glob that leads out of the workspace, and `OSError` for a folder that cannot be read.
    """
    search = _Search(os.path.realpath(root))
    files: set[str] = set()
    for glob in globs:
        prefix = "" if glob.startswith("//") else folder
        files.update(search.files(glob, _parts(prefix, glob)))
    return tuple(sorted(files))


def check_globs(folder: str, globs: Sequence[str]) -> None:
    """Raises `ValueError`, with a message for the user, for a glob that can mean no file here."""
    for glob in globs:
        _parts("" if glob.startswith("//") else folder, glob)


def is_meant(folder: str, glob: str, path: str) -> bool:
    """Whether `glob` means the file `path`, relative to the root, where it is there.

    Raises `ValueError` for a glob that can mean no file.
    """
    parts = _parts("" if glob.startswith("//") else folder, glob)
    reached = _with_skipped(parts, {0})
    for name in path.split("/"):
        if len(parts) in reached:
            break  # a folder means all files below it
        steps = (i if parts[i] == "**" else i + 1 for i in reached if _fits(name, parts[i]))
        reached = _with_skipped(parts, set(steps))
    return len(parts) in reached


def _fits(name: str, part: str) -> bool:
    if any(mark in part for mark in "*?["):
        return part == "**" or fnmatch.fnmatchcase(name, part)
    return name == part


def _with_skipped(parts: list[str], reached: set[int]) -> set[int]:
    """`reached`, and what follows where `**` means no folder at all."""
    for i, part in enumerate(parts):
        if part == "**" and i in reached:
            reached.add(i + 1)
    return reached


def _parts(folder: str, glob: str) -> list[str]:
    """The names and patterns from the root down. Raises `ValueError` for a way out of it."""
    relative = glob[2:] if glob.startswith("//") else glob
    if not relative.strip() or "\0" in glob:
        raise ValueError(f"'{glob}' is not a file pattern")
    if relative.startswith("/"):
        raise ValueError(f"'{glob}' is absolute; write it relative to the notebook")
    parts = [part for part in folder.split("/") if part]
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                raise ValueError(f"'{glob}' leads out of the workspace")
            if any(mark in parts[-1] for mark in "*?["):
                raise ValueError(f"'{glob}' goes back up from a pattern")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return parts


@dataclass(frozen=True, slots=True)
class _Search:
    """A search below `root`, which has no symbolic links in it. Paths are relative to it."""

    root: str

    def files(self, glob: str, parts: list[str]) -> Iterator[str]:
        """The files at or below every path that `parts` match."""
        for path in self._matches(glob, parts):
            full = self._full(path)
            if os.path.isfile(full):
                yield path
            elif os.path.isdir(full):
                for below in self._folders_below(glob, path):
                    yield from (
                        posixpath.join(below, name) for name in self._names(below, _is_file)
                    )

    def _matches(self, glob: str, parts: list[str]) -> list[str]:
        """The paths that `parts` match, level by level."""
        paths = [""]
        for part in parts:
            found: dict[str, None] = {}
            for path in paths:
                found.update(dict.fromkeys(self._step(glob, path, part)))
            paths = list(found)
        return paths

    def _step(self, glob: str, path: str, part: str) -> Iterator[str]:
        if part == "**":
            if os.path.isdir(self._full(path)):
                yield from self._folders_below(glob, path)
        elif any(mark in part for mark in "*?["):
            matches = re.compile(fnmatch.translate(part)).fullmatch
            if os.path.isdir(self._full(path)):
                yield from (
                    self._inside(glob, posixpath.join(path, name))
                    for name in self._names(path, _any)
                    if matches(name) and name not in NEVER_ENTERED
                )
        elif os.path.lexists(self._full(posixpath.join(path, part))):
            yield self._inside(glob, posixpath.join(path, part))

    def _folders_below(self, glob: str, top: str) -> Iterator[str]:
        """`top` and all folders below it, each real folder once."""
        waiting = [top]
        seen: set[str] = set()
        while waiting:
            path = waiting.pop()
            real = os.path.realpath(self._full(path))
            if real in seen:
                continue
            seen.add(real)
            yield path
            waiting.extend(
                self._inside(glob, posixpath.join(path, name))
                for name in self._names(path, _is_folder)
                if name not in NEVER_ENTERED
            )

    def _names(self, path: str, keep: Callable[[os.DirEntry[str]], bool]) -> list[str]:
        """The names of the entries of the folder `path` that are to be kept, sorted."""
        with os.scandir(self._full(path)) as entries:
            return sorted(entry.name for entry in entries if keep(entry))

    def _inside(self, glob: str, path: str) -> str:
        """`path`, which must not be a link to a folder outside of the workspace."""
        full = self._full(path)
        if os.path.islink(full) and os.path.isdir(full):
            real = os.path.realpath(full)
            if real != self.root and not real.startswith(os.path.join(self.root, "")):
                raise ValueError(f"'{glob}' leads out of the workspace through the link '{path}'")
        return path

    def _full(self, path: str) -> str:
        return os.path.join(self.root, path)


def _any(entry: os.DirEntry[str]) -> bool:
    return True


def _is_file(entry: os.DirEntry[str]) -> bool:
    # What a link leads to is asked of `os.stat`, of which whoever watches us hears.
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()
