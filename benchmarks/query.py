"""Questions about the graph: what a cell needs, asked of nothing new and after an edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.bench import Bench, in_order, middle
from benchmarks.harness.graphs import Notebook, chains
from benchmarks.harness.measure import Command, Trial
from benchmarks.harness.tables import Result, Table, compared
from benchmarks.one_edit import write_edit
from benchmarks.peers.base import Peer
from benchmarks.peers.bazel import Bazel
from benchmarks.peers.ninja import Ninja

PEERS = ("ninja", "bazel")


def tables(bench: Bench) -> list[Table]:
    results: dict[tuple[str, str], Result] = {}
    for count in (10, 100) if bench.quick else (10, 1_000, 10_000):
        graph = chains(count)
        for edited in (False, True):
            trials, instead = bench.trials(PEERS, "chains", graph, _asked(middle(graph), edited))
            found = in_order(PEERS, {**instead, **bench.measure(trials)})
            what = f"{count:,} cells{', one edited' if edited else ''}"
            results |= {(what, name): result for name, result in found.items()}
    note = "`strata query 'deps(//notebook:c9)'`, `ninja -t inputs`, `bazel query`."
    return [compared("What does a cell need?", "workspace", results, notes=(note,))]


def _asked(notebook: Notebook, edited: bool) -> Callable[[Peer, Path], Trial]:
    def trial(tool: Peer, folder: Path) -> Trial:
        command = _question(tool, folder, notebook.folder)
        if not edited:
            return Trial(command)
        return Trial(command, lambda: write_edit(folder, notebook, "comment"))

    return trial


def _question(tool: Peer, folder: Path, notebook: str) -> Command:
    match tool:
        case Ninja() | Bazel():
            return tool.inputs(folder, notebook)
        case _:
            program = tool.build(folder).argv[0]
            return Command((program, "query", f"deps(//{notebook}:c9)"), folder, expect=":c0")
