"""What the console says, as lines: the same words on a terminal, in a pipe and in CI."""

from __future__ import annotations

from collections.abc import Sequence

from strata.console.format import count, duration, printable, without_colours
from strata.core.events import (
    BuildFinished,
    CellFinished,
    CellOutput,
    CellRetried,
    CellVerified,
    Difference,
    Notice,
    Status,
    Verdict,
    VerificationFinished,
)
from strata.core.label import Label
from strata.core.result import CellFailure, FailureKind

TAIL_LINES = 20
"""How much of a failed cell's output is shown."""

LONGEST_LINE = 20_000
"""Characters after which a line of output is shown although it has not ended."""

_WORDS = {
    Status.RAN: "ran",
    Status.CACHED: "cached",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.WOULD_RUN: "would run",
    Status.UNKNOWN: "unknown",
}


def cell_line(event: CellFinished) -> str:
    """One finished cell: `ran      //train:model  3.9 s  (source changed)`."""
    parts = [f"{_WORDS[event.status]:<9} {event.label}"]
    result = event.result
    if result is not None and event.status in (Status.RAN, Status.FAILED) and result.duration_s:
        parts.append(duration(result.duration_s))
    if event.status is Status.FAILED and result is not None and result.error is not None:
        parts.append(one_line(headline(result.error)))
    elif event.reason:
        parts.append(f"({event.reason})")
    elif result is not None and result.accepted:
        parts.append(f"(accepted: {one_line(result.accepted)})")
    return "  ".join(parts)


def plain_line(line: str) -> str:
    """`line` without what only a terminal can show."""
    return without_colours(printable(line))


def closing_line(event: BuildFinished) -> str:
    """`12 cells: 3 ran, 9 cached, 0 failed in 4.1 s`."""
    cells = event.ran + event.cached + event.failed + event.skipped
    counts = [f"{event.ran} ran", f"{event.cached} cached", f"{event.failed} failed"]
    if event.skipped:
        counts.append(f"{event.skipped} skipped")
    line = f"{count(cells, 'cell')}: {', '.join(counts)} in {duration(event.duration_s)}"
    return f"{line} (interrupted)" if event.interrupted else line


_VERDICTS = {
    Verdict.VERIFIED: "verified",
    Verdict.UNCLEAR: "unclear",
    Verdict.DIFFERS: "DIFFERS",
}


def verified_line(event: CellVerified) -> str:
    """One hit that was run again: `DIFFERS   //train:model  output model (…, pickle): …`."""
    parts = [f"{_VERDICTS[event.verdict]:<9} {event.label}"]
    if event.differences:
        parts.append("; ".join(one_line(_difference(d)) for d in event.differences))
    if event.accepted and event.verdict is not Verdict.VERIFIED:
        cure = f"`strata accept --revoke {event.label}` takes that back"
        parts.append(f"(accepted: {one_line(event.accepted)}; {cure})")
    return "  ".join(parts)


def _difference(difference: Difference) -> str:
    named = f"{difference.kind} {difference.name}".rstrip()
    return f"{named}: {difference.said}"


def verification_lines(event: VerificationFinished) -> list[str]:
    """`verified 5 of 103 hits: 1 differs (--verify-seed 7)`, and advice where one differs."""
    found = [f"{event.differs} differ{'s' if event.differs == 1 else ''}"]
    if event.unclear:
        found.append(f"{event.unclear} unclear")
    line = f"verified {event.verified} of {count(event.hits, 'hit')}: {', '.join(found)}"
    line += f" (--verify-seed {event.seed})"
    if event.interrupted:
        line += " (interrupted)"
    return [line, ADVICE] if event.differs else [line]


ADVICE = (
    "hint: a cell that gives other bytes each time needs a seed for what is random in it, or "
    "`# @nocache`; `--force` puts what it gives now into the cache"
)


def retry_line(event: CellRetried) -> str:
    """An attempt that failed and is followed by another."""
    said = one_line(headline(event.failure))
    return f"{'retrying':<9} {event.label}  (attempt {event.attempt} failed: {said})"


def notice_line(event: Notice) -> str:
    """A note or warning, with the cell it is about."""
    about = "" if event.label is None else f"{event.label}: "
    return f"{event.level}: {about}{event.message}"


def headline(error: CellFailure) -> str:
    """The failure in one sentence, place first."""
    place = ""
    if error.file is not None:
        place = f"{error.file}: " if error.line is None else f"{error.file}:{error.line}: "
    if error.kind is FailureKind.EXCEPTION and error.type:
        said = f"{error.type}: {error.message}" if error.message else error.type
        return f"{place}{said}"
    return f"{place}{error.message}"


def failure_lines(labels: Sequence[Label], error: CellFailure, output: str) -> list[str]:
    """All that is said about a failure, once, at the end. Cells of a cycle share one."""
    lines = ["", f"{', '.join(str(label) for label in labels)} failed"]
    tail = printable(output).rstrip("\n").split("\n") if output.strip() else []
    if tail:
        left_out = len(tail) - TAIL_LINES
        if left_out > 0:
            lines.append(f"  … {count(left_out, 'line')} before; `strata log {labels[0]}` has all")
        lines += [f"  | {line}" for line in tail[-TAIL_LINES:]]
    if error.traceback:
        lines += [f"  {line}" for line in printable(error.traceback).rstrip("\n").split("\n")]
    else:
        lines += [f"  {line}" for line in printable(headline(error)).split("\n")]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    return lines


class OutputLines:
    """Cuts what running cells write into whole lines, each with the label of its cell."""

    def __init__(self) -> None:
        self._open: dict[tuple[Label, str], str] = {}

    def feed(self, event: CellOutput) -> list[str]:
        """The lines that this piece of output completes."""
        where = event.label, event.stream
        *lines, rest = (self._open.pop(where, "") + event.text).split("\n")
        if len(rest) > LONGEST_LINE:
            lines.append(rest)
        elif rest:
            self._open[where] = rest
        return [_of_cell(event.label, line) for line in lines]

    def end(self, label: Label) -> list[str]:
        """What the cell wrote last without ending the line."""
        streams = [where for where in self._open if where[0] == label]
        return [_of_cell(label, self._open.pop(where)) for where in streams]


def _of_cell(label: Label, line: str) -> str:
    return f"{label} | {printable(line)}"


def one_line(text: str, width: int = 120) -> str:
    """`text` on one line, cut at `width`."""
    flat = " ".join(printable(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
