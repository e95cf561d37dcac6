"""Builds with warm runners and without: the same keys, results, failures; nothing left behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strata.executors.zygotes import possible
from tests.e2e.workspaces import Ended, Workspace, events

pytestmark = pytest.mark.skipif(not possible(), reason="there are no zygotes here")

MODES = ("off", "build", "server")

CELLS = {
    "first": "import json, helpers\nx = json.dumps({'a': helpers.ONE})",
    "second": "import json, helpers\ny = json.loads(x)",
    "third": "import json\nfrom collections import Counter\nz = Counter(x)",
    "uses": "w = json.dumps([y, helpers.ONE])",
    "defines": "import csv, io\ndef rows(text):\n    return list(csv.reader(io.StringIO(text)))",
    "calls": "table = rows('a,b')",
    "calls_too": "table_too = rows('c,d')",
    "vain": "import json\ntry:\n    import not_there\nexcept ImportError:\n    v = 1",
    "sets": "import os\nos.environ['TZ'] = 'Asia/Tokyo'\nimport time\ntime.tzset()\n"
    "t = time.tzname",
    "asks": "import json, os\ng = [os.path.exists('data.txt'), os.path.exists('none.txt')]",
    "reads": "import json\nd = open('data' + '.txt').read()",
    "lists": "import json, os\nl = sorted(os.listdir('folder'))",
    "shadowed": "import colorsys\ns = colorsys.MINE",
    "shadowed_too": "import colorsys\ns2 = colorsys.MINE + 1",
    "threads": "import json, threading\nthreading.Timer(0.1, print, ['late']).start()",
    "leaves": "import json, atexit\natexit.register(print, 'at the end')\n1",
    "fails": "import json\njson.loads('{')",
    "exits": "import sys, json\nsys.exit(2)",
    "crashes": "import os, json\nos.kill(os.getpid(), 11)",
    "long": "# @timeout 0.5\nimport json, time\ntime.sleep(60)",
}  # fmt: skip


@pytest.fixture
def runtime() -> Iterator[Path]:
    """Where servers are; those that the test has started end with it."""
    folder = Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def workspace(root: Path, runtime: Path, cache: str = "cache") -> Workspace:
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    variables = {
        "XDG_RUNTIME_DIR": str(runtime),
        "STRATA_CACHE_DIR": str(root.parent / cache),
        "HOME": str(home),
    }
    return Workspace(root, variables)


def processes(space: Workspace) -> list[int]:
    """Those that cells of the workspace run in, and those that they are forked from."""
    mark = f"HOME={space.variables['HOME']}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = mark in (folder / "environ").read_bytes()
            if is_ours and b"runner/__main__.py" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait(condition: Callable[[], bool], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def told(ended: Ended) -> object:
    """What a build says of each cell, without times."""
    return [
        {k: v for k, v in cell.items() if k not in ("duration_s", "cache", "reason", "status")}
        for cell in ended.report["cells"]
    ]


@pytest.fixture
def notebooks(tmp_path: Path, runtime: Path) -> Workspace:
    space = workspace(tmp_path / "w", runtime)
    space.notebook("nb", CELLS)
    space.write("nb/helpers.py", "import json\nONE = 1\n")
    space.write("nb/colorsys.py", "MINE = 5\n")
    space.write("nb/data.txt", "data")
    space.write("nb/folder/a", "")
    return space


def test_warm_runners_change_no_key_no_result_and_no_failure(
    notebooks: Workspace, tmp_path: Path, runtime: Path
) -> None:
    first = {}
    for mode in MODES:
        space = workspace(tmp_path / "w", runtime, f"cache-{mode}")
        first[mode] = space.build("--warm", mode, code=1)
    assert told(first["off"]) == told(first["build"]) == told(first["server"])
    assert len(first["off"].by_status("failed")) == 4
    for built in MODES:
        for mode in MODES:
            space = workspace(tmp_path / "w", runtime, f"cache-{built}")
            again = space.build("--warm", mode, code=1)
            assert again.ran == [], f"{mode} does not know what {built} has made"
            assert told(again) == told(first[mode])


def test_what_is_noticed_of_a_warm_cell_is_noticed_of_each(notebooks: Workspace) -> None:
    """What it was seen to look for, read and list, when it was a fork of a process with more."""
    notebooks.build(code=1)
    for change, labels in (
        (("nb/not_there.py", ""), ["//nb:vain"]),
        (("nb/none.txt", ""), ["//nb:asks"]),
        (("nb/data.txt", "other"), ["//nb:reads"]),
        (("nb/folder/b", ""), ["//nb:lists"]),
    ):
        notebooks.write(*change)
        assert set(labels) <= set(notebooks.build(code=1).ran)
        assert notebooks.build(code=1).ran == []


def test_a_build_leaves_no_process(notebooks: Workspace) -> None:
    notebooks.build("-j4", code=1)
    wait(lambda: not processes(notebooks))


def test_servers_serve_builds_that_run_at_once(notebooks: Workspace, runtime: Path) -> None:
    builds = [notebooks.start("build", "--json", "--warm", "server") for _ in range(3)]
    ends = [Ended(b.wait(), *b.communicate()) for b in builds]
    assert {e.code for e in ends} == {1}
    assert ends[0].digests == ends[1].digests == ends[2].digests
    sockets = list((runtime / "strata").iterdir())
    assert sockets
    assert len(processes(notebooks)) >= len(sockets)
    for socket in sockets:
        socket.unlink()
    wait(lambda: not processes(notebooks))


SLEEPER = "import json, os, time\nprint('on', flush=True)\ntime.sleep(600)"


@pytest.mark.parametrize("mode", ["build", "server"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_when_the_build_ends_early_nothing_of_it_runs_on(
    tmp_path: Path, runtime: Path, mode: str, number: signal.Signals
) -> None:
    space = workspace(tmp_path / "w", runtime)
    space.notebook("nb", {f"c{n}": f"{SLEEPER}\n{n}" for n in range(4)})
    log = tmp_path / "events"
    build = space.start(
        "build", "-j4", "--warm", mode, "--events", str(log),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait(lambda: sum(e["event"] == "cell_output" for e in events(log)) >= 4)
    assert len(processes(space)) > 4
    build.send_signal(number)
    build.wait()
    if mode == "server":
        for socket in (runtime / "strata").iterdir():
            socket.unlink()
    wait(lambda: not processes(space))


def test_a_killed_zygote_is_noticed_by_nobody(tmp_path: Path, runtime: Path) -> None:
    space = workspace(tmp_path / "w", runtime)
    cells = {"a": "import json\na = 1", "b": "import json\nb = 2"}
    cells["kill"] = (
        "import os, time, json\n"
        "_mark = os.path.join(os.environ['HOME'], 'killed')\n"
        "if a + b and not os.path.exists(_mark):\n"
        "    open(_mark, 'w').close()\n"
        "    os.kill(os.getppid(), 9)\n"
        "    time.sleep(600)\n"
        "c = 3\n"
    )
    cells["d"] = "import json\nd = c"
    space.notebook("nb", cells)
    ended = space.build("-j1")
    assert len(ended.ran) == 4
    assert (Path(space.variables["HOME"]) / "killed").exists()
