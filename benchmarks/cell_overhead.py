"""What a cell costs above its body: the slope between a small and a larger cold build.

The difference of two builds, divided by the cells that the larger one has more, so that starting
the tool does not count. The bodies add two numbers; cells of the pandas environment import first.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from benchmarks.harness.bench import Bench
from benchmarks.harness.graphs import fan
from benchmarks.harness.measure import Measured, RunFailed, Trial, run
from benchmarks.harness.tables import Result, Table, milliseconds, reasons
from benchmarks.peers.base import NotInstalled
from benchmarks.peers.strata import ROOT
from benchmarks.peers.strata_notebook import StrataNotebook

IMPORTS = "import pandas as pd\nfrom sklearn.linear_model import LogisticRegression\n"
PACKAGES = ("pandas", "scikit-learn")
WARM = ("build", "server", "off")
_MEASURED: dict[int, Result] = {}
"""What strata-notebook took, by cells: two suites need it, and it takes long."""


def tables(bench: Bench) -> list[Table]:
    rows = []
    failed: dict[tuple[str, str], Result] = {}
    for pandas, kind in ((False, "trivial"), (True, "pandas, scikit-learn")):
        for warm in WARM:
            sizes = _sizes(bench, pandas, warm)
            found = [of_strata(bench, warm, count, pandas=pandas) for count in sizes]
            rows.append(_row(kind, f'strata, warm = "{warm}"', sizes, found))
            failed |= {
                (f"{kind} {count}", f"strata, {warm}"): result
                for count, result in zip(sizes, found, strict=True)
            }
    sizes = notebook_sizes(bench)
    found = [of_strata_notebook(bench, count) for count in sizes]
    rows.append(_row("pandas, scikit-learn", "strata-notebook", sizes, found))
    failed |= {
        (f"{count}", "strata-notebook"): result for count, result in zip(sizes, found, strict=True)
    }
    columns = ("cell", "tool", "cells", "CPU ms a cell", "wall ms a cell")
    note = (
        'Wall time on as many slots as there are cores. `warm = "off"` starts a Python for each '
        "cell; strata-notebook does too, one at a time."
    )
    return [
        Table(
            "What a cell costs",
            columns,
            tuple(rows),
            (note, *reasons(failed)),
            summary=True,
            texts=3,
        )
    ]


def notebook_sizes(bench: Bench) -> tuple[int, int]:
    """Cells of strata-notebook, of which each takes seconds."""
    return (2, 4) if bench.quick else (2, 12)


def _sizes(bench: Bench, pandas: bool, warm: str) -> tuple[int, int]:
    if bench.quick:
        return (2, 4) if pandas else (5, 15)
    if warm == "off":
        return (2, 8) if pandas else (20, 120)
    return (10, 60) if pandas else (20, 220)


def _row(kind: str, tool: str, sizes: tuple[int, int], found: list[Result]) -> tuple[str, ...]:
    small, large = sizes
    name = f"{small} to {large}"
    first, second = found
    if not isinstance(first, Measured) or not isinstance(second, Measured):
        return (kind, tool, name, "–", "")
    cpu_s = (second.cpu_s - first.cpu_s) / (large - small)
    wall_s = (second.wall_s - first.wall_s) / (large - small)
    return (kind, tool, name, milliseconds(cpu_s), milliseconds(wall_s))


def of_strata(bench: Bench, warm: str, count: int, *, pandas: bool) -> Result:
    """A cold build of a fan of `count` cells, with their environment made before."""
    kind = f"{'pandas' if pandas else 'fan'}-{warm}"
    bench.say(f"  {count} cells, {kind}")
    files = {"strata.toml": f'[build]\nwarm = "{warm}"\n'}
    if pandas:
        files |= {f"fan/{name}": _project(name) for name in ("pyproject.toml", "uv.lock")}
    graph = fan(count, imports=IMPORTS if pandas else "")
    # One cache for all of them, because it holds the environment.
    cache = bench.cache / "caches" / "fans"
    try:
        folder = bench.workspace(bench.strata, kind, graph, files=files, built=False)
        command = dataclasses.replace(
            bench.strata.build(folder),
            variables={"STRATA_CACHE_DIR": str(cache)},
            expect=rf"\b{count} ran",
        )
        bench.strata.forget(cache, folder / ".strata")
        if pandas and not (cache / "envs").exists():
            run(command)
    except RunFailed as problem:
        bench.failures.append(str(problem))
        return problem
    trial = Trial(command, lambda: bench.strata.forget(cache, folder / ".strata"))
    return bench.measure({f"strata {kind}": trial}, budget_s=8.0)[f"strata {kind}"]


def of_strata_notebook(bench: Bench, count: int) -> Result:
    """The same cells there; its environment has the newest packages and not the locked ones."""
    if count in _MEASURED:
        return _MEASURED[count]
    _MEASURED[count] = result = _of_strata_notebook(bench, count)
    return result


def _of_strata_notebook(bench: Bench, count: int) -> Result:
    tool = bench.peers.get("strata-notebook")
    if not isinstance(tool, StrataNotebook):
        return bench.missing.get("strata-notebook", "not installed")
    bench.say(f"  {count} pandas cells, strata-notebook")
    tool.packages = PACKAGES
    try:
        folder = bench.workspace(tool, "pandas", fan(count, imports=IMPORTS), built=False)
    except (RunFailed, NotInstalled) as problem:
        return RunFailed(str(problem))
    finally:
        tool.packages = ()
    trial = Trial(tool.build_again(folder))
    return bench.measure({"strata-notebook": trial}, budget_s=1.0)["strata-notebook"]


def _project(name: str) -> str:
    return Path(ROOT, "examples", "iris", name).read_text()
