"""Whole processes, measured: processor time, wall time and memory of what a user would start.

Processor time is user and system time of the process and all its descendants, from wait4(2). What
a tool leaves running to be faster next time (Bazel's server, warm runners) counts too, by the
time that it used meanwhile (/proc, to 10 ms). Commands that are compared run in turn, so that a
busy moment of the machine hits all of them; the best run and the median are kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_S = 1_200.0
_TO_END_S = 30.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SET_CHILD_SUBREAPER = 36
_NOT_AT_USERS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "STRATA_CACHE_DIR")
"""Users have compiled bytecode, and a cache where it is by default."""


class RunFailed(Exception):
    """A command that was to be measured did not do what it should."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is started, where, and what its output must say so that its time counts."""

    argv: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    expect: str = ""
    """A regular expression found in stdout or stderr."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Several runs of one command; at least one."""

    samples: tuple[Sample, ...]

    @property
    def cpu_s(self) -> float:
        """Of the best run."""
        return min(sample.cpu_s for sample in self.samples)

    @property
    def median_cpu_s(self) -> float:
        return statistics.median(sample.cpu_s for sample in self.samples)

    @property
    def wall_s(self) -> float:
        """Of the best run."""
        return min(sample.wall_s for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Trial:
    """A command, and what is done before each of its runs, unmeasured. With `others`, they are run
    in turn after it, so that what was asked just now is not asked again."""

    command: Command
    prepare: Callable[[], object] = lambda: None
    others: tuple[Command, ...] = ()

    def at(self, turn: int) -> Command:
        """What is run in that turn, from 0."""
        commands = (self.command, *self.others)
        return commands[turn % len(commands)]


def interleaved(
    trials: Mapping[str, Trial], repeats: int, budget_s: float = 20.0
) -> dict[str, Measured | RunFailed]:
    """Runs every trial `repeats` times, in turn; one that has had `budget_s` of wall time is
    run no more, but each at least once. A trial that fails is left out of the later turns."""
    samples: dict[str, list[Sample]] = {name: [] for name in trials}
    failed: dict[str, RunFailed] = {}
    for turn in range(repeats):
        for name, trial in trials.items():
            if name in failed or sum(s.wall_s for s in samples[name]) > budget_s:
                continue
            try:
                trial.prepare()
                samples[name].append(run(trial.at(turn)))
            except RunFailed as problem:
                failed[name] = problem
    return {name: failed.get(name) or Measured(tuple(samples[name])) for name in trials}


def run(command: Command) -> Sample:
    """Runs it once. Raises `RunFailed` when it fails or does not say what is expected."""
    before = _living_cpu_s()
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=environment(command.variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        limit = threading.Timer(LIMIT_S, process.kill)
        limit.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode or not re.search(command.expect, text):
        raise RunFailed(_complaint(command, process.returncode, text))
    cpu_s = usage.ru_utime + usage.ru_stime + _servers_cpu_s(before)
    return Sample(cpu_s, wall_s)


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of what is measured: as a user has it."""
    ours = {name: value for name, value in os.environ.items() if name not in _NOT_AT_USERS}
    return {**ours, **(variables or {})}


def adopt_orphans() -> None:
    """From here on what a command leaves running is a child of ours, so that it can be counted."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _complaint(command: Command, code: int, text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()] or ["no output"]
    return f"`{' '.join(command.argv)}` ended with {code}: {lines[-1][:200]}"


def _servers_cpu_s(before: Mapping[int, float]) -> float:
    """What processes that outlive the command used since `before`, once they have settled."""
    used = 0.0
    for _ in range(50):
        used = _reaped_cpu_s(before, used)
        living = _living_cpu_s()
        if not living:
            return used
        time.sleep(0.03)
        if _living_cpu_s() == living:
            return used + sum(cpu_s - before.get(pid, 0.0) for pid, cpu_s in living.items())
    return used + sum(cpu_s - before.get(pid, 0.0) for pid, cpu_s in _living_cpu_s().items())


def _reaped_cpu_s(before: Mapping[int, float], used: float) -> float:
    """`used`, and the time of the orphans that have ended."""
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return used
        if not pid:
            return used
        used += max(0.0, usage.ru_utime + usage.ru_stime - before.get(pid, 0.0))


def _living_cpu_s() -> dict[int, float]:
    """Processor time of every descendant that is alive, with that of its ended children."""
    parents: dict[int, int] = {}
    cpu_s: dict[int, float] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            stat = _stat_of(entry.name)
            if stat is not None and stat[0] != b"Z":
                parents[int(entry.name)] = int(stat[1])
                cpu_s[int(entry.name)] = sum(map(int, stat[11:15])) / _TICKS_PER_S
    found = descendants(os.getpid(), parents)
    return {pid: cpu_s[pid] for pid in found}


def servers_peak_bytes() -> int:
    """What the largest process that was left running has had in memory at most; 0 for none."""
    return max(map(_peak_bytes, _living_cpu_s()), default=0)


def _peak_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _stat_of(pid: str) -> list[bytes] | None:
    """The fields after the name, or None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return text[text.rindex(b")") + 2 :].split()


def descendants(root: int, parents: Mapping[int, int]) -> set[int]:
    """Every process below `root`, by the parent of each."""
    found = {root}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {root}


def stop_servers() -> None:
    """Ends what the measured commands left running; afterwards it is gone, or takes very long."""
    for pid in _living_cpu_s():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _TO_END_S
    while _living_cpu_s() and time.monotonic() < until:
        time.sleep(0.03)
    _reaped_cpu_s({}, 0.0)
