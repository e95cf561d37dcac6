"""What git says of the repository around a folder. Changes nothing in it, not even its index.

The program `git` is run, so that everything is as the user's git understands it. The folder alone
says which repository is meant: inside a hook, git's own variables name another one, or an index
that only the commit at hand uses.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.core.errors import UsageError

_OF_ONE_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
    *("GIT_INTERNAL_SUPER_PREFIX", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_LITERAL_PATHSPECS"),
    "GIT_SHALLOW_FILE",
)
"""What `git rev-parse --local-env-vars` lists, and what changes the form of answers."""

_LINK, _SUBMODULE, _NOTHING = "120000", "160000", "000000"
"""Modes of tree entries, beside those of regular files."""


class NoRepository(UsageError):
    """The folder is not in the work tree of a repository."""


class NoRevision(UsageError):
    """The repository has no such commit."""


@dataclass(frozen=True, slots=True)
class Differing:
    """Paths that are not as they were, without links on the way and relative to a root where they
    are below it, else absolute. A renamed file has come under one name and gone under the other."""

    modified: frozenset[str] = frozenset()
    come: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    """Folders that are repositories of their own: what changed in them is not known."""

    @property
    def paths(self) -> frozenset[str]:
        """All of them."""
        return self.modified | self.come | self.gone | self.repositories


def commit_of(folder: Path, written: str) -> str:
    """The commit that `written` names; with three dots behind it, that from which HEAD and
    `written` went apart. Raises `NoRepository`, `NoRevision`."""
    if git(folder, "rev-parse", "--is-inside-work-tree").strip() != "true":
        raise NoRepository(f"{folder} is not in the work tree of a git repository")
    name = written.removesuffix("HEAD") if written.endswith("...HEAD") else written
    if ".." in name.removesuffix("..."):
        what = f"'{written}' is two revisions: files are compared as they are now"
        raise NoRevision(what, hint=f"write one, such as {name.partition('..')[0] or 'HEAD~1'}")
    if not name.endswith("..."):
        return _commit(folder, name, written)
    commit = _commit(folder, name.removesuffix("...") or "HEAD", written)
    return _merge_base(folder, commit, written)


def _commit(folder: Path, name: str, written: str) -> str:
    wanted = f"{name}^{{commit}}"
    try:
        found = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    except UsageError:
        what = f"there is no revision '{written}'"
        raise NoRevision(what, hint=_advice(folder, name)) from None
    return found.strip()


def _merge_base(folder: Path, commit: str, written: str) -> str:
    try:
        return git(folder, "merge-base", commit, "HEAD").strip()
    except UsageError:
        what = f"'{written}': nothing is known from which HEAD and that went apart"
        raise NoRevision(what, hint=_advice(folder)) from None


def _advice(folder: Path, name: str | None = None) -> str | None:
    if git(folder, "rev-parse", "--is-shallow-repository").strip() == "true":
        return "this clone is shallow: fetch more of it (`git fetch --unshallow`; fetch-depth: 0)"
    if name is None:
        return None
    from strata.loading.suggest import did_you_mean  # only on the way to an error

    names = git(folder, "for-each-ref", "--format=%(refname:short)").splitlines()
    return did_you_mean(name, names) or "write a commit, a branch or a tag"


def differing(root: Path, commit: str) -> Differing:
    """What in the work tree is not as it was at `commit`: committed since, staged or not, and
    files that git does not know. What git ignores, and modes alone, are left out."""
    top = Path(os.path.realpath(git(root, "rev-parse", "--show-toplevel").removesuffix("\n")))
    place = _Places(top, root)
    with _index_aside(top) as variables:
        changed = git(top, *_DIFFERENCE, commit, "--", variables=variables)
    others = git(top, *_OTHERS).split("\0")
    modified, come, gone = set(), set(), set()
    repositories = {place.of(path.rstrip("/")) for path in others if path.endswith("/")}
    come |= {place.of(path) for path in others if path and not path.endswith("/")}
    for entry, path in _pairs(changed):
        old_mode, new_mode, old, new, status = entry.removeprefix(":").split(" ")
        if _SUBMODULE in (old_mode, new_mode):
            repositories.add(place.of(path))
        elif status == "D":
            gone.add(place.of(path))
        elif status == "A":
            come.add(place.of(path))
        elif old != new or _LINK in (old_mode, new_mode) or status == "U":
            modified.add(place.of(path))
    # What was taken out of the index and is still there has gone and come: it may be as it was.
    return Differing(frozenset(modified), frozenset(come), frozenset(gone), frozenset(repositories))


_DIFFERENCE = (
    *("-c", "core.fsmonitor=false", "-c", "core.fileMode=false", "diff", "--raw", "-z"),
    *("--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-abbrev"),
    *("--no-relative", "--ignore-submodules=none"),
)
_OTHERS = ("-c", "core.fsmonitor=false", "ls-files", "--others", "--exclude-standard", "-z")


@contextlib.contextmanager
def _index_aside(top: Path) -> Iterator[dict[str, str]]:
    """A copy of the index: `git diff` notes in it what was only touched."""
    index = top / git(top, "rev-parse", "--git-path", "index").removesuffix("\n")
    with tempfile.TemporaryDirectory(prefix="strata-") as folder:
        copy = os.path.join(folder, "index")
        with contextlib.suppress(FileNotFoundError):
            # With its time: files that changed just before it was written are looked into.
            shutil.copy2(index, copy)
        yield {"GIT_INDEX_FILE": copy}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    parts = iter(text.split("\0")[:-1])
    return zip(parts, parts, strict=True)


class _Places:
    """Where paths relative to the top of a repository are, as `Differing` has them."""

    def __init__(self, top: Path, root: Path) -> None:
        self._top = os.path.join(top, "")
        self._below = os.path.join(root, "")

    def of(self, path: str) -> str:
        return (self._top + path).removeprefix(self._below)


def contents(root: Path, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """What files had in them at `commit`; those that were not there are left out. `paths` are
    relative to `root`."""
    wanted = [path for path in paths if "\n" not in path and not os.path.isabs(path)]
    if not wanted:
        return {}
    names = "".join(f"{commit}:./{path}\n" for path in wanted)
    answer = memoryview(run(root, "cat-file", "--batch", given=os.fsencode(names)))
    found: dict[str, bytes] = {}
    for path in wanted:
        end = bytes(answer[:_LONGEST_HEAD]).find(b"\n")
        head, answer = bytes(answer[:end]).split(b" "), answer[end + 1 :]
        if head[-1].isdigit() and len(head) >= _PARTS_OF_HEAD:
            size = int(head[-1])
            if head[-2] == b"blob":
                found[path] = bytes(answer[:size])
            answer = answer[size + 1 :]
    return found


_LONGEST_HEAD = 16_384
_PARTS_OF_HEAD = 3
"""`<object> <type> <size>`; of what is not there, `<name> missing`."""


def git(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """What git prints. Raises `UsageError` with git's own words."""
    return os.fsdecode(run(folder, *arguments, variables=variables))


def run(
    folder: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    given: bytes | None = None,
) -> bytes:
    """The same in bytes; git reads what it is `given`."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}
    try:
        ended = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **(variables or {})},
            input=b"" if given is None else given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed, or not on PATH") from None
    if ended.returncode != 0:
        raise _failure(folder, arguments, ended)
    return ended.stdout


def _failure(
    folder: Path, arguments: tuple[str, ...], ended: subprocess.CompletedProcess[bytes]
) -> UsageError:
    said = os.fsdecode(ended.stderr).strip()
    if "not a git repository" in said:
        return NoRepository(f"{folder} is not in a git repository")
    words = said.splitlines() or [f"exit code {ended.returncode}"]
    fatal = next((w for w in words if w.startswith("fatal: ")), words[-1])
    command = next((a for a in arguments if not a.startswith("-") and "=" not in a), "")
    return UsageError(f"git {command}: {fatal.removeprefix('fatal: ')}")
