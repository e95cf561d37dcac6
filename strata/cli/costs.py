"""What of a build cost most, and what would help: from an account of its time, as sentences.

Pure, and the same for a trace and for what the journal has. Costs are compared by `wall_s`: how
much sooner the build could have ended, at most, without them. What is on the critical path counts
in full; work in slots that were all taken counts by its share of the slots; the rest not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from strata.console.format import count, duration, size
from strata.core.dataclass import dataclass, field
from strata.execution import explain

MOST = 5

_WORTH_SAYING = 0.01
"""Share of the build below which nothing is said."""
_ENOUGH_CELLS = 5
"""The least cells of an environment from which is concluded how long a process takes to start."""
_LONGEST_START_S = 0.1
"""What takes longer is not only the start of a process, if nothing is installed for it."""
_LONGEST_WAIT_S = 0.001
"""A cell that waited for less than this did not wait for anything."""
_LONG_CELL_S = 1.0
"""A cell that takes less is not worth splitting."""
_WORTH_MORE_CORES_S = 10.0
"""A cell that takes less would hardly gain by more threads."""
_LONG_ENVIRONMENT_S = 0.5
"""An environment that takes longer was made, and not only found."""
_SLOW_CALL_S = 0.005


@dataclass(frozen=True, slots=True)
class CellTime:
    """One cell. `busy_s`: in its slot, all told; `run_s`: of that, in its process."""

    label: str
    status: str
    busy_s: float
    run_s: float = 0.0
    reason: str = ""
    attempts: int = 1
    critical: bool = False
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Bytes of one value that were stored."""

    label: str
    variable: str | None
    size_bytes: int
    seconds: float
    critical: bool


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one kind: how many, how long in all threads, and what that cost the build."""

    number: int = 0
    seconds: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """Where the time of one build went. What is None was not recorded."""

    source: str
    """"trace" or "recorded"."""
    started_at: float
    duration_s: float
    asked: tuple[str, ...]
    cells: Sequence[CellTime]
    """Those that ran or were asked for in a slot."""
    cells_in_all: int = 0
    jobs: int | None = None
    cores: int | None = None
    warm: str | None = None
    asks_for_room: bool = False
    """Some cell says with `@resources` what it takes of the machine."""
    interrupted: bool = False
    waiting: Sequence[tuple[float, float]] = ()
    """Of each cell that waited: for how long, and for how long of that every slot was taken."""
    most_at_once: int = 0
    """How many cells ran or could have run, at most."""
    build_s: float = 0.0
    """The part of the duration in which cells were looked up and run."""
    idle_s: float = 0.0
    """The part of `build_s` in which no cell was in a slot, and nothing in `calls` was done."""
    phases: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[str, Calls] = field(default_factory=dict)
    """Look-ups, records, files and the journal."""
    stored: Sequence[Transfer] = ()
    environments: Mapping[str, float] = field(default_factory=dict)
    """Name to the longest time that a cell waited for it."""

    @property
    def critical_s(self) -> float:
        return sum(cell.busy_s for cell in self.cells if cell.critical)

    @property
    def share_of_slots(self) -> float:
        """What a second beside the critical path cost the build, where slots were wanting."""
        wanting = sum(full_s for _, full_s in self.waiting) > _WORTH_SAYING * self.duration_s
        return 1 / max(self.jobs or 1, 1) if wanting else 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One thing that cost time, and what would help. `seconds` is what `said` speaks of."""

    kind: str
    seconds: float
    wall_s: float
    said: str
    help: str
    label: str | None = None
    count: int = 1
    size_bytes: int | None = None


def costs(account: Account) -> list[Cost]:
    """What is worth saying, what cost most first."""
    found: list[Cost] = []
    for part in (_cells, _waiting, _starting, _storing, _environments, _calls, _phases):
        found += part(account)
    least_s = _WORTH_SAYING * account.duration_s
    worth = [cost for cost in found if cost.wall_s > 0 and cost.wall_s >= least_s]
    return sorted(worth, key=lambda cost: -cost.wall_s)


def _cells(account: Account) -> Iterator[Cost]:
    path_s = account.critical_s
    start_s = _start_s(account)
    for cell in account.cells:
        run_s = cell.run_s or cell.busy_s
        if cell.status not in ("ran", "failed"):
            continue
        own_s = max(0.0, run_s - cell.attempts * start_s.get(cell.environment, 0.0))
        said = f"{cell.label} {cell.status} {_time(run_s)}"
        said += f" in {count(cell.attempts, 'attempt')}" if cell.attempts > 1 else ""
        if cell.critical:
            said += f", {_percent(run_s, path_s)} of the critical path"
        wall_s = own_s if cell.critical else own_s * account.share_of_slots
        yield Cost("cell", run_s, wall_s, said, _help_for(cell), cell.label, cell.attempts)


def _help_for(cell: CellTime) -> str:
    if cell.reason == explain.NOT_CACHED:
        return "it is `@nocache`: without that it runs when something that it depends on changes"
    if cell.attempts > 1:
        return f"`strata log {cell.label}` says why attempts failed"
    if cell.reason == explain.FORCED:
        return "it was forced: without --force the cache has its result"
    if cell.run_s < _LONG_CELL_S:
        return "nothing: it is short, and next time the cache has its result"
    if not cell.critical:
        return "it was beside the critical path: more slots, or less of it"
    if cell.run_s >= _WORTH_MORE_CORES_S:
        return (
            "split it, so that parts of it run at once and an edit repeats only one of them; or"
            " give its libraries more cores: they have one, unless `# @resources cpu=N` says N"
        )
    return "split it, so that parts of it run at once and an edit repeats only one of them"


def _waiting(account: Account) -> Iterator[Cost]:
    # With any number of slots the build would have taken as long as its critical path.
    most_s = max(0.0, account.build_s - account.critical_s)
    if account.asks_for_room:
        others = [all_s - full_s for all_s, full_s in account.waiting]
        others = [seconds for seconds in others if seconds > _LONGEST_WAIT_S]
        said = f"{count(len(others), 'cell')} waited for cores, memory or GPUs that others had, "
        said += f"{_time(sum(others))} in all"
        cure = "smaller numbers in `@resources`, where they are larger than what is used"
        yield Cost("room", sum(others), min(sum(others), most_s), said, cure, count=len(others))
    waited = [full_s for _, full_s in account.waiting if full_s > _LONGEST_WAIT_S]
    total_s = sum(waited)
    if not waited or account.jobs is None:
        return
    wall_s = min(total_s, most_s)
    cores, wanted = account.cores or account.jobs, account.most_at_once
    if account.jobs < min(cores, wanted):
        cure = f"-j{min(cores, wanted)}"
    elif wanted > account.jobs:
        cure = f"a machine with more cores: up to {wanted} cells could have run at once, on {cores}"
    else:
        cure = "nothing: they were short"
    slots = "a slot" if account.jobs > 1 else "the slot"
    said = f"{count(len(waited), 'cell')} waited for {slots}, {_time(total_s)} in all"
    yield Cost("waiting", total_s, wall_s, said, cure, count=len(waited))


def _start_s(account: Account) -> dict[str, float]:
    """How long the process of a cell needs to start and to end, by environment, where enough cells
    ran: about what the shortest took, which may be a cell that does something."""
    runs: dict[str, list[float]] = {}
    for cell in account.cells:
        if cell.run_s > 0:
            runs.setdefault(cell.environment, []).append(cell.run_s / cell.attempts)
    shortest = {name: min(took) for name, took in runs.items() if len(took) >= _ENOUGH_CELLS}
    return {name: s for name, s in shortest.items() if name or s < _LONGEST_START_S}


def _starting(account: Account) -> Iterator[Cost]:
    for environment, each_s in _start_s(account).items():
        cells = [c for c in account.cells if c.run_s > 0 and c.environment == environment]
        runs = sum(cell.attempts for cell in cells)
        weight = sum(
            cell.attempts * (1 if cell.critical else account.share_of_slots) for cell in cells
        )
        said = f"starting and ending processes took about {_time(each_s * runs)} for "
        said += f"{count(len(cells), 'cell')}"
        said += f" of {environment}" if environment else ""
        said += f", {_time(each_s)} each"
        cure = "fewer and larger cells; an environment with less in it starts sooner"
        if account.warm == "off":
            cure = "warm runners, which are off: `[build] warm` in strata.toml"
        yield Cost("starting", each_s * runs, each_s * weight, said, cure, count=runs)


def _storing(account: Account) -> Iterator[Cost]:
    for sent in account.stored:
        what = sent.label if sent.variable is None else f"{sent.label}%{sent.variable}"
        said = f"{size(sent.size_bytes)} were stored in {_time(sent.seconds)} for {what}"
        cure = "keep what no other cell reads in a name that begins with _, or pass less of it on"
        wall_s = sent.seconds * (1 if sent.critical else account.share_of_slots)
        bytes_ = sent.size_bytes
        yield Cost("storing", sent.seconds, wall_s, said, cure, sent.label, size_bytes=bytes_)


def _environments(account: Account) -> Iterator[Cost]:
    for name, seconds in account.environments.items():
        if seconds >= _LONG_ENVIRONMENT_S:
            said = f"the environment of {name} was made, or waited for: {_time(seconds)}, once"
            cure = "nothing: it is kept, and later builds only look at it"
            yield Cost("environment", seconds, seconds, said, cure)


_CALLS = {
    "look-up": ("question", "to the cache"),
    "record": ("record", "of results in the cache"),
    "files": ("look", "at files that cells depend on"),
    "journal": ("use", "of the journal"),
}
_FASTER = {
    "look-up": "a cache on a local disk: `[cache] dir` in strata.toml",
    "record": "a cache on a local disk: `[cache] dir` in strata.toml",
    "files": "patterns of `@input` that match fewer files; each is read once, then only looked at",
    "journal": "a workspace on a local disk",
}


def _calls(account: Account) -> Iterator[Cost]:
    for name, calls in account.calls.items():
        if name not in _CALLS or not calls.number:
            continue
        noun, of = _CALLS[name]
        each_s = calls.seconds / calls.number
        said = f"{count(calls.number, noun)} {of} took {_time(calls.seconds)}"
        cure = _FASTER[name] if each_s > _SLOW_CALL_S else _nothing(each_s)
        yield Cost(name, calls.seconds, calls.wall_s, said, cure, count=calls.number)


_PHASES = {
    "start": "reading strata.toml and the command line",
    "load": "reading notebooks",
    "scan": "reading the sources of cells",
    "join": "finding out which cell reads from which",
    "environments": "choosing interpreters and reading locks",
    "analyze": "making actions of cells",
    "open": "opening the cache and the journal",
    "save": "keeping what was learnt about files",
    "close": "closing the cache and the journal",
}
_OF_CELLS = frozenset({"load", "scan", "join", "analyze"})


def _phases(account: Account) -> Iterator[Cost]:
    for name, seconds in account.phases.items():
        what = _PHASES.get(name)
        if name == "build":
            what, seconds = "deciding what comes next, while no cell was in a slot,", account.idle_s
            cure = _nothing(seconds / max(account.cells_in_all, 1))
        elif name == "verify":
            what, cure = "running hits again", "a smaller share: `--verify 1%`"
        elif name == "environments":
            cure = "a uv.lock beside each pyproject.toml, so that none has to be made"
        elif name in _OF_CELLS:
            cure = "naming what you need (`strata build //notebook`): the rest is not read"
        else:
            cure = "nothing that you can change" if name == "start" else "a local disk"
        cells = count(account.cells_in_all, "cell")
        of = f" for {cells}" if name in _OF_CELLS and account.cells_in_all else ""
        said = f"{what or f'the phase {name!r}'} took {_time(seconds)}{of}"
        yield Cost("engine" if name == "build" else f"phase:{name}", seconds, seconds, said, cure)


def _nothing(each_s: float) -> str:
    return f"nothing that you can change: {_time(each_s)} each"


def _time(seconds: float) -> str:
    """As `duration`, and `3.4 ms` for what is short."""
    return f"{1000 * seconds:.1f} ms" if seconds < 0.1 else duration(seconds)


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """How many of these intervals overlap, at most."""
    steps = sorted(step for start, end in spans for step in ((start, 1), (end, -1)))
    most = now = 0
    for _, more in steps:
        now += more
        most = max(most, now)
    return most


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole > 0 else "all"
