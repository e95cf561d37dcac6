"""The console of a build: a live region on a terminal, one plain line a cell elsewhere.

Both say the same; the terminal leaves out hits (they are counted) and shows what runs, and for how
long. Failures are shown once, at the end, with the last lines of the cell's output.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from strata.console.format import count, duration, printable
from strata.console.lines import (
    OutputLines,
    cell_line,
    closing_line,
    failure_lines,
    notice_line,
    plain_line,
    retry_line,
    verification_lines,
    verified_line,
)
from strata.core.dataclass import dataclass, field
from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    CellOutput,
    CellRetried,
    CellStarted,
    CellVerified,
    Event,
    Notice,
    Status,
    Unchanged,
    Verdict,
    VerificationFinished,
)
from strata.core.label import Label
from strata.core.result import CellFailure, FailureKind

if TYPE_CHECKING:
    from rich.console import RenderableType

KEPT_OUTPUT = 20_000
"""Characters of a running cell's output that are remembered, in case it fails."""

MOST_RUNNING_SHOWN = 8


@dataclass(slots=True)
class _Seen:
    """What both consoles remember of a build."""

    cells: int = 0
    unchanged: int = 0
    """Cells among them that are not looked at."""
    settled: dict[Label, Status] = field(default_factory=dict)
    """By label: a cell whose stored bytes are gone is settled a second time."""
    output: dict[Label, str] = field(default_factory=dict)
    failures: list[tuple[Label, CellFailure]] = field(default_factory=list)

    def note(self, event: Event) -> None:
        match event:
            case BuildStarted(cells, _):
                self.cells = cells
                # One console may see several builds, as with --fix: each is told by itself.
                self.unchanged = 0
                self.settled.clear()
                self.output.clear()
                self.failures.clear()
            case Unchanged(lines):
                self.unchanged = len(lines)
            case CellOutput(label, _, text):
                self.output[label] = (self.output.get(label, "") + text)[-KEPT_OUTPUT:]
            case CellFinished(label, status, _, result):
                self.settled[label] = status
                if status is Status.FAILED and result is not None and result.error is not None:
                    self.failures.append((label, result.error))
                else:
                    self.output.pop(label, None)
            case _:
                pass

    def closing(self, event: BuildFinished) -> list[str]:
        """The failures and the closing line."""
        lines: list[str] = []
        for error, labels in self._grouped():
            output = "".join(self.output.get(label, "") for label in labels)
            lines += failure_lines(labels, error, output)
        if self.failures:
            lines.append("")
        if self.count(Status.WOULD_RUN) or self.count(Status.UNKNOWN):
            return [*lines, self._plan_line()]
        return [*lines, closing_line(event)]

    def count(self, status: Status) -> int:
        counted = sum(s is status for s in list(self.settled.values()))
        return counted + self.unchanged if status is Status.CACHED else counted

    def _grouped(self) -> list[tuple[CellFailure, list[Label]]]:
        """Failures with the cells they are the failure of: a cycle is one mistake of several."""
        groups: dict[tuple[CellFailure, Label | None], list[Label]] = {}
        for label, error in sorted(self.failures, key=lambda f: f[0]):
            shared = error.kind is FailureKind.BROKEN
            groups.setdefault((error, None if shared else label), []).append(label)
        return [(error, labels) for (error, _), labels in groups.items()]

    def _plan_line(self) -> str:
        words = {
            Status.WOULD_RUN: "would run",
            Status.CACHED: "cached",
            Status.UNKNOWN: "unknown",
            Status.FAILED: "failed",
        }
        counts = [f"{self.count(s)} {w}" for s, w in words.items()]
        return f"{count(self.cells, 'cell')}: {', '.join(counts)}"


class PlainConsole:
    """One line a cell, no control codes: for pipes, logs and CI."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._stream = stream
        self._verbose = verbose
        self._seen = _Seen()
        self._output = OutputLines()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._seen.note(event)
            match event:
                case CellFinished(label, _, _, _):
                    self._lines(*self._output.end(label), cell_line(event))
                case Notice():
                    self._lines(notice_line(event))
                case Unchanged(lines):
                    self._stream.write("".join(f"{line}\n" for line in lines))
                case CellRetried():
                    self._lines(retry_line(event))
                case CellOutput() if self._verbose:
                    self._lines(*self._output.feed(event))
                case BuildFinished():
                    self._lines(*self._seen.closing(event))
                case CellVerified():
                    self._lines(verified_line(event))
                case VerificationFinished():
                    self._lines(*verification_lines(event))
                case _:
                    pass
            self._stream.flush()

    def _lines(self, *lines: str) -> None:
        for line in lines:
            self._stream.write(plain_line(line) + "\n")

    def close(self) -> None:
        """Nothing to take down."""


class LiveConsole:
    """One live region with what runs, and a permanent line for each cell worth one."""

    def __init__(
        self, stream: TextIO, clock: Callable[[], float], *, colour: bool, verbose: bool = False
    ) -> None:
        # 60 ms to import: only a terminal pays for it.
        from rich.console import Console
        from rich.live import Live

        self._clock = clock
        self._verbose = verbose
        self._seen = _Seen()
        self._output = OutputLines()
        self._running: dict[Label, float] = {}
        self._lock = threading.RLock()
        self._console = Console(file=stream, no_color=not colour, highlight=False, soft_wrap=True)
        self._live = Live(
            console=self._console,
            refresh_per_second=8,
            transient=True,
            get_renderable=self._region,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._started = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._seen.note(event)
            match event:
                case BuildStarted():
                    self._live.start()
                    self._started = True
                case CellStarted(label, _, _):
                    self._running[label] = self._clock()
                case CellFinished(label, status, _, result):
                    self._running.pop(label, None)
                    for line in self._output.end(label):
                        self._print(line, "dim")
                    if status is not Status.CACHED or (result is not None and result.accepted):
                        self._print(cell_line(event), _STYLES.get(status))
                case CellRetried():
                    self._print(retry_line(event))
                case CellOutput() if self._verbose:
                    for line in self._output.feed(event):
                        self._print(line, "dim")
                case Notice(level, _, _):
                    self._print(notice_line(event), "yellow" if level == "warning" else "dim")
                case BuildFinished():
                    self.close()
                    for line in self._seen.closing(event):
                        self._print(line, "bold red" if line.endswith(" failed") else None)
                case CellVerified(_, verdict, _, _):
                    self._print(verified_line(event), _VERDICT_STYLES.get(verdict))
                case VerificationFinished():
                    for line in verification_lines(event):
                        self._print(line)
                case _:
                    pass

    def close(self) -> None:
        """Takes the live region down; called twice it does nothing."""
        if self._started:
            self._started = False
            self._live.stop()

    def _print(self, line: str, style: str | None = None) -> None:
        # Colours that a cell wrote become styles, which end with the line and obey NO_COLOR.
        from rich.text import Text

        self._console.print(Text.from_ansi(printable(line)), style=style)

    def _region(self) -> RenderableType:
        from rich.text import Text

        # No lock: the thread that draws holds one of rich, and printing takes them the other way.
        settled = len(self._seen.settled) + self._seen.unchanged
        cached = self._seen.count(Status.CACHED)
        now = self._clock()
        lines = [f"[{settled}/{self._seen.cells}]  {cached} cached"]
        running = list(self._running.items())
        lines += [f"  ▸ {label}  {duration(now - t)}" for label, t in running[:MOST_RUNNING_SHOWN]]
        if len(running) > MOST_RUNNING_SHOWN:
            lines.append(f"  ▸ and {len(running) - MOST_RUNNING_SHOWN} more")
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


_STYLES = {
    Status.FAILED: "red",
    Status.RAN: "green",
    Status.SKIPPED: "yellow",
}

_VERDICT_STYLES = {
    Verdict.UNCLEAR: "yellow",
    Verdict.DIFFERS: "red",
}
