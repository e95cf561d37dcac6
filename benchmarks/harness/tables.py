"""Tables in Markdown, and the numbers in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.harness.measure import Measured, RunFailed

Result = Measured | RunFailed | str
"""What a cell of a table is made of; a text says why there is no number."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts below a heading; `summary`: what the README shows too."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())
    summary: bool = False
    texts: int = 1
    """So many of the first columns hold words; the others hold numbers, and are flush right."""

    def markdown(self) -> str:
        """The heading, the table with its columns aligned, the notes."""
        widths = [
            max(len(row[at]) for row in (self.columns, *self.rows))
            for at in range(len(self.columns))
        ]
        rule = [
            "-" * width if at < self.texts else "-" * (width - 1) + ":"
            for at, width in enumerate(widths)
        ]
        lines = [self._line(row, widths) for row in (self.columns, rule, *self.rows)]
        notes = [f"\n{note}" for note in self.notes]
        return "\n".join([f"## {self.title}\n", *lines, *notes]) + "\n"

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        padded = [
            text.ljust(width) if at < self.texts else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"


def milliseconds(seconds: float) -> str:
    """`0.0123` as `12.3`, `1.5` as `1,500`: three digits that count."""
    value = seconds * 1_000
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value: float, base: float) -> str:
    """How many times `base` it is."""
    times = value / base if base else float("inf")
    if times >= 100:
        return f"{times:,.0f}×"
    return f"{times:.1f}×" if times >= 10 else f"{times:.2f}×"


def compared(
    title: str,
    first: str,
    results: Mapping[tuple[str, str], Result],
    *,
    base: str = "strata",
    notes: tuple[str, ...] = (),
) -> Table:
    """A row for each (what, tool), with the ratio to `base` of the same `what`."""
    rows = []
    for (what, tool), result in results.items():
        if not isinstance(result, Measured):
            rows.append((what, tool, "–", "", "", "", ""))
            continue
        other = results.get((what, base))
        times = ratio(result.cpu_s, other.cpu_s) if isinstance(other, Measured) else ""
        rows.append(
            (
                what,
                tool,
                milliseconds(result.cpu_s),
                milliseconds(result.median_cpu_s),
                milliseconds(result.wall_s),
                str(len(result.samples)),
                times,
            )
        )
    columns = (first, "tool", "CPU ms", "median", "wall ms", "runs", f"of {base}")
    return Table(title, columns, tuple(rows), (*notes, *reasons(results)), texts=2)


def crossed(
    title: str,
    first: str,
    results: Mapping[tuple[str, str], Result],
    notes: tuple[str, ...] = (),
) -> Table:
    """A row for each tool and a column for each size, with the processor time in ms."""
    sizes = list(dict.fromkeys(size for size, _ in results))
    tools = list(dict.fromkeys(tool for _, tool in results))
    rows = tuple(
        (tool, *(_short(results.get((size, tool), "")) for size in sizes)) for tool in tools
    )
    return Table(title, (first, *sizes), rows, (*notes, *reasons(results)), summary=True)


def _short(result: Result) -> str:
    return milliseconds(result.cpu_s) if isinstance(result, Measured) else "–"


def reasons(results: Mapping[tuple[str, str], Result]) -> tuple[str, ...]:
    """Why there is no number, a sentence for each tool that lacks some."""
    why = {
        (tool, why_not(result))
        for (_, tool), result in results.items()
        if not isinstance(result, Measured)
    }
    return tuple(f"{tool}: {text}." for tool, text in sorted(why))


def why_not(result: RunFailed | str) -> str:
    """In words."""
    return f"failed, {result}" if isinstance(result, RunFailed) else result
