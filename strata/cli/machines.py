"""What runs cells here: environments, zygotes, and what a cell is seen to depend on.

Loaded when a cell is run: a build of nothing but hits has no use for it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from strata.cli.invocation import Opened
from strata.core.action import ReadyAction
from strata.core.events import Emit
from strata.executors.base import Released
from strata.executors.fitness import Fitness
from strata.executors.frames import Seen
from strata.executors.local import RUNNER, LocalExecutor, Observe, nobody_waits, nothing_observed
from strata.executors.observing import Observations, observations
from strata.executors.sandbox import Policy
from strata.executors.servers import Servers, private_folder
from strata.executors.venv import Environments, Interpreter, distribution_of
from strata.executors.zygotes import Zygotes, possible
from strata.loading.disk import Disk
from strata.stores.base import ContentStore


class Machines:
    """Makes executors that share the zygotes of a build."""

    def __init__(self, opened: Opened, zygotes: Zygotes | None) -> None:
        self._opened = opened
        self._zygotes = zygotes

    def watched(
        self, store: ContentStore, policy: Policy, disk: Disk, released: Released
    ) -> LocalExecutor:
        """The machine of a build, which notes what cells depend on."""
        opened = self._opened
        observe = _observer(opened, disk)
        return _local(opened, store, opened.emit, policy, observe, self._zygotes, released)

    def local(self, store: ContentStore, emit: Emit, policy: Policy) -> LocalExecutor:
        """A machine that only runs cells."""
        return _local(self._opened, store, emit, policy, zygotes=self._zygotes)


@contextlib.contextmanager
def warm(opened: Opened, setting: str) -> Iterator[Zygotes | None]:
    """The zygotes of a build, gone afterwards; None where there are to be none."""
    if setting == "off" or not possible():
        yield None
        return
    folder = private_folder(opened.environ) if setting == "server" else None
    servers = None if folder is None else Servers(folder, RUNNER)
    fitness = Fitness(opened.cache / "fitness.json")
    with contextlib.closing(Zygotes(RUNNER, fitness, opened.cancellation, servers)) as zygotes:
        yield zygotes


def _local(
    opened: Opened,
    store: ContentStore,
    emit: Emit,
    policy: Policy,
    observe: Observe = nothing_observed,
    zygotes: Zygotes | None = None,
    released: Callable[[ReadyAction], None] = nobody_waits,
) -> LocalExecutor:
    """Runs cells here. `emit` hears of the cells; what is said of environments, everybody hears."""
    environments = Environments(
        opened.workspace.root,
        opened.cache,
        opened.emit,
        opened.cancellation,
        opened.environ,
    )
    if opened.recorder is not None:
        environments = opened.recorder.environments(environments)
        released = opened.recorder.releasing(released)
    return LocalExecutor(
        opened.workspace.root,
        opened.cache / "scratch",
        store,
        environments,
        emit,
        opened.cancellation,
        opened.base_variables,
        observe=observe,
        caller_variables=opened.environ,
        policy=policy,
        zygotes=zygotes,
        released=released,
    )


def _observer(opened: Opened, disk: Disk) -> Observe:
    """Takes note of what cells depended on; what belongs to an interpreter is in their keys."""
    root = opened.workspace.root
    home = Path(opened.environ["HOME"]) if "HOME" in opened.environ else None
    folders = (opened.state, opened.cache, sys.prefix, sys.base_prefix)
    ours = [os.path.realpath(folder) for folder in folders]

    def observe(ready: ReadyAction, seen: Seen, interpreter: Interpreter) -> Observations:
        environment = interpreter.bin.parent if interpreter.bin is not None else None

        def distribution(path: str) -> str | None:
            return None if environment is None else distribution_of(environment, path)

        ignored = (*ours, _prefix(interpreter))
        with opened.reading_for(ready.label.package):
            return observations(ready, seen, root, ignored, disk.look, distribution, home)

    return observe


def _prefix(interpreter: Interpreter) -> str:
    return os.path.dirname(os.path.dirname(os.path.realpath(interpreter.argv[0])))
