"""Hiding the values of secrets in text that will be shown or kept.

Knows nothing of where the text goes. What it keeps true: no text given out contains a secret,
however the text was cut into pieces on its way here (`tests/executors/test_secrets.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from strata.core.dataclass import replace
from strata.core.result import CellFailure, Unstorable

MASK = "***"
SHORTEST = 4
"""Shorter values are not hidden: masking every `1` of a traceback would tell more than it hides."""


def spellings(values: Iterable[str]) -> tuple[str, ...]:
    """The texts to hide for these secret values, longest first: as is, and as they print quoted."""
    found: set[str] = set()
    for value in values:
        plain = value.strip()
        found |= {plain, repr(plain)[1:-1], json.dumps(plain)[1:-1]}
        found.add(json.dumps(plain, ensure_ascii=False)[1:-1])
    return tuple(sorted((s for s in found if len(s) >= SHORTEST), key=lambda s: (-len(s), s)))


class Masker:
    """One stream of text with secrets hidden; holds back a tail that may be a secret's beginning.

    Every character that belongs to any occurrence of any secret is hidden, overlaps included;
    a run of such characters becomes one `***`.
    """

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets
        self._tail = ""
        self._hidden = 0  # of the tail, this many first characters were already shown as the mask

    def feed(self, text: str) -> str:
        """What can be shown now that `text` has arrived."""
        if not self._secrets:
            return text
        text = self._tail + text
        return self._show(text, self._start_of_a_secret(text))

    def finish(self) -> str:
        """The rest, when nothing more arrives."""
        return self._show(self._tail, len(self._tail))

    def _show(self, text: str, end: int) -> str:
        """`text` up to `end`, masked; the rest becomes the tail."""
        shown: list[str] = []
        position, already = 0, self._hidden
        self._hidden = 0
        for start, stop in _covered(text, self._secrets, already):
            begun = start == 0 and already > 0
            if start >= end and not begun:
                break
            shown.append(text[position:start])
            if not begun:
                shown.append(MASK)
            position = stop
        if position > end:
            self._hidden = position - end
        else:
            shown.append(text[position:end])
        self._tail = text[end:]
        return "".join(shown)

    def _start_of_a_secret(self, text: str) -> int:
        """Where the longest end of `text` begins that is the beginning of a secret, not all."""
        longest = 0
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(text)), longest, -1):
                if text.endswith(secret[:length]):
                    longest = length
                    break
        return len(text) - longest


def _covered(text: str, secrets: tuple[str, ...], already: int) -> list[tuple[int, int]]:
    """The stretches of `text` that secrets cover, in order, overlapping ones joined."""
    spans = [(0, already)] if already else []
    for secret in secrets:
        start = text.find(secret)
        while start >= 0:
            spans.append((start, start + len(secret)))
            start = text.find(secret, start + 1)
    spans.sort()
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with every secret hidden."""
    masker = Masker(secrets)
    return masker.feed(text) + masker.finish()


def mask_failure(failure: CellFailure, secrets: tuple[str, ...]) -> CellFailure:
    """`failure` with every secret hidden in all that it says."""
    return replace(
        failure,
        type=mask(failure.type, secrets),
        message=mask(failure.message, secrets),
        traceback=mask(failure.traceback, secrets),
        hint=None if failure.hint is None else mask(failure.hint, secrets),
    )


def mask_unstorable(unstorable: Unstorable, secrets: tuple[str, ...]) -> Unstorable:
    """`unstorable` with every secret hidden."""
    return Unstorable(mask(unstorable.type_name, secrets), mask(unstorable.reason, secrets))


def mask_display(mime: str, data: bytes, secrets: tuple[str, ...]) -> bytes:
    """`data` with every secret hidden if `mime` is a kind of text; else `data`."""
    textual = mime.startswith("text/") or mime.endswith(("json", "xml", "javascript"))
    if not secrets or not textual:
        return data
    text = data.decode("utf-8", "surrogateescape")
    return mask(text, secrets).encode("utf-8", "surrogateescape")
