"""What the disk says about an action, asked when it is ready to run and when a result is looked up.

Not at analysis: an action that ran just before may have written the file. Digests come from the
`FileIndex`, so asking again costs a `stat`.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from strata.core.action import Action, Environment, Late
from strata.core.digest import Digest, digest_bytes
from strata.core.encoding import Encodable, encode
from strata.core.errors import CellError
from strata.core.observation import ABSENT, DIST, FILE, FOLDER, LOG, MADE, MODULE, Observed
from strata.core.result import Output
from strata.loading.acceptances import ACCEPTED_FILE
from strata.loading.index import FileIndex
from strata.loading.inputs import expand_inputs
from strata.loading.lock import Lock
from strata.loading.modules import LocalModules
from strata.loading.packages import NEVER_ENTERED, NOTEBOOK_FILE

_NO_CONTENT = NEVER_ENTERED | {ACCEPTED_FILE}
"""Names in a folder that say nothing about what is in it."""
_MOST_CONTENTS = 2_000
"""Folders with more entries count by their names alone."""

LockOf = Callable[[Environment], Lock | None]
ReadingFor = Callable[[str], contextlib.AbstractContextManager[None]]


class Disk:
    """The files of one workspace, and the locks of its environments."""

    def __init__(
        self,
        root: Path,
        index: FileIndex,
        modules: LocalModules,
        lock_of: LockOf,
        reading_for: ReadingFor = lambda package: contextlib.nullcontext(),
    ) -> None:
        """`reading_for` is told for which notebook the disk is asked."""
        self._root = root
        self._index = index
        self._modules = modules
        self._lock_of = lock_of
        self._reading_for = reading_for

    def late(self, action: Action, inputs: Mapping[str, Output]) -> Late:
        """The entries of `files` and `environment` that are known only now.

        Raises `CellError` for a declared file that is there and cannot be read.
        """
        with self._reading_for(action.label.package):
            return self._late(action, inputs)

    def look(self, action: Action, names: Iterable[str]) -> Observed:
        """The value that each observation has now."""
        with self._reading_for(action.label.package):
            return {name: self._value(action, name) for name in names}

    def files_of(self, action: Action) -> frozenset[str]:
        """The files that annotations and text of the action mean and that are there, relative to
        the root. What cannot be looked at means none."""
        found = set(self._found(action, self.mentions(action)))
        with contextlib.suppress(ValueError, OSError):
            found.update(expand_inputs(self._root, action.folder, action.files.globs))
        return frozenset(found)

    def mentions(self, action: Action) -> frozenset[str]:
        """The paths that the text of the action means if it means files, there or not."""
        inside = (self._inside(action.folder, literal) for literal in action.files.named)
        return frozenset(path for path in inside if path is not None)

    def places(self, action: Action) -> frozenset[str]:
        """The paths, there or not, and patterns of paths that it means if it means folders."""
        inside = (self._place(action.folder, place) for place in action.files.places)
        return frozenset(path for path in inside if path is not None)

    def save(self) -> None:
        """Keeps what was learnt about files for the next time, where that can be written."""
        with contextlib.suppress(OSError):
            self._index.save()

    def _late(self, action: Action, inputs: Mapping[str, Output]) -> Late:
        entries: dict[str, Mapping[str, Encodable]] = {}
        needs = sorted({name for output in inputs.values() for name in output.needs})
        declared = self._declared(action)
        for name in needs:
            declared |= self._modules.files_of_module(action.folder, name)
        if declared:
            entries["files"] = {path: str(digest) for path, digest in declared.items()}
        mentions = self.mentions(action)
        named = {p: str(digest) for p, digest in self._named(action, mentions).items()}
        lock = self._lock_of(action.environment) if action.environment.narrow else None
        if lock is not None:
            names = (self._modules.names_of_module(action.folder, need) for need in needs)
            reached = lock.closure(set(action.imports).union(*names))
            entries["environment"] = {"distributions": dict(reached)}
        return Late(entries, named, mentions)

    def _declared(self, action: Action) -> dict[str, Digest]:
        """The files of `@input` that are there: path relative to the root."""
        try:
            return self._digests(expand_inputs(self._root, action.folder, action.files.globs))
        except ValueError as problem:
            raise CellError(f"@input: {problem}") from None

    def _named(self, action: Action, mentions: Iterable[str]) -> dict[str, Digest]:
        """The files that the text of the action mentions and that are there."""
        return self._digests(self._found(action, mentions))

    def _found(self, action: Action, mentions: Iterable[str]) -> set[str]:
        found = {path for path in mentions if os.path.isfile(self._root / path)}
        for place in self.places(action):
            found.update(self._at(place))
        return found

    def _digests(self, paths: Iterable[str]) -> dict[str, Digest]:
        digests: dict[str, Digest] = {}
        for path in sorted(paths):
            try:
                digests[path] = self._index.digest(self._root / path)
            except OSError as problem:
                what = f"the input {path} cannot be read: {problem.strerror}"
                raise CellError(what, hint="check its permissions") from problem
        return digests

    def _place(self, folder: str, place: str) -> str | None:
        """The folder or the pattern; None for what is the action's own folder, or outside."""
        path = self._inside(folder, place)
        return None if path in ("", ".", folder) else path

    def _at(self, path: str) -> Iterable[str]:
        """The files that a folder or a pattern means; none for a text that means neither."""
        try:
            if any(mark in path for mark in "*?[") or os.path.isdir(self._root / path):
                return expand_inputs(self._root, "", [path])
        except (ValueError, OSError):
            pass
        return ()

    def _inside(self, folder: str, literal: str) -> str | None:
        """The path that a text means, relative to the root; None if it leads out of it."""
        if not literal or "\0" in literal:
            return None
        path = os.path.normpath(os.path.join(self._root, folder, literal))
        inside = os.path.relpath(path, self._root)
        first = inside.split(os.sep, 1)[0]
        return None if first == os.pardir or first in NEVER_ENTERED else inside

    def _value(self, action: Action, name: str) -> str:
        rest = name.partition(":")[2]
        if name.startswith((FILE, MADE)):
            return self._file(rest)
        if name.startswith(LOG):
            return "log"
        if name.startswith(FOLDER):
            return self._folder(rest)
        if name.startswith(MODULE):
            return self._module(action, rest)
        assert name.startswith(DIST), name
        return self._locked(action, name)

    def _file(self, path: str) -> str:
        full = self._root / path
        try:
            return str(self._index.digest(full))
        except OSError:
            return "folder" if os.path.isdir(full) else ABSENT

    def _folder(self, path: str) -> str:
        """The names in a folder and, unless it has a notebook or is large, what is in its files."""
        full = self._root / path
        try:
            names = sorted(os.listdir(full))
        except OSError:
            return ABSENT
        names = [name for name in names if name not in _NO_CONTENT]
        parts: list[Encodable] = list(names)
        if len(names) <= _MOST_CONTENTS and NOTEBOOK_FILE not in names:
            parts += [self._file(posixpath.join(path, name)) for name in names]
        return digest_bytes(encode(parts)).hex

    def _module(self, action: Action, name: str) -> str:
        """What would be found under this import name: a local module, or a distribution."""
        local = self._modules.files_of_module(action.folder, name)
        return ",".join(sorted(local)) if local else self._locked(action, MODULE + name)

    def _locked(self, action: Action, name: str) -> str:
        lock = self._lock_of(action.environment)
        return ABSENT if lock is None else lock.observe(name)
