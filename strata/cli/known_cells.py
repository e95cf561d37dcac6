"""What is known of loaded cells beside their text, each looked up once: for questions.

What they would do in a build, the locks of their projects, and the runs that the journal has of
them. Nothing is made on the way: no lock, no environment, no state.
"""

from __future__ import annotations

import contextlib
import tempfile
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from strata.cli.environments import known_environments
from strata.cli.invocation import Cells, Opened, Planned, actions
from strata.core.action import Action, first_action
from strata.core.dataclass import replace
from strata.core.errors import ConfigError, StoreError
from strata.core.events import Event, Notice
from strata.core.label import Label
from strata.loading.environment import LOCK_FILE, Project, digest_file, find_project
from strata.loading.lock import Lock, read_lock
from strata.stores.base import Run

if TYPE_CHECKING:
    from strata.stores.journal import LmdbJournal


class KnownCells:
    """The cells of one workspace that a question has loaded. To be closed."""

    def __init__(self, opened: Opened, cells: Cells) -> None:
        self.opened = opened
        self.cells = cells
        self._closing = contextlib.ExitStack()
        self._digest = cache(digest_file)  # many notebooks have one lock
        self._projects: dict[str, Project | None] = {}
        self._locks: dict[str, Lock | None] = {}
        self._runs: dict[Label, list[Run]] = {}
        self._said: set[Notice] = set()

    def close(self) -> None:
        """Ends the use of the journal, and removes what was put aside."""
        self._closing.close()

    @property
    def root(self) -> Path:
        """The root of the workspace."""
        return self.opened.workspace.root

    @property
    def labels(self) -> list[Label]:
        """Of all cells, in definition order."""
        return [cell.label for cell in self.cells.joined]

    @cached_property
    def planned(self) -> Planned:
        """The actions of all cells, as far as they are known without making a lock."""
        opened = replace(self.opened, state=self.state, emit=self.emit)
        return actions(opened, self.cells, self.labels, choose=known_environments)

    @cached_property
    def state(self) -> Path:
        """The state of the workspace; a folder for as long as this is used, where there is none."""
        if self.opened.state.is_dir():
            return self.opened.state
        return self.aside / "state"

    @cached_property
    def aside(self) -> Path:
        """An empty folder for as long as this is used."""
        return Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="strata-")))

    def beside(self, *, empty: bool = False) -> Opened:
        """The workspace for a dry run that leaves nothing in it: what is not there is aside, and
        all of it where it is to be `empty`."""
        workspace, state = self.opened.workspace, self.state
        if empty or not self.opened.cache.is_dir():
            workspace = replace(workspace, cache=replace(workspace.cache, dir=self.aside / "cache"))
        if empty or not (state / "journal").is_dir():
            state = self.aside / "state"
        return replace(self.opened, workspace=workspace, state=state, emit=self.emit)

    def action(self, label: Label) -> Action | None:
        """What would be run first; None for a cell that is broken or builds nothing."""
        node = self.planned.graph.nodes.get(label)
        return None if node is None else first_action(node)

    def project(self, package: str) -> Project | None:
        """The project that the notebook's environment is made from. Raises `ConfigError`."""
        if package not in self._projects:
            with self.opened.reading_for(package):
                self._projects[package] = find_project(self.root, package, self._digest)
        return self._projects[package]

    def lock(self, package: str) -> Lock | None:
        """The lock of its project; None where there is none that can be understood. What is in
        folders that it installs from is not in it."""
        project = self.project(package)
        if project is None or project.lock_digest is None:
            return None
        if project.folder not in self._locks:
            self._locks[project.folder] = self._read_lock(project)
        return self._locks[project.folder]

    def _read_lock(self, project: Project) -> Lock | None:
        assert project.lock is not None
        assert project.lock_digest is not None
        state = self.opened.state
        shown = f"{project.folder}/{LOCK_FILE}".removeprefix("/")
        cache = state if state.is_dir() else None
        try:
            return read_lock(project.lock, project.lock_digest, cache, shown=shown)
        except ConfigError as problem:
            self.emit(Notice("warning", problem.message))
            return None

    def runs(self, label: Label) -> list[Run]:
        """The recorded runs of the cell, newest first."""
        if label not in self._runs:
            self._runs[label] = self._history(label)
        return self._runs[label]

    def _history(self, label: Label) -> list[Run]:
        journal = self._journal
        if journal is None:
            return []
        try:
            return journal.history(label)
        except StoreError as problem:
            self._warn(problem)
            return []

    @cached_property
    def _journal(self) -> LmdbJournal | None:
        """The journal, open for as long as this is used; None where there is none to be read."""
        from strata.stores.journal import open_journal  # most questions ask for no runs

        self.opened.leave_no_stamp()
        folder = self.opened.state / "journal"
        if not folder.is_dir():
            return None
        try:
            journal = open_journal(folder)
        except StoreError as problem:
            self._warn(problem)
            return None
        return self._closing.enter_context(contextlib.closing(journal))

    def _warn(self, problem: StoreError) -> None:
        self.emit(Notice("warning", f"of earlier runs nothing is known: {problem.message}"))

    def emit(self, event: Event) -> None:
        """Of what is looked up, only notices are told, each once."""
        if isinstance(event, Notice) and event not in self._said:
            self._said.add(event)
            self.opened.emit(event)
