"""Which environment each package has, and what its lock says: before anything is installed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from strata.core.action import Environment
from strata.core.digest import Digest, digest_bytes
from strata.core.encoding import Encodable, encode
from strata.core.events import Emit
from strata.executors.base import Cancellation
from strata.executors.interpreters import choose_interpreter, environment_for
from strata.executors.uv import Uv
from strata.executors.venv import lock_project, source_folders
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


def environments_of(
    around: Surroundings, packages: Iterable[str], index: FileIndex
) -> dict[str, Environment]:
    """The environment of each package: its interpreter, and the lock of its project."""
    chosen: dict[str | None, Environment] = {}
    found: dict[str, Environment] = {}
    for package in sorted(packages):
        project = find_project(around.root, package, index.digest)
        where = None if project is None else project.folder
        if where not in chosen:
            chosen[where] = _environment(around, package, project, index)
        found[package] = chosen[where]
    return found


def _environment(
    around: Surroundings, package: str, project: Project | None, index: FileIndex
) -> Environment:
    uv = Uv(around.environ, around.cancellation)
    if project is None:
        return environment_for(choose_interpreter(None, None, cache=around.state, uv=uv))
    if project.lock is None:
        lock_project(around.root / project.folder, around.emit, uv)
        project = find_project(around.root, package, index.digest)
        assert project is not None
    python = choose_interpreter(
        project.requires_python, project.python_pin, cache=around.state, uv=uv
    )
    sources = _sources(around.root / project.folder, index)
    whole = digest_bytes(encode(sources)) if sources else None
    environment = environment_for(python, project.folder, project.lock_digest, whole)
    return replace(environment, narrow=around.narrow)


def locks_of(
    around: Surroundings, environments: Iterable[Environment], index: FileIndex
) -> dict[Environment, Lock]:
    """What the locks of these environments say; read now, so that a mistake in one is found before
    anything runs. Raises `ConfigError`."""
    found: dict[Environment, Lock] = {}
    for environment in environments:
        if environment.project is None or environment.lock is None or not environment.narrow:
            continue
        if environment not in found:
            folder = around.root / environment.project
            found[environment] = read_lock(
                folder / LOCK_FILE,
                environment.lock,
                around.state,
                sources={
                    name: digest_bytes(encode(s)).hex for name, s in _sources(folder, index).items()
                },
                shown=os.path.join(environment.project, LOCK_FILE),
            )
    return found


def _sources(folder: Path, index: FileIndex) -> dict[str, dict[str, Encodable]]:
    """What is in the folders that a project installs from: distribution to path to digest."""
    return {
        name: {os.path.relpath(path, folder): _digest(index, path) for path in files}
        for name, files in source_folders(folder).items()
    }


def _digest(index: FileIndex, path: Path) -> str:
    found: Digest = index.digest(path)
    return str(found)
