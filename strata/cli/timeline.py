"""What follows from the spans of a build and its graph: who waited, and the longest path.

Pure. A cell could have been started when the last of what it needs was settled; it was started when
it got a slot. The critical path is the chain of cells, each needing the one before, that took
longest in all: with any number of slots the build would not have been shorter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from strata.console.trace import CELL, OF_CELLS, Span, Wait
from strata.core.dataclass import dataclass, field


@dataclass(slots=True)
class Settling:
    """When builds began, and when labels were settled in them; times in the order they came."""

    begun_ns: list[int] = field(default_factory=list)
    settled_ns: dict[str, list[int]] = field(default_factory=dict)


def waits(
    spans: Iterable[Span], needs: Mapping[str, Sequence[str]], settling: Settling, jobs: int
) -> list[Wait]:
    """For each span of a cell that did not begin at once, how long the cell was ready before."""
    cells = sorted((s for s in spans if s.category == CELL), key=lambda span: span.start_ns)
    full = _Full(cells, jobs)
    ended: dict[str, int] = {}
    found = []
    for span in cells:
        before = [*settling.begun_ns[: bisect_right(settling.begun_ns, span.start_ns)][-1:]]
        if span.name in ended:
            before.append(ended[span.name])
        for need in needs.get(span.name, ()):
            times = settling.settled_ns.get(need, [])
            before += times[: bisect_right(times, span.start_ns)][-1:]
        ready_ns = min(max(before, default=span.start_ns), span.start_ns)
        if ready_ns < span.start_ns:
            full_ns = full.between(ready_ns, span.start_ns)
            found.append(Wait(span.name, ready_ns, span.start_ns, full_ns))
        ended[span.name] = span.end_ns
    return found


def critical_path(spans: Iterable[Span], needs: Mapping[str, Sequence[str]]) -> list[Span]:
    """The spans of the cells on the longest path, in the order in which they were; storing its
    results is a part of a cell."""
    by_label: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.start_ns):
        if span.category in OF_CELLS:
            by_label.setdefault(span.name, []).append(span)
    # A cell ends after all that it needs, so this order is one of the graph.
    ordered = sorted(by_label, key=lambda label: by_label[label][-1].end_ns)
    for label in ordered:
        # What was thrown away, as something below was made again, may have been at the same time.
        below = [by_label[need][-1].end_ns for need in needs.get(label, ()) if need in by_label]
        ready_ns = max(below, default=0)
        by_label[label] = [s for s in by_label[label] if s.start_ns >= ready_ns or not below]
    busy = {label: sum(s.duration_ns for s in by_label[label]) for label in ordered}
    return [span for label in longest_path(ordered, busy, needs) for span in by_label[label]]


def longest_path(
    ordered: Sequence[str], length: Mapping[str, float], needs: Mapping[str, Sequence[str]]
) -> list[str]:
    """The heaviest chain in the graph. `ordered`: each label after all that it needs."""
    total: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for label in ordered:
        below = [need for need in needs.get(label, ()) if need in total]
        longest = max(below, key=lambda need: total[need], default=None)
        total[label] = length[label] + (0 if longest is None else total[longest])
        before[label] = longest
    path: list[str] = []
    top: str | None = max(total, key=lambda one: total[one], default=None)
    while top is not None:
        path.append(top)
        top = before[top]
    return path[::-1]


class _Full:
    """For how long, up to a moment, every slot was taken."""

    def __init__(self, cells: Iterable[Span], jobs: int) -> None:
        steps = sorted(step for span in cells for step in ((span.start_ns, 1), (span.end_ns, -1)))
        self._at: list[int] = []
        self._sum: list[int] = []
        self._is_full: list[bool] = []
        running, total, last = 0, 0, 0
        for at_ns, more in steps:
            total += at_ns - last if running >= jobs else 0
            running, last = running + more, at_ns
            self._at.append(at_ns)
            self._sum.append(total)
            self._is_full.append(running >= jobs)

    def between(self, start_ns: int, end_ns: int) -> int:
        return self._until(end_ns) - self._until(start_ns)

    def _until(self, at_ns: int) -> int:
        place = bisect_right(self._at, at_ns) - 1
        if place < 0:
            return 0
        since = at_ns - self._at[place] if self._is_full[place] else 0
        return self._sum[place] + since
