"""What values cost between cells: stored, found again, loaded, and shared by many readers.

The stores are measured in this process; large values go through a real cell, so that the runner's
part and the store's part both count. The functions print nothing and return numbers.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from strata.core.action import (
    Action,
    ActionKey,
    Artifact,
    Command,
    Environment,
    Input,
    ReadyAction,
    make_ready,
)
from strata.core.digest import digest_bytes
from strata.core.encoding import Encodable
from strata.core.events import unheard
from strata.core.label import Label
from strata.core.result import ActionResult, Output
from strata.executors.base import Cancellation
from strata.executors.local import LocalExecutor
from strata.executors.venv import Interpreter
from strata.stores.base import Run
from strata.stores.journal import LmdbJournal, open_journal
from strata.stores.lmdb import LmdbStore, open_store

if TYPE_CHECKING:
    from benchmarks.harness.bench import Bench
    from benchmarks.harness.tables import Table

MIB = 1 << 20
PROVENANCE: Mapping[str, Encodable] = {
    "rule": ["python", 1],
    "source": "x3 = x2 + 3\nprint(x3)",
    "definitions": {"names": {}, "sources": {}, "own": {}},
    "files": {},
    "environment": {"python": "3.11.7", "platform": "linux-x86_64", "lock": None},
    "variables": {},
    "parameters": {"outputs": ["x3"], "shows_last": True, "folder": "train"},
    "platform": {},
    "inputs": {"x2": f"json:{'5d' * 32}/2"},
}
"""Of a cell of two lines."""


@dataclass(frozen=True, slots=True)
class Small:
    """CPU microseconds a cell with one small value and a line of console."""

    store_us: float
    """Two blobs and the result, each result in a transaction of its own."""
    blob_us: float
    """One blob alone: they share a transaction."""
    journal_us: float
    hit_us: float


@dataclass(frozen=True, slots=True)
class Large:
    """CPU seconds of one array, beside making it and starting Python."""

    size_bytes: int
    store_s: float
    """Serialise, write, hash and rename."""
    again_s: float
    """The same when the store has it already."""
    unchanged_s: float
    """Handed on by a cell that was given it and did not change it."""
    load_s: float


@dataclass(frozen=True, slots=True)
class FanOut:
    """Several cells that read one array at the same time."""

    readers: int
    size_bytes: int
    memory_bytes: int
    """Of the array, in all of them together (PSS)."""


def small_values(count: int = 2000) -> Small:
    """The stores alone, in this process."""
    with _stores() as (store, journal):
        results = [_small_result(number) for number in range(count)]
        keys = [ActionKey(digest_bytes(b"key %d" % n).hex) for n in range(count)]
        labels = [Label(f"n{number // 10}", f"c{number % 10}") for number in range(count)]

        def record() -> None:
            for number in range(count):
                _put_small(store, number)
                store.record(keys[number], results[number])

        def append() -> None:
            for label, key, result in zip(labels, keys, results, strict=True):
                journal.append(label, Run(key, "ran", "never built", result, 1.5, "ab12cd34"))
            journal.briefs(())

        def look_up() -> None:
            for key in keys:
                assert store.lookup(key) is not None

        times = [_cpu_s(work) / count * 1e6 for work in (record, append, look_up)]
    with _stores() as (store, _):

        def put() -> None:
            for number in range(count):
                store.put(b"%d" % number)
            store.record(keys[0], ActionResult())

        blob = _cpu_s(put) / count * 1e6
    return Small(times[0], blob, times[1], times[2])


def large_value(size_bytes: int = 1 << 30) -> Large:
    """A NumPy array made by one cell and read by others."""
    make = f"import numpy as np\nx = np.arange({size_bytes // 8}, dtype='i8')\n"
    with _cells() as cells:
        base = cells.cost("import numpy as np\n")
        making = cells.cost(f"{make}del x\n") - base
        made = cells.run(make, "x")
        store = min(cells.cost_of_new(f"{make}x[0] = {n}\n", "x") for n in (1, 2, 3))
        store -= base + making
        again = cells.cost(make, "x") - base - making
        load = cells.cost("import numpy as np\ny = x.shape\n", given=made) - base
        unchanged = cells.cost("import numpy as np\nx.sort\n", "x", given=made) - base
        return Large(size_bytes, store, again, unchanged, load)


def fan_out(readers: int = 8, size_bytes: int = 200 * MIB) -> FanOut:
    """Readers that all have the whole array in use at one moment."""
    make = f"import numpy as np\nx = np.arange({size_bytes // 8}, dtype='i8')\n"
    with _cells() as cells:
        made = cells.run(make, "x")
        source = _READ.replace("READERS", str(readers))
        with ThreadPoolExecutor(readers) as pool:
            runs = [pool.submit(cells.run, source, "memory", given=made) for _ in range(readers)]
        memory = sum(cells.number(run.result(), "memory") for run in runs)
    return FanOut(readers, size_bytes, memory)


_READ = """
import os, time
def wait_for_all(name):
    open(f"{name}-{os.getpid()}", "w").close()
    while sum(other.startswith(name) for other in os.listdir()) < READERS:
        time.sleep(0.005)
total = x.sum()
wait_for_all("read")
memory, here = 0, False
for line in open("/proc/self/smaps"):
    name, _, rest = line.partition(":")
    if "-" in name:
        here = "/cas/" in line
    elif here and name == "Pss":
        memory += int(rest.split()[0]) * 1024
wait_for_all("told")
"""


def tables(bench: Bench) -> list[Table]:
    """What values cost; `--quick` with small ones."""
    from benchmarks.harness.tables import Table

    few = small_values(200 if bench.quick else 2000)
    large = large_value((64 if bench.quick else 1024) * MIB)
    shared = fan_out(2 if bench.quick else 8, (64 if bench.quick else 200) * MIB)
    small_rows = (
        ("store two blobs and the result", f"{few.store_us:.0f}"),
        ("store a blob, many together", f"{few.blob_us:.0f}"),
        ("remember the run", f"{few.journal_us:.0f}"),
        ("look the result up", f"{few.hit_us:.0f}"),
    )
    gigabytes = large.size_bytes / 1e9
    large_rows = (
        ("make, store", f"{large.store_s:.2f}", f"{gigabytes / large.store_s:.1f}"),
        ("make, store what is there", f"{large.again_s:.2f}", f"{gigabytes / large.again_s:.1f}"),
        ("hand on unchanged", f"{max(0.0, large.unchanged_s):.3f}", ""),
        ("load", f"{max(0.0, large.load_s):.3f}", ""),
    )
    mib = large.size_bytes // MIB
    note = (
        "Beside starting Python, importing NumPy and making the array. "
        f"{shared.readers} cells that read an array of {shared.size_bytes // MIB} MiB at once have "
        f"{shared.memory_bytes / MIB:.0f} MiB of it in memory together."
    )
    return [
        Table("A small value", ("step", "CPU µs a cell"), small_rows),
        Table(f"An array of {mib:,} MiB", ("step", "CPU s", "GB/s"), large_rows, (note,)),
    ]


@contextlib.contextmanager
def _stores() -> Iterator[tuple[LmdbStore, LmdbJournal]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(open_store(Path(folder, "cache"))) as store,
        contextlib.closing(open_journal(Path(folder, "journal"))) as journal,
    ):
        yield store, journal


@contextlib.contextmanager
def _cells() -> Iterator[Cells]:
    with _stores() as (store, _), tempfile.TemporaryDirectory() as folder:
        yield Cells(store, Path(folder))


class Cells:
    """Runs sources as cells, each in a fresh process of this Python."""

    def __init__(self, store: LmdbStore, root: Path) -> None:
        (root / "nb").mkdir()
        self.store = store
        interpreter = Interpreter((sys.executable,), None, False)
        self._executor = LocalExecutor(
            root=root,
            scratch=store.folder / "scratch",
            store=store,
            environments=lambda environment: interpreter,
            emit=unheard,
            cancellation=Cancellation(),
            base_variables={"PATH": os.defpath},
        )

    def run(self, source: str, *outputs: str, given: ActionResult | None = None) -> ActionResult:
        """The result, which is no failure."""
        result = self._executor.run(ready_cell(source, outputs, given))
        assert result.error is None, result.error
        return result

    def number(self, result: ActionResult, name: str) -> int:
        """The value of an output that is a number."""
        output = result.outputs[name]
        assert isinstance(output, Output)
        blob = self.store.get(output.digest)
        assert isinstance(blob, bytes)
        return int(blob)

    def cost_of_new(self, source: str, name: str) -> float:
        """CPU seconds of a run whose output the store does not have, neither before nor after.

        So that the next one gets its memory: a page that the machine beneath this one has never
        touched costs ten times as much.
        """
        before = _cpu_s_of_all()
        output = self.run(source, name).outputs[name]
        spent = _cpu_s_of_all() - before
        assert isinstance(output, Output)
        blob = self.store.get(output.digest)
        assert isinstance(blob, Path)
        blob.unlink()
        return spent

    def cost(self, source: str, *outputs: str, given: ActionResult | None = None) -> float:
        """CPU seconds of a run, in this process and in the cell's: the least of three."""
        return min(_cpu_s(lambda: self.run(source, *outputs, given=given)) for _ in range(3))


def ready_cell(
    source: str, outputs: tuple[str, ...], given: ActionResult | None = None
) -> ReadyAction:
    """A cell that binds `outputs` and reads everything that `given` has."""
    values = {} if given is None else given.outputs
    inputs = {name: value for name, value in values.items() if isinstance(value, Output)}
    arguments: dict[str, Encodable] = {
        "source": source,
        "file": "nb/cells/cell.py",
        "file_in_folder": "cells/cell.py",
        "line_offset": 0,
        "shows_last": False,
        "outputs": outputs,
        "bindings": {name: {"slot": name} for name in inputs},
        "modules": [],
        "own": {},
    }
    action = Action(
        label=Label("nb", "cell"),
        command=Command("cell", arguments),
        environment=Environment("3", "here", sys.executable),
        provenance={"source": source},
        inputs={name: Input((Artifact(Label("nb", "up"), name),)) for name in inputs},
        outputs=outputs,
        folder="nb",
    )
    return make_ready(action, inputs)


def _small_result(number: int) -> ActionResult:
    value, console = b"%d" % number, b'[["stdout","%d\\n"]]' % number
    return ActionResult(
        outputs={"x": Output(digest_bytes(value), "json", "int", f"{number}")},
        console=digest_bytes(console),
        duration_s=0.25,
        peak_memory_bytes=10_301_440,
        finished_at=1_800_000_000.5,
        machine="vm",
        provenance=PROVENANCE,
    )


def _put_small(store: LmdbStore, number: int) -> None:
    store.put(b"%d" % number)
    store.put(b'[["stdout","%d\\n"]]' % number)


def _cpu_s(work: Callable[[], object]) -> float:
    before = _cpu_s_of_all()
    work()
    return _cpu_s_of_all() - before


def _cpu_s_of_all() -> float:
    """Of this process, and of the children that have ended."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)
