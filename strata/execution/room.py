"""Room on the machine: how much there is, and what fits beside what runs. Pure.

Counted in whole units (thousandths of a core, bytes, devices), so that what is taken and given back
any number of times adds up to nothing. Invariant: what runs never takes more than there is, but for
an action that asks for more than the whole machine: that one runs alone.
"""

from __future__ import annotations

from typing import NamedTuple

from strata.core.action import Resources
from strata.core.dataclass import dataclass

_PARTS_OF_CORE = 1000


@dataclass(frozen=True, slots=True)
class Capacity:
    """What runs may take together. `jobs`: actions at once, at least 1."""

    jobs: int
    cpu: float | None = None
    """Cores; None: as many as there are jobs."""
    memory_bytes: int | None = None
    """None: nobody knows, and nothing is too much."""
    gpus: int | None = None


class Request(NamedTuple):
    """What one action takes, in whole units."""

    cpu: int
    memory: int
    gpus: int


NOTHING = Request(0, 0, 0)
_ENDLESS = 1 << 62


class Room:
    """The machine while a build uses it."""

    def __init__(self, capacity: Capacity) -> None:
        cpu = capacity.jobs if capacity.cpu is None else capacity.cpu
        self.whole = Request(
            _parts(cpu),
            _ENDLESS if capacity.memory_bytes is None else max(0, capacity.memory_bytes),
            _ENDLESS if capacity.gpus is None else max(0, capacity.gpus),
        )
        self.jobs = capacity.jobs
        self.running = 0
        self._used = NOTHING
        self._requests: dict[Resources, Request] = {}

    @property
    def used(self) -> Request:
        """What is taken now."""
        return self._used

    def request(self, resources: Resources) -> Request:
        """What an action takes that needs `resources`: all there is, if it needs more."""
        found = self._requests.get(resources)
        if found is None:
            asked = Request(_parts(resources.cpu), resources.memory_bytes, resources.gpus)
            found = self._requests[resources] = self.whole if self._exceeds(asked) else asked
        return found

    def too_small(self, resources: Resources) -> bool:
        """Whether `resources` are more than there is."""
        return self._exceeds(Request(_parts(resources.cpu), resources.memory_bytes, resources.gpus))

    def lacks(self, request: Request, beside: Request = NOTHING) -> Request:
        """What of `request` has no room beside what runs, and beside what is kept for others."""
        if not self.running and beside == NOTHING:
            return NOTHING
        return Request(
            *(
                wanted if wanted and used + kept + wanted > whole else 0
                for wanted, used, kept, whole in zip(
                    request, self._used, beside, self.whole, strict=True
                )
            )
        )

    def kept_for(self, lacking: Request, beside: Request) -> Request:
        """`beside`, and `lacking` too as far as the machine is large enough for both."""
        return Request(
            *(
                kept + wanted if kept + wanted <= whole else kept
                for wanted, kept, whole in zip(lacking, beside, self.whole, strict=True)
            )
        )

    def take(self, request: Request) -> None:
        """`request` runs from now on; it must fit."""
        assert self.running < self.jobs, self.running
        assert self.lacks(request) == NOTHING, (request, self._used, self.whole)
        self.running += 1
        used = self._used
        self._used = Request(
            used.cpu + request.cpu, used.memory + request.memory, used.gpus + request.gpus
        )

    def give_back(self, request: Request) -> None:
        """What had taken `request` has ended."""
        self.running -= 1
        used = self._used
        self._used = Request(
            used.cpu - request.cpu, used.memory - request.memory, used.gpus - request.gpus
        )
        assert min(self.running, *self._used) >= 0, self._used

    def _exceeds(self, asked: Request) -> bool:
        return any(wanted > whole for wanted, whole in zip(asked, self.whole, strict=True))


def _parts(cores: float) -> int:
    return max(1, round(cores * _PARTS_OF_CORE))


def too_large(resources: Resources, room: Room) -> str:
    """What is to be said about an action that asks for more than there is."""
    asked = Request(_parts(resources.cpu), resources.memory_bytes, resources.gpus)
    said = [
        f"{name}={_shown(name, wanted)} of {_shown(name, whole)}"
        for name, wanted, whole in zip(("cpu", "mem", "gpu"), asked, room.whole, strict=True)
        if wanted > whole
    ]
    return f"it asks for more than there is ({', '.join(said)}), so it runs alone"


def _shown(name: str, amount: int) -> str:
    if name == "cpu":
        return f"{amount / _PARTS_OF_CORE:g}"
    return f"{amount / 2**30:.3g}GiB" if name == "mem" else str(amount)
