"""A cell's stdout and stderr: decoded, masked, passed on as events while it runs, and kept.

Bounded in memory whatever the cell writes: the beginning and the end are kept, with a line
between them that says how much is missing; and after some MiB no more events are made. It never
refuses bytes, so a cell is never held up by what it prints.
"""

from __future__ import annotations

import codecs
import json
from collections import deque

from strata.core.events import CellOutput, Emit, Notice
from strata.core.label import Label
from strata.executors.secrets import Masker

KEPT_CHARACTERS = 512 * 1024
"""Kept of the beginning, and again of the end."""
SHOWN_CHARACTERS = 4 << 20
"""After this many no more `CellOutput` is emitted."""
STREAMS = ("stdout", "stderr")

_MERGE_BELOW = 4096  # neighbours are joined while short: a cell that prints letter by letter


class Capture:
    """What one run of `label` writes. Not for several threads."""

    def __init__(self, label: Label, emit: Emit, secrets: tuple[str, ...]) -> None:
        self._label = label
        self._emit = emit
        self._decoders = {
            s: codecs.getincrementaldecoder("utf-8")("backslashreplace") for s in STREAMS
        }
        self._maskers = {s: Masker(secrets) for s in STREAMS}
        self._kept = _Kept()
        self._shown = 0

    def feed(self, stream: str, data: bytes) -> None:
        """`data` was read from `stream`."""
        self._take(stream, self._maskers[stream].feed(self._decoders[stream].decode(data)))

    def finish(self) -> bytes | None:
        """The stored form of all that was written: JSON pairs; None if that is nothing."""
        for stream in STREAMS:
            rest = self._maskers[stream].feed(self._decoders[stream].decode(b"", final=True))
            self._take(stream, rest + self._maskers[stream].finish())
        pairs = self._kept.pairs()
        return json.dumps(pairs, ensure_ascii=False).encode() if pairs else None

    def _take(self, stream: str, text: str) -> None:
        if text:
            self._kept.add(stream, text)
            self._show(stream, text)

    def _show(self, stream: str, text: str) -> None:
        if self._shown > SHOWN_CHARACTERS:
            return
        self._emit(CellOutput(self._label, stream, text))
        self._shown += len(text)
        if self._shown > SHOWN_CHARACTERS:
            message = "wrote very much; what follows is not shown, its end is kept with the result"
            self._emit(Notice("note", message, self._label))


class _Kept:
    """The first and the last so many characters of what was added."""

    def __init__(self) -> None:
        self._head: list[tuple[str, str]] = []
        self._room = KEPT_CHARACTERS
        self._tail: deque[tuple[str, str]] = deque()
        self._tail_size = 0
        self._left_out = 0

    def add(self, stream: str, text: str) -> None:
        if self._room:
            _append(self._head, stream, text[: self._room])
            text, self._room = text[self._room :], max(0, self._room - len(text))
        if text:
            _append(self._tail, stream, text)
            self._tail_size += len(text)
            self._shorten()

    def _shorten(self) -> None:
        # Whole pieces while running; `pairs` cuts to the character.
        while self._tail_size - len(self._tail[0][1]) >= KEPT_CHARACTERS:
            _, text = self._tail.popleft()
            self._tail_size -= len(text)
            self._left_out += len(text)

    def pairs(self) -> list[tuple[str, str]]:
        tail = list(self._tail)
        left_out = self._left_out
        if self._tail_size > KEPT_CHARACTERS:
            surplus = self._tail_size - KEPT_CHARACTERS
            tail[0] = (tail[0][0], tail[0][1][surplus:])
            left_out += surplus
        pairs: list[tuple[str, str]] = []
        for stream, text in self._head:
            _append(pairs, stream, text, merge_below=2 * KEPT_CHARACTERS)
        if left_out:
            _append(pairs, "stderr", f"\n... {left_out:,} characters left out here ...\n")
        for stream, text in tail:
            _append(pairs, stream, text, merge_below=2 * KEPT_CHARACTERS)
        return pairs


def _append(
    pairs: list[tuple[str, str]] | deque[tuple[str, str]],
    stream: str,
    text: str,
    merge_below: int = _MERGE_BELOW,
) -> None:
    if pairs and pairs[-1][0] == stream and len(pairs[-1][1]) < merge_below:
        pairs[-1] = (stream, pairs[-1][1] + text)
    else:
        pairs.append((stream, text))
