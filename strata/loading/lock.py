"""What a `uv.lock` says: the distributions that are installed from it, and what each needs.

From the lock alone: whether an environment was made from it, on this machine or any other, does
not matter. Names are normalized (PEP 503). Of several versions of one distribution, each for some
platform or Python, all count: which one it is here follows from what else is in the key. Markers
are not evaluated, for the same reason. What only a development group or an extra of the project
needs is not installed, and not known here.

Parsing a long lock takes a tenth of a second, so what is needed of it is kept in a small file
that is named after the lock's digest.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from strata.core.dataclass import dataclass, field
from strata.core.digest import Digest, digest_bytes
from strata.core.distribution import normalized
from strata.core.errors import ConfigError
from strata.core.observation import ABSENT, DIST, MODULE
from strata.loading.distributions import providers

SCHEMA = "strata.lock.v1"
FOLDER = "locks"
"""Where the small files are, below the folder that `read_lock` is given."""

_FROM, _DYNAMIC = "from", "dynamic"
_DEFAULT_INDEX = "https://pypi.org/simple"
_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


class Locked(NamedTuple):
    """One distribution. `identity` is None for what is in the lock and never installed."""

    identity: str | None
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """The distributions of one lock, by name.

    `sources` says what is in the folders that some are installed from, by the distribution's name:
    the lock does not.
    """

    distributions: Mapping[str, Locked]
    sources: Mapping[str, str] = field(default_factory=dict)
    _closures: dict[tuple[str, ...], Mapping[str, str]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def identity(self, name: str) -> str | None:
        """The version of the distribution, and its source where that is not the package index.

        None if nothing of that name is installed from this lock.
        """
        name = normalized(name)
        locked = self.distributions.get(name)
        if locked is None or locked.identity is None:
            return None
        return " ".join(filter(None, (locked.identity, self.sources.get(name))))

    def versions(self, name: str) -> tuple[str, ...]:
        """Every version of the distribution that may be installed from this lock, sorted; one
        whose version its own build says is "dynamic"."""
        locked = self.distributions.get(normalized(name))
        if locked is None or locked.identity is None:
            return ()
        words = (part.partition(" ")[0] for part in locked.identity.split(", "))
        return tuple(sorted({_DYNAMIC if word == _FROM else word for word in words}))

    def providers(self, module: str) -> tuple[str, ...]:
        """The distributions of this lock that the import name may mean, sorted."""
        found = providers(module, self.distributions)
        return tuple(name for name in found if self.distributions[name].identity is not None)

    def closure(self, modules: Iterable[str]) -> Mapping[str, str]:
        """Name to identity of all that these import names may mean and all that those need."""
        # Thousands of cells import the same few things.
        wanted = tuple(sorted(set(modules)))
        if wanted not in self._closures:
            self._closures[wanted] = self._close(wanted)
        return self._closures[wanted]

    def observe(self, name: str) -> str:
        """The value that the observation `dist:NAME` or `module:NAME` has with this lock."""
        if name.startswith(DIST):
            return self.identity(name.removeprefix(DIST)) or ABSENT
        found = self.providers(name.removeprefix(MODULE))
        return ", ".join(f"{d} {self.identity(d)}" for d in found) or ABSENT

    def _close(self, modules: Sequence[str]) -> dict[str, str]:
        reached: set[str] = set()
        stack = [name for module in modules for name in self.providers(module)]
        while stack:
            name = stack.pop()
            if name not in reached:
                reached.add(name)
                stack.extend(self.distributions[name].needs)
        identities = ((name, self.identity(name)) for name in sorted(reached))
        return {name: identity for name, identity in identities if identity is not None}


def read_lock(
    path: Path,
    digest: Digest,
    cache: Path | None,
    *,
    sources: Mapping[str, str] | None = None,
    shown: str | None = None,
) -> Lock:
    """The lock in the file `path`, which has `digest`.

    `cache` is a folder for the small files, if there is one; `shown` is `path` as the user would
    write it. Raises `ConfigError` for a file that cannot be read or understood.
    """
    kept = None if cache is None else cache / FOLDER / f"{digest.hex}.json"
    found = None if kept is None else _recall(kept)
    if found is None:
        found = _parse(_content(path, digest, shown or str(path)), shown or str(path))
        if kept is not None:
            _remember(kept, found)
    return Lock(found, {normalized(name): text for name, text in (sources or {}).items()})


def parse_lock(content: bytes, shown: str) -> Lock:
    """The lock that is `content`. Raises `ConfigError` for what cannot be understood."""
    return Lock(_parse(content, shown))


def _content(path: Path, digest: Digest, shown: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        hint = "check its permissions"
        raise ConfigError(f"cannot be read: {reason}", path=shown, hint=hint) from problem
    if digest_bytes(content) != digest:
        # Kept under the wrong name it would be believed for ever.
        raise ConfigError("the lock changed during the build", path=shown, hint="build again")
    return content


# The small file.


def _recall(kept: Path) -> dict[str, Locked] | None:
    """What `_remember` wrote; None for anything else."""
    try:
        record = json.loads(kept.read_bytes())
        if record["schema"] != SCHEMA:
            return None
        return {
            str(name): Locked(None if identity is None else str(identity), tuple(map(str, needs)))
            for name, (identity, needs) in record["distributions"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _remember(kept: Path, found: Mapping[str, Locked]) -> None:
    import tempfile  # not for a null build

    # Lost without harm: a full disk, a folder that may not be written.
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=kept.parent, prefix=".lock-")
        with os.fdopen(handle, "w") as file:
            json.dump({"schema": SCHEMA, "distributions": found}, file)
        os.replace(temporary, kept)


# The lock as uv writes it: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile


class _Need(NamedTuple):
    name: str
    extras: tuple[str, ...]


class _Package(NamedTuple):
    """One `[[package]]`. `extras` are its optional dependencies."""

    identity: str | None
    is_project: bool
    needs: tuple[_Need, ...]
    extras: Mapping[str, tuple[_Need, ...]]


def _parse(content: bytes, shown: str) -> dict[str, Locked]:
    """Raises `ConfigError` for what is no lock of uv's."""
    import tomllib  # not for a null build

    try:
        data = tomllib.loads(content.decode())
        if data.get("version") != 1:
            raise _UnknownFormat
        packages: dict[str, list[_Package]] = {}
        for table in data.get("package", []):
            packages.setdefault(normalized(table["name"]), []).append(_package(table))
    except _UnknownFormat:
        raise ConfigError(
            "the lock has a format that this version of Strata does not know",
            path=shown,
            hint='write environment = "whole-lock" under [build] in strata.toml',
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        what = str(problem) if isinstance(problem, ValueError) else "not as uv writes it"
        line = _LINE.search(what)
        raise ConfigError(
            f"the lock cannot be understood: {_LINE.sub('', what)}",
            path=shown,
            line=int(line[1]) if line else None,
            hint="run `uv lock` in that folder; after a merge, too",
        ) from problem
    return _installed(packages)


class _UnknownFormat(Exception):
    """A lock of a later format."""


def _package(table: Mapping[str, object]) -> _Package:
    source = _table(table["source"])
    extras = _table(table.get("optional-dependencies", {}))
    place = source.get("editable", source.get("virtual"))
    is_project = place == "."
    installed = not is_project and "virtual" not in source
    return _Package(
        _identity(table, source) if installed else None,
        is_project,
        _needs(table.get("dependencies", [])),
        {normalized(extra): _needs(needs) for extra, needs in extras.items()},
    )


def _identity(table: Mapping[str, object], source: Mapping[str, object]) -> str:
    """The version; and the source, if another one may have another content as the same version."""
    version = str(table.get("version", ""))
    kind, where = next(((kind, str(where)) for kind, where in source.items()), ("", ""))
    if kind == "registry" and where.rstrip("/") == _DEFAULT_INDEX:
        return version
    # What is at an index stays; at any other address the lock says what was there.
    hashes = sorted(_hashes(table)) if kind in ("url", "path") else []
    return " ".join(filter(None, (version, _FROM, where, *hashes)))


def _hashes(table: Mapping[str, object]) -> set[str]:
    wheels = table.get("wheels", [])
    files = [table.get("sdist", {}), *(wheels if isinstance(wheels, list) else [])]
    return {str(file["hash"]) for file in map(_table, files) if "hash" in file}


def _needs(listed: object) -> tuple[_Need, ...]:
    if not isinstance(listed, list):
        raise TypeError
    return tuple(_need(_table(need)) for need in listed)


def _need(table: Mapping[str, object]) -> _Need:
    extras = table.get("extra", [])
    if not isinstance(extras, list):
        raise TypeError
    return _Need(normalized(str(table["name"])), tuple(normalized(str(e)) for e in extras))


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _installed(packages: Mapping[str, Sequence[_Package]]) -> dict[str, Locked]:
    """What the project needs, directly or not; everything, where no project is in the lock."""
    projects = [name for name, found in packages.items() if any(p.is_project for p in found)]
    # An extra of a distribution is one more thing to be reached: it brings needs of its own.
    stack: list[tuple[str, str]] = [(name, "") for name in projects or packages]
    needs: dict[str, set[str]] = {}
    seen = set(stack)
    while stack:
        name, extra = stack.pop()
        mine = needs.setdefault(name, set())
        for package in packages.get(name, ()):
            for need in package.extras.get(extra, ()) if extra else package.needs:
                mine.add(need.name)
                wanted = {(need.name, ""), *((need.name, e) for e in need.extras)} - seen
                seen |= wanted
                stack.extend(wanted)
    return {
        name: Locked(_joined(packages[name]), tuple(sorted(needs[name] & packages.keys())))
        for name in sorted(needs)
        if name in packages
    }


def _joined(packages: Sequence[_Package]) -> str | None:
    found = sorted({p.identity for p in packages if p.identity is not None})
    return ", ".join(found) if found else None
