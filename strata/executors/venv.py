"""The interpreter that a cell runs in: of a virtual environment made from a lock, or a bare one.

An environment is made once for a lock, a Python and a platform, and shared by all notebooks that
have them. It is made in place, because environments cannot be moved, under a lock that uv itself
holds too: when we are killed, the next build waits for the orphaned uv before it starts anew. A
stamp, written last, says that it is whole; without the stamp it does not exist.

uv runs on the user's folder: the lock may name folders relative to it. With `--frozen` and the
environment elsewhere it writes nothing there (`tests/executors/test_venv.py`); so read-only
notebooks work. A path dependency is built by its own build backend, which may write into its own
folder: that is outside our hands.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from blake3 import blake3

from strata.core.action import Environment
from strata.core.dataclass import dataclass
from strata.core.digest import digest_bytes
from strata.core.encoding import Encodable, encode
from strata.core.errors import EnvironmentFailed, Interrupted
from strata.core.events import Emit, Notice
from strata.executors.base import Cancellation
from strata.executors.installed import distribution_of, write_mapping
from strata.executors.interpreters import Python, choose_interpreter, environment_for
from strata.executors.scratch import remove
from strata.executors.uv import Uv, UvEnded

__all__ = [
    "Environments",
    "Interpreter",
    "Python",
    "choose_interpreter",
    "distribution_of",
    "environment_for",
    "lock_project",
]

STAMP = "strata-complete"

_KEY_DOMAIN = "strata.environment.v1"
_KEY_LENGTH = 24
_LOCK_TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How to start Python: the program with its first flags; and where its scripts are."""

    argv: tuple[str, ...]
    bin: Path | None = None
    is_venv: bool = False


class Environments:
    """Environment to interpreter, making what is not there. Safe for threads; one for a build.

    What failed once is not tried again for every further cell.
    """

    def __init__(
        self,
        root: Path,
        cache: Path,
        emit: Emit,
        cancellation: Cancellation,
        variables: Mapping[str, str],
    ) -> None:
        """`root` is the workspace; environments go below `cache`; `variables` are for uv."""
        self._root = root.resolve()
        self._folder = cache.resolve() / "envs"
        self._emit = emit
        self._cancellation = cancellation
        self._uv = Uv(variables, cancellation)
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._keys: dict[Environment, str] = {}
        self._whole: set[str] = set()
        self._failures: dict[str, EnvironmentFailed] = {}

    def __call__(self, environment: Environment) -> Interpreter:
        """The interpreter of `environment`, ready to use.

        Raises `EnvironmentFailed`, with uv's words; `Interrupted` when cancelled meanwhile.
        """
        if environment.project is None:
            return Interpreter((environment.interpreter, "-S"))
        project = self._root / environment.project
        key = self._key_of(environment, project)
        folder = self._folder / key
        with self._lock_of(key):
            if key in self._failures:
                raise self._failures[key]
            if not self._is_whole(key, folder):
                self._make(key, folder, environment, project)
        return Interpreter((str(_python_of(folder)),), folder / "bin", is_venv=True)

    def _key_of(self, environment: Environment, project: Path) -> str:
        # Once for all cells: a lock can be long. Two threads may both look, and find the same.
        if environment not in self._keys:
            self._keys[environment] = environment_key(environment, project)
        return self._keys[environment]

    def _lock_of(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())

    def _is_whole(self, key: str, folder: Path) -> bool:
        # All of it once a build, and after that only what a cell would stumble over at once.
        if key in self._whole and _python_of(folder).exists() and (folder / STAMP).exists():
            return True
        if not is_complete(folder):
            return False
        self._whole.add(key)
        return True

    def _make(self, key: str, folder: Path, environment: Environment, project: Path) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._held(self._folder / f"{key}.lock", project) as lock:
                if not is_complete(folder):
                    remove(folder)
                    self._sync(folder, environment, project, lock)
                    write_mapping(folder)
                    _write_stamp(folder)
        except EnvironmentFailed as failure:
            self._failures[key] = failure
            raise
        except OSError as problem:
            raise EnvironmentFailed(
                f"{folder}: cannot make the environment: {problem}"
            ) from problem
        self._whole.add(key)

    @contextlib.contextmanager
    def _held(self, path: Path, project: Path) -> Iterator[int]:
        """Holds the lock `path` between builds; gives its descriptor. Raises `Interrupted`."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            told = False
            while not _try_lock(descriptor):
                if self._cancellation.requested:
                    raise Interrupted("stopped while waiting for an environment")
                if not told:
                    message = f"another build makes the environment of {self._name(project)}"
                    self._emit(Notice("note", f"{message}: waiting for it"))
                    told = True
                # flock can wait, but not for a lock *or* a cancellation.
                time.sleep(_LOCK_TICK_S)
            yield descriptor
            # Not by closing alone: a process that uv left behind may hold the descriptor still.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def _sync(self, folder: Path, environment: Environment, project: Path, lock: int) -> None:
        content = _check_lock(project, environment)
        self._emit(Notice("note", f"making the environment of {self._name(project)} with uv"))
        command = ["sync", "--frozen", "--no-install-project", "--no-default-groups"]
        command += ["--project", str(project), "--python", environment.interpreter]
        for folder_package in _folders(content):
            # uv would take what it built of this folder before, however the source has changed.
            command += ["--refresh-package", folder_package.name]
        extra = {
            "UV_PROJECT_ENVIRONMENT": str(folder),
            "UV_COMPILE_BYTECODE": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        ended = self._uv.run(command, project, extra, keep_open=[lock])
        if ended.code != 0:
            # A network that is gone or unsteady is no matter if uv's cache has everything.
            offline = self._uv.run([*command, "--offline"], project, extra, keep_open=[lock])
            if offline.code != 0:
                raise _not_made(project, self._root, ended)
        _check_lock(project, environment)

    def _name(self, project: Path) -> str:
        relative = project.relative_to(self._root).as_posix()
        return f"//{'' if relative == '.' else relative}"


def environment_key(environment: Environment, project: Path) -> str:
    """The name of the environment's folder.

    Folders that a lock refers to are not of the lock's content: they make the environment the
    project's own, and a new one when a folder that is installed as a copy has changed.
    """
    assert environment.lock is not None
    own: Encodable = None
    folders = _folders(_read_lock(project))
    if folders:
        copies = [f.path for f in folders if not f.editable]
        own = [str(project), [_state_of(project / path) for path in copies]]
    parts = [_KEY_DOMAIN, str(environment.lock), environment.python, environment.platform, own]
    return blake3(encode(parts)).hexdigest()[:_KEY_LENGTH]


def is_complete(folder: Path) -> bool:
    """Whether the environment at `folder` was made to its end and still has what it had then."""
    try:
        stamp = json.loads((folder / STAMP).read_text())
        expected = set(stamp["distributions"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    usable = _python_of(folder).exists() and (folder / "pyvenv.cfg").exists()
    return usable and expected <= set(_distributions(folder))


def lock_project(folder: Path, emit: Emit, uv: Uv) -> None:
    """The project at `folder` has a `uv.lock`, made now if there was none.

    Raises `EnvironmentFailed` with uv's words.
    """
    if (folder / "uv.lock").exists():
        return
    emit(Notice("note", f"{folder}: there is no uv.lock; making one with `uv lock`"))
    ended = uv.run(["lock", "--project", str(folder)], folder)
    if ended.code != 0:
        offline = uv.run(["lock", "--project", str(folder), "--offline"], folder)
        if offline.code != 0:
            raise EnvironmentFailed(f"`uv lock` failed:\n{ended.words}", path=str(folder))


def _python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def _distributions(folder: Path) -> list[str]:
    """The metadata folders of what is installed; one missing means that somebody cleaned up."""
    return sorted(p.name for p in folder.glob("lib/python*/site-packages/*.dist-info"))


def _write_stamp(folder: Path) -> None:
    stamp = folder / STAMP
    temporary = stamp.with_suffix(".new")
    with temporary.open("w") as file:
        json.dump({"distributions": _distributions(folder)}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(stamp)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Folder:
    """A package of a lock that is a folder, relative to the project."""

    name: str
    path: str
    editable: bool


def _read_lock(project: Path) -> bytes:
    try:
        return (project / "uv.lock").read_bytes()
    except OSError as problem:
        raise EnvironmentFailed(f"no lock: {problem}", path=str(project)) from problem


def _check_lock(project: Path, environment: Environment) -> bytes:
    """The lock of `project`, which is still the one that `environment` names."""
    lock = _read_lock(project)
    if digest_bytes(lock) != environment.lock:
        hint = "build again: what the keys say must be what is installed"
        path = str(project / "uv.lock")
        raise EnvironmentFailed("the lock changed during the build", path=path, hint=hint)
    return lock


def _folders(lock: bytes) -> list[_Folder]:
    """The packages of `lock` that are folders, without the project itself."""
    # Most locks have none, and to parse a long one takes a tenth of a second.
    if b"directory" not in lock and b"editable" not in lock:
        return []
    found = []
    for name, source in _packages(lock):
        for kind in ("directory", "editable"):
            path = source.get(kind)
            if isinstance(path, str) and path != ".":
                found.append(_Folder(name, path, kind == "editable"))
    return found


def _packages(lock: bytes) -> list[tuple[str, Mapping[str, object]]]:
    """Name and source of each package; none for a lock that only uv can say what is wrong with."""
    import tomllib

    try:
        packages = tomllib.loads(lock.decode()).get("package", [])
        return [(str(p["name"]), dict(p.get("source", {}))) for p in packages]
    except (ValueError, AttributeError, TypeError, KeyError):
        return []


def source_folders(project: Path) -> dict[str, list[Path]]:
    """The files of the folders that the project's lock installs from, sorted, by the name of the
    distribution; most locks have none.

    The lock does not say what is in them, so their content belongs into the key.
    """
    return {
        folder.name: _files_of(Path(os.path.normpath(project / folder.path)))
        for folder in _folders(_read_lock(project))
    }


def _state_of(folder: Path) -> Encodable:
    """What changes when a file of the source folder does; what building leaves there is no part."""
    state: list[Encodable] = []
    for path in _files_of(folder):
        with contextlib.suppress(OSError):
            status = path.stat()
            relative = path.relative_to(folder).as_posix()
            state.append([relative, status.st_size, status.st_mtime_ns])
    return state


def _files_of(folder: Path) -> list[Path]:
    """The files of a source folder, sorted, without what tools leave there."""
    found: list[Path] = []
    for place, names, files in os.walk(folder):
        names[:] = [n for n in names if not _is_made_by_tools(n)]
        found += [Path(place, name) for name in files]
    return sorted(found)


def _is_made_by_tools(folder: str) -> bool:
    made = folder in ("__pycache__", "build", "dist", "node_modules")
    return made or folder.startswith(".") or folder.endswith(".egg-info")


def _not_made(project: Path, root: Path, ended: UvEnded) -> EnvironmentFailed:
    try:
        shown = str(project.relative_to(root) / "pyproject.toml")
    except ValueError:
        shown = str(project / "pyproject.toml")
    return EnvironmentFailed(
        f"uv could not make the environment:\n{ended.words}",
        path=shown,
        hint="if the lock is out of date, run `uv lock` in that folder",
    )
