"""`strata accept`: what may be accepted, and the entry that says so.

An acceptance leads from the key that a cell has now to the key of an earlier result. Both are
found here by the plan of a dry run; that the earlier result still holds is asked of the same
executor as in a build (`session.cached`), so what is accepted is what the next build answers with.
"""

from __future__ import annotations

import getpass
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from strata.cli.invocation import Cells, Opened, Planned, actions, load_cells, pattern_of
from strata.cli.session import ReadOnlyJournal, Request, Stores, cached, policy_of, stores
from strata.console.lines import headline
from strata.core.action import Action, ReadyAction
from strata.core.dataclass import dataclass, field, replace
from strata.core.errors import StrataError, UsageError
from strata.core.events import Status, unheard
from strata.core.label import Label, Scope
from strata.core.result import ActionResult
from strata.execution.differences import listed
from strata.execution.engine import BuildOptions, Surroundings, build
from strata.execution.explain import NOT_CACHED, first_difference
from strata.execution.report import BuildReport, CellReport
from strata.executors.base import Executor, NotCached, no_longer_so
from strata.executors.planning import PlanningExecutor
from strata.loading.acceptances import Accepted, add_accepted, revoke_accepted
from strata.stores.base import Run


class CannotAccept(StrataError):
    """There is nothing to accept, or it must not be."""


@dataclass(frozen=True, slots=True)
class Accepting:
    """What was accepted: the entry, the file it is in, what had changed, and what stays valid."""

    entry: Accepted
    file: str
    change: str
    earlier: Run


def accept(opened: Opened, target: str, reason: str, now: datetime) -> Accepting:
    """From now on the cell as it is has its newest earlier result. Raises `CannotAccept`."""
    cells, label = _one_cell(opened, target)
    if cells.scanned[label].cell.kind == "markdown":
        raise CannotAccept(f"{label} is prose: it builds nothing, so there is nothing to accept")
    planned = actions(opened, cells, [label])
    with stores(opened) as open_stores:
        plan = _Plan(opened, open_stores, planned, label)
        ready = plan.ready()
        earlier = plan.earlier(ready)
    change = first_difference(earlier.result.provenance, ready.provenance)
    assert earlier.key is not None
    by = who(opened.workspace.root / label.package)
    entry = Accepted(label, ready.key, earlier.key, reason, by, now)
    file = add_accepted(opened.workspace.root, entry)
    return Accepting(entry, file, change or "nothing that is in its key changed", earlier)


def revoke(opened: Opened, target: str, now: datetime) -> tuple[Label, int]:
    """No acceptance of the cell is in force; how many were. Raises `CannotAccept` for none."""
    _, label = _one_cell(opened, target)
    by = who(opened.workspace.root / label.package)
    revoked = revoke_accepted(opened.workspace.root, label, by, now)
    if not revoked:
        raise CannotAccept(
            f"nothing is accepted of {label}", hint="`strata accept --list` shows what is"
        )
    return label, revoked


def _one_cell(opened: Opened, text: str) -> tuple[Cells, Label]:
    """The cell that `text` names, among the others. Raises `UsageError` for several."""
    pattern = pattern_of(opened, text)
    if pattern.scope is not Scope.CELL or pattern.negative:
        raise UsageError(f"'{text}' is not one cell", hint="write //notebook:cell")
    cells = load_cells(opened, [pattern])
    label, _ = cells.names.resolve(pattern)
    return cells, label


def who(folder: Path) -> str:
    """The user as git knows them there, or else the system."""
    try:
        asked = subprocess.run(
            ["git", "config", "user.name"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            stdin=subprocess.DEVNULL,
        )
        name = asked.stdout.strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        name = ""
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


@dataclass(slots=True)
class _Noting:
    """A dry run's last executor, which remembers what would run."""

    inner: Executor = field(default_factory=PlanningExecutor)
    missing: dict[Label, ReadyAction] = field(default_factory=dict)

    def run(self, ready: ReadyAction) -> ActionResult:
        """Never returns."""
        self.missing[ready.label] = ready
        return self.inner.run(ready)


class _Plan:
    """What a build of one cell would do."""

    def __init__(self, opened: Opened, open_: Stores, planned: Planned, label: Label) -> None:
        self._label = label
        self._journal = open_.journal
        self._look = planned.disk.look
        self._noting = _Noting()
        policy = policy_of(opened, Request())
        self._executor = cached(self._noting, opened, open_, planned, policy)
        around = Surroundings(
            executor=self._executor,
            journal=ReadOnlyJournal(open_.journal),
            emit=unheard,
            cancellation=opened.cancellation,
            clock=time.monotonic,
            late=planned.disk.late,
            look=planned.disk.look,
        )
        try:
            self._report = build(planned.graph, [label], BuildOptions(), around)
        finally:
            planned.disk.save()

    def ready(self) -> ReadyAction:
        """The cell's action, which would run. Raises `CannotAccept` if it is another way."""
        by_label = {cell.label: cell for cell in self._report.cells}
        cell = by_label[self._label]
        match cell.status:
            case Status.WOULD_RUN:
                ready = self._noting.missing[self._label]
                if not ready.action.cacheable:
                    raise CannotAccept(
                        f"{self._label} has @nocache: it always runs, and no result stays valid"
                    )
                return ready
            case Status.CACHED if cell.result is not None and cell.result.accepted:
                said = f"{self._label} is accepted already: {cell.result.accepted}"
                raise CannotAccept(said)
            case Status.CACHED:
                raise CannotAccept(f"nothing to accept: {self._label} is up to date")
            case Status.UNKNOWN:
                raise _waits(self._label, self._report)
            case _:
                raise _broken(cell, self._report)

    def earlier(self, ready: ReadyAction) -> Run:
        """The newest successful run whose result can still be had. Raises `CannotAccept`."""
        moved: list[str] = []
        for run in self._journal.history(self._label):
            if run.key is None or run.result.error is not None:
                continue
            changed = self._moved(ready, run)
            if changed and run.key == ready.key:
                raise _declare_first(
                    f"{self._label} itself is as it was; what changed is what it was found to read",
                    changed,
                )
            moved = moved or changed
            if run.key != ready.key and self._is_there(replace(ready, key=run.key)):
                _refuse_missing_outputs(ready.action, run)
                return run
        if moved:
            raise _declare_first(
                f"no earlier result of {self._label} holds: what it was found to read changed",
                moved,
            )
        raise CannotAccept(
            f"{self._label} has no earlier result in the cache that could stay valid",
            hint=f"`strata build {self._label}` makes one",
        )

    def _is_there(self, ready: ReadyAction) -> bool:
        """Whether a build would be answered by the cache, by way of older acceptances too."""
        try:
            self._executor.run(ready)
        except NotCached:
            return False
        return True

    def _moved(self, ready: ReadyAction, run: Run) -> list[str]:
        """What the run was found to depend on, and is not what it was."""
        changed = no_longer_so(self._look, ready.action, run.result.observed)
        return sorted(name.partition(":")[2] for name in changed)


def _waits(label: Label, report: BuildReport) -> CannotAccept:
    """The cell's inputs are not known, as a cell that it needs would run."""
    first = next(cell for cell in report.cells if cell.status is Status.WOULD_RUN)
    if first.reason == NOT_CACHED:
        return CannotAccept(
            f"what {label} is given is never known beforehand: it needs {first.label}, which "
            "always runs (@nocache)"
        )
    return CannotAccept(
        f"{label} needs {first.label}, which would run ({first.reason})",
        hint=f"build it first (`strata build {first.label}`), or accept it first",
    )


def _broken(cell: CellReport, report: BuildReport) -> CannotAccept:
    failed = next((c for c in (cell, *report.cells) if c.status is Status.FAILED), None)
    error = None if failed is None or failed.result is None else failed.result.error
    said = headline(error) if error is not None else cell.reason
    hint = None if error is None else error.hint
    return CannotAccept(f"{cell.label} cannot be built: {said}", hint=hint)


def _declare_first(what: str, names: Sequence[str]) -> CannotAccept:
    return CannotAccept(
        f"{what}: {listed(names)}",
        hint="declare it with `# @input` first, and build; then a change of it can be accepted",
    )


def _refuse_missing_outputs(action: Action, run: Run) -> None:
    """An earlier result that lacks a variable would make cells fail that read it."""
    before = run.result.provenance.get("parameters")
    promised = before.get("outputs") if isinstance(before, Mapping) else None
    # A name that was promised and is not there was not bound when the cell ran.
    known = {*run.result.outputs, *(promised if isinstance(promised, list | tuple) else ())}
    missing = [name for name in action.outputs if name not in known]
    if missing:
        raise CannotAccept(
            f"{action.label} now defines {', '.join(missing)}, which its earlier result has not",
            hint=f"`strata build {action.label}` makes it; or, if no other cell is to read it, "
            f"call it _{missing[0]}",
        )
