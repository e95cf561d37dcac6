"""Threads for what has to wait: a few that call one function with what they are handed.

A thread is started only when all others are at work, so a build that finds everything in a cache
starts none. Not `concurrent.futures`: that costs ten times as much an action, and 15 ms to load.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Threads(Generic[Work]):
    """Calls `call` with each piece of work, in whichever thread is free. `call` MUST NOT raise."""

    def __init__(self, call: Callable[[Work], None], name: str) -> None:
        self._call = call
        self._name = name
        self._queue: SimpleQueue[tuple[Work] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Work, at_work: int) -> None:
        """`work` is done soon, beside what `at_work` others do now at most."""
        if at_work >= len(self._threads):
            name = f"{self._name}_{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name)
            self._threads.append(thread)
            thread.start()
        self._queue.put((work,))

    def join(self) -> None:
        """Returns when all that was submitted is done, and no thread is left."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (got := self._queue.get()) is not None:
            self._call(got[0])
            del got  # a result may be large, and the next piece of work may be long in coming
