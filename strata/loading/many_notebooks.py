"""Many notebooks at once: with nothing remembered of them, every core loads some.

Each is loaded by a forked child, which hands back what a `NotebookIndex` remembers of it; what a
child cannot do, or does not hand back, the parent does when it is asked for the notebook. So this
changes when things are known, never what. The parent looks at every file itself, and says what is
wrong.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import threading
from collections.abc import Sequence
from typing import NoReturn

from strata.core.errors import ConfigError
from strata.loading.notebook_index import NotebookIndex
from strata.loading.workspace import Workspace

FEWEST = 150
"""Notebooks that make it worth to fork: half a second of work."""
MOST_CHILDREN = 16


def fetch(index: NotebookIndex, workspace: Workspace, packages: Sequence[str], cores: int) -> None:
    """`index` knows those of `packages` that it did not, as far as that can be had quickly.

    Does nothing where there are few, or only one core, or where the process has threads: a child
    has only the one that forked, and locks of the others stay locked in it.
    """
    if cores < 2 or len(packages) < FEWEST or threading.active_count() > 1:
        return
    unknown = [package for package in packages if not index.knows(workspace, package)]
    if len(unknown) < FEWEST:
        return
    children = min(cores, MOST_CHILDREN)
    pipes = [_child(index, workspace, unknown[number::children]) for number in range(children)]
    for pid, pipe in pipes:
        with open(pipe, "rb") as stream:
            data = stream.read()
        _, status = os.waitpid(pid, 0)
        if status == 0:
            index.learn(marshal.loads(data))


def _child(index: NotebookIndex, workspace: Workspace, packages: Sequence[str]) -> tuple[int, int]:
    """A process that loads `packages`, and the pipe that it writes its entries to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _load_and_end(index, workspace, packages, writing)
    os.close(writing)
    return pid, reading


def _load_and_end(
    index: NotebookIndex, workspace: Workspace, packages: Sequence[str], writing: int
) -> NoReturn:
    # Whatever happens, nothing of the parent's may be done here: no `finally` of its, no flush.
    code = 1
    try:
        for package in packages:
            with contextlib.suppress(ConfigError):
                index.load(workspace, package)
        with open(writing, "wb") as stream:
            stream.write(marshal.dumps(index.entries(packages)))
        code = 0
    finally:
        os._exit(code)
