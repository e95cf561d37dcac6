"""What a cell's result is at a revision of git: its files laid out beside, and the cache asked.

Nothing is run, and nothing of the repository is touched: an index of our own, and a folder that is
gone afterwards. Files are as a checkout would make them (line ends, filters), so that keys are the
same; keys hold no absolute path, so that results are found.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from strata.cli.git import NoRepository, NoRevision, commit_of, git
from strata.cli.invocation import Opened, actions, load_cells, open_workspace
from strata.cli.session import Request, run_build
from strata.cli.state import ensure_state
from strata.core.dataclass import dataclass
from strata.core.errors import ConfigError, LabelError, StrataError, UsageError
from strata.core.events import Status, unheard
from strata.core.label import Label, parse_pattern
from strata.core.result import ActionResult
from strata.executors.scratch import Scratch
from strata.loading.packages import WORKSPACE_FILE


class NotAtRevision(StrataError):
    """The result of a cell at a revision is not known."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit; `written` is what the user called it."""

    written: str
    commit: str

    def __str__(self) -> str:
        short = self.commit[:10]
        return short if self.written.startswith(short) else f"{self.written} ({short})"


def find_revision(root: Path, written: str) -> Revision:
    """The commit that `written` names in the repository around `root`. Raises `UsageError`."""
    try:
        return Revision(written, commit_of(root, written))
    except NoRepository as problem:
        hint = "only runs can be compared here: --against ~1"
        raise UsageError(problem.what, hint=hint) from None
    except NoRevision:
        raise UsageError(
            f"--against {written}: there is no such revision, and no such run",
            hint="write a commit, a branch or a tag; ~1 for the run before; or when a run ended",
        ) from None


def result_at(opened: Opened, label: Label, revision: Revision) -> ActionResult:
    """What the cache holds for `label` as it is at `revision`. Raises `NotAtRevision`."""
    ensure_state(opened.state)
    with Scratch(opened.state / "revisions").folder() as folder:
        there = _lay_out(opened.workspace.root, revision, folder)
        variables = {**opened.environ, "STRATA_CACHE_DIR": str(opened.cache)}
        with _told_of(label, revision):
            return _cached(open_workspace(there, unheard, variables), label, revision)


def _cached(there: Opened, label: Label, revision: Revision) -> ActionResult:
    pattern = parse_pattern(str(label), None)
    cells = load_cells(there, [pattern])
    cells.names.resolve(pattern)
    report = run_build(there, actions(there, cells, [label]), [label], Request(dry_run=True))
    cell = next((c for c in report.cells if c.label == label), None)
    if cell is not None and cell.status is Status.CACHED and cell.result is not None:
        return cell.result
    why = "" if cell is None or not cell.reason else f" ({cell.reason})"
    if cell is not None and cell.result is not None and cell.result.error is not None:
        why = f" ({cell.result.error.message})"
    raise NotAtRevision(
        f"{label} at {revision} is not in the cache{why}",
        hint=f"`git worktree add FOLDER {revision.written}` and a build there, with "
        f"STRATA_CACHE_DIR={there.cache}, put it in",
    )


@contextlib.contextmanager
def _told_of(label: Label, revision: Revision) -> Iterator[None]:
    """What is wrong with the files of a revision is said to be of that revision."""
    try:
        yield
    except LabelError as problem:
        said = f"there is no {label} at {revision}: {problem.what}"
        raise LabelError(said, hint=problem.hint) from problem
    except ConfigError as problem:
        said = f"the workspace at {revision} cannot be read: {problem.message}"
        raise NotAtRevision(said, hint=problem.hint) from problem


def _lay_out(root: Path, revision: Revision, folder: Path) -> Path:
    """The workspace's files of `revision`, below `folder`; returns where its root is."""
    prefix = git(root, "rev-parse", "--show-prefix").strip("\n")
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    files = folder / "files"
    git(root, "read-tree", revision.commit, variables=index)
    git(root, "checkout-index", "--all", "--quiet", f"--prefix={files}/", variables=index)
    there = files / prefix
    there.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(there / WORKSPACE_FILE):
        # Else what lies around this folder, the workspace of today, would be taken for the root.
        (there / WORKSPACE_FILE).touch()
    return there
