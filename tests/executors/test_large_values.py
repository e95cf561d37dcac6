"""Large values between cells: one copy on the disk, and one in memory however many read it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strata.core.digest import Digest
from strata.core.result import ActionResult, Output
from strata.executors.venv import Interpreter
from strata.stores.lmdb import LmdbStore, open_store
from tests.executors.executor_bench import Bench
from tests.executors.test_local_with_runner import Cells

READERS = 8
SIZE_BYTES = 200_000_000
MAKE = f"import numpy as np\nx = np.arange({SIZE_BYTES // 8}, dtype='i8')"
READ = f"""
import os, time
total = int(x.sum())
open(f"read-{{os.getpid()}}", "w").close()
while sum(name.startswith("read-") for name in os.listdir()) < {READERS}:
    time.sleep(0.005)
memory, here = {{}}, False
for line in open("/proc/self/smaps"):
    name, _, rest = line.partition(":")
    if "-" in name:
        here = "/cas/" in line
    elif here and name in ("Pss", "Anonymous", "Rss"):
        memory[name] = memory.get(name, 0) + int(rest.split()[0]) * 1024
open(f"told-{{os.getpid()}}", "w").close()
while sum(name.startswith("told-") for name in os.listdir()) < {READERS}:
    time.sleep(0.005)
"""


@pytest.fixture
def cells(bench: Bench, tmp_path: Path) -> Iterator[Cells]:
    """Cells that have NumPy, and a store of files."""
    store = open_store(tmp_path / "cache")
    bench.store = store  # type: ignore[assignment]
    bench.scratch = tmp_path / "cache" / "scratch"
    bench.environments = lambda environment: Interpreter((sys.executable,))
    yield Cells(bench)
    store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_many_readers_of_one_array_have_one_copy_of_it_in_memory(cells: Cells) -> None:
    made = cells.run(MAKE, "x")
    with ThreadPoolExecutor(READERS) as pool:
        runs = [pool.submit(cells.run, READ, "memory", given=made) for _ in range(READERS)]
    told = [json.loads(cells.bench.output(_good(run.result()), "memory")) for run in runs]
    assert all(one["Rss"] >= SIZE_BYTES for one in told), "an array was not mapped"
    assert sum(one["Anonymous"] for one in told) == 0, "pages of an array were copied"
    assert SIZE_BYTES * 0.9 < sum(one["Pss"] for one in told) < SIZE_BYTES * 1.1


def test_a_cell_that_changes_an_array_changes_no_file(cells: Cells) -> None:
    made = cells.run(f"{MAKE}[:1_000_000]", "x")
    changed = _good(cells.run("x[0] = 7", "x", given=made))
    assert changed.changed == ("x",)
    assert _digest(changed) != _digest(made)
    again = _good(cells.run("first = int(x[0])", "first", given=made))
    assert cells.bench.output(again, "first") == b"0"


def test_an_array_that_is_handed_on_unchanged_is_not_written_again(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cells.run(f"{MAKE}[:1_000_000]", "x")
    put: list[object] = []
    monkeypatch.setattr(LmdbStore, "put", lambda self, source: put.append(source))
    assert _digest(_good(cells.run("x.sum()", "x", given=made))) == _digest(made)
    assert [source for source in put if isinstance(source, Path)] == []


@pytest.mark.parametrize("value", ["x = np.arange(2_000_000)", "x = {'a': np.arange(2_000_000)}"])
def test_a_large_array_lies_aligned_in_a_file_as_it_is(cells: Cells, value: str) -> None:
    """Not compressed however well it would be: mapping is worth more than the space."""
    made = _good(cells.run(f"import numpy as np\n{value}", "x"))
    blob = cells.bench.store.get(_digest(made))
    assert isinstance(blob, Path)
    assert blob.stat().st_size == _digest(made).size_bytes > 16_000_000
    ask = "array = x['a'] if type(x) is dict else x\nplace = array.ctypes.data % 64"
    loaded = _good(cells.run(ask, "place", given=made))
    assert cells.bench.output(loaded, "place") == b"0"


def _good(result: ActionResult) -> ActionResult:
    assert result.error is None, result.error
    return result


def _digest(result: ActionResult) -> Digest:
    output = result.outputs["x"]
    assert isinstance(output, Output)
    return output.digest
