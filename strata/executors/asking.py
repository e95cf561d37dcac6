"""Asking a question about stored values: a program of the runner whose outputs are the answers.

It runs as a cell does, in the environment of a notebook and with values as its inputs, but nothing
of it is kept: no result, no key, and its answers go back as bytes and not into a store. Knows
nothing of what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from strata.core.action import Action, Artifact, Command, Environment, ReadyAction, key_of
from strata.core.dataclass import dataclass
from strata.core.digest import Digest, digest_bytes
from strata.core.encoding import Encodable
from strata.core.errors import Interrupted, StrataError
from strata.core.label import Label
from strata.core.result import CellFailure, FailureKind, Output
from strata.executors.base import Executor
from strata.stores.base import Blob, ContentStore


@dataclass(frozen=True, slots=True)
class Question:
    """A program, its arguments, and the values that it gets by slot. No two are one object."""

    program: str
    arguments: Mapping[str, Encodable]
    inputs: Mapping[str, Output]
    label: Label
    """The cell that the values are of; its folder is the current folder of the program."""
    environment: Environment
    timeout_s: float = 300.0


class Unanswered(StrataError):
    """The program failed, crashed, or took too long; `failure` says how."""

    def __init__(self, failure: CellFailure) -> None:
        super().__init__(f"{failure.type}: {failure.message}")
        self.failure = failure


def ask(
    question: Question, store: ContentStore, executor_over: Callable[[ContentStore], Executor]
) -> dict[str, bytes]:
    """The bytes of the program's outputs, by name.

    `executor_over` makes the executor that runs it, given where it takes inputs from and puts
    outputs. Raises `Unanswered`, `Interrupted`, and what `Executor` says.
    """
    answers = _Answers(store)
    result = executor_over(answers).run(_ready(question))
    if result.error is not None:
        if result.error.kind is FailureKind.CANCELLED:
            raise Interrupted("interrupted")
        raise Unanswered(result.error)
    return {
        name: answers.bytes_of(output.digest)
        for name, output in result.outputs.items()
        if isinstance(output, Output)
    }


def _ready(question: Question) -> ReadyAction:
    action = Action(
        label=question.label,
        command=Command(question.program, question.arguments),
        environment=question.environment,
        provenance={},
        folder=question.label.package,
        timeout_s=question.timeout_s,
        cacheable=False,
        sandbox="off",
    )
    artifacts = {slot: Artifact(question.label, slot) for slot in question.inputs}
    return ReadyAction(action, question.inputs, {}, key_of({}), artifacts=artifacts)


class _Answers:
    """A store to read from, over which what is put stays in memory."""

    def __init__(self, inner: ContentStore) -> None:
        self._inner = inner
        self._put: dict[Digest, bytes] = {}

    def get(self, digest: Digest) -> Blob:
        return self._put[digest] if digest in self._put else self._inner.get(digest)

    def put(self, source: bytes | Path) -> Digest:
        data = source
        if isinstance(source, Path):
            data = source.read_bytes()
            source.unlink()
        assert isinstance(data, bytes)
        digest = digest_bytes(data)
        self._put[digest] = data
        return digest

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        return self._inner.missing(d for d in digests if d not in self._put)

    def bytes_of(self, digest: Digest) -> bytes:
        return self._put[digest]
