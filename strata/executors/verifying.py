"""Hits that are run again and compared: is what the cache says what running the cell gives?

Invariant: nothing of a second run is kept. Its bytes go nowhere (`Discarding`), it is recorded
nowhere, and the hit stays the answer. Which hits are chosen, and what follows from a verdict, is
not decided here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from blake3 import blake3

from strata.core.action import ActionKey, ReadyAction
from strata.core.dataclass import dataclass
from strata.core.digest import Digest, digest_bytes
from strata.core.errors import StoreError, StoreUnreachable, StrataError
from strata.core.events import CellVerified, Difference, Verdict
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, FailureKind, Output, Unstorable
from strata.executors.base import Executor
from strata.executors.secrets import mask, spellings
from strata.stores.base import Blob, ContentStore

Answer: TypeAlias = Callable[[ReadyAction], ActionResult | None]
"""What is known of an action without running it."""

SMALL_BYTES = 200
"""Values of JSON up to this size are shown, old and new."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An action that the cache answered for, and the answer."""

    ready: ReadyAction
    result: ActionResult


class VerifyingExecutor:
    """Remembers which actions were hits, so that some can be run again."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner
        self._guard = threading.Lock()
        self._hits: dict[tuple[Label, ActionKey], Hit] = {}

    def answering(self, answer: Answer) -> Answer:
        """`answer`, with its hits remembered too."""

        def answered(ready: ReadyAction) -> ActionResult | None:
            result = answer(ready)
            if result is not None:
                self._note(ready, result)
            return result

        return answered

    def run(self, ready: ReadyAction) -> ActionResult:
        """What `inner` gives."""
        result = self._inner.run(ready)
        self._note(ready, result)
        return result

    def _note(self, ready: ReadyAction, result: ActionResult) -> None:
        with self._guard:
            # A hit whose bytes turned out to be gone is asked for again, and is none if it runs.
            self._hits.pop((ready.label, ready.key), None)
            if result.cache is not None and result.error is None:
                self._hits[ready.label, ready.key] = Hit(ready, result)

    def hits(self) -> list[Hit]:
        """The hits so far, in the order of their labels."""
        with self._guard:
            return [self._hits[place] for place in sorted(self._hits)]


class Discarding:
    """A `ContentStore` that reads from another and keeps nothing but a few small values."""

    def __init__(self, inner: ContentStore) -> None:
        self._inner = inner
        self._small: dict[Digest, bytes] = {}

    def get(self, digest: Digest) -> Blob:
        """The bytes that the other store has, or those of a small value put here."""
        small = self._small.get(digest)
        return self._inner.get(digest) if small is None else small

    def put(self, source: bytes | Path) -> Digest:
        """The digest of the bytes; a file is consumed. Raises `StoreUnreachable`."""
        try:
            digest = digest_bytes(source) if isinstance(source, bytes) else _digest_file(source)
            if digest.size_bytes <= SMALL_BYTES:
                data = source if isinstance(source, bytes) else source.read_bytes()
                self._small[digest] = data
            if isinstance(source, Path):
                source.unlink()
        except OSError as problem:
            what = f"cannot read: {problem.strerror}"
            raise StoreUnreachable(what, path=str(source)) from problem
        return digest

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those that the other store has not."""
        return self._inner.missing(digests)


def verify(hit: Hit, runner: Executor, store: Discarding) -> CellVerified | None:
    """What running `hit` again shows; None if the build was stopped meanwhile.

    `runner` runs actions, puts their bytes into `store`, and asks no cache.
    """
    try:
        again = runner.run(hit.ready)
    except StrataError as problem:
        differences = [Difference("run", "", f"could not be run: {problem.message}")]
    else:
        if again.error is not None and again.error.kind is FailureKind.CANCELLED:
            return None
        differences = list(_Comparison(hit, again, store).differences())
    found = {d.verdict for d in differences}
    verdict = next((v for v in (Verdict.DIFFERS, Verdict.UNCLEAR) if v in found), Verdict.VERIFIED)
    return CellVerified(hit.ready.label, verdict, tuple(differences), hit.result.accepted)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What the cache has, and what came out now."""

    hit: Hit
    again: ActionResult
    store: Discarding

    def differences(self) -> Iterator[Difference]:
        """Outputs first; displays and console are said, and do not count."""
        if self.again.error is not None:
            yield Difference("run", "", f"failed: {_headline(self.again.error)}")
            return
        yield from self._outputs()
        before, now = self.hit.result, self.again
        for number in range(max(len(before.displays), len(now.displays))):
            bundles = before.displays[number : number + 1], now.displays[number : number + 1]
            if bundles[0] != bundles[1]:
                said = _display(*(bundle[0] if bundle else {} for bundle in bundles))
                yield Difference("display", str(number + 1), said, Verdict.VERIFIED)
        if before.console != now.console:
            yield Difference("console", "", "not the same text", Verdict.VERIFIED)

    def _outputs(self) -> Iterator[Difference]:
        before, now = self.hit.result.outputs, self.again.outputs
        differing = set()
        for name in sorted(before.keys() | now.keys()):
            difference = self._output(name, before.get(name), now.get(name))
            if difference is not None:
                differing.add(name)
                yield difference
        joint = {group.names: group.output for group in self.again.shared}
        for group in self.hit.result.shared:
            if group.names in joint and not differing.intersection(group.names):
                names = " and ".join(group.names)
                difference = self._output(names, group.output, joint[group.names])
                if difference is not None:
                    yield difference

    def _output(
        self, name: str, old: Output | Unstorable | None, new: Output | Unstorable | None
    ) -> Difference | None:
        """What is to be said about one output; None if it is the same."""
        if _kind(old) != _kind(new):
            return Difference("output", name, f"{_kind(old)} → {_kind(new)}")
        # A summary may differ where the bytes do not: it is not what the next cell gets.
        if not isinstance(old, Output) or not isinstance(new, Output) or old.digest == new.digest:
            return None
        reason = old.unstable or new.unstable
        if reason:
            said = f"{_kind(old)}: other bytes, but equal values may have other bytes: {reason}"
            return Difference("output", name, said, Verdict.UNCLEAR)
        texts = [self._shown(output) for output in (old, new)]
        if None not in texts:
            return Difference("output", name, f"{texts[0]} → {texts[1]}")
        sizes = f"{old.digest.size_bytes:,} → {new.digest.size_bytes:,}"
        if old.digest.size_bytes == new.digest.size_bytes:
            sizes = f"{old.digest.size_bytes:,}, as before"
        return Difference("output", name, f"{_kind(old)}: other bytes ({sizes})")

    def _shown(self, output: Output) -> str | None:
        """The value as text, where it is small and readable and can be had."""
        if output.codec != "json" or output.digest.size_bytes > SMALL_BYTES:
            return None
        try:
            blob = self.store.get(output.digest)
        except StoreError:
            return None
        data = blob if isinstance(blob, bytes) else blob.read_bytes()
        action = self.hit.ready.action
        hidden = spellings(action.variables[n] for n in action.secrets if n in action.variables)
        return mask(data.decode("utf-8", "replace"), hidden)


def _kind(value: Output | Unstorable | None) -> str:
    match value:
        case Output():
            return f"{value.type_name or 'a value'} ({value.codec})"
        case Unstorable(type_name, _):
            return f"{type_name}, not stored"
    return "not defined"


def _display(old: object, new: object) -> str:
    before = old if isinstance(old, dict) else {}
    now = new if isinstance(new, dict) else {}
    if not before or not now:
        return "shown only now" if now else "not shown now"
    changed = sorted(
        mime for mime in before.keys() | now.keys() if before.get(mime) != now.get(mime)
    )
    return f"{', '.join(changed)} not the same"


def _headline(error: CellFailure) -> str:
    place = "" if error.file is None else f"{error.file}: "
    if error.file is not None and error.line is not None:
        place = f"{error.file}:{error.line}: "
    named = error.kind is FailureKind.EXCEPTION and error.type
    said = f"{error.type}: {error.message}" if named else error.message
    return f"{place}{said}"


def _digest_file(path: Path) -> Digest:
    hasher = blake3()
    hasher.update_mmap(path)
    return Digest(hasher.hexdigest(), path.stat().st_size)
