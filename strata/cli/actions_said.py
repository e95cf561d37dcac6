"""Actions as lines for people: the text of `strata aquery`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from strata.cli.action_facts import (
    LATE,
    GivenFile,
    GivenInput,
    Json,
    components,
    distributions,
    files,
    fingerprint,
    inputs,
    outputs,
    plain,
    variables,
)
from strata.cli.actions_seen import CHAIN, CellActions, Seeing, Seen
from strata.cli.cell_records import size_bytes
from strata.console.format import count, duration, printable, size
from strata.console.lines import headline, one_line
from strata.core.action import Action
from strata.core.encoding import Encodable
from strata.core.events import Status
from strata.core.label import Label
from strata.core.result import ActionResult, Output, Unstorable
from strata.execution.explain import bare
from strata.executors.sandbox import Policy

SHORT = 80
"""Characters of a value that stands on the line of its name."""

MOST_DISTRIBUTIONS = 8
"""Distributions that are listed unless all is asked for."""

_WORDS = {
    Status.CACHED: "cached",
    Status.WOULD_RUN: "would run",
    Status.UNKNOWN: "unknown",
    Status.FAILED: "broken",
    Status.SKIPPED: "blocked",
}


def text_pieces(seeing: Seeing, *, whole: bool) -> Iterator[str]:
    """The text of each cell, with an empty line between. `whole`: with long values, too."""
    for position, cell in enumerate(seeing.cells):
        lines = [str(cell.label), *_indented(_cell(cell, seeing, whole))]
        text = "\n".join(line.rstrip() for line in lines)
        yield ("\n" if position else "") + printable(text) + "\n"


def _cell(cell: CellActions, seeing: Seeing, whole: bool) -> Iterator[str]:
    yield f"kind: {cell.kind or 'none'} ({cell.rule}, {cell.path})"
    yield _status(cell, seeing)
    if cell.error is not None and cell.error.hint:
        yield f"hint: {plain(cell.error.hint, seeing.secrets)}"
    if cell.kind != CHAIN:
        for seen in cell.actions:
            yield from _action(seen, cell, seeing, whole)
        return
    for step, seen in enumerate(cell.actions):
        yield f"step {step}:"
        yield from _indented(_action(seen, cell, seeing, whole))


def _status(cell: CellActions, seeing: Seeing) -> str:
    said = f"status: {_WORDS[cell.status]}"
    if cell.error is not None:
        said += f": {one_line(headline(cell.error))}"
    elif cell.reason:
        said += f": {cell.reason}"
    if cell.kind == CHAIN:
        had = sum(seen.result is not None for seen in cell.actions)
        said += f"; {count(had, 'step')} cached"
        if cell.status is Status.WOULD_RUN:
            said += f", it would go on with step {had}"
    return str(plain(said, seeing.secrets))


def _action(seen: Seen, cell: CellActions, seeing: Seeing, whole: bool) -> Iterator[str]:
    action, hidden = seen.action, seeing.secrets
    yield f"key: {_key(seen, cell)}"
    yield f"cached: {_cached(seen)}"
    if seen.result is not None and seen.result.accepted:
        yield f"accepted: {one_line(str(plain(seen.result.accepted, hidden)))}"
    yield "components:"
    yield from _indented(_values(components(seen), hidden, whole))
    if seen.ready is None:
        yield f"  not known yet: {', '.join(LATE)}"
    yield f"command: {action.command.program}"
    yield from _indented(_values(action.command.arguments, hidden, whole))
    yield f"execution: {_execution(action, seeing.policy)}"
    yield f"environment: {_environment(seen)}"
    yield from _indented(_distributions(distributions(seen) or {}, hidden, whole))
    yield from _section("variables", _variables(seen, hidden), optional=True)
    yield from _section("inputs", map(_input, inputs(seen)))
    yield from _section("files", [*map(_file, files(seen)), *_declared(seen)])
    yield from _section("outputs", (_output(n, o, hidden) for n, o in outputs(seen).items()))
    yield from _section("after", map(str, action.after), optional=True)
    yield f"platform: {_flat(action.provenance.get('platform') or 'any', hidden)}"
    observed = {} if seen.result is None else seen.result.observed
    lines = (f"{name} {observed[name]}" for name in sorted(observed))
    yield from _section("observed", lines, optional=True)


def _key(seen: Seen, cell: CellActions) -> str:
    if seen.ready is not None:
        return seen.ready.key
    if cell.waits_for:
        has = "has a result" if len(cell.waits_for) == 1 else "have results"
        return f"not known until {_listed(cell.waits_for)} {has}"
    return "not known"


def _listed(labels: Sequence[Label], most: int = 3) -> str:
    more = [f"{len(labels) - most} more"] if len(labels) > most else []
    names = [*map(str, labels[:most]), *more]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _cached(seen: Seen) -> str:
    if seen.ready is None:
        return "unknown"
    if seen.result is None:
        return "no" if seen.action.cacheable else "no (@nocache)"
    return _result(seen.result)


def _result(result: ActionResult) -> str:
    made = datetime.fromtimestamp(result.finished_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    where = f" on {result.machine}" if result.machine else ""
    said = f"{size(size_bytes(result))}, made {made}{where} in {duration(result.duration_s)}"
    return f"{result.cache or 'local'} ({said})"


def _values(values: Mapping[str, Encodable], hidden: tuple[str, ...], whole: bool) -> Iterator[str]:
    """A line a value, with the first digits of what tells it from others."""
    width = max(map(len, values), default=0)
    for name in sorted(values):
        value = values[name]
        text = _flat(value, hidden)
        is_short = len(text) <= SHORT
        said = text if is_short else _sizes(value)
        yield f"{name:<{width}}  {fingerprint(value).hex[:8]}  {said}"
        if whole and not is_short:
            yield from _indented(_long(value, hidden))


def _flat(value: Encodable, hidden: tuple[str, ...]) -> str:
    """A value on one line: a text without line ends as it is, else JSON."""
    shown = plain(value, hidden)
    if isinstance(shown, str) and shown.isprintable() and shown:
        return shown
    return json.dumps(shown, ensure_ascii=False)


def _sizes(value: Encodable) -> str:
    match value:
        case str():
            return f"{count(len(value.splitlines()), 'line')}, {count(len(value), 'character')}"
        case Mapping():
            return "1 entry" if len(value) == 1 else f"{len(value)} entries"
        case Sequence() if not isinstance(value, bytes):
            return count(len(value), "value")
    return count(len(str(value)), "character")


def _long(value: Encodable, hidden: tuple[str, ...]) -> list[str]:
    shown: Json = plain(value, hidden)
    text = shown if isinstance(shown, str) else json.dumps(shown, indent=2, ensure_ascii=False)
    return text.rstrip("\n").split("\n")


def _execution(action: Action, policy: Policy) -> str:
    takes = action.resources
    parts = [f"worker {action.worker}", f"at most {duration(action.timeout_s)}"]
    parts.append("1 retry" if action.retries == 1 else f"{action.retries or 'no'} retries")
    parts.append(f"cpu {takes.cpu:g}")
    if takes.memory_bytes:
        parts.append(f"memory {size(takes.memory_bytes)}")
    if takes.gpus:
        parts.append(f"gpus {takes.gpus}")
    parts.append(f"sandbox {'strict' if policy.confines(action) else 'off'}")
    parts.append(f"network {'on' if policy.network else 'off'}")
    return ", ".join(parts)


def _environment(seen: Seen) -> str:
    found = seen.action.environment
    parts = [f"Python {found.python}", found.platform]
    if found.project is None:
        parts.append("no project")
    else:
        parts.append(f"project {found.project or '//'}")
    if found.lock is not None:
        parts.append(f"lock {found.lock.hex[:8]}")
    reached = distributions(seen)
    if found.lock is not None and reached is not None:
        parts.append(f"{count(len(reached), 'distribution')} of it")
    return ", ".join(parts)


def _distributions(
    known: Mapping[str, Encodable], hidden: tuple[str, ...], whole: bool
) -> Iterator[str]:
    names = sorted(known)
    shown = names if whole or len(names) <= MOST_DISTRIBUTIONS else names[:MOST_DISTRIBUTIONS]
    for name in shown:
        yield f"{name} {_flat(known[name], hidden)}"
    if len(shown) < len(names):
        yield f"… {len(names) - len(shown)} more: -v shows them"


def _variables(seen: Seen, hidden: tuple[str, ...]) -> Iterator[str]:
    for name, value in variables(seen).items():
        yield f"{name} is not set" if value is None else f"{name}={_flat(value, hidden)}"
    for name in seen.action.secrets:
        is_set = "" if name in seen.action.variables else ", not set"
        yield f"{name} (secret{is_set})"


def _input(given: GivenInput) -> str:
    one_of = " or ".join(str(artifact) for artifact in given.candidates)
    name = bare(given.slot)
    parts = [f"{name} ← {given.artifact or one_of}"]
    if given.output is not None:
        parts.append(_content(given.output))
    elif given.optional:
        parts.append("(may be missing)")
    if name != given.slot:
        parts.append("(read by a definition)")
    return "  ".join(parts)


def _content(output: Output) -> str:
    part = "" if output.part is None else f", part {output.part}"
    return f"{output.digest.hex}  {size(output.digest.size_bytes)}, {output.codec}{part}"


def _file(given: GivenFile) -> str:
    mentioned = "  (named in its text)" if given.mentioned else ""
    if given.digest is None:
        return f"{given.path}{mentioned}"
    return f"{given.path}  {given.digest.hex}  {size(given.digest.size_bytes)}{mentioned}"


def _declared(seen: Seen) -> Iterator[str]:
    """Patterns that are looked up when the action is ready, where it is not."""
    if seen.ready is None:
        yield from (f"{pattern}  (looked up later)" for pattern in seen.action.files.globs)


def _output(name: str, made: Output | Unstorable | None, hidden: tuple[str, ...]) -> str:
    match made:
        case Output():
            return f"{name}  {_content(made)}"
        case Unstorable(type_name, reason):
            return f"{name}  {type_name}, not stored: {one_line(str(plain(reason, hidden)))}"
    return name


def _section(name: str, lines: Iterable[str], *, optional: bool = False) -> Iterator[str]:
    """A heading and what belongs under it; nothing at all if that is nothing and `optional`."""
    found = list(lines)
    if found:
        yield f"{name}:"
        yield from _indented(found)
    elif not optional:
        yield f"{name}: none"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
