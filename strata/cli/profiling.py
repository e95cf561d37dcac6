"""`--profile`: the stopwatch is held to the parts that a build is put together from.

Nothing below `cli` knows of it: executors, stores and functions are wrapped where a build is
composed, phases are said there, and the rest follows from events. Without `--profile` this module
is not loaded and nothing is wrapped.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from strata.cli.stopwatch import Describe, Stopwatch
from strata.console.trace import trace_json
from strata.core.action import ReadyAction
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass, replace
from strata.core.errors import UsageError
from strata.core.events import Emit
from strata.execution.surroundings import Surroundings

Thing = TypeVar("Thing")

COPY = "profile.json"
"""The trace of the last build with `--profile`, in the state folder."""


def _gave(_args: tuple[Any, ...], digest: Any) -> Mapping[str, object]:
    return {} if digest is None else {"digest": digest.hex, "size_bytes": digest.size_bytes}


def _asked(args: tuple[Any, ...], _gave: Any) -> Mapping[str, object]:
    return {"digest": args[0].hex, "size_bytes": args[0].size_bytes}


def _of(args: tuple[Any, ...], _gave: Any) -> Mapping[str, object]:
    return {"label": str(args[0].label)}


def _project(args: tuple[Any, ...], _gave: Any) -> Mapping[str, object]:
    project = args[0].project
    return {"environment": "" if project is None else f"//{'' if project == '.' else project}"}


Call = tuple[str, str, Describe | None]
"""Name and category of a span, and what is said of it."""

_LOOK_UP: Call = ("look-up", "cache", None)
_RECORD: Call = ("record", "cache", None)
_FILES: Call = ("files", "files", _of)
_OF_STORES: Mapping[str, Call] = {
    "get": ("load", "store", _asked),
    "put": ("store", "store", _gave),
    "missing": _LOOK_UP,
    "lookup": _LOOK_UP,
    "recorded_sets": _LOOK_UP,
    "record": _RECORD,
    "add_set": _RECORD,
}
_OF_JOURNALS: Mapping[str, Call] = dict.fromkeys(
    ("last", "history", "briefs", "append", "add_build"), ("journal", "journal", None)
)


class _Watched:
    """A thing of which some methods are replaced; in everything else it is that thing."""

    def __init__(self, inner: object, methods: Mapping[str, Callable[..., object]]) -> None:
        self._inner = inner
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def __call__(self, *args: object) -> object:
        call: Callable[..., object] = self.__dict__["call"]
        return call(*args)


def watched(thing: Thing, **methods: Callable[..., object]) -> Thing:
    """`thing`, with these methods instead of its own; `call` is called when it is."""
    return cast(Thing, _Watched(thing, methods))


@dataclass(slots=True)
class Recorder:
    """What takes the time of one command, and where else than in its file that is kept."""

    watch: Stopwatch
    copy: Path | None = None

    def phase(self, name: str) -> None:
        """The command is in the phase `name` from now on."""
        self.watch.phase(name)

    def describe(self, **said: object) -> None:
        """What is said of the whole in the file."""
        self.watch.about.update(said)

    def hearing(self, emit: Emit) -> Emit:
        """`emit`, with what it is told noted first."""
        return self.watch.hearing(emit)

    def store(self, store: Thing) -> Thing:
        """A store of bytes and results, timed."""
        return self._timed(store, _OF_STORES)

    def environments(self, environments: Thing) -> Thing:
        """What makes environments, timed; the cell of the thread that asks is said to be in it."""
        make: Callable[..., object] = cast(Any, environments)
        making = self.watch.timed(make, "environment", "environment", _project)

        def call(environment: Any) -> object:
            self.watch.environment(str(_project((environment,), None)["environment"]))
            return making(environment)

        return watched(environments, call=call)

    def releasing(self, released: Callable[[ReadyAction], None]) -> Callable[[ReadyAction], None]:
        """How an executor says that an action only stores its results; timed from then on."""
        return self.watch.releasing(released)

    def machine(self, machine: Thing) -> Thing:
        """An executor that runs cells, with its runs timed."""
        return watched(machine, run=self.watch.attempts(cast(Any, machine).run))

    def surroundings(self, around: Surroundings, graph: ActionGraph) -> Surroundings:
        """What a build of `graph` is handed, timed."""
        self.watch.graph(graph)
        return replace(
            around,
            executor=watched(around.executor, run=self.watch.actions(around.executor.run)),
            journal=self._timed(around.journal, _OF_JOURNALS),
            answer=self.watch.answers(around.answer),
            late=self.watch.timed(around.late, *_FILES),
            look=self.watch.timed(around.look, *_FILES),
        )

    def _timed(self, thing: Thing, calls: Mapping[str, Call]) -> Thing:
        methods = {name: getattr(thing, name) for name in calls if hasattr(thing, name)}
        return watched(thing, **{n: self.watch.timed(m, *calls[n]) for n, m in methods.items()})


@contextlib.contextmanager
def recording(path: str) -> Iterator[Recorder]:
    """A profile of what is done within, written to `path` afterwards, however that ended.

    A trace that is there is replaced only by a whole one. Raises `UsageError` at once if `path`
    cannot be written; if that happens in the end, what was built stands, and it is said.
    """
    with _opened(path) as file:
        recorder = Recorder(Stopwatch())
        recorder.phase("start")
        try:
            yield recorder
        finally:
            text = trace_json(recorder.watch.timeline())
            if recorder.copy is not None:
                _keep(recorder.copy, text)
            try:
                _replace(file, text)
            except OSError as problem:
                what = f"warning: --profile: {path} could not be written: {problem.strerror}"
                click.echo(what, err=True)


def _opened(path: str) -> FileIO:
    try:
        return FileIO(path, "a")
    except OSError as problem:
        raise UsageError(
            f"--profile: {path} cannot be written: {problem.strerror}",
            hint="name a file in a folder that exists",
        ) from problem


def _replace(file: FileIO, text: str) -> None:
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.truncate(0)
    rest = memoryview(text.encode())
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _keep(copy: Path, text: str) -> None:
    """For `strata profile` without a file. A workspace that is only read keeps none."""
    temporary = copy.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(copy)
