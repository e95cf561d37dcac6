"""Writing stamps: from what a build looked at and found, what has to stay so that it still holds.

A stamp has sections: notebooks that have to do with each other, and no others. When something of a
section looks otherwise, only its notebooks are built and the rest stands (`Known.narrowed`); what
belongs to no notebook alone belongs to all. A section is proven when every cell of it is in the
cache now, and nothing that was looked at for it changed meanwhile or just before.

Invariant: whatever is doubtful is left out, and is looked at the long way next time.
"""

from __future__ import annotations

import marshal
import os
import stat as modes
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from strata.cli import stamp
from strata.cli.invocation import WALK
from strata.cli.stamp import EXACT, LINK, SAME
from strata.cli.watching import Watch
from strata.core.dataclass import dataclass, field
from strata.core.label import Scope, TargetPattern
from strata.loading.annotation_values import secret_like
from strata.loading.index import RACY_NS
from strata.loading.packages import names_that_matter

if TYPE_CHECKING:
    from strata.cli.stamp import Signature

Owners = tuple[str | None, ...]
ALL: Owners = (None,)

_MOST_OWNERS = 8
"""What more notebooks than these look at is everybody's."""
_NOBODYS = ("/proc/", "/sys/", "/dev/")


@dataclass(frozen=True, slots=True)
class Section:
    """Some notebooks, and what a build says of them when nothing of theirs changed."""

    packages: frozenset[str]
    lines: tuple[str, ...] = ()
    """One for each cell, as a console shows hits."""
    notices: tuple[tuple[str, str], ...] = ()
    """Level and message of what is said while they are loaded."""
    proven: bool = True


class Entry(NamedTuple):
    """One path. `owners`: the packages that it counts for, sorted; None stands for all. With
    `names` it is a folder that was searched for notebooks, of which only these count for all."""

    kind: int
    signature: Signature | None
    owners: Owners
    names: str | None = None


Entries = dict[str, Entry]
"""By path, relative to the root of the workspace if it is below; of a link itself by `link_key`."""


def link_key(path: str) -> str:
    """The key of an entry that means the link at `path` itself."""
    return f"\0{path}"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is built instead of everything: the notebooks `packages`; the rest is `unchanged`."""

    packages: frozenset[str]
    unchanged: tuple[Section, ...]
    everybodys: Section
    entries: Entries = field(repr=False)
    """Those of the sections that are unchanged, and those of all."""

    @property
    def lines(self) -> list[str]:
        """What is said of cells that are not looked at."""
        return [line for section in self.unchanged for line in section.lines]

    def reads_any(self, paths: Iterable[str]) -> frozenset[str]:
        """The notebooks among the unchanged that looked at one of these files, or at its folder."""
        found: set[str | None] = set()
        for path in paths:
            for name in (path, os.path.dirname(path)):
                entry = self.entries.get(name)
                if entry is not None and entry.names is None:
                    found.update(entry.owners)
        return frozenset(p for p in found if p is not None)


def narrowed(
    found: stamp.Found | None, patterns: Sequence[TargetPattern], watch: Watch
) -> Narrowed | None:
    """What of `patterns` has to be looked at, as an earlier build saw it; None: all of it.

    Only patterns of whole subtrees can be narrowed: others are small, or name what they need.
    """
    if found is None or found.stamp is None or found.changed is None:
        return None
    if not all(pattern.scope is Scope.SUBTREE for pattern in patterns):
        return None
    everybodys, sections, entries = _of_rest(found.stamp)
    dirty = {i for i, section in enumerate(sections) if not section.proven}
    section_of = {package: i for i, one in enumerate(sections) for package in one.packages}
    keys = list(entries)
    changed = [(keys[index], entries[keys[index]]) for index in found.changed]
    if any(entry.names is None and None in entry.owners for _, entry in changed):
        return None
    for key, entry in changed:
        del entries[key]  # it will be noted as it is now
        if entry.names is not None:
            with watch.reading_for(WALK):
                if _names(os.path.join(found.root, key)) != entry.names:
                    return None
        dirty |= {section_of[owner] for owner in entry.owners if owner is not None}
    touched = frozenset(package for i in dirty for package in sections[i].packages)
    if not touched:
        return None
    for key in [k for k, entry in entries.items() if not touched.isdisjoint(entry.owners)]:
        left = _without(entries.pop(key), touched)
        if left is not None:
            entries[key] = left
    unchanged = tuple(one for i, one in enumerate(sections) if i not in dirty)
    return Narrowed(touched, unchanged, everybodys, entries)


def within(patterns: Iterable[TargetPattern], packages: Iterable[str]) -> list[TargetPattern]:
    """Those of `patterns` that mean something among `packages`."""
    among = list(packages)
    return [p for p in patterns if p.negative or any(is_below(q, p.package) for q in among)]


def is_below(package: str, folder: str) -> bool:
    """Whether `package` is `folder` or in it."""
    return not folder or package == folder or package.startswith(f"{folder}/")


def _without(entry: Entry, packages: frozenset[str]) -> Entry | None:
    owners = tuple(owner for owner in entry.owners if owner not in packages)
    if not owners and entry.names is not None:
        owners = ALL
    return entry._replace(owners=owners) if owners else None


def joined(old: Entries, new: Entries) -> Entries | None:
    """All of both. None where something looked otherwise when it was looked at again."""
    entries = dict(old)
    for key, entry in new.items():
        before = old.get(key, entry)
        if before.kind == entry.kind and before.signature != entry.signature:
            return None
        if _inode(before) != _inode(entry):
            return None
        # Where the kinds differ one is SAME: it is enough that one needs to know how it looks.
        known = before if entry.kind == SAME else entry
        names = before.names if entry.names is None else entry.names
        owners = _sorted({*before.owners, *entry.owners})
        entries[key] = Entry(known.kind, known.signature, owners, names)
    return entries


def _inode(entry: Entry) -> int | None:
    return None if entry.signature is None else entry.signature[-1]


def merged(sections: Sequence[Section]) -> list[Section]:
    """Sections that share a notebook are one."""
    home: dict[str, int] = {}
    parts: dict[int, list[Section]] = {}
    for number, section in enumerate(sections):
        others = {home[p] for p in section.packages if p in home}
        members = [section]
        for other in sorted(others):
            members = [*parts.pop(other), *members]
        parts[number] = members
        home.update((p, number) for one in members for p in one.packages)
    return [
        Section(
            frozenset(p for one in group for p in one.packages),
            tuple(line for one in group for line in one.lines),
            tuple(notice for one in group for notice in one.notices),
            all(one.proven for one in group),
        )
        for group in parts.values()
    ]


def entries_of(watch: Watch, root: str, ignored: Iterable[str]) -> tuple[Entries, Owners]:
    """What `watch` saw outside of the folders `ignored`; and for whom something of it has moved."""
    prefixes = (*(f"{folder}/" for folder in ignored), *_NOBODYS)
    below = os.path.join(root, "")
    entries: Entries = {}
    moved: set[str | None] = set()
    newest_ns = watch.began_ns - RACY_NS
    for link, looks in ((False, watch.stats), (True, watch.links)):
        for path, first in looks.items():
            if not path.startswith(prefixes):
                entry = _entry(watch, path, first, link)
                shown = path.removeprefix(below)
                entries[link_key(shown) if link else shown] = entry
                if _has_moved(path, entry, newest_ns):
                    moved.update(entry.owners)
    return entries, _sorted(moved)


def _entry(watch: Watch, path: str, first: Signature | None, link: bool) -> Entry:
    readers = watch.readers.get(path, {None})
    listers = watch.listers.get(path, set())
    if first is not None and not link and modes.S_ISDIR(watch.modes[path]):
        readers = listers or readers
    owners = _sorted(readers - {WALK}) or ALL
    if None in owners or len(owners) > _MOST_OWNERS:
        owners = ALL
    if link or first is None:
        return Entry(LINK if link else EXACT, first, owners)
    if not modes.S_ISREG(watch.modes[path]) and not listers:
        return Entry(SAME, first[3:], owners)
    searched = WALK in listers and None not in listers
    return Entry(EXACT, first, owners, _names(path) if searched else None)


def _sorted(owners: Iterable[str | None]) -> Owners:
    return tuple(sorted(owners, key=lambda owner: (owner is not None, owner or "")))


def _has_moved(path: str, entry: Entry, newest_ns: int) -> bool:
    """It no longer looks as at first, or it changed so shortly before that nobody can tell."""
    known = entry.signature
    try:
        now = stamp.signature(os.lstat(path) if entry.kind == LINK else os.stat(path))
    except (OSError, ValueError):
        return known is not None
    if known is None:
        return True
    if entry.kind == SAME:
        return now[3:] != known
    # mtime may be anything, the future too; what is written to gets a new ctime.
    return now != known or now[2] > newest_ns


def _names(folder: str) -> str:
    """What of a folder counts when notebooks are searched for; of one that cannot be read nothing
    does, and it is not as any that can."""
    try:
        return names_that_matter(folder)
    except OSError:
        return "\0"


def in_order(entries: Entries) -> tuple[Entries, int]:
    """First what is to be checked, and how much that is; then what was not there, in folders that
    are known by their entries."""
    absent = [key for key, entry in entries.items() if entry.signature is None]
    last = {k: entries[k] for k in absent if _is_listed(entries.get(_folder_of(k)))}
    first = {key: entry for key, entry in entries.items() if key not in last}
    return first | last, len(first)


def _folder_of(key: str) -> str:
    return os.path.dirname(key.lstrip("\0"))


def _is_listed(folder: Entry | None) -> bool:
    return folder is not None and folder.kind == EXACT and folder.signature is not None


def rest_of(
    everybodys: Section,
    sections: Sequence[Section],
    entries: Entries,
    *more: Mapping[str, tuple[object, ...]],
) -> bytes:
    """What only the command line reads of a stamp; marshal knows all that is in `more`."""
    plain = [
        (tuple(sorted(one.packages)), one.lines, one.notices, one.proven)
        for one in (everybodys, *sections)
    ]
    values = entries.values()
    owners, names = [e.owners for e in values], [e.names for e in values]
    return marshal.dumps((plain, owners, names, *map(dict, more)))


def stamp_of(
    everybodys: Section,
    sections: Sequence[Section],
    entries: Entries,
    variables: Mapping[str, str | None],
    *more: Mapping[str, tuple[object, ...]],
    said: str = "",
    complete: bool = True,
    timed: bool = False,
) -> stamp.Stamp:
    """The stamp of what was looked at and found; values of secrets are not in it."""
    entries, checked = in_order(entries)
    values = entries.values()
    return stamp.Stamp(
        complete,
        said,
        timed,
        {name: variables[name] for name in sorted(variables) if not secret_like(name)},
        checked,
        paths_of(entries),
        bytes(entry.kind for entry in values),
        tuple(entry.signature for entry in values),
        rest_of(everybodys, sections, entries, *more),
    )


def paths_of(entries: Entries) -> tuple[str, ...]:
    """The paths, in the same order."""
    return tuple(key.lstrip("\0") for key in entries)


def _of_rest(known: stamp.Stamp) -> tuple[Section, list[Section], Entries]:
    plain, owners, names, *_ = marshal.loads(known.rest)
    everybodys, *sections = (Section(frozenset(p), *fields) for p, *fields in plain)
    values = map(Entry, known.kinds, known.signatures, owners, names)
    keys = [
        link_key(path) if kind == LINK else path
        for path, kind in zip(known.paths, known.kinds, strict=True)
    ]
    return everybodys, sections, dict(zip(keys, values, strict=True))


def engine_files() -> list[str]:
    """Files of Strata itself: where it is not installed, they may change under the version."""
    import strata_rules

    here = os.path.dirname(os.path.dirname(stamp.__file__))
    installed = os.path.basename(os.path.dirname(here)) in _INSTALLED
    packages = [path for path in sys.path if os.path.basename(path) in _INSTALLED]
    if installed:
        return [os.path.join(here, "__init__.py"), *packages]
    walks = (os.walk(folder) for folder in (here, *strata_rules.__path__))
    found = (os.path.join(at, name) for walk in walks for at, _, names in walk for name in names)
    return [*(path for path in found if path.endswith((".py", ".json"))), *packages]


_INSTALLED = ("site-packages", "dist-packages")
