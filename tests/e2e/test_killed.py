"""A build that is killed: the next one is right, and nothing that finished runs again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

from tests.e2e.workspaces import TRACE, Workspace, events, traced, traces

CELLS = 200
KILLS = 50


def _workspace(root: Path) -> Workspace:
    """200 cells: twenty chains of nine, and one cell that reads every chain's end."""
    space = Workspace(root, {TRACE: str(root.parent / "trace")})
    cells: dict[str, str] = {}
    for chain in range(20):
        for step in range(10):
            before = f"v{chain}_{step - 1}" if step else "0"
            name = f"k{chain}_{step}"
            if len(cells) < CELLS - 1:
                cells[name] = traced(name, f"v{chain}_{step} = {before} + {chain}")
    ends = " + ".join(f"v{chain}_8" for chain in range(20))
    cells["total"] = traced("total", f"total = {ends}")
    assert len(cells) == CELLS
    space.notebook("nb", cells)
    return space


def test_fifty_kills_lose_nothing_that_finished(tmp_path: Path) -> None:
    """After each kill -9 the next build goes on where the last one was; the end is right."""
    seed = int(os.environ.get("STRATA_TEST_SEED", random.randrange(2**32)))
    print(f"STRATA_TEST_SEED={seed}")
    choose = random.Random(seed)
    space = _workspace(tmp_path / "w")
    trace = Path(space.variables[TRACE])
    finished: set[str] = set()
    at_its_end: Counter[str] = Counter()
    kills = builds = 0
    while kills < KILLS:
        log = tmp_path / f"events-{builds}"
        process = space.start(
            "build", "--events", str(log), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(choose.uniform(0.25, 0.9))
        except subprocess.TimeoutExpired:
            kills += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        builds += 1
        seen = events(log)
        ran = {e["label"] for e in seen if e["event"] == "cell_finished" and e["status"] == "ran"}
        assert not ran & finished, f"ran again: {sorted(ran & finished)}"
        finished |= ran
        times = Counter(f"//nb:{name}" for name in traces(trace))
        at_its_end.update({label: times[label] for label in ran})
        assert {label: times[label] for label in finished} == at_its_end, "a finished cell ran"
        if len(finished) == CELLS:
            # All is built before fifty kills: begin anew, with other keys.
            _check_right(space, finished)
            finished, at_its_end = set(), Counter()
            trace.unlink()
            for file in (space.root / "nb" / "cells").glob("k*_0.py"):
                file.write_text(file.read_text() + "\n1\n")
    _check_right(space, finished)


def _check_right(space: Workspace, finished: set[str]) -> None:
    """The next build runs only what had not finished, and gives what a clean one gives."""
    ended = space.build()
    assert not set(ended.ran) & finished
    assert space.build().ran == []
    clean = Workspace(space.root, space.variables | {"STRATA_CACHE_DIR": f"{space.root}-clean"})
    assert clean.build("--force").digests == ended.digests
