"""Null build: everything is up to date, and the tool says so.

Notebooks of ten cells, each cell reading the one before; the same files for every tool.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.bench import Bench, in_order, middle
from benchmarks.harness.graphs import chains
from benchmarks.harness.measure import Trial
from benchmarks.harness.tables import Result, Table, compared, crossed
from benchmarks.peers.base import Peer

PEERS = ("ninja", "make", "bazel", "doit", "snakemake", "dvc", "strata-notebook")
FOR_ONE = ("ninja", "make", "bazel", "doit")
NOTE = (
    "Bazel's time is that of its client and of the server that it leaves running. strata-notebook "
    "has no command for more than one notebook; it runs with `--no-sync`, which is its fastest way."
)


def tables(bench: Bench) -> list[Table]:
    sizes = (10, 100) if bench.quick else (10, 100, 1_000, 10_000)
    everything: dict[tuple[str, str], Result] = {}
    for count in sizes:
        graph = chains(count)
        trials, instead = bench.trials(PEERS, "chains", graph, _all)
        found = in_order(PEERS, {**instead, **bench.measure(trials, budget_s=8.0)})
        everything |= {(f"{count:,}", name): result for name, result in found.items()}
    return [
        crossed("Null build: CPU ms by number of cells", "tool", everything),
        compared("Null build", "cells", everything, notes=(NOTE,)),
        _one_of_many(bench, sizes[-1]),
    ]


def _all(tool: Peer, folder: Path) -> Trial:
    return Trial(tool.build(folder))


def _one_of_many(bench: Bench, count: int) -> Table:
    graph = chains(count)
    one = middle(graph).folder

    def trial(tool: Peer, folder: Path) -> Trial:
        return Trial(tool.build(folder, one))

    trials, instead = bench.trials(FOR_ONE, "chains", graph, trial)
    found = in_order(FOR_ONE, {**instead, **bench.measure(trials)})
    what = f"ten of {count:,}"
    return compared(
        f"Null build of one notebook inside {count:,} cells",
        "cells",
        {(what, name): result for name, result in found.items()},
    )
