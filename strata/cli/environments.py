"""Which environment each package has, and what its lock says: before anything is installed."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from strata.core.action import Environment
from strata.core.dataclass import dataclass, field, replace
from strata.core.digest import digest_bytes
from strata.core.encoding import Encodable, encode
from strata.core.errors import ConfigError, EnvironmentFailed
from strata.core.events import Emit, Notice
from strata.executors.base import Cancellation
from strata.executors.interpreters import Python, choose_interpreter, environment_for
from strata.executors.uv import Uv
from strata.loading.environment import LOCK_FILE, Project, find_project
from strata.loading.index import FileIndex
from strata.loading.lock import Lock, read_lock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where projects are looked for, and what uv is given. `narrow`: of a lock, only what a cell
    can reach counts for it."""

    root: Path
    state: Path
    environ: Mapping[str, str] = field(repr=False)
    emit: Emit
    cancellation: Cancellation
    narrow: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """The environment of each package, and the locks of those of which only a part counts."""

    environments: Mapping[str, Environment]
    locks: Mapping[Environment, Lock]


def environments_of(around: Surroundings, packages: Iterable[str], index: FileIndex) -> Chosen:
    """The environment of each package: its interpreter, and the lock of its project.

    Locks are read now, so that a mistake in one is found before anything runs. Raises
    `ConfigError`.
    """
    return _chosen(around, packages, index, _environment)


def known_environments(around: Surroundings, packages: Iterable[str], index: FileIndex) -> Chosen:
    """The same as far as it is known, for questions: no lock is made.

    A project of which there is no lock, or none that can be read, has an environment that no
    result was made in; that is said once. Raises `ConfigError` for a `pyproject.toml` that cannot
    be read.
    """
    return _chosen(around, packages, index, _known_environment)


_Choose = Callable[[Surroundings, str, Project | None, FileIndex], tuple[Environment, Lock | None]]


def _chosen(
    around: Surroundings, packages: Iterable[str], index: FileIndex, choose: _Choose
) -> Chosen:
    chosen: dict[str | None, Environment] = {}
    environments: dict[str, Environment] = {}
    locks: dict[Environment, Lock] = {}
    for package in sorted(packages):
        project = find_project(around.root, package, index.digest)
        where = None if project is None else project.folder
        if where not in chosen:
            environment, lock = choose(around, package, project, index)
            chosen[where] = environment
            if lock is not None:
                locks[environment] = lock
        environments[package] = chosen[where]
    return Chosen(environments, locks)


def _environment(
    around: Surroundings, package: str, project: Project | None, index: FileIndex
) -> tuple[Environment, Lock | None]:
    uv = Uv(around.environ, around.cancellation)
    if project is None:
        return environment_for(choose_interpreter(None, None, cache=around.state, uv=uv)), None
    if project.lock is None:
        from strata.executors.venv import lock_project  # rarely, and it loads much

        lock_project(around.root / project.folder, around.emit, uv)
        project = find_project(around.root, package, index.digest)
        assert project is not None
    python = choose_interpreter(
        project.requires_python, project.python_pin, cache=around.state, uv=uv
    )
    return _locked(around, project, python, index)


def _known_environment(
    around: Surroundings, package: str, project: Project | None, index: FileIndex
) -> tuple[Environment, Lock | None]:
    ours = choose_interpreter(
        None, None, cache=around.state, uv=Uv(around.environ, around.cancellation)
    )
    if project is None:
        return environment_for(ours), None
    if project.lock is None:
        shown = posixpath.join(project.folder, LOCK_FILE)
        what = f"there is no {shown}: of its distributions nothing is known until a build makes it"
        around.emit(Notice("note", what))
        return environment_for(ours, project.folder, _NO_LOCK), None
    try:
        return _locked(around, project, _known_python(around, project, ours), index)
    except (ConfigError, OSError) as problem:
        around.emit(Notice("warning", str(problem).partition("\n")[0]))
        return environment_for(ours, project.folder, _NO_LOCK), None


_NO_LOCK = digest_bytes(b"")
"""Of no lock: an empty file is none."""


def _known_python(around: Surroundings, project: Project, ours: Python) -> Python:
    """The interpreter of `project`; ours, where uv would have to be asked and cannot."""
    if not around.state.is_dir():
        return ours
    with contextlib.suppress(EnvironmentFailed):
        return choose_interpreter(
            project.requires_python,
            project.python_pin,
            cache=around.state,
            uv=Uv(around.environ, around.cancellation),
        )
    return ours


def _locked(
    around: Surroundings, project: Project, python: Python, index: FileIndex
) -> tuple[Environment, Lock | None]:
    sources = _sources(around.root / project.folder, index)
    whole = digest_bytes(encode(sources)) if sources else None
    environment = environment_for(python, project.folder, project.lock_digest, whole)
    if not around.narrow or environment.lock is None:
        return replace(environment, narrow=around.narrow), None
    lock = read_lock(
        around.root / project.folder / LOCK_FILE,
        environment.lock,
        around.state if around.state.is_dir() else None,
        sources={name: digest_bytes(encode(files)).hex for name, files in sources.items()},
        shown=os.path.join(project.folder, LOCK_FILE),
    )
    return replace(environment, narrow=True), lock


def _sources(folder: Path, index: FileIndex) -> dict[str, dict[str, Encodable]]:
    """What is in the folders that a project installs from: distribution to path to digest."""
    from strata.executors.venv import source_folders  # much to load, for projects only

    return {
        name: {os.path.relpath(path, folder): str(index.digest(path)) for path in files}
        for name, files in source_folders(folder).items()
    }
