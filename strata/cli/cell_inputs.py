"""What cells read beside each other: their files and distributions, as far as that is known.

From what the cells say, from locks, and from recorded runs, which also know of files under
computed names. No cell is run, and nothing is made.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from strata.cli.known_cells import KnownCells
from strata.cli.traces import Traces, traces
from strata.core.action import Action
from strata.core.distribution import normalized
from strata.core.encoding import Encodable
from strata.core.label import Label
from strata.loading.acceptances import ACCEPTED_FILE
from strata.loading.environment import LOCK_FILE, PIN_FILE, PROJECT_FILE
from strata.loading.inputs import expand_inputs, is_meant
from strata.loading.packages import NEVER_ENTERED, NOTEBOOK_FILE, WORKSPACE_FILE
from strata.query.nodes import Distribution


class CellInputs:
    """`strata.query.world.Inputs` of a workspace."""

    def __init__(self, known: KnownCells) -> None:
        self._known = known
        self._below = os.path.join(known.root, "")
        self._paths = {cell.label: cell.cell.path for cell in known.cells.joined}
        self._files: dict[Label, frozenset[str]] = {}
        self._traces: dict[Label, Traces] = {}
        self._of_notebooks: dict[str, frozenset[str]] = {}
        self._sources: dict[str, dict[str, frozenset[str]]] = {}
        self._listings: dict[str, frozenset[str]] = {}
        self._names: dict[tuple[str, frozenset[str]], tuple[Distribution, ...]] = {}
        self._targets: dict[str, str | None] = {}
        self._real_folders: dict[str, str] = {}

    def files(self, label: Label) -> Collection[str]:
        if label not in self._files:
            self._files[label] = self.with_targets(self._read_by(label))
        return self._files[label]

    def distributions(self, label: Label) -> Collection[Distribution]:
        package = label.package
        names = self._distribution_names(label)
        if (package, names) not in self._names:
            lock = self._known.lock(package)
            self._names[package, names] = (
                ()
                if lock is None
                else tuple(
                    Distribution(name, version)
                    for name in sorted(names)
                    for version in lock.versions(name)
                )
            )
        return self._names[package, names]

    def files_at(self, path: str) -> Collection[str]:
        pattern = any(mark in path for mark in "*?[")
        spelled = list(dict.fromkeys(self._spellings(path)))
        for there in spelled:
            if os.path.isfile(os.path.join(self._known.root, there)):
                return (there,)
        for there in spelled:
            found = self._meant(there) if pattern else {there} & self._everything
            if found:
                return tuple(sorted(found))
        return ()

    def versions(self, name: str) -> Collection[Distribution]:
        packages = {label.package for label in self._known.labels} or self._all_packages()
        locks = (self._known.lock(package) for package in sorted(packages))
        found = {version for lock in locks if lock is not None for version in lock.versions(name)}
        return [Distribution(normalized(name), version) for version in sorted(found)]

    def traces(self, label: Label) -> Traces:
        """What the recorded runs of the cell say."""
        if label not in self._traces:
            action = self._known.action(label)
            runs = self._known.runs(label)
            source = None if action is None else action.provenance.get("source")
            self._traces[label] = traces(runs, source) if runs else Traces()
        return self._traces[label]

    def source_folders(self, label: Label) -> frozenset[str]:
        """The folders that what the cell can import is installed from."""
        names = self._distribution_names(label)
        found = self._sources_of(label.package)
        return frozenset(_common(files) for name, files in found.items() if name in names)

    def with_targets(self, paths: Iterable[str]) -> frozenset[str]:
        """`paths`, and what is behind links on the way to them."""
        found = frozenset(paths)
        behind = {target for path in found if (target := self._behind(path)) is not None}
        return found | behind if behind else found

    def _read_by(self, label: Label) -> Iterator[str]:
        seen = self.traces(label)
        yield self._paths[label]
        yield from self._of_notebook(label.package)
        yield from seen.read
        for folder in seen.folders:
            yield from self._listed(folder)
        action = self._known.action(label)
        if action is not None:
            yield from _mentioned(action.provenance.get("files"))
            yield from self._known.planned.disk.files_of(action)
            yield from self._installed_from(label, action)

    def _of_notebook(self, package: str) -> frozenset[str]:
        """What all cells of a notebook depend on."""
        if package not in self._of_notebooks:
            names = [WORKSPACE_FILE, *(posixpath.join(package, n) for n in _BESIDE_CELLS)]
            project = self._known.project(package)
            if project is not None:
                names += [posixpath.join(project.folder, n) for n in (PROJECT_FILE, LOCK_FILE)]
                names += list(self._pin(project.folder))
            root = self._known.root
            there = frozenset(n for n in names if os.path.isfile(os.path.join(root, n)))
            self._of_notebooks[package] = there
        return self._of_notebooks[package]

    def _pin(self, folder: str) -> Iterator[str]:
        """The nearest file that names a Python."""
        for above in upwards(folder):
            path = posixpath.join(above, PIN_FILE)
            if os.path.isfile(os.path.join(self._known.root, path)):
                yield path
                return

    def _listed(self, folder: str) -> frozenset[str]:
        if folder not in self._listings:
            found: set[str] = set()
            with contextlib.suppress(OSError), os.scandir(self._known.root / folder) as entries:
                names = (e.name for e in entries if e.is_file() and e.name not in NEVER_ENTERED)
                found.update(posixpath.join(folder, name) for name in names)
            self._listings[folder] = frozenset(found)
        return self._listings[folder]

    def _installed_from(self, label: Label, action: Action) -> Iterator[str]:
        if action.environment.project is None:
            return
        sources = self._sources_of(label.package)
        if sources:
            names = self._distribution_names(label)
            for name in sources.keys() & names:
                yield from sources[name]

    def _sources_of(self, package: str) -> dict[str, frozenset[str]]:
        """The files of the folders that the project installs from, by distribution."""
        from strata.executors.venv import source_folders  # much to load, for projects only

        project = self._known.project(package)
        if project is None or project.lock is None:
            return {}
        if project.folder not in self._sources:
            folders = source_folders(self._known.root / project.folder)
            self._sources[project.folder] = {
                normalized(name): frozenset(self._relative(str(path)) for path in files)
                for name, files in folders.items()
            }
        return self._sources[project.folder]

    def _distribution_names(self, label: Label) -> frozenset[str]:
        """Of what counts for the cell, as far as the lock has it."""
        action = self._known.action(label)
        lock = None if action is None else self._known.lock(label.package)
        if action is None or lock is None:
            return frozenset()
        if not action.environment.narrow:
            return frozenset(lock.distributions)
        seen = self.traces(label).distributions
        return frozenset(lock.closure(action.imports)) | (seen & lock.distributions.keys())

    @cached_property
    def _everything(self) -> frozenset[str]:
        """All files that loaded cells read."""
        return frozenset().union(*(self.files(label) for label in self._known.labels))

    def _all_packages(self) -> Collection[str]:
        from strata.loading.packages import list_packages

        workspace = self._known.opened.workspace
        return list_packages(workspace.root, workspace.exclude).packages

    def _meant(self, pattern: str) -> set[str]:
        """The files that a pattern means: there, or known."""
        with contextlib.suppress(ValueError, OSError):
            found = set(expand_inputs(self._known.root, "", [pattern]))
            return found | {path for path in self._everything if is_meant("", pattern, path)}
        return set()

    def _spellings(self, path: str) -> Iterator[str]:
        """What a path can mean, nearest first: below the current folder, below the root."""
        root = self._known.root
        if path.startswith("//"):
            yield self._relative(os.path.join(root, path[2:]))
        else:
            yield self._relative(os.path.join(self._known.opened.current, path))
            yield self._relative(os.path.join(root, path))

    def _relative(self, path: str) -> str:
        """`path` as files are spelled."""
        flat = os.path.normpath(path)
        if not flat.startswith(self._below):
            folder, name = os.path.split(flat)
            real = os.path.join(os.path.realpath(folder), name)
            flat = real if real.startswith(self._below) else flat
        return flat.removeprefix(self._below)

    def _behind(self, path: str) -> str | None:
        """What `path` is without links on the way; None for what has none."""
        if path not in self._targets:
            folder, name = posixpath.split(path)
            if folder not in self._real_folders:
                self._real_folders[folder] = os.path.realpath(self._known.root / folder)
            full = os.path.join(self._real_folders[folder], name)
            real = os.path.realpath(full) if os.path.islink(full) else full
            inside = real.removeprefix(self._below)
            self._targets[path] = None if inside == path else inside
        return self._targets[path]


_BESIDE_CELLS = (NOTEBOOK_FILE, ACCEPTED_FILE)


def upwards(folder: str) -> Iterator[str]:
    """`folder` and all above it, up to "" for the root."""
    yield folder
    while folder:
        folder = posixpath.dirname(folder)
        yield folder


def _mentioned(files: Encodable) -> Iterable[str]:
    return files if isinstance(files, dict) else ()


def _common(files: Iterable[str]) -> str:
    return posixpath.commonpath([posixpath.dirname(path) for path in files] or [""])
