"""One edit: the last cell of one notebook changes, and everything is brought up to date.

A comment costs what noticing costs, and runs nothing where a tool knows comments; an edit of the
code runs that one cell.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.bench import Bench, in_order, middle
from benchmarks.harness.graphs import Notebook, chains
from benchmarks.harness.measure import Trial
from benchmarks.harness.tables import Result, Table, compared
from benchmarks.peers.base import Peer, source_of

PEERS = ("ninja", "make", "bazel", "doit")
EDITS = {
    "comment": ("# looked at {number}\n", r"\b0 ran"),
    "code": ("looked_at = {number}\n", r"\b1 ran"),
}
_NUMBERS = itertools.count(time.time_ns())
"""No edit is ever the same twice, also in workspaces of an earlier run."""


def tables(bench: Bench) -> list[Table]:
    results: dict[tuple[str, str], Result] = {}
    for count in (10, 100) if bench.quick else (10, 1_000, 10_000):
        graph = chains(count)
        for kind in EDITS:
            trials, instead = bench.trials(PEERS, "chains", graph, _edited(middle(graph), kind))
            found = in_order(PEERS, {**instead, **bench.measure(trials)})
            what = f"{kind}, {count:,} cells"
            results |= {(what, name): result for name, result in found.items()}
    note = "The cell's own run counts in the rows of `code` (for the others: of `touch`)."
    return [compared("One edited cell", "edit", results, notes=(note,))]


def _edited(notebook: Notebook, kind: str) -> Callable[[Peer, Path], Trial]:
    def trial(tool: Peer, folder: Path) -> Trial:
        command = tool.build(folder)
        if tool.name == "strata":
            command = dataclasses.replace(command, expect=EDITS[kind][1])
        return Trial(command, lambda: write_edit(folder, notebook, kind))

    return trial


def write_edit(folder: Path, notebook: Notebook, kind: str) -> None:
    """Changes the last cell of `notebook` to what it never was before."""
    cell = notebook.cells[-1]
    text = EDITS[kind][0].format(number=next(_NUMBERS))
    (folder / source_of(notebook.folder, cell.name)).write_text(cell.source + text)
