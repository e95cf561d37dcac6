"""Questions about the graph: what a cell needs, what needs it, and the ways between two cells.

Notebooks of twenty cells that read each other (`harness.graphs.layers`). Strata is asked the same
again, which a stamp answers, and what it was never asked before, which it answers from the graph
that an earlier question left (docs/reference/nothing-to-do.md). Each in turn with a null build of
Strata, and with the tools that have the question.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.bench import Bench, middle
from benchmarks.harness.graphs import Graph, Notebook, layers
from benchmarks.harness.measure import (
    Command,
    Measured,
    RunFailed,
    Trial,
    run,
    servers_peak_bytes,
    stop_servers,
)
from benchmarks.harness.tables import Result, Table, crossed, milliseconds, ratio, reasons
from benchmarks.memory import peak_bytes
from benchmarks.one_edit import write_edit
from benchmarks.peers.base import NOTHING, Peer
from benchmarks.peers.bazel import Bazel, build_file
from benchmarks.peers.ninja import Ninja

PEERS = ("ninja", "bazel")
QUESTIONS = ("deps", "rdeps", "somepath", "allpaths")
NULL_BUILD = "strata, null build"
EDITED = "deps, after an edit"
NOTES = (
    "Strata is asked the same *again*, or what is *new* to it; the others are asked the same "
    "questions. `ninja -t inputs` has no other. Bazel's time is that of its client and of the "
    "server that it leaves running; its targets are `filegroup`s, without files. *An edit* is one "
    "of the cell that is asked about, for Bazel one of its BUILD file; it is held against the null "
    "build before it.",
)
_NUMBERS = itertools.count(time.time_ns())

Found = dict[tuple[str, str], Result]
"""By question and tool."""


@dataclass(frozen=True)
class Place:
    """A tool, and its workspace of a graph."""

    tool: Peer
    folder: Path
    graph: Graph

    def asks(self, question: str, number: int) -> Command | None:
        """The question about cells that are others for other numbers, up to ten; None where the
        tool does not have it."""
        text, expected = asked(self.graph, question, number)
        match self.tool:
            case Bazel() as bazel:
                return bazel.query(self.folder, text, expect=expected)
            case Ninja() as ninja:
                if question != "deps":
                    return None
                notebook, cell = _cell(middle(self.graph), number)
                return ninja.inputs(self.folder, notebook, cell)
            case strata:
                argv = (strata.build(self.folder).argv[0], "query", text)
                return Command(argv, self.folder, expect=expected)

    def edit(self) -> None:
        """Changes what `asks("deps", 0)` is about to what it never was before."""
        notebook = middle(self.graph)
        if not isinstance(self.tool, Bazel):
            write_edit(self.folder, notebook, "code")
            return
        build = build_file(self.folder, notebook)
        rules = build.read_text().partition("#")[0]
        build.write_text(f"{rules}# looked at {next(_NUMBERS)}\n")


def asked(graph: Graph, question: str, number: int) -> tuple[str, str]:
    """The expression, and what its answer has in it. Walks begin in the middle of the graph, ways
    lead from its end to its begin."""
    about = "//{}:{}".format(*_cell(middle(graph), number))
    end = "//{}:{}".format(*_cell(graph[-1], number))
    begin = f"//{graph[0].folder}:{graph[0].cells[0].name}"
    text, sure = {
        "deps": (f"deps({about})", about),
        "rdeps": (f"rdeps(//..., {about})", about),
        "somepath": (f"somepath({end}, {begin})", begin),
        "allpaths": (f"allpaths({end}, {begin})", begin),
    }[question]
    return text, f"(?m)^{sure}$"


def _cell(notebook: Notebook, number: int) -> tuple[str, str]:
    return notebook.folder, notebook.cells[-1 - number % len(notebook.cells)].name


def tables(bench: Bench) -> list[Table]:
    found: dict[str, Found] = {}
    peaks: list[tuple[str, ...]] = []
    for count in (10, 100) if bench.quick else (10, 1_000, 10_000):
        graph = layers(count)
        size = f"{count:,}"
        places, found[size] = _places(bench, graph)
        for question in QUESTIONS:
            found[size] |= _again(bench, places, question)
            found[size] |= _new(bench, places, question)
        peaks += [(size, *row) for row in _peaks(bench, places)]
        found[size] |= _edited(bench, places)
    columns = ("cells", "question", "tool", "peak MB")
    memory = Table(
        "Memory of a question",
        columns,
        tuple(peaks),
        ("Of the largest process; Bazel's server is one.",),
        texts=3,
    )
    return [_growth(found), *(_all(size, results) for size, results in found.items()), memory]


def _places(bench: Bench, graph: Graph) -> tuple[dict[str, Place], Found]:
    """A workspace for each tool, of which only Strata's is built, and why others have none."""
    places: dict[str, Place] = {}
    instead: Found = {("deps, new", name): why for name, why in bench.absent(*PEERS).items()}
    for name, tool in bench.tools(*PEERS).items():
        is_strata = tool is bench.strata
        bench.say(f"  workspace of layers for {name}")
        try:
            folder = bench.workspace(tool, "layers", graph, NOTHING, built=is_strata)
            if is_strata:
                _forget_answers(bench, folder)
            places[name] = Place(tool, folder, graph)
        except RunFailed as problem:
            instead["deps, new", name] = problem
            if is_strata:
                bench.failures.append(str(problem))
    return places, instead


def _forget_answers(bench: Bench, folder: Path) -> None:
    """Afterwards nothing was asked here but what the graph is remembered from, and a null build."""
    shutil.rmtree(folder / ".strata" / "stamps", ignore_errors=True)
    for _ in range(2):
        run(bench.strata.build(folder))
        run(bench.strata.command(folder, "query", "//..."))


def _again(bench: Bench, places: Mapping[str, Place], question: str) -> Found:
    """What each tool takes for what it was asked just before."""
    number = bench.repeats
    trials: dict[str, Trial] = {}
    for name, place in places.items():
        command = place.asks(question, number)
        if command is not None:
            trials[name] = Trial(command)
    if "strata" in trials:
        with contextlib.suppress(RunFailed):  # measuring says it
            run(trials["strata"].command)
    return _measured(bench, places, f"{question}, again", trials)


def _new(bench: Bench, places: Mapping[str, Place], question: str) -> Found:
    """What each takes for what it was not asked before, as each run is about another cell."""
    trials: dict[str, Trial] = {}
    for name, place in places.items():
        commands = [place.asks(question, number) for number in range(bench.repeats)]
        known = [command for command in commands if command is not None]
        if known:
            trials[name] = Trial(known[0], others=tuple(known[1:]))
    return _measured(bench, places, f"{question}, new", trials)


def _edited(bench: Bench, places: Mapping[str, Place]) -> Found:
    trials: dict[str, Trial] = {}
    for name, place in places.items():
        command = place.asks("deps", 0)
        assert command is not None
        trials[name] = Trial(command, place.edit)
    # No null build in turn with these: where a cell was edited, there is none.
    _start_servers(trials)
    return {(EDITED, name): result for name, result in bench.measure(trials).items()}


def _measured(
    bench: Bench, places: Mapping[str, Place], what: str, trials: Mapping[str, Trial]
) -> Found:
    """All of them, in turn with a null build of Strata."""
    bench.say(f"  {what}")
    _start_servers(trials)
    null = {}
    if "strata" in places:
        null[NULL_BUILD] = Trial(bench.strata.build(places["strata"].folder))
    results = bench.measure({**null, **trials})
    return {(what, name): result for name, result in results.items()}


def _start_servers(trials: Mapping[str, Trial]) -> None:
    """What stays to be faster is there before anything is measured."""
    for name in trials.keys() & {Bazel.name}:
        with contextlib.suppress(RunFailed):
            run(trials[name].command)


def _peaks(bench: Bench, places: Mapping[str, Place]) -> Iterable[tuple[str, ...]]:
    """Question, tool and megabytes; what is asked was not asked before."""
    for name, place in places.items():
        if place.tool is bench.strata:
            yield "null build", name, _peak(bench, place.tool.build(place.folder))
        for question in ("deps", "allpaths"):
            command = place.asks(question, bench.repeats + 1)
            if command is not None:
                yield f"{question}, new", name, _peak(bench, command)
        if place.tool is bench.strata:
            place.edit()
            command = place.asks("deps", 0)
            assert command is not None
            yield EDITED, name, _peak(bench, command)
            run(place.tool.build(place.folder))


def _peak(bench: Bench, command: Command) -> str:
    """Of the command, or of the server that it starts."""
    stop_servers()
    try:
        peak = peak_bytes(bench, command)
    except RunFailed as problem:
        return f"failed, {problem}"
    return f"{max(peak, servers_peak_bytes()) / 1e6:.0f}"


def _growth(found: Mapping[str, Found]) -> Table:
    """What is linear takes at most ten times as long for ten times the cells."""
    whats = (*(f"{question}, new" for question in QUESTIONS), EDITED)
    pairs = ((what, tool) for tool in ("strata", *PEERS) for what in whats)
    rows = {NULL_BUILD: ("deps, new", NULL_BUILD)}
    rows |= {f"{tool}, {what}": (what, tool) for what, tool in pairs}
    results = {
        (size, row): of_size[key]
        for row, key in rows.items()
        for size, of_size in found.items()
        if key in of_size
    }
    return crossed("Questions: CPU ms by number of cells", "question", results)


def _all(size: str, results: Found) -> Table:
    """A row for each question and tool, with the ratio to the null build of the same turn."""
    rows: list[tuple[str, ...]] = []
    nulls = [result for (_, tool), result in results.items() if tool == NULL_BUILD]
    for (what, tool), result in results.items():
        if not isinstance(result, Measured):
            rows.append((what, tool, "–", "", "", "", ""))
            continue
        null = results.get((what, NULL_BUILD), nulls[-1] if nulls else "")
        times = ratio(result.cpu_s, null.cpu_s) if isinstance(null, Measured) else ""
        seconds = (result.cpu_s, result.median_cpu_s, result.wall_s)
        rows.append((what, tool, *map(milliseconds, seconds), str(len(result.samples)), times))
    columns = ("question", "tool", "CPU ms", "median", "wall ms", "runs", "of null build")
    notes = (*NOTES, *reasons(results))
    return Table(f"Questions about {size} cells", columns, tuple(rows), notes, texts=2)
