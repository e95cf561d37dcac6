"""The real runner in a real process, spoken to in the real protocol."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).parents[2] / "strata" / "runner" / "__main__.py"

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """An output: what the parent would put into the store, and give to the next cell."""

    codec: str
    data: bytes
    type_name: str = ""
    summary: str = ""
    needs: tuple[str, ...] = ()
    unstable: str = ""
    artifact: str | None = None
    part: str | None = None
    joint: str | None = None

    def parts(self, *names: str) -> dict[str, Stored]:
        """Inputs by name, where this is what was sent for outputs that belong together."""
        return {
            name: replace(self, artifact=f"//p:c%{name}", part=name, joint="ab" * 32)
            for name in names
        }


@dataclass
class Outcome:
    """All that came of one run."""

    outputs: dict[str, Stored] = field(default_factory=dict)
    shared: dict[tuple[str, ...], Stored] = field(default_factory=dict)
    handed_on: dict[str, str] = field(default_factory=dict)
    """Outputs that were not sent, because they are what was given in these slots."""
    changed: list[str] = field(default_factory=list)
    aliases: list[list[str]] = field(default_factory=list)
    restated: list[list[str]] = field(default_factory=list)
    unstorable: dict[str, dict[str, Any]] = field(default_factory=dict)
    displays: list[dict[str, bytes]] = field(default_factory=list)
    failure: dict[str, Any] | None = None
    done: bool = False
    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0

    @property
    def texts(self) -> list[str]:
        """The displays as plain text."""
        return [shown["text/plain"].decode() for shown in self.displays]


def cell(source: str, outputs: Sequence[str] = (), **more: Any) -> Arguments:
    """The arguments of the program `cell`; `more` replaces single ones."""
    arguments: Arguments = {
        "source": source,
        "file": "train/cells/fit.py",
        "file_in_folder": "cells/fit.py",
        "outputs": list(outputs),
        "shows_last": False,
        "bindings": {},
        "modules": [],
        "own": {},
    }
    return {**arguments, **more}


def module(
    id: str,
    source: str,
    names: Sequence[str],
    line: int = 1,
    file: str = "prep/cells/defs.py",
    **more: Any,
) -> dict[str, Any]:
    """The specification of a definitions module of one chunk."""
    spec: dict[str, Any] = {
        "id": id,
        "names": list(names),
        "normalized": source,
        "chunks": [[line, source, file]],
        "future": [],
        "uses": {},
        "values": {},
    }
    return {**spec, **more}


def run(
    arguments: Arguments,
    inputs: Mapping[str, Stored] | None = None,
    *,
    folder: Path,
    by_path: bool = False,
    python: str = sys.executable,
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    program: str = "cell",
) -> Outcome:
    """Runs one program in `folder`, with inputs in the frame or in files.

    Returns when the process has ended and all that it wrote was read.
    """
    inputs = inputs or {}
    scratch = folder / f"scratch-{len(list(folder.iterdir()))}"
    scratch.mkdir()
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(
        [python, *options, "-s", str(RUNNER), str(theirs.fileno())],
        cwd=folder,
        env={**_environment(), **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()
    texts = [b"", b""]
    threads = [
        threading.Thread(target=lambda i=i, s=s: texts.__setitem__(i, s.read()))  # type: ignore[misc]
        for i, s in enumerate((child.stdout, child.stderr))
    ]
    for thread in threads:
        thread.start()
    outcome = Outcome()
    with ours:
        _send(ours, arguments, inputs, scratch, by_path, program)
        for header, payload in _frames(ours):
            _take(outcome, header, payload, scratch, inputs)
    outcome.exit_code = child.wait()
    for thread in threads:
        thread.join()
    outcome.stdout, outcome.stderr = (t.decode() for t in texts)
    return outcome


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg", "LC_ALL": "C.UTF-8"}


def _send(
    sock: socket.socket,
    arguments: Arguments,
    inputs: Mapping[str, Stored],
    scratch: Path,
    by_path: bool,
    program: str,
) -> None:
    described: list[dict[str, Any]] = []
    payload = b""
    for number, (slot, stored) in enumerate(inputs.items()):
        path = None
        if stored.joint is not None and any(d["joint"] == stored.joint for d in described):
            stored = replace(stored, data=b"")
        elif by_path:
            path = str(scratch.parent / f"input-{number}-{scratch.name}")
            Path(path).write_bytes(stored.data)
        else:
            payload += stored.data
        described.append(
            {
                "slot": slot,
                "artifact": stored.artifact or slot,
                "part": stored.part,
                "joint": stored.joint,
                "codec": stored.codec,
                "path": path,
                "size": len(stored.data),
            }
        )
    header = json.dumps(
        {
            "type": "run",
            "program": program,
            "arguments": arguments,
            "inputs": described,
            "scratch": str(scratch),
        }
    ).encode()
    with contextlib.suppress(BrokenPipeError):
        sock.sendall(struct.pack(">IQ", len(header), len(payload)) + header + payload)


def _frames(sock: socket.socket) -> Iterator[tuple[dict[str, Any], bytes]]:
    file = sock.makefile("rb")
    while prefix := file.read(12):
        header_size, payload_size = struct.unpack(">IQ", prefix)
        yield json.loads(file.read(header_size)), file.read(payload_size)


def _take(
    outcome: Outcome,
    header: dict[str, Any],
    payload: bytes,
    scratch: Path,
    inputs: Mapping[str, Stored],
) -> None:
    assert not outcome.done, "a frame after the last"
    assert outcome.failure is None, "a frame after the last"
    kind = header.pop("type")
    if kind in ("output", "shared"):
        path = header["path"]
        if path is not None:
            assert Path(path).parent == scratch
            payload = Path(path).read_bytes()
        if "same_as" in header:
            assert payload == b"", "bytes that the parent has were sent again"
            outcome.handed_on[header["name"]] = header["same_as"]
            payload = inputs[header["same_as"]].data
        assert len(payload) == header["size"]
        stored = Stored(
            header["codec"],
            payload,
            header["type_name"],
            header["summary"],
            tuple(header["needs"]),
            header["unstable"],
        )
        if kind == "output":
            outcome.outputs[header["name"]] = stored
        else:
            outcome.shared[tuple(header["names"])] = stored
    elif kind == "unstorable":
        outcome.unstorable[header["name"]] = header
    elif kind == "display":
        shown, start = {}, 0
        for item in header["items"]:
            shown[item["mime"]] = payload[start : start + item["size"]]
            start += item["size"]
        outcome.displays.append(shown)
    elif kind == "failed":
        outcome.failure = header
    else:
        assert kind == "done"
        outcome.changed = header.get("changed", [])
        outcome.aliases = header.get("aliases", [])
        outcome.restated = header.get("restated", [])
        outcome.done = True
