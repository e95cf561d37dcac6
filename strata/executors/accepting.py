"""Acceptances: somebody said that an edit of a cell does not change its result.

Only the answer to "whose result may stand for this one": keys and reasons. That result still has to
be found and to hold (`strata.executors.caching`), and where acceptances are written down is not
known here. Invariant: an acceptance counts for the one cell and the one key that it was given for,
so whatever else changes makes the cell run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from strata.core.action import ActionKey, ReadyAction
from strata.core.dataclass import dataclass
from strata.core.label import Label


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The result of `instead_of` is the result of `key`, for one cell. `said`: why, who, when."""

    label: Label
    key: ActionKey
    instead_of: ActionKey
    said: str


class Acceptances:
    """Those in force. Edits may have been accepted one after the other: they are followed."""

    def __init__(self, given: Iterable[Acceptance] = ()) -> None:
        """Of several for one key the last is asked first."""
        following: dict[tuple[Label, ActionKey], tuple[Acceptance, ...]] = {}
        for acceptance in given:
            place = acceptance.label, acceptance.key
            following[place] = (acceptance, *following.get(place, ()))
        self._following: Mapping[tuple[Label, ActionKey], tuple[Acceptance, ...]] = following

    def __call__(self, ready: ReadyAction) -> Iterator[tuple[ActionKey, str]]:
        """Keys whose result may stand for that of `ready`, nearest first and each once, with all
        that was said on the way there."""
        seen = {ready.key}  # two acceptances may lead to each other
        waiting: list[tuple[ActionKey, tuple[str, ...]]] = [(ready.key, ())]
        while waiting:
            key, said = waiting.pop(0)
            for acceptance in self._following.get((ready.label, key), ()):
                if acceptance.instead_of not in seen:
                    seen.add(acceptance.instead_of)
                    reasons = (*said, acceptance.said)
                    yield acceptance.instead_of, "; ".join(reasons)
                    waiting.append((acceptance.instead_of, reasons))
