"""Which project file (`pyproject.toml`, `uv.lock`) is the environment of a notebook.

Reads only: making the environment is uv's business and is started elsewhere.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.core.digest import Digest, digest_bytes
from strata.core.errors import ConfigError
from strata.loading.document import Document, read_document
from strata.loading.files import UnreadableText, read_text
from strata.loading.values import Table

PROJECT_FILE = "pyproject.toml"
LOCK_FILE = "uv.lock"
PIN_FILE = ".python-version"


@dataclass(frozen=True, slots=True)
class Project:
    """The environment of the notebooks in and below `folder` (relative to the workspace root)."""

    folder: str
    pyproject: Path
    lock: Path | None
    """None where uv has not locked the project yet."""
    lock_digest: Digest | None
    requires_python: str | None
    python_pin: str | None
    """The first line of the nearest `.python-version`, from `folder` up to the root."""
    local_sources: bool
    """Whether it installs from folders beside it, so that the lock does not say all."""


def digest_file(path: Path) -> Digest:
    """The digest of the file `path`, read each time; a `FileIndex` remembers."""
    return digest_bytes(path.read_bytes())


def find_project(
    workspace_root: Path, package: str, digest: Callable[[Path], Digest] = digest_file
) -> Project | None:
    """The project of the nearest folder, from `package` up to the root, that has one.

    A `pyproject.toml` without a `[project]` table only configures tools and is passed over.
    None: the standard library alone. Raises `ConfigError` for a file that cannot be read.
    """
    for folder in _upwards(package):
        path = workspace_root / folder / PROJECT_FILE
        if os.path.lexists(path):
            document = read_document(path, posixpath.join(folder, PROJECT_FILE), ConfigError)
            if "project" in document.data:
                return _project(workspace_root, folder, document, digest)
    return None


def _upwards(package: str) -> list[str]:
    """`package` and the folders above it, up to "" for the root."""
    folders = [package]
    while folders[-1]:
        folders.append(posixpath.dirname(folders[-1]))
    return folders


def _project(
    root: Path, folder: str, document: Document, digest: Callable[[Path], Digest]
) -> Project:
    table = _table(document, ("project",), document.data["project"])
    requires = table.get("requires-python")
    if requires is not None and not isinstance(requires, str):
        where = ("project", "requires-python")
        what = "'requires-python' must be a string"
        raise document.mistake(where, what, 'write for instance: requires-python = ">=3.11"')
    lock = root / folder / LOCK_FILE
    locked = lock.is_file()
    try:
        lock_digest = digest(lock) if locked else None
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        shown = posixpath.join(folder, LOCK_FILE)
        raise ConfigError(
            f"cannot be read: {reason}", path=shown, hint="check its permissions"
        ) from problem
    return Project(
        folder=folder,
        pyproject=root / folder / PROJECT_FILE,
        lock=lock if locked else None,
        lock_digest=lock_digest,
        requires_python=requires,
        python_pin=_python_pin(root, folder),
        local_sources=_has_local_sources(document),
    )


def _table(document: Document, where: tuple[str, ...], value: object) -> Table:
    if not isinstance(value, dict):
        name = ".".join(where)
        raise document.mistake(where, f"'{name}' must be a table", f"write it as [{name}]")
    return value


def _python_pin(root: Path, folder: str) -> str | None:
    for above in _upwards(folder):
        path = root / above / PIN_FILE
        if os.path.lexists(path):
            try:
                lines = [line.split("#")[0].strip() for line in read_text(path).split("\n")]
            except UnreadableText as problem:
                shown = posixpath.join(above, PIN_FILE)
                raise ConfigError(
                    f"the file {problem.what}", path=shown, hint=problem.hint
                ) from problem
            return next((line for line in lines if line), None)
    return None


def _has_local_sources(document: Document) -> bool:
    """Whether `[tool.uv.sources]` names a folder: uv's documentation, "Dependency sources"."""
    where: tuple[str, ...] = ()
    table: Table = document.data
    for key in ("tool", "uv", "sources"):
        where = (*where, key)
        if key not in table:
            return False
        table = _table(document, where, table[key])
    sources = [s for v in table.values() for s in (v if isinstance(v, list) else [v])]
    return any(isinstance(s, dict) and ("path" in s or "workspace" in s) for s in sources)
