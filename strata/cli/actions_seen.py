"""The actions of cells, as a dry run sees them: for `strata aquery`.

No key is made here: the engine makes them, as it does in a build, and what it asks the cache about
is noted on the way. Nothing is run, and where a workspace has no state yet none is left in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from strata.cli.invocation import Cells, Opened, Planned
from strata.cli.known_cells import KnownCells
from strata.cli.session import Request, policy_of, run_build
from strata.core.action import Action, Chain, ReadyAction, first_action
from strata.core.dataclass import dataclass, replace
from strata.core.events import Status
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure
from strata.execution.report import BuildReport, CellReport
from strata.execution.surroundings import Surroundings
from strata.executors.sandbox import Policy

ACTION, CHAIN = "action", "chain"


@dataclass(frozen=True, slots=True)
class Seen:
    """One action. `ready` is None where its inputs are not known, `result` where no cache has
    one."""

    action: Action
    ready: ReadyAction | None = None
    result: ActionResult | None = None


@dataclass(frozen=True, slots=True)
class CellActions:
    """What a cell would do in a build."""

    label: Label
    kind: str | None
    """`ACTION` or `CHAIN`; None of a cell that cannot be understood."""
    rule: str
    path: str
    status: Status
    reason: str = ""
    error: CellFailure | None = None
    actions: tuple[Seen, ...] = ()
    """One, or the known ones of a chain: all but the last have a result."""
    waits_for: tuple[Label, ...] = ()
    """The cells it reads of which nobody knows what they give."""


@dataclass(frozen=True, slots=True)
class Seeing:
    """The actions of some cells, in definition order, and what a build says of all of them."""

    cells: tuple[CellActions, ...]
    without: tuple[Label, ...]
    """Cells that build nothing."""
    policy: Policy
    secrets: tuple[str, ...]
    """Values that must not be shown."""
    interrupted: bool


class Watch:
    """Notes which actions the engine asks the cache about, and the answers."""

    def __init__(self, labels: Collection[Label]) -> None:
        """`labels`: the cells whose actions are noted."""
        self._labels = labels
        self._seen: dict[Label, list[Seen]] = {}

    def __call__(self, around: Surroundings) -> Surroundings:
        """`around`, watched."""

        def answer(ready: ReadyAction) -> ActionResult | None:
            result = around.answer(ready)
            if ready.label in self._labels:
                self._note(Seen(ready.action, ready, result))
            return result

        return replace(around, answer=answer)

    def _note(self, seen: Seen) -> None:
        known = self._seen.setdefault(seen.action.label, [])
        if known and known[-1].action is seen.action:
            known.pop()  # a file was changed meanwhile, so it was asked for again
        known.append(seen)

    def actions(self, label: Label) -> tuple[Seen, ...]:
        """Those of `label`, in the order of its chain."""
        return tuple(self._seen.get(label, ()))


def see_actions(opened: Opened, cells: Cells, labels: Sequence[Label]) -> Seeing:
    """The actions of `labels`. Ctrl-C ends it in order and is in what is returned."""
    watch = Watch(frozenset(labels))
    request = Request(dry_run=True)
    with contextlib.closing(KnownCells(opened, cells)) as known:
        planned = known.planned
        report = run_build(known.beside(), planned, labels, request, watch)
    found = tuple(_cells(cells, planned, labels, report, watch))
    have_some = {cell.label for cell in found}
    return Seeing(
        cells=found,
        without=tuple(label for label in labels if label not in have_some),
        policy=policy_of(opened, request),
        secrets=_secrets(map(first_action, planned.graph.nodes.values())),
        interrupted=report.interrupted,
    )


def _cells(
    cells: Cells,
    planned: Planned,
    labels: Iterable[Label],
    report: BuildReport,
    watch: Watch,
) -> Iterator[CellActions]:
    """What became of `labels`; cells that build nothing are left out."""
    reports = {cell.label: cell for cell in report.cells}
    joined = {cell.label: cell.cell for cell in cells.joined}
    for label in labels:
        if label not in reports:
            continue
        said, cell = reports[label], joined[label]
        yield CellActions(
            label=label,
            kind=_kind(planned, label),
            rule=cell.kind,
            path=cell.path,
            status=said.status,
            reason=said.reason,
            error=None if said.result is None else said.result.error,
            actions=watch.actions(label) or _first(planned, label),
            waits_for=_waits_for(planned, said, reports),
        )


def _kind(planned: Planned, label: Label) -> str | None:
    node = planned.graph.nodes.get(label)
    if node is None:
        return None
    return ACTION if isinstance(node, Action) else CHAIN


def _first(planned: Planned, label: Label) -> tuple[Seen, ...]:
    """What is known of an action whose inputs are not."""
    node: Action | Chain | None = planned.graph.nodes.get(label)
    return () if node is None else (Seen(first_action(node)),)


def _waits_for(
    planned: Planned, said: CellReport, reports: Mapping[Label, CellReport]
) -> tuple[Label, ...]:
    if said.status not in (Status.UNKNOWN, Status.SKIPPED):
        return ()
    needed = planned.graph.needs[said.label]
    return tuple(n for n in needed if n in reports and reports[n].status is not Status.CACHED)


def _secrets(known: Iterable[Action]) -> tuple[str, ...]:
    """The values of all secrets, as they may be written; of short ones, where they are given."""
    from strata.executors.secrets import spellings

    given = {(name, a.variables[name]) for a in known for name in a.secrets if name in a.variables}
    written = (f"{name}{sign}{value}" for name, value in given for sign in ("=", " = "))
    return spellings([*(value for _, value in given), *written])
