"""What the engine remembers of a label while it builds it, and what its threads say."""

from __future__ import annotations

from strata.core.action import Node, ReadyAction
from strata.core.dataclass import dataclass
from strata.core.label import Label
from strata.core.result import ActionResult
from strata.execution.memory import Why
from strata.execution.report import CellReport
from strata.execution.room import Request


class Attempt:
    """An action that was handed to a thread. No two are equal."""

    __slots__ = ("label", "ready", "request", "stores")

    def __init__(self, label: Label, ready: ReadyAction, request: Request) -> None:
        self.label = label
        self.ready = ready
        self.request: Request | None = request
        """The room that it takes, or None."""
        self.stores = False
        """Its process has ended, and its results are being stored."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a thread says: the attempt gave a result, or the machinery failed."""

    attempt: Attempt
    outcome: ActionResult | BaseException


class Progress:
    """One label, beside its state in the plan. Written out: there is one for every cell."""

    __slots__ = (
        *("label", "node", "attempt", "repairs", "moved", "told", "asked_at", "step", "first"),
        *("steps_ran", "steps_cached", "why", "ready", "result", "report"),
    )

    def __init__(self, label: Label, node: Node | None) -> None:
        self.label = label
        self.node = node
        """None where it is broken."""
        self.attempt: Attempt | None = None
        """The newest; what others say does not count."""
        self.repairs = 0
        self.moved = False
        """It ran again because a file changed while it ran."""
        self.told = False
        """It was said that it needs more than there is."""
        self.asked_at = 0
        """How many attempts of all had ended when its key was made."""
        self.step = 0
        self.first: ReadyAction | None = None
        self.steps_ran = 0
        self.steps_cached = 0
        self.why: Why | None = None
        """Why it would run; None while it is not about to."""
        self.ready: ReadyAction | None = None
        self.result: ActionResult | None = None
        self.report: CellReport | None = None

    @property
    def reason(self) -> str:
        """Why it would run, in a few words; empty while it is not about to."""
        return "" if self.why is None else self.why.reason
