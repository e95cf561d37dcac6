"""What a run was seen to touch, as observations: names, and the values that they have now.

The runner tells all that it heard (`frames.Seen`); here is decided what of it a result depends on.
Left out is what the action's key holds already, and what is no input of anybody's: the system, the
interpreter, Strata's state, caches below the user's home. Values are asked of `look`, once and
after the run; a file that no longer looks as it did when it was opened has a value that nobody can
know, and the result must not be recorded. Knows nothing of stores and keys.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from strata.core.action import ReadyAction
from strata.core.dataclass import dataclass, field
from strata.core.encoding import Encodable
from strata.core.observation import DIST, FILE, FOLDER, LOG, MADE, MODULE, Observed
from strata.core.signature import Signature, signature_of
from strata.executors.base import Look
from strata.executors.frames import Seen

DistributionOf = Callable[[str], str | None]
"""A file relative to site-packages to the name of the distribution that it belongs to."""

SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc"),
    *("/proc", "/sys", "/dev", "/run", "/var/lib"),
)
NEVER_INPUTS = frozenset({".strata", ".git", "__pycache__"})
"""Folders, wherever they are, whose content is made of other things."""
OVERFLOW = "(more files than Strata keeps account of, or names that are not UTF-8)"


@dataclass(frozen=True, slots=True)
class Observations:
    """`observed` is what the result depends on beside its key, unless `moving` names anything."""

    observed: Observed = field(default_factory=dict)
    moving: tuple[str, ...] = ()
    """Files of which nobody knows what the cell read. Relative to the root where they are in it."""


def _unknown(_path: str) -> None:
    """Says of no file whose it is."""


def observations(
    ready: ReadyAction,
    seen: Seen,
    root: Path,
    ignored: Sequence[str],
    look: Look,
    distribution_of: DistributionOf = _unknown,
    home: Path | None = None,
) -> Observations:
    """What of `seen` counts for `ready`, with the values that it has now.

    `ignored` are folders of which nothing counts, such as that of the interpreter; of `home`, the
    hidden ones do not.
    """
    places = _Places(root, ignored, home)
    reads = {path: name for path, _ in seen.reads if (name := places.name(path)) is not None}
    written = {name: path for path in seen.writes if (name := places.name(path)) is not None}
    logs = {name for path in seen.appends if (name := places.name(path)) is not None}
    declared = _mapping(ready.provenance.get("files"))
    own_named = ready.mentions.intersection((*written, *logs))
    # If the cell writes a file that its text mentions, what is mentioned beside it must be told.
    beside = ready.named - own_named if own_named else frozenset()
    files = {n for n in reads.values() if n not in declared} | beside
    folders = (places.name(path) for path in seen.folders)
    names = {FILE + name for name in files if name not in written}
    names |= {MADE + name for name in written} | {LOG + name for name in logs & own_named}
    names |= {FOLDER + name for name in folders if name is not None}
    names |= set(_of_environment(ready, seen, distribution_of))
    # Looked at before the signatures below: what changes in between is noticed.
    values = look(ready.action, sorted(names | {FILE + name for name in declared}))
    moving = {n for n, digest in declared.items() if values[FILE + n] != digest} - own_named
    own = {os.path.realpath(path) for path in written.values()}
    for path, signature in seen.reads:
        undeclared = path in reads and reads[path] not in declared
        if undeclared and os.path.realpath(path) not in own and _signature(path) != signature:
            moving.add(reads[path])
    told = (*sorted(moving), *([OVERFLOW] if seen.overflow else []))
    return Observations({name: values[name] for name in sorted(names)}, told)


def _of_environment(
    ready: ReadyAction, seen: Seen, distribution_of: DistributionOf
) -> Iterator[str]:
    """Distributions that were imported and are not in the key, and modules that were not there.

    Where the key holds the whole lock, it holds them all.
    """
    known = _mapping(ready.provenance.get("environment")).get("distributions")
    if isinstance(known, Mapping):
        found = {distribution_of(path) for path in seen.modules}
        yield from (DIST + name for name in found if name is not None and name not in known)
    # Also without a lock: a module of the workspace may come.
    yield from (MODULE + name for name in seen.missing_modules)


def _mapping(component: Encodable) -> Mapping[str, Encodable]:
    return component if isinstance(component, Mapping) else {}


def _signature(path: str) -> Signature | None:
    try:
        return signature_of(os.stat(path))
    except (OSError, ValueError):
        return None


class _Places:
    """Paths to the names that they have in observations; None for those that do not count."""

    def __init__(self, root: Path, ignored: Iterable[str], home: Path | None) -> None:
        self._root = os.path.join(root.resolve(), "")
        self._home = None if home is None else os.path.join(home, "")
        # What holds the workspace is not ignored for that: it may lie in `/usr/src`.
        folders = {os.path.join(folder, "") for folder in ignored if folder}
        self._ignored = tuple(f for f in folders if not self._root.startswith(f))
        self._system = tuple(f"{folder}/" for folder in SYSTEM)
        self._is_environment = cache(_is_environment)

    def name(self, path: str) -> str | None:
        """The path relative to the root, absolute where it is outside; or None."""
        below = f"{path}/"
        if not os.path.isabs(path) or below.startswith(self._ignored):
            return None
        inside = self._inside(path)
        name = path if inside is None else inside
        if NEVER_INPUTS.intersection(name.split("/")):
            return None
        if inside is None:
            hidden = self._home is not None and below.startswith(f"{self._home}.")
            return None if hidden or below.startswith(self._system) else path
        return None if self._is_installed(inside) else inside

    def _inside(self, path: str) -> str | None:
        """The path relative to the root, "." for the root itself; None where it is outside.

        Links below the root stay: they are part of what is opened. Those above it are followed:
        a workspace may be opened as `/home/ada/ws` and be somewhere else.
        """
        if f"{path}/".startswith(self._root):
            return path[len(self._root) :] or "."
        folder, name = os.path.split(path)
        real = os.path.join(os.path.realpath(folder), name)
        if f"{real}/".startswith(self._root):
            return real[len(self._root) :] or "."
        return None

    def _is_installed(self, inside: str) -> bool:
        """Whether the path is in a virtual environment that is in the workspace."""
        folder = "" if inside == "." else inside
        while folder:
            if self._is_environment(self._root + folder):
                return True
            folder = os.path.dirname(folder)
        return False


def _is_environment(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))
