"""What git says: cells of which something is not as it was at a revision.

Never too few: whatever a cell read then or reads now, and whatever else may have changed what it is
given. Of files that git ignores, and of those outside of the repository, git says nothing.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from strata.cli.cell_edits import touched_by_edits
from strata.cli.cell_inputs import CellInputs, upwards
from strata.cli.git import Differing, commit_of, contents, differing
from strata.cli.known_cells import KnownCells
from strata.core.action import Action
from strata.core.errors import ConfigError
from strata.core.label import Label
from strata.core.observation import MODULE
from strata.loading.acceptances import ACCEPTED_FILE
from strata.loading.environment import LOCK_FILE, PIN_FILE, PROJECT_FILE, Project
from strata.loading.inputs import is_meant
from strata.loading.lock import Lock, parse_lock
from strata.loading.packages import NOTEBOOK_FILE, WORKSPACE_FILE

_MODULES = (".py", ".so", ".pyd")


class CellChanges:
    """`strata.query.world.Changes` of a workspace."""

    def __init__(self, known: KnownCells, inputs: CellInputs) -> None:
        self._known = known
        self._inputs = inputs

    def changed(self, revision: str, labels: Collection[Label]) -> Collection[Label]:
        self._known.opened.leave_no_stamp()
        root = self._known.root
        commit = commit_of(root, revision)
        different = differing(root, commit)
        if not different.paths:
            return ()
        touched = set(self._touched(commit, different))
        before = self._environments(commit, different)
        of_cells = Touching(self._known, self._inputs, different, *before)
        return [label for label in labels if label in touched or of_cells.is_touched(label)]

    def reading(self, paths: Iterable[str], labels: Collection[Label]) -> Collection[Label]:
        """Those of `labels` that something may change for if these files are written."""
        written = frozenset(paths)
        if not written:
            return ()
        of_cells = Touching(self._known, self._inputs, Differing(come=written), {})
        return [label for label in labels if of_cells.is_touched(label)]

    def _touched(self, commit: str, different: Differing) -> Iterable[Label]:
        """Cells that may get a name from another cell."""
        cells = self._known.cells
        paths = different.paths
        edited = {c.cell.path: c.label for c in cells.joined if c.cell.path in paths}
        before = contents(self._known.root, commit, edited)
        renewed = {posixpath.dirname(p) for p in paths if posixpath.basename(p) == NOTEBOOK_FILE}
        old = {label: before.get(path) for path, label in edited.items()}
        return touched_by_edits(cells, old, frozenset(renewed))

    def _environments(
        self, commit: str, different: Differing
    ) -> tuple[dict[str, Lock], frozenset[str]]:
        """Of files that are not as they were: the locks that they were, by path; and those
        `pyproject.toml` that told of tools only."""
        names = (LOCK_FILE, PROJECT_FILE)
        paths = [p for p in different.modified if posixpath.basename(p) in names]
        locks, tools = {}, set()
        for path, content in contents(self._known.root, commit, paths).items():
            if posixpath.basename(path) == PROJECT_FILE:
                tools.update([path] if b"project" not in content else [])
                continue
            with contextlib.suppress(ConfigError):  # else it counts as a whole
                locks[path] = parse_lock(content, path)
        return locks, frozenset(tools)


class Touching:
    """Which cells some differing files may have to do with."""

    def __init__(
        self,
        known: KnownCells,
        inputs: CellInputs,
        different: Differing,
        old_locks: Mapping[str, Lock],
        tools_only: frozenset[str] = frozenset(),
    ) -> None:
        """`old_locks`: what differing locks were, by path. `tools_only`: the `pyproject.toml` that
        were no projects."""
        self._known = known
        self._inputs = inputs
        self._different = different
        self._old_locks = old_locks
        self._tools_only = tools_only
        self._paths = different.paths
        self._gone_below = _folders(different.gone)
        self._listings = {posixpath.dirname(p) for p in self._paths}
        self._listings |= _folders(different.gone | different.come | different.repositories)
        modules = (p for p in different.gone | different.come if p.endswith(_MODULES))
        self._modules = frozenset(modules)
        self._notebooks: dict[str, bool] = {}
        self._is_meant = cache(self._means_gone)
        self._lock_differs = cache(self._differs)

    def is_touched(self, label: Label) -> bool:
        """Whether one of the files can change what the cell gives."""
        return (
            self._is_notebook_touched(label.package)
            or self._are_files_touched(label)
            or self._are_traces_touched(label)
            or self._is_action_touched(label)
            or self._is_lock_touched(label)
        )

    def _is_notebook_touched(self, package: str) -> bool:
        """Whether it is one that all cells of the notebook depend on, there or not."""
        if package not in self._notebooks:
            self._notebooks[package] = not self._paths.isdisjoint(self._of_notebook(package))
        return self._notebooks[package]

    def _of_notebook(self, package: str) -> set[str]:
        found = {posixpath.join(package, name) for name in (NOTEBOOK_FILE, ACCEPTED_FILE)}
        found.add(WORKSPACE_FILE)
        project = self._known.project(package)
        if project is not None:
            found |= {posixpath.join(folder, PIN_FILE) for folder in upwards(project.folder)}
        for folder in upwards(package):
            path = posixpath.join(folder, PROJECT_FILE)
            is_project = project is not None and folder == project.folder
            if is_project or path not in self._tools_only:
                found.add(path)
            if is_project:
                break
        if project is not None and not self._is_lock_compared(project, package):
            found.add(posixpath.join(project.folder, LOCK_FILE))
        return found

    def _is_lock_compared(self, project: Project, package: str) -> bool:
        """Whether it is known what of the lock differs, and only a part of it counts."""
        narrow = self._known.opened.workspace.build.environment == "narrow"
        path = posixpath.join(project.folder, LOCK_FILE)
        return narrow and path in self._old_locks and self._known.lock(package) is not None

    def _are_files_touched(self, label: Label) -> bool:
        project = self._known.project(label.package)
        # What of the lock differs is looked at apart, unless the cell reads the file itself.
        lock = None if project is None else posixpath.join(project.folder, LOCK_FILE)
        lock = None if lock in self._inputs.traces(label).read else lock
        return self._is_any(path for path in self._inputs.files(label) if path != lock)

    def _is_any(self, paths: Iterable[str]) -> bool:
        """Whether one of `paths` differs, or may."""
        repositories = self._different.repositories
        return any(
            path in self._paths or (repositories and not repositories.isdisjoint(_above(path)))
            for path in paths
        )

    def _are_traces_touched(self, label: Label) -> bool:
        """Files that it looked for, or wrote, and folders that it listed."""
        traces = self._inputs.traces(label)
        paths = self._inputs.with_targets(traces.sought | traces.made)
        folders = self._inputs.with_targets(traces.folders)
        return self._is_any(paths) or not self._listings.isdisjoint(folders)

    def _is_action_touched(self, label: Label) -> bool:
        """Files that are gone, and that it declares, mentions or imports."""
        action = self._known.action(label)
        if action is None:
            return False
        disk = self._known.planned.disk
        places = disk.places(action) | self._inputs.source_folders(label)
        return (
            self._is_any(disk.mentions(action))
            or not self._gone_below.isdisjoint(places)
            or any(self._is_meant(action.folder, glob) for glob in action.files.globs)
            or any(self._is_meant("", place) for place in places if _is_pattern(place))
            or self._are_modules_touched(label, action)
        )

    def _means_gone(self, folder: str, glob: str) -> bool:
        try:
            return any(is_meant(folder, glob, path) for path in self._different.gone)
        except ValueError:
            return False

    def _are_modules_touched(self, label: Label, action: Action) -> bool:
        """Modules that are gone, or that may be what it did not find, by their top-level names."""
        if not self._modules:
            return False
        below = f"{label.package}/" if label.package else ""
        files = action.provenance.get("files")
        names = {name.partition(".")[0] for name in action.imports}
        names |= {_top(path, below) for path in files} if isinstance(files, dict) else set()
        missing = (n for n in self._inputs.traces(label).installed if n.startswith(MODULE))
        names |= {name.removeprefix(MODULE).partition(".")[0] for name in missing}
        return any(p.startswith(below) and _top(p, below) in names for p in self._modules)

    def _is_lock_touched(self, label: Label) -> bool:
        """Distributions that it can reach, or was seen to import or to miss."""
        project = self._known.project(label.package)
        if project is None:
            return False
        path = posixpath.join(project.folder, LOCK_FILE)
        if path not in self._paths:
            return False
        action = self._known.action(label)
        if action is None:
            return True
        traces = self._inputs.traces(label)
        return self._lock_differs(
            path, label.package, action.imports, traces.installed, traces.distributions
        )

    def _differs(
        self,
        path: str,
        package: str,
        imports: tuple[str, ...],
        observed: frozenset[str],
        recorded: frozenset[str],
    ) -> bool:
        new, old = self._known.lock(package), self._old_locks.get(path)
        if new is None or old is None:
            return True
        return (
            new.closure(imports) != old.closure(imports)
            or any(new.observe(name) != old.observe(name) for name in observed)
            or any(new.identity(name) != old.identity(name) for name in recorded)
        )


def _folders(paths: Iterable[str]) -> set[str]:
    """All folders above `paths`."""
    found: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def _above(path: str) -> list[str]:
    """`path` and the folders above it."""
    return list(upwards(path)) if not path.startswith("/") else [path, *_folders([path])]


def _top(path: str, below: str) -> str:
    """The top-level name of the module in `path`."""
    return path.removeprefix(below).partition("/")[0].partition(".")[0]


def _is_pattern(path: str) -> bool:
    return any(mark in path for mark in "*?[")
