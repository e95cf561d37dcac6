"""The workspace: where its root is, and what `strata.toml` says.

Knows neither the process's environment nor the current folder: both are handed in. Which folders
are packages is `strata.loading.packages`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from strata.core.dataclass import dataclass, field
from strata.core.errors import WorkspaceError
from strata.core.quantities import parse_size
from strata.loading.document import Document, read_document
from strata.loading.packages import (
    NOTEBOOK_FILE,
    WORKSPACE_FILE,
    PackageListing,
    list_packages,
)
from strata.loading.schema import load_schema, show
from strata.loading.values import (
    Table,
    as_table,
    as_text,
    number_in,
    table_in,
    text_in,
    texts_in,
    whole_in,
)

DEFAULT_CACHE_DIR = ".strata/cache"
DEFAULT_CACHE_SIZE_BYTES = 20 * 2**30


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """`[build]`. `jobs` is how many cells run at once, 0 for one per core. `environment` says what
    of a lock is in a key: what the cell can reach ("narrow"), or all of it ("whole-lock"). `warm`
    says how long processes that cells are forked from live: a "build", until nobody has used them
    for a while ("server"), or there are none ("off")."""

    jobs: int = 0
    sandbox: str = "off"
    network: str = "on"
    environment: str = "narrow"
    warm: str = "build"
    resources: Mapping[str, float] = field(default_factory=dict)
    """What cells may take of the machine together; as `Directives.resources`."""


@dataclass(frozen=True, slots=True)
class RemoteCacheSettings:
    """`[cache.remote]`. `token_env` names the environment variable that holds the token."""

    url: str
    mode: str = "read"
    token_env: str | None = None


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """`[cache]`. `dir` is absolute."""

    dir: Path
    max_size_bytes: int = DEFAULT_CACHE_SIZE_BYTES
    remote: RemoteCacheSettings | None = None


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """`[workers.NAME]`: a machine that runs actions, and what it offers to them."""

    name: str
    url: str
    slots: int = 1
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The tree below `root`, which is absolute and without symbolic links."""

    root: Path
    build: BuildSettings
    cache: CacheSettings
    workers: Mapping[str, WorkerSettings] = field(default_factory=dict)
    connections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """`[connections]` as written; a notebook's own of the same name wins."""
    exclude: tuple[str, ...] = ()
    has_file: bool = False
    """Whether there is a `strata.toml`."""
    warnings: tuple[str, ...] = ()
    """Complete messages with their place."""


def find_root(start: Path) -> Path:
    """The root of the workspace that the absolute path `start` is in, without symbolic links.

    The nearest ancestor (or `start` itself) with `strata.toml`; else with `.git`; else with
    `notebook.toml`, so that a lone notebook is a workspace. Raises `WorkspaceError` for none.
    """
    folder = Path(os.path.realpath(start))
    ancestors = (folder, *folder.parents)
    for marker in (WORKSPACE_FILE, ".git", NOTEBOOK_FILE):
        for ancestor in ancestors:
            # os.path, as pathlib raises where a folder on the way up may not be searched.
            if os.path.lexists(ancestor / marker):
                return ancestor
    raise WorkspaceError(
        f"'{start}' is not in a workspace",
        hint="`strata new NAME` makes a notebook here; an empty strata.toml makes a workspace",
    )


def load_workspace(root: Path, environ: Mapping[str, str]) -> Workspace:
    """The workspace at `root` (as `find_root` gave it), its defaults filled in.

    Of `environ`, `STRATA_CACHE_DIR` overrides `[cache] dir`; HOME is what a leading `~` means.
    Raises `WorkspaceError` with `strata.toml:line` for a mistake; unknown keys are warnings.
    """
    path = root / WORKSPACE_FILE
    if not os.path.lexists(path):
        return Workspace(root, BuildSettings(), CacheSettings(_cache_dir(root, {}, environ)))
    document = read_document(path, WORKSPACE_FILE, WorkspaceError)
    schema = load_schema("strata")
    document.check(schema)
    tables = document.data
    return Workspace(
        root=root,
        build=_build(table_in(tables, "build"), document),
        cache=_cache(root, document, environ),
        workers=_workers(table_in(tables, "workers")),
        connections={n: as_table(c) for n, c in table_in(tables, "connections").items()},
        exclude=texts_in(table_in(tables, "workspace"), "exclude"),
        has_file=True,
        warnings=document.unknown_keys(schema),
    )


def find_packages(workspace: Workspace) -> tuple[str, ...]:
    """The packages of `workspace`, sorted; "" is the root."""
    return scan_packages(workspace).packages


def scan_packages(workspace: Workspace) -> PackageListing:
    """The packages of `workspace`, with warnings about what could not be read."""
    return list_packages(workspace.root, workspace.exclude)


def _build(table: Table, document: Document) -> BuildSettings:
    return BuildSettings(
        jobs=whole_in(table, "jobs", 0),
        sandbox=text_in(table, "sandbox") or "off",
        network=text_in(table, "network") or "on",
        environment=text_in(table, "environment") or "narrow",
        warm=text_in(table, "warm") or "build",
        resources=_resources(table_in(table, "resources"), document),
    )


def _resources(table: Table, document: Document) -> Mapping[str, float]:
    numbers = {"cpu": number_in(table, "cpu"), "gpu": number_in(table, "gpu")}
    found = {name: number for name, number in numbers.items() if number is not None}
    if "mem" in table:
        place = ("build", "resources", "mem")
        found["mem"] = _size_in(table, "mem", 0, document, place)
    return found


def _cache(root: Path, document: Document, environ: Mapping[str, str]) -> CacheSettings:
    table = table_in(document.data, "cache")
    remote = _remote(table_in(table, "remote")) if "remote" in table else None
    return CacheSettings(_cache_dir(root, table, environ), _max_size(table, document), remote)


def _cache_dir(root: Path, table: Table, environ: Mapping[str, str]) -> Path:
    written = environ.get("STRATA_CACHE_DIR") or text_in(table, "dir") or DEFAULT_CACHE_DIR
    if written == "~" or written.startswith("~/"):
        written = environ.get("HOME", "~") + written[1:]
    return Path(os.path.normpath(root / written))


def _max_size(table: Table, document: Document) -> int:
    place = ("cache", "max_size")
    return _size_in(table, "max_size", DEFAULT_CACHE_SIZE_BYTES, document, place)


def _size_in(
    table: Table, key: str, default: int, document: Document, place: tuple[str, ...]
) -> int:
    """The size under `key`, in bytes, at least 1; `place` is where that is in the document."""
    written = table.get(key, default)
    if not isinstance(written, str):
        return whole_in(table, key, default)
    try:
        size_bytes = parse_size(written)
    except ValueError:
        size_bytes = 0
    if size_bytes < 1:
        raise document.mistake(
            place,
            f"'{key}' cannot be {show(written)}",
            'a size such as "20GiB", or a number of bytes',
        )
    return size_bytes


def _remote(table: Table) -> RemoteCacheSettings:
    url = text_in(table, "url")
    assert url is not None
    return RemoteCacheSettings(url, text_in(table, "mode") or "read", text_in(table, "token_env"))


def _workers(table: Table) -> dict[str, WorkerSettings]:
    return {name: _worker(name, as_table(worker)) for name, worker in table.items()}


def _worker(name: str, table: Table) -> WorkerSettings:
    url = text_in(table, "url")
    assert url is not None
    properties = {k: as_text(v) for k, v in table_in(table, "properties").items()}
    return WorkerSettings(name, url, whole_in(table, "slots", 1), properties)
