"""One process, one program: receives what to run, runs it, says how it ended, ends.

The first frame may also make the process a `zygote`: then what follows is true of each of its
children.

Exactly one `done` or `failed` frame ends the stream. `done` is sent after everything that a
script's end would do (threads joined, `atexit` handlers run, files flushed), so whoever reads it
may use the files that the cell wrote; `failed` before, so that a handler that hangs does not hide
it. Then the process ends at once, by `os._exit`: tearing down an interpreter that has pandas
loaded takes 0.1 s and does nothing that is still wanted.
"""

from __future__ import annotations

import os
import sys

from . import observe, process
from .channel import Channel, ParentGone
from .inputs import read_inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .sandbox import Sandbox


class Failed(Exception):
    """A program failed; `header` is the `failed` frame that says so."""

    def __init__(self, header: Mapping[str, object]) -> None:
        super().__init__(header)
        self.header = header


def main(fd: int) -> None:
    """Runs the one program that is asked for on `fd`; does not return."""
    process.die_with_parent()
    channel = Channel(fd)
    process.open_streams()
    process.add_site_builtins()
    try:
        header = channel.receive()
        if header["type"] == "zygote":
            from . import afresh, zygote

            channel = zygote.serve(channel, header)
            header = channel.receive()
            afresh.begin(header)
    except ParentGone:
        os._exit(1)
    pid = os.getpid()
    ending = _run(channel, header)
    if os.getpid() != pid:
        _leave_fork(ending)
    try:
        if ending["type"] == "done":
            _end_like_a_script()
            measured = {"peak_memory_bytes": process.peak_memory_bytes(), "seen": _seen()}
            channel.send({**ending, **measured})
        else:
            process.flush_streams()
            channel.send(ending)
            _end_like_a_script()
    except ParentGone:
        pass
    os._exit(0 if ending["type"] == "done" else 1)


_sandboxes: list[Sandbox] = []
"""What the process was confined to, if it was."""


def _seen() -> Mapping[str, object]:
    seen: dict[str, Any] = observe.seen()
    for sandbox in _sandboxes:
        seen["refused"] = sandbox.refused_reads([read[0] for read in seen.get("reads", ())])
    return seen


def _end_like_a_script() -> None:
    process.run_exit_handlers()
    process.finish_open_files()
    process.flush_streams()


def _run(channel: Channel, header: Mapping[str, Any]) -> Mapping[str, object]:
    try:
        inputs = read_inputs(channel, header["inputs"])
        observe.prepare(header)
        if header.get("sandbox") is not None:
            from .sandbox import enter

            _sandboxes.extend(enter(header))
        program: Any = __import__(f"{__package__}.programs.{header['program']}", fromlist=["run"])
        ending = program.run(header["arguments"], inputs, channel, header["scratch"])
        return {"type": "done", **(ending or {})}
    except Failed as failure:
        for sandbox in _sandboxes:
            refused = sandbox.refused(failure.__context__)
            if refused is not None:
                return {**failure.header, "kind": "sandbox", "message": refused}
        return failure.header
    except ParentGone:
        os._exit(1)
    except BaseException as problem:  # noqa: BLE001 - ours, or the machine's: it must be told
        from .failures import describe_internal

        return describe_internal(problem)


def _leave_fork(ending: Mapping[str, object]) -> None:
    """Ends a process that the cell forked and that ran on to the end of the cell."""
    if ending["type"] == "failed" and ending["kind"] != "exit":
        sys.stderr.write(str(ending["traceback"]))
    process.flush_streams()
    os._exit(0 if ending["type"] == "done" else 1)
