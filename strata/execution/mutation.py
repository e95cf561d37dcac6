"""Changes in place that other cells would not see: found when a cell has ended. Pure.

A cell works on its own copy of what it reads. If it changes that copy, a script would show the
change to every later cell; here they get it only if the name is an output of the cell. A change
that nobody reads is nobody's business. What a cell changed, and which values have mutable parts in
common, the runner finds out and the result keeps, so a hit is judged like a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from strata.core.action import Action, Artifact
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass, field
from strata.core.label import Label
from strata.core.observation import FILE
from strata.core.result import ActionResult, CellFailure, FailureKind, Output


@dataclass(slots=True)
class Mutations:
    """What the cells of one build have changed and shared so far."""

    graph: ActionGraph
    _changed: dict[Label, frozenset[Artifact]] = field(default_factory=dict)
    _related: dict[Artifact, set[Artifact]] = field(default_factory=dict)
    """Artifacts that have mutable parts in common, both ways."""
    _joint: dict[Artifact, set[Artifact]] = field(default_factory=dict)
    """Those of them that can be loaded together."""

    def ended(
        self, action: Action, result: ActionResult, artifacts: Mapping[str, Artifact]
    ) -> CellFailure | None:
        """Takes note of a cell that ended well; says what is wrong with what it changed.

        `artifacts` says what each slot of `action` was given.
        """
        if not (result.changed or result.shared or result.aliases or result.restated):
            return None  # as most cells do
        failure = next(self._lost(action, result, artifacts), None)
        failure = failure or next(self._restated(action.label, result), None)
        self._note(action.label, result, artifacts)
        return failure or next(self._overtaken(action.label, result), None)

    def _note(self, label: Label, result: ActionResult, artifacts: Mapping[str, Artifact]) -> None:
        self._changed[label] = _changed(result, artifacts)
        for group in result.shared:
            members = {Artifact(label, name) for name in group.names}
            for member in members:
                self._related.setdefault(member, set()).update(members - {member})
                self._joint.setdefault(member, set()).update(members)
        for name, slot in result.aliases:
            if slot in artifacts:
                mine, given = Artifact(label, name), artifacts[slot]
                self._related.setdefault(mine, set()).add(given)
                self._related.setdefault(given, set()).add(mine)

    def _lost(
        self, action: Action, result: ActionResult, artifacts: Mapping[str, Artifact]
    ) -> Iterator[CellFailure]:
        """Each change that somebody would miss: first those that a line in the cell would mend."""
        label = action.label
        read = set(artifacts.values())
        changed = _changed(result, artifacts)
        # Later cells get what the cell made of an input of which it has an output.
        kept = {a for a in changed if isinstance(result.outputs.get(a.name), Output)}
        missed = {a: self.graph.read_later(a, label) for a in changed - kept}
        apart: list[CellFailure] = []
        for artifact in sorted(changed):
            for other in sorted(self._connected(artifact) - changed):
                later = self.graph.read_later(other, label)
                if other in self._joint.get(artifact, ()):
                    missed[other] = later
                elif other in read or later:
                    apart.append(_separated(artifact, other, later or (label,)))
        missed = {artifact: later for artifact, later in missed.items() if later}
        if missed:
            yield _hidden(label, missed, changed)
        yield from apart

    def _restated(self, label: Label, result: ActionResult) -> Iterator[CellFailure]:
        """State in no variable that the cell changed, and that a later cell would see unchanged."""
        for owner, place in result.restated:
            users = self.graph.users_of(owner, label)
            later = self.graph.later(users.labels, label)
            if later:
                yield _unseen(owner, place, users.defined_in, later)

    def _overtaken(self, label: Label, result: ActionResult) -> Iterator[CellFailure]:
        """A later cell that was faster has changed what this one handed on under another name."""
        place = self.graph.order.get(label, -1)
        for name in sorted({name for name, _ in result.aliases}):
            mine = Artifact(label, name)
            connected = self._connected(mine)
            for other, changed in self._changed.items():
                if self.graph.order.get(other, -1) <= place or mine in changed:
                    continue
                readers = (*self.graph.read_later(mine, other), *self._reads(other, mine))
                for artifact in sorted(connected & changed) if readers else ():
                    yield _separated(artifact, mine, readers)

    def _reads(self, label: Label, artifact: Artifact) -> tuple[Label, ...]:
        return (label,) if label in self.graph.readers.get(artifact, ()) else ()

    def _connected(self, start: Artifact) -> set[Artifact]:
        """Everything that has parts in common with `start`, over any number of steps."""
        found = {start}
        stack = [start]
        while stack:
            for other in self._related.get(stack.pop(), ()):
                if other not in found:
                    found.add(other)
                    stack.append(other)
        return found - {start}


def _changed(result: ActionResult, artifacts: Mapping[str, Artifact]) -> frozenset[Artifact]:
    """What the cell changed in place, of all that it was given."""
    return frozenset(artifacts[slot] for slot in result.changed if slot in artifacts)


def _hidden(
    label: Label, missed: Mapping[Artifact, tuple[Label, ...]], changed: frozenset[Artifact]
) -> CellFailure:
    """`missed`: what the cell changed, or what has parts in common with that, and who reads it."""
    first = min(missed, key=lambda artifact: (artifact not in changed, artifact))
    what = f"it changes '{first.name}' of {first.producer} in place, which no statement of it shows"
    if first not in changed:
        what = f"it changes what has parts in common with '{first.name}' of {first.producer}"
    more = "" if len(missed) == 1 else f" (and {_quoted({a.name for a in missed} - {first.name})})"
    names = " ".join(sorted({artifact.name for artifact in missed}))
    return _failure(
        f"{what}{more}, and {_listed(missed[first])} would read the old value",
        f"add `# @mutates {names}` to {label}, so that later cells get the changed value; "
        "or change a copy",
    )


def _separated(artifact: Artifact, other: Artifact, readers: tuple[Label, ...]) -> CellFailure:
    return _failure(
        f"it changes '{artifact.name}' of {artifact.producer} in place, with which '{other.name}' "
        f"of {other.producer} has parts in common; {_listed(readers)} would read the old ones",
        f"copy where '{other.name}' is made (copy.deepcopy), or make the change in that cell",
    )


def _unseen(
    owner: str, place: str, defined_in: Mapping[str, Label], later: tuple[Label, ...]
) -> CellFailure:
    if owner.startswith(FILE):
        where = owner.removeprefix(FILE)
        what = (
            f"it changes '{place}' of the module {where}, which {_listed(later)} would import anew"
        )
    else:
        name = re.split(r"[.(]", place)[0]
        where = str(defined_in[name]) if name in defined_in else "the cell that defines it"
        what = f"it changes the state of '{name}' of {where} ({place}), and {_listed(later)} would "
        what += "see it unchanged: definitions cross cells as source"
    return _failure(
        what,
        f"keep what changes in a variable, or make the change in {where}; "
        "a mere cache may stay, if its name begins with '_'",
    )


def _failure(message: str, hint: str) -> CellFailure:
    return CellFailure(FailureKind.MUTATION, "HiddenMutation", message, hint=hint)


def _quoted(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _listed(labels: tuple[Label, ...]) -> str:
    shown = " and ".join(map(str, labels[:2]))
    return shown if len(labels) <= 2 else f"{labels[0]} and {len(labels) - 1} others"
