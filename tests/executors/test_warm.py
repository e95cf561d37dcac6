"""Cells that are forked from a zygote: that they cannot be told from those of a fresh process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from strata.core.action import ReadyAction, make_ready
from strata.core.result import ActionResult, FailureKind
from strata.executors.fitness import Fitness
from strata.executors.frames import Seen
from strata.executors.local import RUNNER, LocalExecutor
from strata.executors.observing import Observations
from strata.executors.sandbox import UNCONFINED, Policy
from strata.executors.servers import Servers, private_folder
from strata.executors.venv import Interpreter
from strata.executors.zygote import Started
from strata.executors.zygotes import Zygotes, possible
from tests.executors.executor_bench import Bench, make_action, runs, wait_for
from tests.executors.test_local_with_runner import cell

pytestmark = pytest.mark.skipif(not possible(), reason="there are no zygotes here")

OURS = Interpreter((sys.executable,), Path(sys.prefix) / "bin", is_venv=True)
"""An environment with numpy, pandas and matplotlib."""


class Counting(Zygotes):
    """Remembers which lists of modules were forked from."""

    def __init__(self, bench: Bench, uses: int = 1, servers: Servers | None = None) -> None:
        fitness = Fitness(bench.root / "fitness.json")
        super().__init__(RUNNER, fitness, bench.cancellation, servers, uses)
        self.forked = 0

    def start(
        self, ready: ReadyAction, where: Interpreter, variables: Mapping[str, str], folder: Path
    ) -> Started | None:
        started = super().start(ready, where, variables, folder)
        self.forked += started is not None
        return started

    @property
    def lists(self) -> list[tuple[str, ...]]:
        """What the zygotes have imported."""
        return sorted(key.imports for key in self._zygotes)

    @property
    def reasons(self) -> str:
        """Why what is not imported ahead is not."""
        return "; ".join(self._unfit.values())

    @property
    def pids(self) -> list[int]:
        """Their processes."""
        return [z._process.pid for z in self._zygotes.values() if z._process is not None]


@dataclass
class Warm:
    """Runs cells, fresh and forked."""

    bench: Bench
    zygotes: Counting
    seen: list[Seen] = field(default_factory=list)
    policy: Policy = UNCONFINED
    variables: dict[str, str] = field(default_factory=dict)

    def run(
        self, source: str, *outputs: str, fresh: bool = False, **changes: object
    ) -> ActionResult:
        bench = self.bench
        bench.environments = bench.environments or (lambda _: OURS)
        executor = LocalExecutor(
            root=bench.root,
            scratch=bench.scratch,
            store=bench.store,
            environments=bench.environments,
            emit=bench.events.append,
            cancellation=bench.cancellation,
            base_variables={**bench.base, **self.variables},
            observe=self._observe,
            caller_variables=("SECRET_OF_CALLER",),
            policy=self.policy,
            zygotes=None if fresh else self.zygotes,
        )
        command = cell(source, outputs, {})
        action = make_action(source, command=command, outputs=outputs, **changes)
        return executor.run(make_ready(action, {}))

    def _observe(self, ready: ReadyAction, seen: Seen, where: Interpreter) -> Observations:
        self.seen.append(seen)
        return Observations()

    def both(self, source: str, *outputs: str, **changes: object) -> tuple[ActionResult, Seen]:
        """What the cell gives; it is the same forked and fresh, and the same is seen of it."""
        found = []
        for fresh in (True, False):
            self.seen.clear()
            result = self.run(source, *outputs, fresh=fresh, **changes)
            seen = self.seen[0] if self.seen else Seen()
            found.append((result, seen))
        (one, seen_fresh), (other, seen_forked) = found
        assert self.comparable(one) == self.comparable(other)
        assert told(seen_fresh) == told(seen_forked)
        return other, seen_forked

    def comparable(self, result: ActionResult) -> object:
        """All of a result but when it was, and where its scratch folder."""
        console = None if result.console is None else self.bench.bytes_of(result.console)
        error = None if result.error is None else replace(result.error, hint=None)
        return result.outputs, result.displays, without_scratch(console), without_scratch(error)


def without_scratch(value: object) -> str:
    return re.sub(r"room-\w+/\w+", "SCRATCH", str(value))


def told(seen: Seen) -> object:
    """What was seen, without an order."""
    return {
        name: sorted(map(without_scratch, value)) if isinstance(value, tuple) else value
        for name in Seen.__slots__
        for value in [getattr(seen, name)]
    }


@pytest.fixture
def warm(bench: Bench) -> Iterator[Warm]:
    zygotes = Counting(bench)
    yield Warm(bench, zygotes)
    pids = zygotes.pids
    zygotes.close()
    assert not any(map(runs, pids))


# The same as from a fresh process.

SAME = {
    "nothing": "x = 1",
    "a display and output": "print('a')\nimport sys\nprint('b', file=sys.stderr)\n[1, 2]",
    "arrays": "import numpy as np\nx = np.arange(6.0).reshape(2, 3)",
    "frames": "import pandas as pd\nx = pd.DataFrame({'a': [1, 2]})\nx",
    "a figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "from a package a module": "from matplotlib import pyplot\nx = str(pyplot.gcf().number)",
    "the library": "import json, re, uuid, tempfile, logging\nfrom urllib import parse\nx = 1",
    "in vain": "try:\n    import not_there_at_all\nexcept ImportError:\n    x = 2",
    "in vain after others": "import pandas\ntry:\n    import no_such\n"
    "except ImportError:\n    x = 2",
    "its surroundings": "import os, sys\nx = [os.getcwd(), sys.argv, sys.path[:1], sys.flags[:],"
    " os.getpgid(0) == os.getpid() == os.getsid(0), sys.stdin.read(), os.umask(18),"
    " sorted(n for n in os.environ if n != 'TMPDIR')]",
    "its variables": "import os, numpy\nx = [os.environ.get('MINE'), os.environ['STRATA']]",
    "its program": "import sys\nx = [sys.executable, sys.orig_argv[:3], len(sys.orig_argv),"
    " open('/proc/self/cmdline').read().split('\\0')[:3], open('/proc/self/comm').read()]",
    "its module": "import pandas, sys\nimport __main__\nx = [__name__, __file__,"
    " __main__.__dict__ is globals(), sys.modules['__main__'] is __main__]",
    "its descriptors": "import os, numpy\nx = [len(os.listdir('/proc/self/fd')),"
    " [os.get_inheritable(n) for n in range(3)]]",
    "its signals": "import signal\nx = [str(signal.getsignal(n)) for n in range(1, 32)]",
    "its threads": "import threading, numpy\nx = [threading.active_count(),"
    " threading.current_thread() is threading.main_thread()]",
    "its modules": "import sys\nx = sorted(m for m in sys.modules if not m.startswith('_strata'))",
    "its modules with pandas": "import pandas\nimport sys\n"
    "x = sorted(m for m in sys.modules if not m.startswith('_strata'))",
    "its finders": "import pandas, sys\nx = [str(type(f)) for f in sys.meta_path],"
    " [str(h)[:30] for h in sys.path_hooks], [p for p in sys.path if p]",
    "its hash": "x = hash('a')",
    "variables set before an import": "import os\nos.environ['MPLBACKEND'] = 'svg'\n"
    "import matplotlib\nx = matplotlib.get_backend()",
    "hidden variables": "import pandas, os\nx = os.environ.get('SECRET_OF_CALLER')",
    "files": "import pandas\nopen('made', 'w').write('x')\nx = open('data.txt').read()",
    "questions": "import pandas, os\nx = [os.path.exists('data.txt'), os.path.exists('nope')]",
    "exit handlers": "import atexit, json\natexit.register(print, 'bye')\nx = 1",
    "a thread": "import threading\nthreading.Timer(.1, print, ['late']).start()",
    "a fork": "import os\npid = os.fork()\nif pid:\n    os.waitpid(pid, 0)\nelse:\n    print('c')",
    "a process": "import subprocess\nx = subprocess.run(['echo', 'a'], capture_output=True).stdout",
    "its module as pools know it": "import sys, multiprocessing\n"
    "x = sys.modules['__mp_main__'] is sys.modules['__main__']",
    "its folder as pools know it": "import os, multiprocessing.process as p\n"
    "x = p.ORIGINAL_DIR == os.getcwd()",
    "a pool": "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as p:\n"
    "    x = p.map(abs, [-1, -2])",
    "an error": "import pandas as pd\npd.DataFrame({'a': [1]})['b']",
    "an import that fails": "import json\nimport pandas.no_such_module",
    "exit": "import sys\nsys.exit(3)",
    "a crash": "import os\nos.kill(os.getpid(), 11)",
    "a quiet end": "import os\nos._exit(4)",
    "async": "import asyncio\nawait asyncio.sleep(0)\nx = 1",
    "a timeout": "import pandas, time\ntime.sleep(60)",
    "blas": "import numpy as np\na = np.ones((400, 400))\nx = float((a @ a).sum())",
    "pickles": "import pickle, datetime\nx = {1: datetime.date(2026, 1, 2)}",
    "temporary files": "import tempfile, os\nx = tempfile.gettempdir() == os.environ['TMPDIR']",
}


@pytest.mark.parametrize("name", SAME)
def test_a_forked_cell_cannot_be_told_from_a_fresh_one(warm: Warm, name: str) -> None:
    (warm.bench.root / "nb" / "data.txt").write_text("data")
    changes: dict[str, object] = {"timeout_s": 1.0} if name == "a timeout" else {}
    warm.both(SAME[name], "x", variables={"MINE": "1"}, **changes)
    assert warm.zygotes.forked == 1, warm.zygotes.reasons


def test_without_an_environment_too(warm: Warm) -> None:
    warm.bench.environments = lambda e: Interpreter((e.interpreter, "-S"))
    for source in (SAME["its modules"], "import json\nx = 1", "x = str(quit)"):
        warm.both(source, "x")
    assert warm.zygotes.forked == 3


def _runs_cells(python: Path) -> bool:
    code = "import sys; print(sys.version_info >= (3, 9))"
    asked = subprocess.run([python, "-S", "-c", code], capture_output=True, text=True, check=True)
    return asked.stdout.strip() == "True"


ALL_VERSIONS = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
VERSIONS = [python for python in ALL_VERSIONS if _runs_cells(python)]


@pytest.mark.parametrize("python", VERSIONS, ids=[p.parts[-3] for p in VERSIONS])
def test_with_each_python_too(warm: Warm, python: Path) -> None:
    warm.bench.environments = lambda _: Interpreter((str(python), "-S"))
    for source in (
        SAME["its modules"],
        "import json, multiprocessing, tempfile, logging\nx = 1\nx",
        "import random\nimport asyncio\nawait asyncio.sleep(0)\nx = quit",
    ):
        warm.both(source, "x")
    assert warm.zygotes.forked == 3, warm.zygotes.reasons


def test_modules_are_imported_once_for_all_cells(warm: Warm) -> None:
    """What was imported ahead is what the cell gets: the zygote's own module."""
    source = "import numpy as np\nx = id(np)"
    digests = {str(warm.run(source, "x").outputs["x"]) for _ in range(3)}
    assert len(digests) == 1
    assert warm.zygotes.lists == [("numpy",)]


def test_only_what_several_cells_import_is_imported_ahead(warm: Warm) -> None:
    warm.zygotes = zygotes = Counting(warm.bench, uses=2)
    forked = []
    try:
        for source in ("import json, csv", "x = 1", "import json, re", "import json, csv"):
            before = zygotes.forked
            warm.run(source)
            forked.append(zygotes.forked > before)
        assert forked == [False, True, True, True]
        assert zygotes.lists == [(), ("json",), ("json", "csv")]
    finally:
        zygotes.close()


# What each process has of its own.

RANDOM = {
    "random": "import random\nx = random.random()",
    "numpy": "import numpy as np\nx = float(np.random.rand())",
    "numpy's generators": "import numpy as np\nx = float(np.random.default_rng().random())",
    "uuid": "import uuid\nx = str(uuid.uuid4())",
    "secrets": "import secrets\nx = secrets.token_hex()",
    "multiprocessing": "import multiprocessing as m\nx = bytes(m.current_process().authkey)",
    "names of temporary files": "import tempfile, os\nx = os.path.basename(tempfile.mktemp())",
}


@pytest.mark.parametrize("source", RANDOM.values(), ids=RANDOM)
def test_random_numbers_are_others_in_each_cell(warm: Warm, source: str) -> None:
    found = {str(warm.run(source, "x").outputs["x"]) for _ in range(3)}
    assert len(found) == 3
    assert warm.zygotes.forked == 3, warm.zygotes.reasons


def test_memory_is_that_of_the_cell(warm: Warm) -> None:
    large = warm.run("import numpy\nx = bytearray(200_000_000); del x")
    small = warm.run("import numpy")
    assert large.peak_memory_bytes > 200_000_000 > 1.5 * small.peak_memory_bytes


def test_cells_leave_nothing_to_each_other(warm: Warm) -> None:
    warm.run(
        "import json, os\njson.left = 1\nos.environ['LEFT'] = '1'\nopen('/tmp', 'rb') if 0 else 0"
    )
    result = warm.run("import json, os\nx = [hasattr(json, 'left'), 'LEFT' in os.environ]", "x")
    assert warm.zygotes.forked == 2
    assert warm.bench.output(result, "x") == b"[false,false]"


# What is not imported ahead.


@pytest.mark.parametrize("name", ["json.py", "json/__init__.py", "decimal.py", "_strptime.py"])
def test_a_local_module_shadows_what_is_installed(warm: Warm, name: str) -> None:
    file = warm.bench.root / "nb" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine = True\nclass JSONDecodeError(Exception): pass\nscanner = loads = 1")
    module = name.partition("/")[0].removesuffix(".py")
    source = f"import csv, json, decimal, _strptime\nimport {module}\nx = hasattr({module}, 'mine')"
    result, _ = warm.both(source, "x")
    assert result.error is not None or warm.bench.output(result, "x") == b"true"


def test_a_module_that_looked_in_the_folder_is_not_taken_where_it_would_have_found(
    warm: Warm,
) -> None:
    """matplotlib reads `matplotlibrc` in the current folder."""
    source = "import matplotlib\nx = matplotlib.rcParams['lines.linewidth']"
    plain, seen = warm.both(source, "x")
    assert [str(warm.bench.root / "nb" / "matplotlibrc"), None] in [list(r) for r in seen.reads]
    assert warm.zygotes.lists == [("matplotlib",)]
    (warm.bench.root / "nb" / "matplotlibrc").write_text("lines.linewidth: 7.5\n")
    other, _ = warm.both(source, "x")
    assert warm.bench.output(plain, "x") == b"1.5"
    assert warm.bench.output(other, "x") == b"7.5"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's folder of packages, to which modules can be added."""
    folder = tmp_path / "env" / "lib" / "python3" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def environment_with(package: Path) -> Callable[[object], Interpreter]:
    """Ours, with that folder of packages."""
    bin = package.parents[2] / "bin"
    bin.mkdir()
    (package.parents[2] / "pyvenv.cfg").touch()
    start = bin / "python"
    start.write_text(f'#!/bin/sh\nPYTHONPATH={package} exec {sys.executable} "$@"\n')
    start.chmod(0o755)
    return lambda _: Interpreter((str(start),), bin, is_venv=True)


UNFIT = {
    "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()": (
        "threads"
    ),
    "file = open('/etc/passwd')": "file or a connection open",
    "open('/tmp/strata-test-made', 'w').close()": "write files",
    "import os\npid = os.getpid()": "which process",
    "import os\nfolder = os.getcwd()": "where this process",
    "import tempfile\nfolder = tempfile.gettempdir()": "where this process",
    "import os\nfound = os.listdir('.')": "look around",
    "import os\nfound = os.path.exists('../pyproject.toml')": "look around",
    "import random\nmine = random.Random(1)": "random numbers of their own",
    "print('hello')": "print something",
    "import subprocess\nchild = subprocess.Popen(['sleep', '9'])": "start a process",
    "raise ValueError('no')": "ValueError: no",
    "import os\nos._exit(1)": "no answer",
    "import os\nos.chdir('/')": "change where",
}


@pytest.mark.parametrize("text", UNFIT, ids=UNFIT.values())
def test_what_depends_on_its_process_is_not_imported_ahead(
    warm: Warm, package: Path, text: str
) -> None:
    (package / "odd.py").write_text(text)
    warm.bench.environments = environment_with(package)
    warm.run("import odd\nx = 1", "x")
    assert UNFIT[text] in warm.zygotes.reasons
    assert warm.zygotes.forked == 1  # of the one that has imported nothing
    assert warm.zygotes.lists == [()]


def test_generators_that_a_module_keeps_are_seeded_anew_unless_it_has_chosen_the_seed(
    warm: Warm, package: Path
) -> None:
    (package / "shared").mkdir()
    (package / "shared" / "__init__.py").write_text(
        "import numpy as np\n"
        "chance, old_chance = np.random.default_rng(), np.random.RandomState()\n"
        "chosen, old_chosen = np.random.default_rng(7), np.random.RandomState(7)\n"
    )
    warm.bench.environments = environment_with(package)
    source = "import shared as s\nx = [float(g.random()) for g in (s.chance, s.chosen)]\n"
    source += "x += [float(g.random_sample()) for g in (s.old_chance, s.old_chosen)]"
    found = [json.loads(warm.bench.output(warm.run(source, "x"), "x")) for _ in range(3)]
    assert warm.zygotes.forked == 3, warm.zygotes.reasons
    assert warm.zygotes.lists == [("shared",)]
    assert [len(set(numbers)) for numbers in zip(*found, strict=True)] == [3, 1, 3, 1]


@pytest.mark.parametrize("module", ["jax", "tensorflow", "ray", "grpc"])
def test_what_is_known_to_start_threads_is_never_tried(
    warm: Warm, package: Path, module: str
) -> None:
    (package / f"{module}.py").touch()
    warm.bench.environments = lambda _: Interpreter(
        (sys.executable,), package.parents[2] / "bin", is_venv=True
    )
    (package.parents[2] / "pyvenv.cfg").touch()
    warm.run(f"import json, {module}")
    assert warm.zygotes.lists == [("json",)]


def test_what_hangs_in_a_fork_is_found_out_once(
    warm: Warm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "runner"
    shutil.copytree(RUNNER.parent, copy)
    text = (copy / "probes.py").read_text().replace("TIMEOUT_S = 20.0", "TIMEOUT_S = 0.3")
    text = text.replace(
        "    square = np.ones", "    import time\n    time.sleep(30)\n    square = np.ones"
    )
    (copy / "probes.py").write_text(text)
    warm.zygotes._runner = copy / "__main__.py"
    warm.run("import numpy")
    assert "numpy hangs in a forked process" in warm.zygotes.reasons
    assert warm.zygotes.lists == [()]


# Confined.


@pytest.mark.parametrize("policy", [Policy(strict=True), Policy(network=False)])
def test_a_forked_cell_is_confined_like_a_fresh_one(warm: Warm, policy: Policy) -> None:
    warm.policy = policy
    (warm.bench.root / "nb" / "data.txt").write_text("data")
    warm.both("import numpy\nx = 1", "x")
    warm.both("import json\nx = open('data.txt').read()", "x")
    warm.both(
        "import socket\ns = socket.socket()\ns.settimeout(1)\n"
        "try:\n    s.connect(('192.0.2.1', 9))\nexcept OSError as e:\n    x = e.errno == 101",
        "x",
    )
    assert warm.zygotes.forked == 3


# How it ends.


def test_when_the_zygote_is_killed_its_cells_run_again_afresh(warm: Warm) -> None:
    with ThreadPoolExecutor(1) as pool:
        source = "import time, os\nprint('on', flush=True)\nif not os.path.exists('go'):\n"
        source += "    time.sleep(60)\nx = 5"
        running = pool.submit(warm.run, source, "x")
        wait_for(lambda: "on" in warm.bench.shown())
        (warm.bench.root / "nb" / "go").touch()
        for pid in warm.zygotes.pids:
            os.kill(pid, signal.SIGKILL)
        result = running.result(timeout=30)
    assert result.error is None
    assert warm.bench.output(result, "x") == b"5"


def test_a_cell_that_is_killed_is_not_run_again(warm: Warm) -> None:
    result = warm.run("import os\nopen('log', 'a').write('ran ')\nos.kill(os.getpid(), 9)")
    assert result.error is not None
    assert result.error.kind is FailureKind.CRASH
    assert (warm.bench.root / "nb" / "log").read_text() == "ran "


def test_a_zygote_that_is_gone_is_noticed_by_nobody(warm: Warm) -> None:
    warm.run("x = 1")
    for pid in warm.zygotes.pids:
        os.kill(pid, signal.SIGKILL)
    results = [warm.run("x = 1", "x") for _ in range(2)]
    assert [warm.bench.output(r, "x") for r in results] == [b"1", b"1"]


def test_what_a_cell_started_ends_with_it(warm: Warm) -> None:
    result = warm.run("import os, time\npid = os.fork()\nif not pid: time.sleep(60)\nx = pid", "x")
    pid = json.loads(warm.bench.output(result, "x"))
    wait_for(lambda: not runs(pid))


def test_cancelling_ends_a_forked_cell(warm: Warm) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(warm.run, "import time\nprint('on', flush=True)\ntime.sleep(60)")
        wait_for(lambda: "on" in warm.bench.shown())
        warm.bench.cancellation.request()
        error = running.result(timeout=20).error
    assert error is not None
    assert error.kind is FailureKind.CANCELLED


def test_cancelling_ends_a_zygote_that_still_imports(
    warm: Warm, package: Path, tmp_path: Path
) -> None:
    text = f"import time\nopen({str(tmp_path / 'on')!r}, 'w').close()\ntime.sleep(600)"
    (package / "slow.py").write_text(text)
    warm.bench.environments = environment_with(package)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(warm.run, "import slow")
        wait_for((tmp_path / "on").exists)
        warm.bench.cancellation.request()
        error = running.result(timeout=20).error
    assert error is not None
    assert error.kind is FailureKind.CANCELLED


def test_many_at_once(warm: Warm) -> None:
    with ThreadPoolExecutor(8) as pool:
        sources = [f"import json\nx = {n}" for n in range(40)]
        results = list(pool.map(lambda s: warm.run(s, "x"), sources))
    assert [json.loads(warm.bench.output(r, "x")) for r in results] == list(range(40))
    assert warm.zygotes.forked == 40
    assert warm.zygotes.lists == [("json",)]


# Across builds.


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: names of sockets have a limit."""
    import shutil
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp"))
    yield made
    pids = servers_in(made)
    for path in made.iterdir():
        path.unlink()
    shutil.rmtree(made)
    for pid in pids:
        wait_for(lambda pid=pid: not runs(pid), 20)  # type: ignore[misc]


def servers_in(folder: Path) -> list[int]:
    """The processes that listen on sockets in `folder`."""
    found = []
    for path in folder.iterdir():
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(path))
            except OSError:
                continue
            peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            found.append(struct.unpack("3i", peer)[0])
    return found


@pytest.fixture
def build(bench: Bench, folder: Path) -> Callable[..., Warm]:
    """A new build that uses what builds before it have left."""

    def begin(idle_s: float = 60.0) -> Warm:
        servers = Servers(folder, RUNNER, idle_s)
        return Warm(bench, Counting(bench, uses=2, servers=servers))

    return begin


IDENTITY = "import json\nx = id(json)"


def run_in(build: Warm, source: str = IDENTITY) -> str:
    """What one build gives in which this cell runs."""
    result = build.run(source, "x")
    assert result.error is None, result.error
    found = build.bench.output(result, "x").decode()
    build.zygotes.close()
    return found


def test_a_server_serves_the_next_build(build: Callable[..., Warm], folder: Path) -> None:
    first, second = build(), build()
    assert run_in(first) == run_in(second)
    assert (first.zygotes.forked, second.zygotes.forked) == (1, 1)
    assert len(servers_in(folder)) == 1


def test_a_server_holds_nothing_of_the_workspace(
    build: Callable[..., Warm], folder: Path, bench: Bench
) -> None:
    run_in(build())
    [pid] = servers_in(folder)
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    held = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # of the build that left just now
            held.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    assert held
    assert not [path for path in held if path.startswith(str(bench.root))]
    assert Path(f"/proc/{pid}/task").exists()
    assert len(os.listdir(f"/proc/{pid}/task")) == 1


def test_two_builds_at_once_share_a_server(build: Callable[..., Warm]) -> None:
    with ThreadPoolExecutor(4) as pool:
        run_in(build())
        found = list(pool.map(lambda _: run_in(build()), range(8)))
    assert len(set(found)) == 1


def test_a_server_that_was_killed_is_replaced(build: Callable[..., Warm], folder: Path) -> None:
    run_in(build())
    [pid] = servers_in(folder)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not runs(pid))
    run_in(build())
    assert servers_in(folder) not in ([], [pid])


def test_a_socket_that_says_something_else_is_no_server(
    build: Callable[..., Warm], folder: Path
) -> None:
    run_in(build())
    [path] = folder.iterdir()
    path.unlink()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(path))
        stranger.listen()

        def answer() -> None:
            connection, _ = stranger.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        with ThreadPoolExecutor(1) as pool:
            pool.submit(answer)
            assert run_in(build(), "import json\nx = 1") == "1"


def test_a_server_without_builds_ends(build: Callable[..., Warm], folder: Path) -> None:
    run_in(build(idle_s=0.2))
    wait_for(lambda: not list(folder.iterdir()))


def test_a_server_that_lost_its_name_ends(build: Callable[..., Warm], folder: Path) -> None:
    run_in(build(idle_s=4))
    [pid] = servers_in(folder)
    for path in folder.iterdir():
        path.unlink()
    wait_for(lambda: not runs(pid))


def test_there_are_only_so_many_servers(
    build: Callable[..., Warm], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strata.executors.servers.MOST", 2)
    for module in ("json", "csv", "decimal"):
        run_in(build(), f"import {module}\nx = 1")
    assert len(list(folder.iterdir())) == 2
    warm = build()
    for _ in range(2):
        warm.run("import wave\nx = 1")
    assert ("wave",) in warm.zygotes.lists
    warm.zygotes.close()
    assert len(list(folder.iterdir())) == 2


def test_a_cell_with_secrets_leaves_no_server(build: Callable[..., Warm], folder: Path) -> None:
    warm = build()
    for _ in range(2):
        warm.run("import json\nx = 1", variables={"TOKEN": "hush"}, secrets=("TOKEN",))
    assert warm.zygotes.forked == 1
    warm.zygotes.close()
    assert not list(folder.iterdir())


def test_other_variables_are_another_server(build: Callable[..., Warm], folder: Path) -> None:
    one, other = build(), build()
    other.variables = {"OTHER": "1"}
    run_in(one)
    assert run_in(other, "import os\nx = os.environ['OTHER']") == '"1"'
    assert len(list(folder.iterdir())) == 2


def test_the_folder_of_servers_is_private(tmp_path: Path) -> None:
    folder = private_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert folder == tmp_path / "strata"
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    assert private_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) != folder


# What was found out is remembered.


def test_modules_are_tried_once(warm: Warm) -> None:
    warm.run("import numpy")
    warm.zygotes.close()
    fitness = Fitness(warm.bench.root / "fitness.json")
    key = next(iter(warm.zygotes._uses))
    assert fitness.verdict(key.modules) == ""
    assert fitness.verdict([]) is None
    fitness.remember(key.modules, "it hangs")
    fitness.save()
    warm.zygotes = Counting(warm.bench)
    warm.run("import numpy")
    assert warm.zygotes.reasons == "it hangs"
    assert warm.zygotes.lists == [()]


def test_what_is_remembered_may_be_damaged(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"schema": "strata.fitness.v1", "verdicts": 3}'):
        (tmp_path / "f.json").write_text(text)
        assert Fitness(tmp_path / "f.json").verdict(["x"]) is None
