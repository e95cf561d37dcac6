"""What led to a run, followed through the journal to the roots. Pure: it reads what `Records` give.

A run is compared with the earlier one that was most like it. Where an input has another value, the
run that made that value is the next step, and so on. The steps are a flat list, because a graph of
cells may be deeper than any stack and two inputs may lead to one step.
"""

from __future__ import annotations

from collections import deque

from strata.core.dataclass import dataclass, field
from strata.core.errors import LabelError
from strata.core.label import Label, parse_label
from strata.core.result import ActionResult, Output
from strata.execution import explain
from strata.execution.differences import GONE, Difference, mapping
from strata.stores.base import Records, Run


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an input has another value: a step, or a sentence where there is none to follow."""

    artifact: str
    step: int | None
    text: str = ""


@dataclass(slots=True)
class Step:
    """One run, what was different from the run `against`, and why each new input is new.

    `causes` is by the position of the difference. Without `against` nothing like it is recorded.
    """

    label: Label
    run: Run
    against: Run | None
    differences: list[Difference]
    unchanged: list[str]
    causes: dict[int, Cause] = field(default_factory=dict)


def trace(records: Records, label: Label, run: Run) -> list[Step]:
    """The steps that led to `run`, which is one of the history of `label`; the first is its own."""
    tracer = _Tracer(records)
    tracer.follow(label, run)
    return tracer.steps


class _Tracer:
    """The steps so far, and the histories they were found in."""

    def __init__(self, records: Records) -> None:
        self.steps: list[Step] = []
        self._records = records
        self._histories: dict[Label, list[Run]] = {}
        self._step_of: dict[tuple[Label, int], int] = {}
        self._open: deque[Step] = deque()

    def follow(self, label: Label, run: Run) -> None:
        self._step(label, self._history(label).index(run))
        while self._open:
            step = self._open.popleft()
            for position, difference in enumerate(step.differences):
                if difference.component == "inputs" and difference.change != GONE:
                    step.causes[position] = self._cause(step, difference)

    def _step(self, label: Label, place: int) -> int:
        """The step of this run, made if it is not there yet."""
        if (label, place) not in self._step_of:
            history = self._history(label)
            step = _compared(label, history[place], history[place + 1 :])
            self._step_of[label, place] = len(self.steps)
            self.steps.append(step)
            self._open.append(step)
        return self._step_of[label, place]

    def _cause(self, step: Step, difference: Difference) -> Cause:
        value = mapping(step.run.result.provenance.get("inputs")).get(difference.slot)
        artifact = step.run.artifacts.get(difference.slot, "")
        before = "" if step.against is None else _artifact_before(step.against, difference.slot)
        if value is None:
            return Cause("", None, "no cell gave it a value")
        if not artifact:
            return Cause("", None, "which cell it came from is not recorded")
        producer, name = _parsed(artifact)
        if producer is None:
            return Cause(artifact, None, "which cell it came from is not recorded")
        moved = f"it came from {before} before" if before not in ("", artifact) else ""
        history = self._history(producer)
        place = _maker(history, name, str(value), step.run.at)
        if place is None:
            return Cause(artifact, None, moved or f"the run of {producer} is no longer recorded")
        return Cause(artifact, self._step(producer, place), moved)

    def _history(self, label: Label) -> list[Run]:
        if label not in self._histories:
            self._histories[label] = self._records.history(label)
        return self._histories[label]


def _compared(label: Label, run: Run, earlier: list[Run]) -> Step:
    now = run.result.provenance
    against = explain.nearest(earlier, now) if now else None
    if against is None:
        return Step(label, run, None, [], [])
    before = against.result
    found = explain.differences(before.provenance, now, {**against.definers, **run.definers})
    seen = run.looked or run.result.observed
    found += explain.observed_differences(before.observed, seen)
    return Step(label, run, against, found, explain.unchanged(before.provenance, now))


def _maker(history: list[Run], name: str, content: str, until: float) -> int | None:
    """The place of the run since which the output `name` had this content, as of `until`."""
    found = None
    for place, run in enumerate(history):
        if until and run.at > until:
            continue
        contents = _contents(run.result, name)
        if content.partition("#")[0] in contents:
            found = place
        elif found is not None and contents:
            break
    return found


def _contents(result: ActionResult, name: str) -> set[str]:
    """What an input may be given of the output `name`: the value itself, or one it is part of."""
    outputs = [result.outputs.get(name)]
    outputs += [group.output for group in result.shared if name in group.names]
    return {o.content.partition("#")[0] for o in outputs if isinstance(o, Output)}


def _artifact_before(run: Run, slot: str) -> str:
    if slot in run.artifacts or "." not in slot:
        return run.artifacts.get(slot, "")
    name = explain.bare(slot)
    return next((a for s, a in run.artifacts.items() if "." in s and explain.bare(s) == name), "")


def _parsed(artifact: str) -> tuple[Label | None, str]:
    """`//prep:clean%df` as a label and a name."""
    producer, _, name = artifact.rpartition("%")
    try:
        return parse_label(producer), name
    except LabelError:
        return None, name
