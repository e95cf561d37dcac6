"""What every executor keeps to; `strata/executors/x.py` with an `XExecutor` joins by existing.

Its constructor is called with what its parameters are called; a new name is added to `parts`.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strata.core import extension
from strata.core.action import Action, Command, ReadyAction, make_ready
from strata.core.events import CellOutput, Event
from strata.core.label import Label
from strata.core.result import ActionResult, FailureKind, Output
from strata.executors.base import Cancellation, Executor, NotCached
from strata.executors.interpreters import choose_interpreter, environment_for
from strata.executors.local import LocalExecutor
from strata.executors.uv import Uv
from strata.executors.venv import Interpreter
from strata.stores.memory import MemoryStore

PACKAGE = "strata.executors"
FAKE_RUNNER = Path(__file__).parents[1] / "executors" / "fake_runner.py"


def executor_classes() -> dict[str, type[Executor]]:
    """Module name to the executor it defines."""
    found: dict[str, type[Executor]] = {}
    for name in set(extension.names(PACKAGE)) - {"base"}:
        module = extension.load(PACKAGE, name)
        for value in vars(module).values():
            defined_here = getattr(value, "__module__", "") == f"{PACKAGE}.{name}"
            if defined_here and inspect.isclass(value) and value.__name__.endswith("Executor"):
                found[name] = value
    return found


EXECUTORS = executor_classes()
RUNNING = sorted(set(EXECUTORS) - {"planning"})


class Surroundings:
    """One workspace, and any executor in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = MemoryStore()
        self.events: list[Event] = []
        self.cancellation = Cancellation()
        uv = Uv({}, self.cancellation)
        python = choose_interpreter(None, None, cache=root / "cache", uv=uv)
        self.environment = environment_for(python)
        self.parts: dict[str, object] = {
            "root": root,
            "scratch": root / "scratch",
            "store": self.store,
            "cache": self.store,
            "environments": lambda e: Interpreter((e.interpreter, "-S")),
            "emit": self.events.append,
            "cancellation": self.cancellation,
            "base_variables": {"PATH": os.defpath},
            "runner": FAKE_RUNNER,
        }

    def build(self, name: str) -> Executor:
        """The executor of module `name`; one around executors is put around a local one."""
        kind = EXECUTORS[name]
        wanted = inspect.signature(kind).parameters
        parts = dict(self.parts)
        if name != "local":
            local = self.build("local")
            parts |= {"inner": local, "by_worker": {"local": local}, "make": lambda: local}
        missing = [n for n, p in wanted.items() if p.default is p.empty and n not in parts]
        assert not missing, f"tell {__name__} what {missing} of {kind.__name__} are"
        make: Callable[..., Executor] = kind
        return make(**{n: parts[n] for n in wanted if n in parts})

    def ready(self, source: str, **changes: object) -> ReadyAction:
        fields: dict[str, object] = {
            "label": Label("", "cell"),
            "command": Command("fake", {"source": source}),
            "environment": self.environment,
            "provenance": {"source": source},
        }
        return make_ready(Action(**{**fields, **changes}), {})  # type: ignore[arg-type]


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings(tmp_path.resolve())


def test_the_known_executors_are_found() -> None:
    assert {"caching", "dispatching", "local", "planning", "retrying"} <= set(EXECUTORS)


@pytest.mark.parametrize("name", RUNNING)
def test_it_gives_outputs_whose_blobs_are_stored(surroundings: Surroundings, name: str) -> None:
    ready = surroundings.ready("print('hello'); output('x', b'42'); display(text_plain=b'42')")
    result = surroundings.build(name).run(ready)
    assert result.error is None
    found = result.outputs["x"]
    assert isinstance(found, Output)
    assert surroundings.store.get(found.digest) == b"42"
    assert len(result.blobs()) == 3
    assert not surroundings.store.missing(result.blobs())
    assert result.provenance == ready.provenance
    assert result.cache is None
    assert result.worker == "local"
    assert result.finished_at > 0
    assert [e.text for e in surroundings.events if isinstance(e, CellOutput)] == ["hello\n"]


@pytest.mark.parametrize("name", RUNNING)
def test_a_failure_of_the_cell_is_a_result(surroundings: Surroundings, name: str) -> None:
    result = surroundings.build(name).run(surroundings.ready("print('so far'); 1 / 0"))
    assert result.error is not None
    assert result.error.kind is FailureKind.EXCEPTION
    assert result.console is not None
    assert not surroundings.store.missing(result.blobs())


@pytest.mark.parametrize("name", RUNNING)
def test_it_can_be_called_from_several_threads(surroundings: Surroundings, name: str) -> None:
    executor = surroundings.build(name)
    actions = [
        surroundings.ready(f"output('x', b'{i % 4}')", label=Label("", f"c{i}")) for i in range(8)
    ]
    with ThreadPoolExecutor(4) as pool:
        results: list[ActionResult] = list(pool.map(executor.run, actions))
    for i, result in enumerate(results):
        found = result.outputs["x"]
        assert isinstance(found, Output)
        assert surroundings.store.get(found.digest) == str(i % 4).encode()


@pytest.mark.parametrize("name", RUNNING)
def test_cancelled_it_returns_soon_with_nothing_left_running(
    surroundings: Surroundings, name: str
) -> None:
    executor = surroundings.build(name)
    started = threading.Event()
    pids: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, CellOutput):
            pids.append(int(event.text))
            started.set()

    surroundings.parts["emit"] = listen
    executor = surroundings.build(name)
    ready = surroundings.ready(
        "import os, time; print(os.getpid(), flush=True); time.sleep(60)", retries=3
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(executor.run, ready)
        assert started.wait(10)
        surroundings.cancellation.request()
        error = running.result(timeout=5).error
    assert error is not None
    assert error.kind is FailureKind.CANCELLED
    assert len(pids) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


@pytest.mark.parametrize("name", RUNNING)
def test_once_cancelled_it_starts_nothing(surroundings: Surroundings, name: str) -> None:
    surroundings.cancellation.request()
    result = surroundings.build(name).run(surroundings.ready("open('ran', 'w')"))
    assert result.error is not None
    assert not (surroundings.root / "ran").exists()


def test_a_dry_run_never_runs_anything(surroundings: Surroundings) -> None:
    with pytest.raises(NotCached):
        surroundings.build("planning").run(surroundings.ready("open('ran', 'w')"))
    assert not (surroundings.root / "ran").exists()


def test_local_is_the_one_at_the_bottom(surroundings: Surroundings) -> None:
    assert isinstance(surroundings.build("local"), LocalExecutor)


def test_what_a_null_build_imports_loads_nothing_heavy() -> None:
    light = [*(set(EXECUTORS) - {"local"}), "interpreters"]  # `lazy` stands before `local`
    modules = ",".join(f"{PACKAGE}.{name}" for name in light)
    heavy = ("uv", "subprocess", "socket", "tempfile", "difflib", "platform", "tomllib", "shutil")
    code = f"import {modules}; print([m for m in {heavy!r} if m in sys.modules])"
    start = f"import sys; sys.path[:0] = {[str(Path(__file__).parents[2])]!r}; {code}"
    said = subprocess.run(
        [sys.executable, "-I", "-c", start],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"
