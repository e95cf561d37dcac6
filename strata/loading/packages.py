"""Which folders of a workspace are packages: those that hold a `notebook.toml`.

Honoured: `.gitignore` at every level (those above the root too, up to the repository's own root),
`.git/info/exclude`, and `[workspace] exclude`. Not honoured: git's global excludes file, because
what is a package must not depend on the user. Symbolic links to folders are not followed: a
package has one name, and a loop is impossible. A folder with a `strata.toml` is another workspace.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from strata.core.dataclass import dataclass, field
from strata.loading.ignore import IgnoreRules, parse_ignore_rules

WORKSPACE_FILE = "strata.toml"
NOTEBOOK_FILE = "notebook.toml"
CELLS_FOLDER = "cells"
NEVER_ENTERED = frozenset({".git", ".strata", "node_modules", ".venv", "__pycache__"})
"""Folders that hold no notebooks of the user's."""


@dataclass(frozen=True, slots=True)
class PackageListing:
    """What one walk over the workspace saw."""

    packages: tuple[str, ...]
    """Folders relative to the root ("" for the root itself), sorted."""
    folders: tuple[str, ...]
    """Every folder that was read: the listing holds as long as none of them changes."""
    warnings: tuple[str, ...]
    """What could not be read; complete messages."""


def list_packages(root: Path, exclude: Iterable[str]) -> PackageListing:
    """The packages below `root`, and what was read to find them.

    `root` is absolute; `exclude` are .gitignore patterns relative to it.
    """
    above, rules = _rules_from_above(root)
    walk = _Walk(root, above, parse_ignore_rules(exclude, above))
    walk.run(rules)
    return PackageListing(
        tuple(sorted(walk.packages)), tuple(walk.folders), tuple(sorted(walk.warnings))
    )


Rules = tuple[IgnoreRules, ...]
"""From the outermost ignore file to the innermost, which is asked first."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be read. `prefix` is "" or ends with `/`."""

    prefix: str
    rules: Rules


@dataclass(slots=True)
class _Walk:
    root: Path
    above: str
    """The root relative to the repository it is in, "" or ending with `/`."""
    exclude: IgnoreRules
    packages: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self, rules: Rules) -> None:
        waiting = [_Folder("", rules)]
        while waiting:
            waiting.extend(self._read(waiting.pop()))

    def _read(self, folder: _Folder) -> list[_Folder]:
        """Notes `folder` if it is a package; the folders in it that are to be read."""
        try:
            with os.scandir(os.path.join(self.root, folder.prefix)) as entries:
                subfolders, files = _sorted_out(entries)
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            self.warnings.append(f"{folder.prefix or '.'}: cannot be read: {reason}")
            return []
        if WORKSPACE_FILE in files and folder.prefix:
            return []
        self.folders.append(folder.prefix.rstrip("/"))
        rules = folder.rules
        if ".gitignore" in files:
            file = self.root / folder.prefix / ".gitignore"
            rules = (*rules, _rules_in(file, self.above + folder.prefix))
        if NOTEBOOK_FILE in files and not self._left_out(folder.prefix, NOTEBOOK_FILE, rules):
            self._add(folder.prefix.rstrip("/"))
        return [
            _Folder(f"{folder.prefix}{name}/", rules)
            for name in subfolders
            if not self._left_out(folder.prefix, f"{name}/", rules)
        ]

    def _left_out(self, prefix: str, name: str, rules: Rules) -> bool:
        path = self.above + prefix + name
        return self.exclude.decide(path, name) or _ignored(path, name, rules)

    def _add(self, package: str) -> None:
        try:
            package.encode()
        except UnicodeEncodeError:
            shown = package.encode(errors="surrogateescape").decode(errors="replace")
            self.warnings.append(f"{shown}: left out, as the folder's name is not UTF-8")
            return
        self.packages.append(package)


def _sorted_out(entries: Iterable[os.DirEntry[str]]) -> tuple[list[str], set[str]]:
    """The names of the folders to look into, and of the files that matter here."""
    subfolders = []
    files = set()
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in NEVER_ENTERED:
                subfolders.append(entry.name)
        elif entry.name in _FILES_THAT_MATTER:
            files.add(entry.name)
    return ([] if "pyvenv.cfg" in files else subfolders), files


def names_that_matter(folder: str) -> str:
    """What of a folder's entries decides which packages there are. Raises `OSError`."""
    with os.scandir(folder) as entries:
        subfolders, files = _sorted_out(entries)
    return "\0".join([*sorted(f"{name}/" for name in subfolders), *sorted(files)])


_FILES_THAT_MATTER = frozenset({NOTEBOOK_FILE, WORKSPACE_FILE, ".gitignore", "pyvenv.cfg"})


def _ignored(path: str, name: str, rules: Rules) -> bool:
    for layer in reversed(rules):
        decision = layer.decide(path, name)
        if decision is not None:
            return decision
    return False


def _rules_from_above(root: Path) -> tuple[str, Rules]:
    """Where `root` is in its repository, and the rules written above it (none outside of one).

    If they ignore the root itself, they say nothing about what is in it: somebody made it a
    workspace all the same.
    """
    top = next((f for f in (root, *root.parents) if os.path.lexists(f / ".git")), None)
    if top is None:
        return "", ()
    rules: Rules = (_rules_in(top / ".git" / "info" / "exclude", ""),)
    prefix = ""
    for name in root.relative_to(top).parts:
        rules = (*rules, _rules_in(top / prefix / ".gitignore", prefix))
        prefix += f"{name}/"
        if _ignored(prefix, f"{name}/", rules):
            return "/".join((*root.relative_to(top).parts, "")), ()
    return prefix, rules


def _rules_in(path: Path, base: str) -> IgnoreRules:
    """The rules in the file `path`; none where it cannot be read, as git has it."""
    try:
        text = path.read_text("utf-8", errors="surrogateescape")
    except OSError:
        text = ""
    return parse_ignore_rules(text.split("\n"), base)
