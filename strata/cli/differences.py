"""What differs between two results: values, displays, console; as values of their own.

Values are looked into by the runner, in the notebook's environment (`runner/programs/diff`). Where
that cannot be done, what was written down about them is compared, and the reason is kept.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence

from strata.cli.comparing import TwoResults
from strata.cli.invocation import Opened, actions, load_cells
from strata.cli.output import say_notice
from strata.cli.records import Record
from strata.cli.session import interruptible
from strata.console.format import size
from strata.core.action import Environment, first_action
from strata.core.dataclass import dataclass, replace
from strata.core.digest import Digest
from strata.core.errors import BlobDamaged, BlobMissing, Interrupted, StrataError
from strata.core.events import unheard
from strata.core.label import Label, parse_pattern
from strata.core.result import Output, Unstorable
from strata.executors.asking import Question, Unanswered, ask
from strata.executors.base import Executor
from strata.executors.local import LocalExecutor
from strata.executors.venv import Environments
from strata.stores.base import ContentStore

Stored = Output | Unstorable | None

MOST_LINES = 40
"""Of the diff of a display or of what was printed."""

TEXTS = ("text/plain", "text/markdown", "text/html", "application/json", "text/latex")
IMAGES = ("image/png", "image/svg+xml", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class VariableDifference:
    """One variable of the two results; None for the one that does not have it."""

    name: str
    old: Stored
    new: Stored
    lines: tuple[str, ...] = ()
    difference: object = None
    """As `runner/differences` describes it, JSON; None where the values were not looked into."""
    unread: str = ""
    """Why they were not."""

    @property
    def status(self) -> str:
        """added, removed, changed or unchanged; by content, not by what was found."""
        if self.old is None or self.new is None:
            return "added" if self.old is None else "removed"
        return "unchanged" if _same(self.old, self.new) else "changed"


@dataclass(frozen=True, slots=True)
class DisplayDifference:
    """What was shown in one place, by MIME type; texts that differ, as the lines of a diff."""

    position: int
    old: Mapping[str, Digest]
    new: Mapping[str, Digest]
    diffs: Mapping[str, tuple[str, ...]]

    @property
    def status(self) -> str:
        if not self.old or not self.new:
            return "added" if not self.old else "removed"
        return "changed" if self.old != self.new else "unchanged"

    @property
    def images(self) -> list[str]:
        """The image types in which the two differ."""
        return [m for m in IMAGES if self.old.get(m) != self.new.get(m)]


@dataclass(frozen=True, slots=True)
class Differences:
    """All that differs; `displays` and `console` are empty where one variable was asked for."""

    variables: tuple[VariableDifference, ...]
    displays: tuple[DisplayDifference, ...] = ()
    console: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether values or displays differ; what was printed does not count."""
        statuses = [v.status for v in self.variables] + [d.status for d in self.displays]
        return any(status != "unchanged" for status in statuses)


def differences(two: TwoResults) -> Differences:
    """What differs between the two results. Raises `BlobMissing` where today's bytes are gone."""
    old, new = two.old.result, two.new.result
    names = list(dict.fromkeys([*old.outputs, *new.outputs]))
    if two.record.variable is not None:
        names = [two.record.variable]
    variables = [VariableDifference(n, old.outputs.get(n), new.outputs.get(n)) for n in names]
    variables = _look_into(two, variables)
    if two.record.variable is not None:
        return Differences(tuple(variables))
    displays = _displays(two.record, old.displays, new.displays)
    return Differences(tuple(variables), displays, _console(two.record, old.console, new.console))


def _same(old: Output | Unstorable, new: Output | Unstorable) -> bool:
    if isinstance(old, Output) and isinstance(new, Output):
        return (old.digest, old.codec) == (new.digest, new.codec)
    return old == new


def _look_into(two: TwoResults, variables: list[VariableDifference]) -> list[VariableDifference]:
    """`variables`, those that changed with what their values say."""
    asked = [v for v in variables if v.status == "changed" and _is_stored(v)]
    there = [v for v in asked if not _is_gone(two.record, v)]
    answered = {v.name: v for v in _answers(two, there)} if there else {}
    gone = {
        v.name: _unread(v, "the bytes of the old value are not in the cache any more")
        for v in asked
        if v not in there
    }
    answered |= gone
    return [answered.get(v.name, v) for v in variables]


def _is_stored(variable: VariableDifference) -> bool:
    return isinstance(variable.old, Output) and isinstance(variable.new, Output)


def _is_gone(record: Record, variable: VariableDifference) -> bool:
    """Whether the old bytes are not there. Of the new ones that is an error."""
    assert isinstance(variable.old, Output)
    assert isinstance(variable.new, Output)
    store = record.stores.store
    if store.missing([variable.new.digest]):
        record.bytes_of(variable.new.digest)
    return bool(store.missing([variable.old.digest]))


def _answers(two: TwoResults, variables: Sequence[VariableDifference]) -> list[VariableDifference]:
    """What the values of these say; where nothing answers, why."""
    record = two.record
    try:
        environment = _environment(two.opened, record.label)
        with interruptible(two.opened.cancellation):
            return _ask(two, environment, variables)
    except (BlobMissing, BlobDamaged) as problem:
        problem.hint = f"`strata build {record.label}` makes it again"
        raise
    except Interrupted:
        raise
    except StrataError as problem:
        reason = problem.message.splitlines()[0]
        return [_unread(v, f"there is no environment to load them in: {reason}") for v in variables]


def _environment(opened: Opened, label: Label) -> Environment:
    """The environment of the notebook as it is now: of this cell, else of one beside it."""
    silent = replace(opened, emit=unheard)
    cells = load_cells(silent, [parse_pattern(str(label), None)])
    beside = [cell.label for cell in cells.joined if cell.label.package == label.package]
    for wanted in ([label], beside):
        nodes = actions(opened, cells, wanted).graph.nodes
        for other in wanted:
            if other in nodes:
                return first_action(nodes[other]).environment
    raise StrataError(f"no cell of //{label.package} can be understood")


def _ask(
    two: TwoResults, environment: Environment, variables: Sequence[VariableDifference]
) -> list[VariableDifference]:
    """One process for all; where that one fails, one for each."""
    question = _question(two.record.label, environment, variables)
    try:
        answers = ask(question, two.record.stores.store, _executor_of(two.opened))
    except Unanswered as problem:
        if len(variables) > 1:
            return [found for v in variables for found in _ask(two, environment, [v])]
        return [_unread(v, problem.message.splitlines()[0]) for v in variables]
    return [_answered(v, json.loads(answers[v.name])) for v in variables]


def _question(
    label: Label, environment: Environment, variables: Sequence[VariableDifference]
) -> Question:
    inputs: dict[str, Output] = {}
    for variable in variables:
        assert isinstance(variable.old, Output)
        assert isinstance(variable.new, Output)
        inputs |= {f"old.{variable.name}": variable.old, f"new.{variable.name}": variable.new}
    pairs = [{"name": v.name, "old": f"old.{v.name}", "new": f"new.{v.name}"} for v in variables]
    return Question("diff", {"pairs": pairs}, inputs, label, environment)


def _executor_of(opened: Opened) -> Callable[[ContentStore], Executor]:
    """What runs the question: as a build would run a cell, and in silence."""
    root, cache, cancellation = opened.workspace.root, opened.cache, opened.cancellation
    environments = Environments(root, cache, say_notice, cancellation, opened.environ)

    def over(store: ContentStore) -> Executor:
        scratch = cache / "scratch"
        return LocalExecutor(
            root, scratch, store, environments, unheard, cancellation, opened.base_variables
        )

    return over


def _answered(variable: VariableDifference, answer: Mapping[str, object]) -> VariableDifference:
    if "unread" in answer:
        return _unread(variable, str(answer["unread"]))
    lines = answer["lines"]
    assert isinstance(lines, list)
    if not lines:
        lines = ["no difference is found in the values; their bytes differ", *_why(variable)]
    return replace(variable, lines=tuple(map(str, lines)), difference=answer["difference"])


def _why(variable: VariableDifference) -> list[str]:
    outputs = [o for o in (variable.old, variable.new) if isinstance(o, Output)]
    return [reason for o in outputs if (reason := o.unstable)][:1]


def _unread(variable: VariableDifference, reason: str) -> VariableDifference:
    """Compared by what was written down when the values were stored."""
    old, new = variable.old, variable.new
    assert isinstance(old, Output)
    assert isinstance(new, Output)
    lines = [f"not compared: {reason}"]
    if old.type_name != new.type_name:
        lines.append(f"type {old.type_name} → {new.type_name}")
    sizes = size(old.digest.size_bytes), size(new.digest.size_bytes)
    lines.append(f"size {sizes[0]} → {sizes[1]}" if sizes[0] != sizes[1] else f"size {sizes[0]}")
    lines += diff_lines(old.summary, new.summary)
    return replace(variable, lines=tuple(lines), unread=reason)


def _displays(
    record: Record,
    old: Sequence[Mapping[str, Digest]],
    new: Sequence[Mapping[str, Digest]],
) -> tuple[DisplayDifference, ...]:
    found = []
    for position in range(max(len(old), len(new))):
        before = old[position] if position < len(old) else {}
        after = new[position] if position < len(new) else {}
        texts = [m for m in TEXTS if m in before and m in after and before[m] != after[m]]
        diffs = {mime: _text_diff(record, before[mime], after[mime]) for mime in texts}
        found.append(DisplayDifference(position, before, after, diffs))
    return tuple(found)


def _text_diff(record: Record, old: Digest, new: Digest) -> tuple[str, ...]:
    before, after = old_bytes(record, old), record.bytes_of(new)
    if before is None:
        return ("not compared: the old text is not in the cache any more",)
    return tuple(diff_lines(_decoded(before), _decoded(after)))


def old_bytes(record: Record, digest: Digest) -> bytes | None:
    """Bytes of an old result, which nothing makes again; None where they are gone."""
    if record.stores.store.missing([digest]):
        return None
    return record.bytes_of(digest)


def _console(record: Record, old: Digest | None, new: Digest | None) -> tuple[str, ...]:
    """What was printed, as the lines of a diff."""
    if old == new:
        return ()
    texts = []
    for digest in (old, new):
        data = b"[]" if digest is None else old_bytes(record, digest)
        if data is None:
            return ("not compared: what was printed is not in the cache any more",)
        texts.append("".join(text for _, text in json.loads(data)))
    return tuple(diff_lines(*texts))


def diff_lines(old: str, new: str) -> list[str]:
    """The unified diff of two texts without its heading, at most `MOST_LINES` long."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1))[2:]
    left_out = len(lines) - MOST_LINES
    return lines if left_out <= 0 else [*lines[:MOST_LINES], f"... {left_out} more lines"]


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")
