"""Peak resident memory of the largest process of a command, at the largest workspace.

A small program of its own starts the command and asks: what a process is said to have used at
most never lies below what the one had that started it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.bench import Bench, middle
from benchmarks.harness.graphs import Graph, chains
from benchmarks.harness.measure import Command, RunFailed, environment
from benchmarks.harness.tables import Table, ratio
from benchmarks.one_edit import write_edit
from benchmarks.peers.base import NotInstalled

PEERS = ("ninja", "make", "doit")

_LAUNCHER = """
import os, sys
null = os.open(os.devnull, os.O_RDWR)
files = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=files)
_, status, usage = os.wait4(pid, 0)
print([os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024])
"""


def tables(bench: Bench) -> list[Table]:
    graph = chains(100 if bench.quick else 10_000)
    own = 0
    rows = []
    for name, tool in bench.tools(*PEERS).items():
        for what, prepare, arguments in _commands(name, graph):
            bench.say(f"  {what}, {name}")
            try:
                folder = bench.workspace(tool, "chains", graph)
                prepare(folder)
                command = tool.build(folder)
                argv = (command.argv[0], *arguments) if arguments else command.argv
                peak = peak_bytes(bench, Command(argv, folder))
            except (RunFailed, NotInstalled) as problem:
                rows.append((what, name, f"failed, {problem}", ""))
                continue
            own = own or peak
            rows.append((what, name, f"{peak / 1e6:.0f}", ratio(peak, own)))
    rows += [("null build", name, why, "") for name, why in bench.absent(*PEERS).items()]
    count = sum(len(notebook.cells) for notebook in graph)
    columns = ("what", "tool", "peak MB", "of strata")
    return [Table(f"Memory at {count:,} cells", columns, tuple(rows), texts=2)]


def _commands(
    name: str, graph: Graph
) -> list[tuple[str, Callable[[Path], object], tuple[str, ...]]]:
    """What is run of a tool: its name, what is done before, its arguments (none: a build)."""
    last = middle(graph)

    def edit(folder: Path) -> None:
        write_edit(folder, last, "code")

    ask = ("query", f"deps(//{last.folder}:c9)")
    found: list[tuple[str, Callable[[Path], object], tuple[str, ...]]]
    found = [("null build", lambda folder: None, ()), ("one edit", edit, ())]
    return [*found, ("query deps, after an edit", edit, ask)] if name == "strata" else found


def peak_bytes(bench: Bench, command: Command) -> int:
    """Of the largest process. Raises `RunFailed`."""
    python = str(bench.strata.bin / "python")
    ended = subprocess.run(
        (python, "-IS", "-c", _LAUNCHER, *command.argv),
        cwd=command.folder,
        env=environment(command.variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if ended.returncode:
        raise RunFailed("the launcher failed")
    code, peak = json.loads(ended.stdout)
    if code:
        raise RunFailed(f"`{' '.join(command.argv)}` ended with {code}")
    return int(peak)
