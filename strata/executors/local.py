"""Runs an action here: a fresh process in the action's environment, and what became of it.

The process is the runner (`strata/runner`), which knows how to run a cell and to encode values;
this module gives it its inputs and its surroundings, and turns its report, or its silence, into a
result. It knows nothing of caches, retries or cell kinds.

Invariants: a cell gets no variable of the environment but those listed here, never sees Strata's
own packages, and when `run` returns nothing of it is left: no process of its group, no scratch.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from strata.core.action import Action, Environment, ReadyAction
from strata.core.digest import Digest
from strata.core.errors import Interrupted
from strata.core.events import CellStarted, Emit, Notice
from strata.core.result import ActionResult, CellFailure, Output, Shared, Unstorable
from strata.executors.base import Cancellation
from strata.executors.capture import Capture
from strata.executors.crashes import cancelled, crash, garbled, timed_out
from strata.executors.frames import (
    DisplaySent,
    DoneSent,
    FailedSent,
    OutputSent,
    Seen,
    SharedSent,
    UnstorableSent,
    pack,
)
from strata.executors.observing import Observations
from strata.executors.process import start, too_many_files
from strata.executors.refusals import explained, swallowed
from strata.executors.sandbox import UNCONFINED, Confinement, Policy, confinement, frame
from strata.executors.scratch import Scratch
from strata.executors.secrets import mask, mask_display, mask_failure, mask_unstorable, spellings
from strata.executors.sent import wrong_output
from strata.executors.supervise import Ending, Stop, supervise
from strata.executors.venv import Interpreter
from strata.executors.zygote import Started
from strata.executors.zygotes import Zygotes
from strata.stores.base import ContentStore

RUNNER = Path(__file__).resolve().parent.parent / "runner" / "__main__.py"

THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"),
    *("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "TBB_NUM_THREADS", "GOTO_NUM_THREADS"),
)
"""Variables by which numerical libraries are told how many threads to start."""

Observe = Callable[[ReadyAction, Seen, Interpreter], Observations]
"""What a run that ended well depended on, from what was seen of it."""


def nothing_observed(_ready: ReadyAction, _seen: Seen, _where: Interpreter) -> Observations:
    """Takes no note of what a process touched."""
    return Observations()


def nobody_waits(_ready: ReadyAction) -> None:
    """Nobody wants the room of an action that has ended."""


class LocalExecutor:
    """Runs each action in a process of its own on this machine."""

    def __init__(
        self,
        root: Path,
        scratch: Path,
        store: ContentStore,
        environments: Callable[[Environment], Interpreter],
        emit: Emit,
        cancellation: Cancellation,
        base_variables: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        runner: Path = RUNNER,
        observe: Observe = nothing_observed,
        caller_variables: Iterable[str] = (),
        policy: Policy = UNCONFINED,
        zygotes: Zygotes | None = None,
        released: Callable[[ReadyAction], None] = nobody_waits,
    ) -> None:
        """`root` is the workspace; `base_variables` what every cell gets of the caller's.

        `scratch` is a folder, made when needed, on the file system of `store`, so that files can
        be moved from one into the other. `observe` says what a run that ended well depended on;
        `caller_variables` are the names in the caller's environment; `policy` says which actions
        are confined. Processes come from `zygotes` where they can. `released` hears of each action
        that has ended well and only stores its results.
        """
        self._root = root.resolve()
        self._scratch = Scratch(scratch)
        self._store = store
        self._environments = environments
        self._emit = emit
        self._cancellation = cancellation
        self._base_variables = dict(base_variables)
        self._clock = clock
        self._machine = platform.node()
        self._runner = runner
        self._observe = observe
        self._caller_variables = frozenset(caller_variables)
        self._policy = policy
        self._zygotes = zygotes
        self._released = released

    def run(self, ready: ReadyAction) -> ActionResult:
        """Runs `ready` once. Raises as `Executor` says; a blob that is gone is `BlobMissing`."""
        if self._cancellation.requested:
            return self._failed(ready, cancelled())
        try:
            interpreter = self._environments(ready.action.environment)
        except Interrupted:
            return self._failed(ready, cancelled())
        action = ready.action
        self._emit(CellStarted(action.label, action.worker, ready.reason))
        with contextlib.suppress(_ZygoteLost), self._scratch.folder() as scratch:
            return self._run_in(scratch, ready, interpreter, self._zygotes)
        with self._scratch.folder() as scratch:
            return self._run_in(scratch, ready, interpreter, None)

    def _run_in(
        self,
        scratch: Path,
        ready: ReadyAction,
        interpreter: Interpreter,
        zygotes: Zygotes | None,
    ) -> ActionResult:
        action = ready.action
        packages = interpreter.bin.parent if interpreter.is_venv and interpreter.bin else None
        confined = confinement(self._policy, ready, self._root, scratch, packages)
        request = self._request(ready, scratch, confined)
        secrets = spellings(action.variables[n] for n in action.secrets if n in action.variables)
        capture = Capture(action.label, self._emit, secrets)
        ending, duration_s = self._watch(ready, interpreter, scratch, request, capture, zygotes)
        if isinstance(ending.final, DoneSent) and ending.malformed is None:
            self._released(ready)
        failure = failure_of(ending, action.timeout_s)
        outputs = {} if failure is not None else self._outputs(ready, ending, scratch, secrets)
        if isinstance(outputs, CellFailure):
            failure, outputs = outputs, {}
        console = capture.finish()
        if failure is not None:
            failure = explained(failure, self._policy, confined, console)
        done, observations = DoneSent(), Observations()
        if isinstance(ending.final, DoneSent) and failure is None:
            done = ending.final
            observations = self._observe(ready, done.seen, interpreter)
        self._warn_of_variables(action, done.seen.variables)
        return ActionResult(
            outputs=outputs,
            shared=() if failure is not None else self._shared(ending, scratch, secrets),
            aliases=done.aliases,
            changed=done.changed,
            restated=done.restated,
            observed=observations.observed,
            moving=(*observations.moving, *swallowed(confined, done.seen.refused)),
            sandboxed=confined is not None,
            machine=self._machine,
            displays=self._displays(ending, secrets),
            console=None if console is None else self._store.put(console),
            error=None if failure is None else mask_failure(failure, secrets),
            duration_s=duration_s,
            peak_memory_bytes=ending.exit.peak_memory_bytes,
            worker=action.worker,
            finished_at=self._clock(),
            provenance=ready.provenance,
        )

    def _request(
        self, ready: ReadyAction, scratch: Path, confined: Confinement | None
    ) -> list[bytes]:
        """The frame that tells the runner what to do; inputs that are files go by path."""
        inputs: list[dict[str, object]] = []
        inline: list[bytes] = []
        sent: set[str] = set()
        for slot, output in ready.inputs.items():
            artifact = str(ready.artifacts.get(slot, slot))
            entry: dict[str, object] = {"slot": slot, "artifact": artifact}
            joint = None if output.part is None else output.digest.hex
            entry |= {"codec": output.codec, "part": output.part, "joint": joint}
            inputs.append(entry | {"path": None, "size": 0})
            if joint in sent:
                continue  # its bytes travel with the first slot
            if joint is not None:
                sent.add(joint)
            blob = self._store.get(output.digest)
            if isinstance(blob, bytes):
                inline.append(blob)
            path = str(blob) if isinstance(blob, Path) else None
            inputs[-1] |= {"path": path, "size": output.digest.size_bytes}
        command = ready.action.command
        header = {
            "type": "run",
            "program": command.program,
            "arguments": command.arguments,
            "inputs": inputs,
            "scratch": str(scratch),
            "folder": str(self._root / ready.action.folder),
            "root": str(self._root),
            "hidden_variables": self._hidden(ready.action),
            "sandbox": frame(self._policy, confined, (str(i["path"]) for i in inputs if i["path"])),
        }
        return pack(header, inline)

    def _hidden(self, action: Action) -> list[str]:
        """Variables that the caller has and the cell does not get."""
        given = self._base_variables.keys() | action.variables.keys()
        return sorted(self._caller_variables - given)

    def _watch(
        self,
        ready: ReadyAction,
        interpreter: Interpreter,
        scratch: Path,
        request: list[bytes],
        capture: Capture,
        zygotes: Zygotes | None,
    ) -> tuple[Ending, float]:
        """How it ended, and how long the process took, in seconds."""
        action = ready.action
        variables = cell_variables(self._base_variables, action, interpreter)
        folder = self._root / action.folder
        started = None
        if zygotes is not None and folder.is_dir():
            started = zygotes.start(ready, interpreter, variables, folder)
        if started is None:
            argv = [*interpreter.argv, "-s", str(self._runner)]
            started = _afresh(argv, folder, {**variables, "TMPDIR": str(scratch)})
        child, channel = started.child, started.channel
        with channel, contextlib.ExitStack() as stack:
            stack.callback(child.close)
            began = time.monotonic()
            try:
                ending = supervise(
                    child, channel, request, capture, action.timeout_s, self._cancellation
                )
            except OSError as problem:
                if problem.errno in (errno.EMFILE, errno.ENFILE):
                    raise too_many_files(problem) from problem
                raise
        if ending.exit.lost and ending.final is None and ending.stop is None:
            raise _ZygoteLost
        return ending, time.monotonic() - began

    def _outputs(
        self, ready: ReadyAction, ending: Ending, scratch: Path, secrets: tuple[str, ...]
    ) -> dict[str, Output | Unstorable] | CellFailure:
        """The outputs, stored; or a failure if one of them is not what the runner said."""
        outputs: dict[str, Output | Unstorable] = {}
        for message in ending.messages:
            match message:
                case OutputSent(name=name) as sent:
                    if wrong := wrong_output(sent, ready.inputs, scratch):
                        return garbled(wrong)
                    outputs[name] = self._stored(sent, secrets, ready.inputs)
                case UnstorableSent(name, unstorable):
                    outputs[name] = mask_unstorable(unstorable, secrets)
        return outputs

    def _shared(
        self, ending: Ending, scratch: Path, secrets: tuple[str, ...]
    ) -> tuple[Shared, ...]:
        """The joint values, stored; one whose file is not what was said is left out."""
        sent = [m for m in ending.messages if isinstance(m, SharedSent)]
        right = [m for m in sent if not wrong_output(m.joint, {}, scratch)]
        return tuple(Shared(m.names, self._stored(m.joint, secrets)) for m in right)

    def _stored(
        self,
        sent: OutputSent,
        secrets: tuple[str, ...],
        inputs: Mapping[str, Output] | None = None,
    ) -> Output:
        if inputs and sent.same_as is not None:
            digest = inputs[sent.same_as].digest
        else:
            digest = self._store.put(sent.payload if sent.path is None else Path(sent.path))
        summary = mask(sent.summary, secrets)
        return Output(digest, sent.codec, sent.type_name, summary, sent.needs, sent.unstable)

    def _warn_of_variables(self, action: Action, names: tuple[str, ...]) -> None:
        """The cell asked for variables that the caller has, and did not get them."""
        for name in names:
            what = f"reads the environment variable {name}, which is set here and not declared"
            advice = f"`# @env {name}` hands it in, and makes its value count"
            self._emit(Notice("warning", f"{what}: {advice}", action.label))

    def _displays(
        self, ending: Ending, secrets: tuple[str, ...]
    ) -> tuple[Mapping[str, Digest], ...]:
        return tuple(
            {mime: self._store.put(mask_display(mime, data, secrets)) for mime, data in sent.items}
            for sent in ending.messages
            if isinstance(sent, DisplaySent)
        )

    def _failed(self, ready: ReadyAction, failure: CellFailure) -> ActionResult:
        """The result of an action that was never started."""
        return ActionResult(
            error=failure,
            worker=ready.action.worker,
            finished_at=self._clock(),
            provenance=ready.provenance,
        )


class _ZygoteLost(Exception):
    """Somebody killed the zygote, and so the cell that was forked from it."""


def _afresh(argv: list[str], folder: Path, variables: Mapping[str, str]) -> Started:
    """A process of its own; `argv` lacks the descriptor of its channel."""
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as problem:
        raise too_many_files(problem) from problem
    with contextlib.ExitStack() as failed, theirs:
        failed.callback(ours.close)
        fd = theirs.fileno()
        child = start([*argv, str(fd)], folder, variables, [fd])
        failed.pop_all()
        return Started(child, ours)


def failure_of(ending: Ending, timeout_s: float) -> CellFailure | None:
    """Why the cell failed, or None. What the runner said to its end outranks what we did to it.

    So a cell that was just done when its time ran out, or when the build was stopped, is done.
    """
    if ending.malformed is not None:
        return garbled(ending.malformed)
    if isinstance(ending.final, DoneSent):
        return None
    if ending.stop is Stop.TIMEOUT:
        return timed_out(timeout_s)
    if ending.stop is Stop.CANCELLED:
        return cancelled()
    if isinstance(ending.final, FailedSent):
        return ending.final.failure
    return crash(ending.exit)


def cell_variables(
    base: Mapping[str, str], action: Action, interpreter: Interpreter
) -> dict[str, str]:
    """The environment variables of a cell's process; there is no other but `TMPDIR`."""
    # Of the caller's Python nothing is taken over: its paths and switches are not the cell's.
    variables = {n: v for n, v in base.items() if not n.startswith(("PYTHON", "VIRTUAL_ENV"))}
    variables |= dict.fromkeys(THREADS, str(action.resources.threads))
    variables |= action.variables
    variables.pop("TMPDIR", None)  # that of each cell is its scratch folder
    variables |= {
        "STRATA": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
    }
    if interpreter.bin is not None:
        path = variables.get("PATH", os.defpath)
        variables["PATH"] = f"{interpreter.bin}{os.pathsep}{path}"
        if interpreter.is_venv:
            variables["VIRTUAL_ENV"] = str(interpreter.bin.parent)
    return variables
