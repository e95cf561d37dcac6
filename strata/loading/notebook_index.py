"""A memory of notebooks, and of what their cells say about names, so that a notebook whose files
did not change is neither read nor parsed again.

An entry holds as long as `notebook.toml` and the file of every cell look as they did (size, mtime,
ctime, inode; `strata.loading.index` says why that is enough, and what "racy" means). Of a notebook
that changed, those cells are not scanned again that are what they were. Remembered is only what is
in order: a notebook or cell with a mistake is looked at anew each time, as is one behind a link.

The memory is some files in one folder, so that an edit rewrites a small one; each is replaced as a
whole. Whatever is wrong with one, it is empty. Several processes may use it at once: the last to
save wins, and what the other knew is learnt again.

Does not know what a scan is made from: it is handed a function that makes one. That must give the
same for equal cells as long as `engine` is the same.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from blake3 import blake3

from strata.core.dataclass import dataclass, replace
from strata.core.signature import Signature, signature_of
from strata.loading import memory_file
from strata.loading.index import RACY_NS
from strata.loading.model import Cell, Notebook
from strata.loading.packages import CELLS_FOLDER, NOTEBOOK_FILE
from strata.loading.scope.model import Scan
from strata.loading.workspace import Workspace

Scans: TypeAlias = Mapping[str, Scan]
"""By the id of the cell."""

ScanOf: TypeAlias = Callable[[Cell], Scan | None]
"""What a cell says about names; None where that is not to be remembered."""

SHARDS = 64
_MAGIC = b"strata.notebooks.v1\n"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A notebook, and the scans of those of its cells that have one."""

    notebook: Notebook
    scans: Scans


_Signatures = tuple[Signature, tuple[Signature, ...]]
"""Of `notebook.toml`, and of each cell's file."""
_Entry = tuple[tuple[str, ...], _Signatures, bytes]
"""The files of the cells, how all looked, and a pickled `Loaded`."""
Entries = dict[str, _Entry]
_Shard = dict[str, _Entry]


class NotebookIndex:
    """The notebooks of one workspace, kept in `folder`, if there is one. For one thread.

    `engine` says which program with which rules made the scans. `clock_ns` must be the clock that
    stamps the files: wall time.
    """

    def __init__(
        self,
        folder: Path | None,
        engine: str,
        scan: ScanOf,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder = folder
        self._magic = _MAGIC + blake3(engine.encode()).digest()
        self._scan = scan
        self._clock_ns = clock_ns
        self._shards: dict[int, _Shard] = {}
        self._changed: set[int] = set()

    def load(self, workspace: Workspace, package: str) -> Loaded:
        """The notebook in the folder `package`. Raises `NotebookError`."""
        folder = workspace.root / package
        number, key = _shard_of(package), _key(package, folder)
        shard = self._shard(number)
        entry = shard.get(key)
        if entry is not None and _signatures(folder, entry[0]) == entry[1]:
            found = _unpickled(entry[2])
            if found is not None:
                return replace(found, notebook=replace(found.notebook, folder=folder))
        # The time must be taken first: what is written after it has a later stamp.
        started_ns = self._clock_ns()
        known = None if entry is None else _unpickled(entry[2])
        notebook = _read_notebook(workspace, package)
        found = Loaded(notebook, self._scans(notebook, known))
        self._remember(shard, key, found, started_ns)
        self._changed.add(number)
        return found

    def knows(self, workspace: Workspace, package: str) -> bool:
        """Whether something is remembered of the notebook. It may have changed since."""
        return _key(package, workspace.root / package) in self._shard(_shard_of(package))

    def entries(self, packages: Iterable[str]) -> Entries:
        """What is remembered of some notebooks below the root, as plain values."""
        found = {package: self._shard(_shard_of(package)).get(package) for package in packages}
        return {package: entry for package, entry in found.items() if entry is not None}

    def learn(self, entries: Entries) -> None:
        """Remembers what another index of the same workspace and engine does."""
        for package, entry in entries.items():
            number = _shard_of(package)
            self._shard(number)[package] = entry
            self._changed.add(number)

    def _scans(self, notebook: Notebook, known: Loaded | None) -> Scans:
        """The scans of the cells, as known where the cell is what it was."""
        before = {} if known is None else {cell.id: cell for cell in known.notebook.cells}
        scans: dict[str, Scan] = {}
        for cell in notebook.cells:
            scan = None
            if known is not None and before.get(cell.id) == cell:
                scan = known.scans.get(cell.id)
            if scan is None:
                scan = self._scan(cell)
            if scan is not None:
                scans[cell.id] = scan
        return scans

    def _remember(self, shard: _Shard, key: str, found: Loaded, started_ns: int) -> None:
        shard.pop(key, None)
        notebook = found.notebook
        if any(cell.problem is not None or "/" in cell.file for cell in notebook.cells):
            return
        files = tuple(cell.file for cell in notebook.cells)
        looks = _signatures(notebook.folder, files)
        if looks is None:
            return
        newest_ns = max(max(one[1], one[2]) for one in (looks[0], *looks[1]))
        if newest_ns < started_ns - RACY_NS:
            # Where the workspace is does not count.
            placeless = replace(notebook, folder=cast(Path, None))
            shard[key] = (files, looks, pickle.dumps((placeless, found.scans), 5))

    def save(self) -> None:
        """Writes what was learnt, if anything. A folder that cannot be written is no error."""
        if self._folder is not None:
            for number in self._changed:
                path = self._folder / _name(number)
                with contextlib.suppress(OSError):
                    memory_file.store(path, self._magic, self._shards[number])
        self._changed.clear()

    def _shard(self, number: int) -> _Shard:
        if number not in self._shards:
            known = self._folder and memory_file.read(self._folder / _name(number), self._magic)
            self._shards[number] = known or {}
        return self._shards[number]


def _read_notebook(workspace: Workspace, package: str) -> Notebook:
    # It reads TOML, and needs much that is not needed where nothing changed.
    from strata.loading.notebook import load_notebook

    return load_notebook(workspace, package)


def _key(package: str, folder: Path) -> str:
    """What an entry is found by. A notebook at the root is named after the folder."""
    return package or f"/{folder.name}"


def _shard_of(package: str) -> int:
    return zlib.crc32(os.fsencode(package)) % SHARDS


def _name(number: int) -> str:
    return f"{number:02x}"


def _signatures(folder: Path, files: Iterable[str]) -> _Signatures | None:
    """How the files of a notebook look; None where one is not plainly there."""
    name = os.fspath(folder)
    try:
        if not stat.S_ISDIR(os.lstat(f"{name}/{CELLS_FOLDER}").st_mode):
            return None
        looks = tuple(_signature(f"{name}/{CELLS_FOLDER}/{file}") for file in files)
        return _signature(f"{name}/{NOTEBOOK_FILE}"), looks
    except OSError:
        return None


def _signature(path: str) -> Signature:
    """Of a regular file; raises `OSError` for anything else, and for a link."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is not a regular file")
    return signature_of(status)


_PICKLED = frozenset(
    {"strata.loading.model", "strata.loading.annotations", "strata.loading.scope.model"}
    | {"strata.core.label", "datetime"}
)
"""Where the classes are of which entries are made: no others are made when one is read."""


class _Unpickler(pickle.Unpickler):
    """Makes values, and can do nothing else, whatever the bytes say."""

    def find_class(self, module: str, name: str) -> type:
        found = super().find_class(module, name)
        if not isinstance(found, type) or found.__module__ not in _PICKLED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a notebook")
        return found


def _unpickled(data: bytes) -> Loaded | None:
    try:
        return Loaded(*_Unpickler(io.BytesIO(data)).load())
    except (pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError, EOFError):
        return None
