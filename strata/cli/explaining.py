"""An explanation as lines for people, and as the object of `strata explain --json`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from strata.cli.output import failure_json
from strata.console.format import duration, printable
from strata.console.lines import headline
from strata.core.dataclass import dataclass
from strata.execution import explain
from strata.execution.causes import Cause, Step
from strata.execution.differences import CHANGED, Difference, diff
from strata.execution.explanation import CACHED, FAILED, SKIPPED, Explanation
from strata.stores.base import BuildRecord, Run

SCHEMA = "strata.explain.v1"

MOST_LINES = 20
"""Lines of a difference in source that are shown without `--all`."""

_DEEPEST = 8
"""Beyond this, what led to what is not indented further."""

_SENTENCES = {
    explain.NEVER_BUILT: "No earlier run of it is recorded.",
    explain.FORCED: "It was asked for with --force, so no cache was asked.",
    explain.NOT_CACHED: "It has the annotation @nocache: it runs in every build.",
    explain.LAST_RUN_FAILED: "Only results of runs that ended well are kept.",
    explain.FAILED_BEFORE: "Only results of runs that ended well are kept.",
    explain.RESULT_GONE: "It ran before with all of this the same, and the cache has dropped "
    "what that gave, or was emptied, or is another one.",
    explain.MOVING: "Nobody knows what it read then, so that result was not kept.",
    explain.NOT_CONFINED: "With --sandbox=strict a result counts only if it was made in the "
    "sandbox.",
}


def explanation_lines(found: Explanation, *, everything: bool) -> list[str]:
    """What is printed; `everything` shows long differences whole."""
    lines = [_head(found)]
    if found.status == CACHED:
        lines += _of_hit(found)
    elif found.status == SKIPPED:
        lines += ["  Nothing was run, and nothing of it is recorded in this build."]
    else:
        lines += _of_run(found, everything=everything)
    for name, why in found.unstable:
        lines.append(f"  {name}: equal values may have other bytes: {why}")
    return [printable(line) for line in lines]


def _head(found: Explanation) -> str:
    run, words = found.run, found.status
    if found.status == CACHED:
        where = (run.result.cache if run is not None else None) or "local"
        words = f"was a hit in the {where} cache"
    elif found.status == SKIPPED:
        words = "was skipped"
    reason = f": {found.reason}" if found.reason else ""
    return f"{found.label} {words}{reason}  ({_when(found.build, run)})"


def _when(build: BuildRecord | None, run: Run | None) -> str:
    if build is not None:
        return f"build {build.id}, {_time(build.at)}"
    assert run is not None, "an explanation without a build is of a run"
    return f"build {run.build}, which did not end" if run.build else f"ran {_time(_at(run))}"


def _at(run: Run) -> float:
    return run.at or run.result.finished_at


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _of_hit(found: Explanation) -> Iterator[str]:
    if found.run is None:
        yield "  The run that made its result is no longer recorded."
        return
    result = found.run.result
    where = f" on {result.machine}" if result.machine else ""
    yield f"  made {_time(result.finished_at)}{where}, in {duration(result.duration_s)}"
    made = found.made
    if made is not None:
        where = f" in build {made.build}" if made.build else ""
        yield f"  it ran{where}: {made.reason}"
    else:
        yield "  by a build that is not recorded here"
    if result.accepted:
        yield f"  accepted although it was made from something else: {result.accepted}"


def _of_run(found: Explanation, *, everything: bool) -> Iterator[str]:
    assert found.run is not None, "what ran or failed is recorded"
    result = found.run.result
    if result.error is not None:
        yield f"  {headline(result.error)}"
    elif result.duration_s:
        where = f" on {result.machine}" if result.machine else ""
        yield f"  it took {duration(result.duration_s)}{where}"
    if found.reason in _SENTENCES:
        yield f"  {_SENTENCES[found.reason]}"
    if not found.steps:
        return
    first = found.steps[0]
    if first.against is not None:
        against = f" of build {first.against.build}" if first.against.build else ""
        yield f"  compared with the run{against}, {_time(_at(first.against))}:"
    yield from _tree(found.steps, everything=everything)
    if first.unchanged:
        yield f"  same: {'; '.join(first.unchanged)}"


@dataclass(frozen=True, slots=True)
class _Open:
    """A difference of a step that is to be printed, `depth` levels in."""

    step: int
    position: int
    depth: int


def _tree(steps: tuple[Step, ...], *, everything: bool) -> Iterator[str]:
    """Every difference of the first step, below each what led to it. No recursion: graphs are
    deep."""
    shown = {0}
    stack = [_Open(0, position, 1) for position in reversed(range(len(steps[0].differences)))]
    while stack:
        now = stack.pop()
        step = steps[now.step]
        difference, cause = step.differences[now.position], step.causes.get(now.position)
        indent = "  " * min(now.depth, _DEEPEST)
        yield f"{indent}{_said(difference, cause)}"
        yield from (f"{indent}  {line}" for line in _source(difference, everything=everything))
        if cause is None or cause.step is None:
            continue
        below = steps[cause.step]
        again = cause.step in shown
        yield f"{indent}  {_step_line(below)}{' (see above)' if again else ''}"
        if not again:
            shown.add(cause.step)
            count = len(below.differences)
            stack += [_Open(cause.step, p, now.depth + 2) for p in reversed(range(count))]


def _said(difference: Difference, cause: Cause | None) -> str:
    place = f" ({difference.place})" if difference.place else ""
    if cause is None:
        found = " (found when it last ran)" if difference.component == explain.OBSERVED else ""
        return f"{difference.text}{place}{found}"
    if not cause.artifact:
        return f"{difference.text}: {cause.text}"
    note = f"; {cause.text}" if cause.text else ""
    if difference.change == CHANGED:
        return f"input {difference.name}: new value from {cause.artifact}{note}"
    return f"{difference.text}, from {cause.artifact}{note}"


def _step_line(step: Step) -> str:
    """What a run was, and what is known of why it gave another value."""
    run = step.run
    how = "was a hit" if run.status == CACHED else "failed" if run.status == FAILED else "ran"
    line = f"{step.label} {how} {_time(_at(run))}"
    reason = run.reason
    if run.status == CACHED and step.differences:
        reason = explain.reason_of(step.differences)
    if reason:
        line += f": {reason}"
    if step.against is not None and not step.differences:
        line += "; with all of this the same it gave another value"
    return line


def _source(difference: Difference, *, everything: bool) -> Iterator[str]:
    lines = diff(difference) if any(difference.sources) else ()
    yield from (lines if everything else lines[:MOST_LINES])
    if len(lines) > MOST_LINES and not everything:
        yield f"… {len(lines) - MOST_LINES} lines more: --all shows them"


# As JSON.


def explanation_json(found: Explanation) -> dict[str, object]:
    """The object of schema `strata.explain.v1`: flat, as what led to a run may be deep."""
    run, build = found.run, found.build
    result = None if run is None else run.result
    error = None if result is None else result.error
    return {
        "schema": SCHEMA,
        "label": str(found.label),
        "status": found.status,
        "reason": found.reason,
        "build": None if build is None else _build_json(build),
        "at": None if run is None else _at(run),
        "cache": (result.cache or "local") if result and found.status == CACHED else None,
        "accepted": (result.accepted or None) if result is not None else None,
        "duration_s": None if result is None else round(result.duration_s, 6),
        "made": None if result is None or error is not None else _made_json(found),
        "error": None if error is None else failure_json(error),
        "unstable": dict(found.unstable),
        "steps": [_step_json(step) for step in found.steps],
    }


def _build_json(build: BuildRecord) -> dict[str, object]:
    return {
        "id": build.id,
        "at": build.at,
        "duration_s": round(build.duration_s, 6),
        "asked": list(build.asked),
        "summary": dict(build.counts),
        "interrupted": build.interrupted,
    }


def _made_json(found: Explanation) -> dict[str, object]:
    assert found.run is not None
    result = found.run.result
    made = found.made if found.status == CACHED else found.run
    return {
        "at": result.finished_at,
        "worker": result.worker,
        "machine": result.machine,
        "build": None if made is None else made.build,
        "reason": None if made is None else made.reason,
    }


def _step_json(step: Step) -> dict[str, object]:
    against = step.against
    return {
        "label": str(step.label),
        "status": step.run.status,
        "reason": step.run.reason,
        "at": _at(step.run),
        "build": step.run.build,
        "against": None if against is None else {"at": _at(against), "build": against.build},
        "differences": [
            _difference_json(difference, step.causes.get(position))
            for position, difference in enumerate(step.differences)
        ],
        "same": step.unchanged,
    }


def _difference_json(difference: Difference, cause: Cause | None) -> dict[str, object]:
    return {
        "component": difference.component,
        "name": difference.name,
        "change": difference.change,
        "text": difference.text,
        "old": difference.old,
        "new": difference.new,
        "diff": list(diff(difference)) if any(difference.sources) else [],
        "file": difference.place or None,
        "artifact": (cause.artifact or None) if cause is not None else None,
        "cause": None if cause is None else cause.step,
        "note": "" if cause is None else cause.text,
    }
