"""Which cells are forked from a zygote, and from which: the warm runners of a build.

A zygote has imported a list of modules, in an environment, under variables (`Surroundings`); a cell
whose imports begin with that list may be a fork of it. A list is imported ahead when a second cell
would import it, so that no build does more than twice the work of one without zygotes. The list may
be empty: such a fork only spares the start of Python.

Nothing here decides what a cell gives. Whatever is not certain to be as in a fresh process is left
to one: `Zygotes.start` gives None, and whoever asked starts it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from strata.core.action import ReadyAction
from strata.core.dataclass import dataclass
from strata.core.encoding import Encodable
from strata.core.signature import signature_of
from strata.executors.base import Cancellation
from strata.executors.fitness import FIT, Fitness
from strata.executors.preloading import Installed, imported_first, module_of
from strata.executors.servers import Servers
from strata.executors.venv import Interpreter
from strata.executors.zygote import Lost, Started, Unfit, Zygote, connect, start

MOST = 8
"""Zygotes of one build."""
_MOST_OF_MEMORY = 4
"""They have at most one part in so many of the machine's."""

Imports: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process is started in: the program, how it and its packages look, the variables."""

    argv: tuple[str, ...]
    looks: tuple[tuple[int, ...], ...]
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What one zygote is for."""

    surroundings: Surroundings
    imports: Imports
    may_last: bool = False
    """Whether it may outlive the build."""

    @property
    def modules(self) -> list[Encodable]:
        """The program, how it looks, and what it imports."""
        around = self.surroundings
        looks: list[Encodable] = [list(numbers) for numbers in around.looks]
        return [list(around.argv), looks, list(self.imports)]

    @property
    def parts(self) -> list[Encodable]:
        """All of it."""
        return [*self.modules, dict(self.surroundings.variables)]


def possible() -> bool:
    """Whether this system has what zygotes need: Linux 5.3 or later."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and _has_pidfds()


def _has_pidfds() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class Zygotes:
    """The zygotes of one build. Safe for threads; `close` ends them all."""

    def __init__(
        self,
        runner: Path,
        fitness: Fitness,
        cancellation: Cancellation,
        servers: Servers | None = None,
        uses: int = 2,
    ) -> None:
        """A list of modules is imported ahead for the cell that is the `uses`-th to need it.

        With `servers`, for the first; and then it stays for the next builds.
        """
        self._runner = runner
        self._fitness = fitness
        self._cancellation = cancellation
        self._servers = servers
        self._uses_needed = uses
        self._guard = threading.Lock()
        self._making: dict[Key, threading.Lock] = {}
        self._zygotes: dict[Key, Zygote] = {}
        self._unfit: dict[Key, str] = {}
        self._uses: dict[Key, int] = {}
        self._environments: dict[tuple[str, ...], tuple[list[Path], Installed]] = {}
        self._closed = False

    def start(
        self,
        ready: ReadyAction,
        interpreter: Interpreter,
        variables: Mapping[str, str],
        folder: Path,
    ) -> Started | None:
        """A process for `ready`, which would have these variables and be in `folder`; or None.

        It has neither yet: it takes them from its `run` frame.
        """
        try:
            packages, installed = self._environment(interpreter)
            surroundings = _surroundings(interpreter, packages, variables)
            imports = imported_first(ready, installed)
        except OSError:
            return None
        # What others may not see does not outlive the build.
        may_last = self._servers is not None and not ready.action.secrets
        for key in self._candidates(surroundings, imports, may_last):
            zygote = self._zygote(key)
            if zygote is None or not _fits(zygote, folder):
                continue
            try:
                return zygote.take()
            except Lost as problem:
                self._drop(key, str(problem))
        return None

    def close(self) -> None:
        """None of them is there any more. To be called when nothing runs that may ask for one."""
        with self._guard:
            self._closed = True
            zygotes, self._zygotes = list(self._zygotes.values()), {}
        for zygote in zygotes:
            zygote.close()
        self._fitness.save()

    def _candidates(
        self, surroundings: Surroundings, imports: Imports, may_last: bool
    ) -> Iterator[Key]:
        """The keys of zygotes that `imports` could begin with, and that are worth it."""
        keys = [Key(surroundings, imports[:n], may_last) for n in range(len(imports), -1, -1)]
        with self._guard:
            for key in keys:
                self._uses[key] = self._uses.get(key, 0) + 1
        for key in keys:
            if key not in self._unfit and (
                key in self._zygotes
                or self._uses[key] >= self._uses_needed
                or self._is_served(key, first=key is keys[0])
            ):
                yield key

    def _is_served(self, key: Key, first: bool) -> bool:
        """Whether there is a server for it, or should be."""
        if self._servers is None or not key.may_last:
            return False
        is_there = self._servers.find(self._servers.name(key.parts)) is not None
        return is_there or (first and not self._servers.is_full())

    def _zygote(self, key: Key) -> Zygote | None:
        """The zygote of `key`, made if there is none; None where it cannot be."""
        with self._guard:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._guard:
                known, closed = self._zygotes.get(key), self._closed
                closed = closed or self._cancellation.requested
                if known is not None or key in self._unfit or closed:
                    return known
            try:
                zygote = self._made(key)
            except Unfit as problem:
                self._give_up(key, str(problem))
                if problem.lasting:
                    self._fitness.remember(key.modules, str(problem))
                return None
            except (Lost, OSError) as problem:
                self._give_up(key, f"no answer: {problem}")
                return None
            with self._guard:
                self._zygotes[key] = zygote
            return zygote

    def _made(self, key: Key) -> Zygote:
        verdict = self._fitness.verdict(key.modules)
        if verdict:
            raise Unfit(verdict, lasting=False)
        self._make_room()
        if self._servers is not None and key.may_last:
            return self._served(key, self._servers, probe=verdict is None)
        return self._started(key, None, probe=verdict is None)

    def _served(self, key: Key, servers: Servers, probe: bool) -> Zygote:
        name = servers.name(key.parts)
        path = servers.find(name)
        if path is not None:
            try:
                return connect(path)
            except Lost:
                servers.remove(path)
        servers.make_room()
        try:
            self._started(key, (name, servers.idle_s), probe).leave()
        except Unfit:
            if (path := servers.find(name)) is not None:
                servers.remove(path)
            raise
        path = servers.find(name)
        if path is None:
            raise Lost("it does not listen")
        return connect(path)

    def _started(self, key: Key, listen: tuple[Path, float] | None, probe: bool) -> Zygote:
        with _place() as place:
            asked: dict[str, object] = {"imports": key.imports, "place": place, "probe": probe}
            asked["listen"] = None if listen is None else str(listen[0])
            asked["idle_s"] = None if listen is None else listen[1]
            variables = dict(key.surroundings.variables)
            zygote = start(
                key.surroundings.argv, variables, asked, self._runner, self._cancellation
            )
        if probe:
            self._fitness.remember(key.modules, FIT)
        return zygote

    def _make_room(self) -> None:
        """There may be one more: those that were not used for longest, and run nothing, leave."""
        while True:
            with self._guard:
                memory = sum(z.traits.memory_bytes for z in self._zygotes.values())
                if len(self._zygotes) < MOST and memory < _memory_bytes() / _MOST_OF_MEMORY:
                    return
                idle = [k for k, z in self._zygotes.items() if z.running == 0]
                if not idle:
                    raise Lost("there are as many as there may be")
                zygote = self._zygotes.pop(min(idle, key=lambda k: self._zygotes[k].used_at))
            zygote.close()

    def _drop(self, key: Key, why: str) -> None:
        with self._guard:
            zygote = self._zygotes.pop(key, None)
        if zygote is not None:
            zygote.close()
            self._give_up(key, why)

    def _give_up(self, key: Key, why: str) -> None:
        with self._guard:
            self._unfit[key] = why

    def _environment(self, interpreter: Interpreter) -> tuple[list[Path], Installed]:
        """Where its packages are, and which."""
        with self._guard:
            if interpreter.argv not in self._environments:
                packages = _packages(interpreter)
                self._environments[interpreter.argv] = packages, Installed(packages)
            return self._environments[interpreter.argv]


@contextlib.contextmanager
def _place() -> Iterator[str]:
    """An empty folder whose name occurs nowhere else, in one that is empty but for it."""
    import shutil  # neither is for a build in which nothing runs
    import tempfile

    made = tempfile.mkdtemp(prefix="strata-warm-")
    try:
        place = os.path.join(os.path.realpath(made), f"strata-{os.urandom(8).hex()}")
        os.mkdir(place)
        yield place
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _packages(interpreter: Interpreter) -> list[Path]:
    """The folders into which the packages of an environment are installed."""
    if not interpreter.is_venv or interpreter.bin is None:
        return []
    return sorted(interpreter.bin.parent.glob("lib/python*/site-packages"))


def _surroundings(
    interpreter: Interpreter, packages: list[Path], variables: Mapping[str, str]
) -> Surroundings:
    """Raises `OSError` where there is no such program."""
    paths = (interpreter.argv[0], *map(str, packages))
    looks = tuple(signature_of(os.stat(path)) for path in paths)
    return Surroundings(interpreter.argv, looks, tuple(sorted(variables.items())))


def _fits(zygote: Zygote, folder: Path) -> bool:
    """Whether a process in `folder` would have imported the same, and read the same meanwhile."""
    traits = zygote.traits
    if not traits.names:
        return True
    try:
        entries = os.listdir(folder)
    except OSError:
        return False
    # Metadata of packages in the folder is found like that of installed ones.
    if any(entry.endswith(("-info", ".zip", ".egg")) for entry in entries):
        return False
    if not traits.names.isdisjoint(filter(None, map(module_of, entries))):
        return False
    if any(os.path.lexists(folder / name) for name in traits.absent):
        return False
    return all(_is_as_it_was(path, looks) for path, looks in traits.reads)


def _is_as_it_was(path: str, looks: tuple[int, ...]) -> bool:
    try:
        return signature_of(os.stat(path)) == looks
    except OSError:
        return looks == ()


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
