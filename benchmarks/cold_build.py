"""Cold build: nothing has ever been built.

A thousand trivial cells that all read one other, on two slots, beside tools that start
`python -c pass` a thousand times; and cells of a pandas environment, beside strata-notebook.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.cell_overhead import IMPORTS, notebook_sizes, of_strata, of_strata_notebook
from benchmarks.harness.bench import Bench, in_order
from benchmarks.harness.graphs import fan, size
from benchmarks.harness.measure import Measured, Trial
from benchmarks.harness.tables import Result, Table, compared, milliseconds, ratio, why_not
from benchmarks.peers.base import Peer

PEERS = ("ninja", "make")
SLOTS = 2


def tables(bench: Bench) -> list[Table]:
    return [_trivial(bench), _pandas(bench)]


def _trivial(bench: Bench) -> Table:
    graph = fan(50 if bench.quick else 1_000)
    python = bench.strata.bin / "python"
    results: dict[str, Result] = dict(bench.absent(*PEERS))
    trials = {}
    for name, tool in bench.tools(*PEERS).items():
        folder = bench.workspace(tool, "cold", graph, f"{python} -c pass", built=False)
        trials[name] = _cold(bench, tool, folder)
    results |= bench.measure(trials, budget_s=20.0)
    what = f"{size(graph):,} in a fan, -j{SLOTS}"
    rows = {(what, name): result for name, result in in_order(PEERS, results).items()}
    note = "The others run `python -c pass` for each cell, with the Python of Strata's environment."
    return compared("Cold build of trivial cells", "cells", rows, base="ninja", notes=(note,))


def _cold(bench: Bench, tool: Peer, folder: Path) -> Trial:
    command = tool.build(folder, jobs=SLOTS)
    if tool is bench.strata:
        return Trial(command, lambda: bench.strata.forget(folder / ".strata"))
    return Trial(command, lambda: (folder / ".ninja_log").unlink(missing_ok=True))


def _pandas(bench: Bench) -> Table:
    """By the cell: strata-notebook runs fewer, because a hundred take it minutes."""
    ours, theirs = 4 if bench.quick else 100, notebook_sizes(bench)[1]
    found = {
        ("strata", ours): of_strata(bench, "build", ours, pandas=True),
        ("strata-notebook", theirs): of_strata_notebook(bench, theirs),
    }
    own = found["strata", ours]
    rows = []
    for (name, count), result in found.items():
        if not isinstance(result, Measured):
            rows.append((name, f"{count}", why_not(result), "", "", "", ""))
            continue
        cell_s = result.cpu_s / count
        times = ratio(cell_s, own.cpu_s / ours) if isinstance(own, Measured) else ""
        rows.append((
            name, f"{count}", milliseconds(result.cpu_s), milliseconds(result.wall_s),
            str(len(result.samples)), milliseconds(cell_s), times,
        ))  # fmt: skip
    columns = ("tool", "cells", "CPU ms", "wall ms", "runs", "CPU ms a cell", "of strata")
    begins = IMPORTS.strip().replace("\n", "; ")
    note = f"Each cell begins with `{begins}`; the environment is made before."
    return Table("Cold build of pandas cells", columns, tuple(rows), (note,), summary=True)
