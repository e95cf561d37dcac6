"""The local executor and the real runner together: that they speak the same protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strata.core.action import Command
from strata.core.encoding import Encodable
from strata.core.result import ActionResult, FailureKind, Output, Unstorable
from strata.executors.local import RUNNER
from strata.stores.base import ContentStore
from tests.executors.executor_bench import Bench, runs, wait_for


def cell(source: str, outputs: tuple[str, ...], inputs: Mapping[str, object]) -> Command:
    arguments: dict[str, Encodable] = {
        "source": source,
        "file": "nb/cells/cell.py",
        "file_in_folder": "cells/cell.py",
        "line_offset": 0,
        "shows_last": True,
        "outputs": outputs,
        "bindings": {name: {"slot": name} for name in inputs},
        "modules": [],
        "own": {},
    }
    return Command("cell", arguments)


class Cells:
    """Runs sources as cells, as a rule would have them run."""

    def __init__(self, bench: Bench) -> None:
        bench.runner = RUNNER
        self.bench = bench

    def run(
        self, source: str, *outputs: str, given: ActionResult | None = None, **changes: object
    ) -> ActionResult:
        from strata.core.action import Artifact, Input, make_ready
        from strata.core.label import Label
        from tests.executors.executor_bench import make_action

        values = {} if given is None else given.outputs
        stored = {n: o for n, o in values.items() if isinstance(o, Output)}
        wanted = {n: Input(Artifact(Label("nb", "up"), n)) for n in stored}
        command = cell(source, outputs, stored)
        action = make_action(source, command=command, inputs=wanted, outputs=outputs, **changes)
        return self.bench.executor().run(make_ready(action, stored))


@pytest.fixture
def cells(bench: Bench) -> Cells:
    return Cells(bench)


def test_a_value_travels_from_cell_to_cell_inline_and_by_file(cells: Cells) -> None:
    first = cells.run("small = {'a': [1, 2.5]}\nbig = b'x' * 2_000_000", "small", "big")
    assert first.error is None, first.error
    second = cells.run("both = (small, len(big))\nboth", "both", given=first)
    assert second.error is None, second.error
    assert second.displays[0].keys() == {"text/plain"}
    shown = cells.bench.bytes_of(second.displays[0]["text/plain"])
    assert shown == b"({'a': [1, 2.5]}, 2000000)"


def test_the_same_through_a_store_of_files(cells: Cells, tmp_path: Path) -> None:
    from strata.stores.lmdb import open_store

    store: ContentStore = open_store(tmp_path / "cache")
    cells.bench.store = store  # type: ignore[assignment]
    cells.bench.scratch = tmp_path / "cache" / "scratch"
    first = cells.run("small = 1\nbig = b'x' * 20_000_000", "small", "big")
    assert first.error is None, first.error
    second = cells.run("n = len(big) + small", "n", given=first)
    assert second.error is None, second.error
    assert cells.bench.output(second, "n") == b"20000001"


def test_peak_memory_is_the_cells_and_not_ours(cells: Cells) -> None:
    ours = 200_000_000
    ballast = b"x" * ours
    small, large = cells.run("pass"), cells.run("x = b'x' * 70_000_000")
    del ballast
    assert small.peak_memory_bytes < 60_000_000 < large.peak_memory_bytes < ours


def test_a_failure_has_the_users_place(cells: Cells) -> None:
    result = cells.run("x = 1\n1 / 0")
    assert result.error is not None
    assert result.error.kind is FailureKind.EXCEPTION
    assert result.error.type == "ZeroDivisionError"
    assert (result.error.file, result.error.line) == ("nb/cells/cell.py", 2)
    assert "1 / 0" in result.error.traceback


CASES = [
    ("import ctypes; ctypes.string_at(0)", FailureKind.CRASH, "SIGSEGV"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", FailureKind.CRASH, "SIGKILL"),
    ("import os; os._exit(5)", FailureKind.CRASH, "exit"),
    ("raise SystemExit(3)", FailureKind.EXIT, "SystemExit"),
    ("exit(3)", FailureKind.EXIT, "SystemExit"),
    ("raise KeyboardInterrupt", FailureKind.INTERRUPT, "KeyboardInterrupt"),
    ("input()", FailureKind.EXCEPTION, "EOFError"),
    ("import click", FailureKind.EXCEPTION, "ModuleNotFoundError"),
    ("import strata", FailureKind.EXCEPTION, "ModuleNotFoundError"),
    ("def f(): f()\nf()", FailureKind.EXCEPTION, "RecursionError"),
]


@pytest.mark.parametrize(("source", "kind", "name"), CASES)
def test_each_way_to_fail(cells: Cells, source: str, kind: FailureKind, name: str) -> None:
    error = cells.run(source).error
    assert error is not None
    assert (error.kind, error.type) == (kind, name), error


def test_what_cannot_be_stored_is_named(cells: Cells) -> None:
    result = cells.run("import threading\nlock = threading.Lock()\nn = 1", "lock", "n")
    assert result.error is None, result.error
    assert isinstance(result.outputs["lock"], Unstorable)
    assert isinstance(result.outputs["n"], Output)


def test_timeouts_and_cancellation_leave_nothing(cells: Cells) -> None:
    source = "import os, time\npid = os.fork()\nif pid: print(pid, os.getpid())\ntime.sleep(60)"
    result = cells.run(source, timeout_s=0.6)
    assert result.error is not None
    assert result.error.kind is FailureKind.TIMEOUT
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(cells.run, source)
        wait_for(lambda: cells.bench.shown().count("\n") == 2)
        cells.bench.cancellation.request()
        error = running.result(20).error
    assert error is not None
    assert error.kind is FailureKind.CANCELLED
    for pid in cells.bench.shown().split():
        wait_for(lambda pid=pid: not runs(int(pid)))  # type: ignore[misc]


def test_a_forked_child_that_runs_on_to_the_end_disturbs_nobody(cells: Cells) -> None:
    result = cells.run("import os\npid = os.fork()\nx = 1 if pid else 2", "x")
    assert result.error is None, result.error
    assert cells.bench.output(result, "x") == b"1"


def test_the_cells_variables_are_the_fixed_ones(cells: Cells) -> None:
    result = cells.run(
        "import os, sys\nfound = dict(os.environ), sys.path[0], sys.flags.hash_randomization, "
        "sys.stdout.encoding\nimport json; found = json.dumps(found)",
        "found",
        variables={"MINE": "1"},
    )
    assert result.error is None, result.error
    variables, path, randomized, encoding = json.loads(
        json.loads(cells.bench.output(result, "found"))
    )
    assert variables["MINE"] == "1"
    assert "PYTHONPATH" not in variables
    assert (path, randomized, encoding) == (str(cells.bench.root / "nb"), 0, "utf-8")


def test_secrets_are_hidden_in_everything_that_the_runner_says(cells: Cells) -> None:
    changes = {"variables": {"TOKEN": "hunter2-s3cret"}, "secrets": ("TOKEN",)}
    source = "import os\nt = os.environ['TOKEN']\nprint(t)\ndisplay(t)\nraise ValueError(t)"
    result = cells.run(source, **changes)
    assert result.error is not None
    assert "***" in result.error.message
    everything = repr((result, cells.bench.events, cells.bench.store._blobs))
    assert "hunter2" not in everything


def test_two_runs_of_one_cell_give_the_same_bytes(cells: Cells) -> None:
    source = "s = {'b', 'a', 'c'}\nd = {1: s}"
    one, two = (cells.run(source, "s", "d").outputs for _ in range(2))
    assert one == two
