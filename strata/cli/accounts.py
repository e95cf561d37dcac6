"""Where the time of a build went, read from a trace or from what the journal has of builds.

A trace comes from outside, so nothing in it is believed: what is not the form that
`strata.console.trace` writes is an error that says so. The journal knows how long cells ran and
what they read, and neither slots nor phases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from strata.cli.costs import Account, Calls, CellTime, Transfer, most_at_once
from strata.cli.timeline import longest_path
from strata.console.trace import CELL, ENGINE, OF_CELLS, SCHEMA
from strata.core.dataclass import dataclass, replace
from strata.core.errors import UsageError
from strata.core.events import Status
from strata.core.label import parse_label
from strata.stores.base import BuildRecord, Records, Run

_CALLS = {"cache", "files", "journal"}


@dataclass(frozen=True, slots=True)
class _Piece:
    """One complete event of a trace; seconds from its beginning."""

    name: str
    category: str
    track: int
    start_s: float
    end_s: float
    args: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    @property
    def label(self) -> str:
        return str(self.args.get("label", ""))


def read_trace(path: Path) -> Account:
    """The account of the trace at `path`. Raises `UsageError` for a file that is none."""
    try:
        text = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}") from problem
    try:
        return _account(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        what = "is empty" if not text else "is not a trace"
        hint = "`strata build --profile FILE` writes one when the build has ended"
        raise UsageError(f"{path} {what}", hint=hint) from problem


def _account(trace: Mapping[str, Any]) -> Account:
    about = trace["otherData"]
    if about["schema"] != SCHEMA:
        raise ValueError(f"a trace of schema {about['schema']!r}")
    events = trace["traceEvents"]
    pieces = list(_pieces(events))
    waits = list(_waits(events))
    phases: dict[str, float] = {}
    for piece in pieces:
        if piece.category == "phase":
            phases[piece.name] = phases.get(piece.name, 0.0) + piece.seconds
    cells = [piece for piece in pieces if piece.category in OF_CELLS]
    intervals = [(cell.start_s, cell.end_s) for cell in cells if cell.category == CELL]
    jobs, warm = about.get("jobs"), about.get("warm")
    account = Account(
        source="trace",
        started_at=float(about["started_at"]),
        duration_s=float(about["duration_us"]) / 1e6,
        asked=tuple(map(str, about.get("asked", ()))),
        cells=_cell_times(cells, pieces),
        cells_in_all=int(about.get("cells", len(cells))),
        jobs=None if jobs is None else int(jobs),
        cores=int(about.get("cores", 0)) or None,
        warm=None if warm is None else str(warm),
        asks_for_room=any("resources" in cell.args for cell in cells),
        interrupted=bool(about.get("interrupted", False)),
        waiting=[(end_s - start_s, full_s) for start_s, end_s, full_s in waits],
        most_at_once=most_at_once([*intervals, *((start, end) for start, end, _ in waits)]),
        build_s=phases.get("build", 0.0),
        idle_s=_idle_s(pieces),
        phases=phases,
        environments=_environments(pieces),
    )
    return _with_calls(account, pieces)


def _pieces(events: Sequence[Mapping[str, Any]]) -> Iterator[_Piece]:
    for event in events:
        if event["ph"] == "X":
            start_s, track = float(event["ts"]) / 1e6, int(event["tid"])
            end_s = start_s + float(event["dur"]) / 1e6
            name, category = str(event["name"]), str(event["cat"])
            yield _Piece(name, category, track, start_s, end_s, dict(event["args"]))


def _waits(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float, float]]:
    """Begin, end, and how long every slot was taken meanwhile."""
    begun: dict[object, tuple[float, float]] = {}
    for event in events:
        if event["ph"] == "b":
            full_s = float(event["args"]["slots_full_us"]) / 1e6
            begun[event["id"]] = float(event["ts"]) / 1e6, full_s
        elif event["ph"] == "e":
            start_s, full_s = begun.pop(event["id"])
            yield start_s, float(event["ts"]) / 1e6, full_s


def _cell_times(cells: Sequence[_Piece], pieces: Sequence[_Piece]) -> list[CellTime]:
    of_label: dict[str, list[_Piece]] = {}
    runs: dict[str, list[_Piece]] = {}
    for piece in cells:
        of_label.setdefault(piece.name, []).append(piece)
    for piece in pieces:
        if piece.category == "run":
            runs.setdefault(piece.label, []).append(piece)
    found = []
    for label, parts in of_label.items():
        ran = runs.get(label, [])
        last = parts[-1].args
        found.append(
            CellTime(
                label,
                str(last.get("status", "")),
                sum(part.seconds for part in parts),
                sum(part.seconds for part in ran),
                str(last.get("reason", "")),
                max(len(ran), 1),
                bool(last.get("critical", False)),
                str(ran[-1].args.get("environment") or "") if ran else "",
            )
        )
    return found


def _environments(pieces: Sequence[_Piece]) -> dict[str, float]:
    """Cells that need the same environment wait for the one that makes it."""
    longest: dict[str, float] = {}
    for piece in pieces:
        if piece.category == "environment":
            name = str(piece.args.get("environment", ""))
            longest[name] = max(longest.get(name, 0.0), piece.seconds)
    return longest


def _with_calls(account: Account, pieces: Sequence[_Piece]) -> Account:
    """What the engine's thread does costs the build all of its time, what a slot does its share."""
    critical = {cell.label for cell in account.cells if cell.critical}
    calls: dict[str, Calls] = {}
    stored: dict[tuple[str, str | None], Transfer] = {}
    for piece in pieces:
        is_critical = piece.track == ENGINE or piece.label in critical
        wall_s = piece.seconds * (1 if is_critical else account.share_of_slots)
        if piece.category in _CALLS:
            so_far = calls.get(piece.name, Calls())
            calls[piece.name] = Calls(
                so_far.number + 1, so_far.seconds + piece.seconds, so_far.wall_s + wall_s
            )
        elif piece.name == "store" and piece.category == "store":
            variable = piece.args.get("variable")
            where = piece.label, None if variable is None else str(variable)
            size_bytes, seconds = int(piece.args.get("size_bytes", 0)), piece.seconds
            if where in stored:
                size_bytes += stored[where].size_bytes
                seconds += stored[where].seconds
            stored[where] = Transfer(*where, size_bytes, seconds, is_critical)
    return replace(account, calls=calls, stored=tuple(stored.values()))


def _idle_s(pieces: Sequence[_Piece]) -> float:
    """How much of the phase `build` no cell was in a slot, and no call in the engine's thread."""
    builds = [p for p in pieces if p.category == "phase" and p.name == "build"]
    steps: list[tuple[float, int]] = []
    for piece in pieces:
        is_call = piece.track == ENGINE and piece.category in _CALLS
        if is_call or piece.category in OF_CELLS:
            steps += [(piece.start_s, 1), (piece.end_s, -1)]
    busy_s, busy, last_s = 0.0, 0, 0.0
    for at_s, more in sorted(steps):
        busy_s += at_s - last_s if busy else 0.0
        busy, last_s = busy + more, at_s
    return max(0.0, sum(piece.seconds for piece in builds) - busy_s)


def recorded_account(records: Records) -> Account | None:
    """Of the newest build in which something ran, else of the newest; None if there is none."""
    builds = records.builds()
    if not builds:
        return None
    build = next((b for b in builds if _ran(b)), builds[0])
    runs = dict(_runs(records, build))
    needs = {
        label: [a.rpartition("%")[0] for a in r.artifacts.values()] for label, r in runs.items()
    }
    ordered = sorted(runs, key=lambda label: runs[label].at)
    lengths = {label: run.result.duration_s for label, run in runs.items()}
    critical = set(longest_path(ordered, lengths, needs))
    cells = [
        CellTime(
            label,
            run.status,
            run.result.duration_s,
            run.result.duration_s,
            run.reason,
            critical=label in critical,
        )
        for label, run in runs.items()
    ]
    return Account(
        source="recorded",
        started_at=build.at,
        duration_s=build.duration_s,
        asked=build.asked,
        cells=cells,
        cells_in_all=len(build.cells),
        interrupted=build.interrupted,
    )


def _ran(build: BuildRecord) -> bool:
    return any(build.counts.get(status.value, 0) for status in (Status.RAN, Status.FAILED))


def _runs(records: Records, build: BuildRecord) -> Iterator[tuple[str, Run]]:
    """The runs of cells that were not hits, of those that the journal still has."""
    for text, (status, _) in build.settled.items():
        if status in (Status.RAN, Status.FAILED):
            history = records.history(parse_label(text))
            run = next((run for run in history if run.build == build.id), None)
            if run is not None:
                yield text, run
