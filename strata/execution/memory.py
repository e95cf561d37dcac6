"""What a build knows of earlier ones, and what it leaves for those that follow.

Around the journal: a build never fails because of it, and says once that it is lost. A hit on what
the journal knows already writes nothing for its cell, so that a build that finds everything up to
date leaves one record in all; and it reads nothing, as what it is compared with is read of all
cells at once (`Journal.briefs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from strata.core.action import Action, ActionKey, ReadyAction
from strata.core.dataclass import dataclass, field, replace
from strata.core.digest import digest_bytes
from strata.core.errors import StoreError
from strata.core.events import Emit, Notice, Status
from strata.core.label import Label
from strata.core.observation import Observed
from strata.core.result import ActionResult
from strata.execution import explain
from strata.execution.report import BuildReport
from strata.executors.base import Look, no_longer_so
from strata.stores.base import Brief, BuildRecord, Journal, Run, brief_of, gist_of

Accepts = Callable[[ReadyAction, ActionResult], bool]
"""Whether a recorded result counts for an action."""

_LONGEST_S = 1e9
"""What is longer was not measured."""

Definers = Callable[[Action], Mapping[str, str]]
"""Names of definitions that an action uses to the files that they are in."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why an action would run, if no cache has it."""

    reason: str = ""
    newest: Run | None = None
    """The newest run of its label before this build."""
    looked: Observed = field(default_factory=dict)
    """What of its earlier observations has another value now, and which."""


class Memory:
    """The journal, as one build uses it. Only the engine's thread may call it."""

    def __init__(
        self,
        journal: Journal,
        emit: Emit,
        now: Callable[[], float],
        *,
        labels: Iterable[Label],
        forced: frozenset[Label],
        look: Look,
        accepts: Accepts,
        definers: Definers,
    ) -> None:
        """`labels`: all that the build looks at."""
        self._journal = journal
        self._emit = emit
        self._now = now
        self._forced = forced
        self._look = look
        self._accepts = accepts
        self._definers = definers
        labels = list(labels)
        self._cells = tuple(sorted(map(str, labels)))
        self._began = now()
        self._id = digest_bytes("\n".join([repr(self._began), *self._cells]).encode()).hex[:8]
        self._as_before: set[Label] = set()
        self._forgetful = False
        self._briefs = self._all_briefs(labels)
        self._usual_s = _middle([brief.duration_s for brief in self._briefs.values()])

    def expected_s(self, label: Label) -> float:
        """How long `label` will run if it runs, in seconds: as when it last ran, or as others."""
        brief = self._briefs.get(label)
        if brief is None or not 0 < brief.duration_s < _LONGEST_S:
            return self._usual_s
        return brief.duration_s

    def knows(self, label: Label, key: ActionKey, result: ActionResult) -> bool:
        """Whether the hit `result` of `key` is what the journal has of `label`, so that there is
        nothing to remember."""
        brief = self._briefs.get(label)
        if brief is None or brief.key != key or brief.gist != gist_of(result):
            return False
        self._as_before.add(label)
        return True

    def why(self, ready: ReadyAction) -> Why:
        """Why `ready` would run: compared with the run before that was most like it."""
        newest = self._last(ready.label)
        if ready.label in self._forced:
            return Why(explain.FORCED, newest)
        if not ready.action.cacheable:
            return Why(explain.NOT_CACHED, newest)
        if newest is None:
            return Why(explain.NEVER_BUILT)
        if newest.result.error is not None and not newest.result.provenance:
            return Why(explain.LAST_RUN_FAILED, newest)  # before its inputs were known
        earlier = newest
        if newest.key != ready.key or newest.result.accepted:
            earlier = explain.nearest(self._history(ready.label), ready.provenance) or newest
        changed = explain.first_difference(earlier.result.provenance, ready.provenance)
        if changed is not None:
            return Why(changed, newest)
        return self._although_the_same(ready, newest, earlier)

    def _although_the_same(self, ready: ReadyAction, newest: Run, earlier: Run) -> Why:
        """Why it would run although an earlier run had the same provenance."""
        result = earlier.result
        if result.error is not None:
            same = earlier is newest
            return Why(explain.LAST_RUN_FAILED if same else explain.FAILED_BEFORE, newest)
        if earlier.moving:
            return Why(explain.MOVING, newest)
        looked = no_longer_so(self._look, ready.action, result.observed)
        found = explain.observed_differences(result.observed, looked)
        if found:
            return Why(explain.reason_of(found), newest, looked)
        if not self._accepts(ready, result):
            return Why(explain.NOT_CONFINED, newest)
        return Why(explain.RESULT_GONE, newest)

    def remember(
        self,
        label: Label,
        status: Status,
        reason: str,
        result: ActionResult,
        why: Why | None = None,
        ready: ReadyAction | None = None,
        first: ReadyAction | None = None,
    ) -> None:
        """Keeps the run in the journal, unless it says what the journal says already.

        `ready` is the action that gave the result, `first` the first of its chain: the later ones
        follow from it. Both are None where the label never became ready.
        """
        self._as_before.discard(label)  # it may have been made again
        if status is Status.CACHED and ready is not None and self.knows(label, ready.key, result):
            return
        newest = self._last(label) if why is None else why.newest
        key = None if ready is None else ready.key
        if newest is not None and newest.key == key and _as_before(newest, status, result):
            if status is Status.CACHED:
                self._as_before.add(label)
            return
        run = Run(key, status.value, reason, result, self._now(), self._id, moving=result.moving)
        if first is not None:
            run = replace(
                run,
                result=replace(result, provenance=first.provenance),
                artifacts={slot: str(artifact) for slot, artifact in first.artifacts.items()},
                definers=self._definers(first.action),
            )
        if why is not None and status is not Status.CACHED:
            run = replace(run, looked=why.looked)
        self._briefs[label] = brief_of(run)
        try:
            self._journal.append(label, run)
        except StoreError as problem:
            self._lost(problem)

    def ended(self, report: BuildReport, asked: tuple[str, ...]) -> None:
        """Keeps what the build came to."""
        counts = Counter(cell.status.value for cell in report.cells)
        settled = {
            str(cell.label): (cell.status.value, cell.reason)
            for cell in report.cells
            if cell.label not in self._as_before
        }
        build = BuildRecord(
            self._id,
            self._began,
            report.duration_s,
            asked,
            self._cells,
            counts,
            settled,
            report.interrupted,
        )
        try:
            self._journal.add_build(build)
        except StoreError as problem:
            if settled:  # else there was nothing to tell: a workspace that is only read
                self._lost(problem)

    def _all_briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        try:
            return self._journal.briefs(labels)
        except StoreError as problem:
            self._lost(problem)
            return {}

    def _last(self, label: Label) -> Run | None:
        try:
            return self._journal.last(label)
        except StoreError as problem:
            self._lost(problem)
            return None

    def _history(self, label: Label) -> list[Run]:
        try:
            return self._journal.history(label)
        except StoreError as problem:
            self._lost(problem)
            return []

    def _lost(self, problem: StoreError) -> None:
        """Without a journal nothing is built wrongly or twice; it is said once."""
        if not self._forgetful:
            self._forgetful = True
            what = f"what happens is not being remembered: {problem.message}"
            self._emit(Notice("warning", what))


def _middle(durations_s: Iterable[float]) -> float:
    """The middle one of what was measured, or a second."""
    known = sorted(d for d in durations_s if 0 < d < _LONGEST_S)
    return known[len(known) // 2] if known else 1.0


def _as_before(newest: Run, status: Status, result: ActionResult) -> bool:
    """Whether `newest`, of the same key, tells what there is to tell."""
    before = newest.result
    if status is Status.FAILED:
        return newest.key is None and before.error == result.error  # it never came to run
    return (
        status is Status.CACHED
        and before.error is None
        and before.observed == result.observed
        and before.accepted == result.accepted
    )
