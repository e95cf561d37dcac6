"""What the tests of executors share: a small store, a bench to run actions on, waiting."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from strata.core.action import (
    Action,
    Artifact,
    Command,
    Environment,
    Input,
    ReadyAction,
    make_ready,
)
from strata.core.digest import Digest
from strata.core.events import CellOutput, Event, Notice
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, Output
from strata.executors.base import Cancellation
from strata.executors.interpreters import _our_python, environment_for
from strata.executors.local import LocalExecutor
from strata.executors.venv import Environments, Interpreter
from strata.stores.memory import MemoryStore

FAKE_RUNNER = Path(__file__).with_name("fake_runner.py")
BARE = environment_for(_our_python())


def make_action(source: str, **changes: object) -> Action:
    """An action that has the fake runner execute `source`."""
    fields: dict[str, object] = {
        "label": Label("nb", "cell"),
        "command": Command("fake", {"source": source}),
        "environment": BARE,
        "provenance": {"source": source},
        "folder": "nb",
    }
    return Action(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass
class Bench:
    """A workspace with one notebook folder, and a local executor over it."""

    root: Path
    scratch: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    cancellation: Cancellation = field(default_factory=Cancellation)
    events: list[Event] = field(default_factory=list)
    base: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})
    environments: Callable[[Environment], Interpreter] | None = None
    runner: Path = FAKE_RUNNER

    def executor(self) -> LocalExecutor:
        environments = self.environments or Environments(
            self.root, self.root / "cache", self.events.append, self.cancellation, {}
        )
        return LocalExecutor(
            root=self.root,
            scratch=self.scratch,
            store=self.store,
            environments=environments,
            emit=self.events.append,
            cancellation=self.cancellation,
            base_variables=self.base,
            runner=self.runner,
        )

    def ready(
        self, source: str, inputs: Mapping[str, bytes] | None = None, **changes: object
    ) -> ReadyAction:
        given = {n: Output(self.store.put(d), "bytes") for n, d in (inputs or {}).items()}
        wanted = {n: Input(Artifact(Label("nb", "up"), n)) for n in given}
        return make_ready(make_action(source, inputs=wanted, **changes), given)

    def run(
        self, source: str, inputs: Mapping[str, bytes] | None = None, **changes: object
    ) -> ActionResult:
        return self.executor().run(self.ready(source, inputs, **changes))

    def failure(self, source: str, **changes: object) -> CellFailure:
        error = self.run(source, **changes).error
        assert error is not None
        return error

    def bytes_of(self, digest: Digest) -> bytes:
        blob = self.store.get(digest)
        return blob if isinstance(blob, bytes) else blob.read_bytes()

    def output(self, result: ActionResult, name: str) -> bytes:
        found = result.outputs[name]
        assert isinstance(found, Output), found
        return self.bytes_of(found.digest)

    def console(self, result: ActionResult) -> list[list[str]]:
        assert result.console is not None
        found: list[list[str]] = json.loads(self.bytes_of(result.console))
        return found

    def shown(self, stream: str = "stdout") -> str:
        return "".join(
            e.text for e in self.events if isinstance(e, CellOutput) and e.stream == stream
        )

    def notices(self) -> list[str]:
        return [e.message for e in self.events if isinstance(e, Notice)]


def wait_for(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Returns as soon as `condition()` holds; fails the test when it does not in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def runs(pid: int) -> bool:
    """Whether process `pid` is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in ("Z", "X")
