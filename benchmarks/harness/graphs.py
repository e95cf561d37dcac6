"""Workspaces to measure with: the same graph, and the same files, for every tool. Pure but for
`write_cells`.

A notebook of `chains` is ten cells of a small analysis, each reading the one before; what they do
takes microseconds, so that the tool is measured and not the work. Notebooks of `layers` read each
other, so that ways through the graph are long, and many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_A_GROUP = 20
"""Notebooks in a folder."""

_IN_A_LAYERED = 20
"""Cells in a notebook of `layers`."""

_PIPELINE = (
    '''# The readings of one station, from the file it sends each night.
station = {station}


def reading(day):
    """What the sensor said on that day of the year."""
    return {{"day": day, "station": station, "celsius": (day * 7919 + station) % 400 / 10}}


readings = [reading(day) for day in range(30)]
''',
    """# The sensor says 39.9 when it is broken.
BROKEN = 39.9
valid = [r for r in readings if r["celsius"] != BROKEN]
dropped = len(readings) - len(valid)
print(f"{{dropped}} of {{len(readings)}} readings dropped")
""",
    """# One number a day, in kelvin.
def to_kelvin(celsius):
    return round(celsius + 273.15, 2)


kelvin = {{r["day"]: to_kelvin(r["celsius"]) for r in valid}}
""",
    """# Weeks, because days are noisy.
from collections import defaultdict

weeks = defaultdict(list)
for day, value in kelvin.items():
    weeks[day // 7].append(value)
weeks = dict(weeks)
""",
    """means = {{week: sum(values) / len(values) for week, values in weeks.items()}}
warmest = max(means, key=means.get)
""",
    '''# What is far from the mean of all weeks.
def distance(value, centre, scale=1.0):
    """In units of `scale`."""
    return abs(value - centre) / scale


centre = sum(means.values()) / len(means)
far = sorted(week for week, value in means.items() if distance(value, centre) > 2)
''',
    """trend = [
    (week, round(means[week] - means[week - 1], 3), week in far)
    for week in sorted(means)
    if week - 1 in means
]
""",
    """rising = sum(1 for _, change, _ in trend if change > 0)
falling = len(trend) - rising
summary = {{"rising": rising, "falling": falling, "weeks": len(trend) + 1}}
""",
    """# The line of this station in the report.
line = " ".join(f"{{name}}={{count}}" for name, count in sorted(summary.items()))
line = f"station {station}: {{line}}"
""",
    """width = max(len(line), 40)
page = "\\n".join(["=" * width, line.ljust(width), "=" * width])
print(page)
""",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, and the cells that it reads: of its own notebook by name, of others by label,
    `//folder:name`. What is read of another notebook is the variable that is called as its cell."""

    name: str
    source: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notebook:
    """A folder of cells, in their order."""

    folder: str
    cells: tuple[Cell, ...]

    def document(self) -> str:
        """Its notebook.toml."""
        name = self.folder.replace("/", "-")
        head = f'notebook_id = "{name}"\nname = "{name}"\n'
        return head + self._inputs() + "".join(
            f'\n[[cells]]\nid = "{cell.name}"\nfile = "{cell.name}.py"\norder = {at * 10}\n'
            for at, cell in enumerate(self.cells)
        )  # fmt: skip

    def _inputs(self) -> str:
        """The table of what it reads of others; nothing where it reads nothing."""
        needs = {need for cell in self.cells for need in cell.needs if need.startswith("//")}
        lines = (
            f'{read_as(need)} = "{need}%{need.rpartition(":")[2]}"\n' for need in sorted(needs)
        )
        text = "".join(lines)
        return f"\n[inputs]\n{text}" if text else ""


Graph = tuple[Notebook, ...]


def read_as(label: str) -> str:
    """The name by which cells read the variable of a cell of another notebook."""
    return re.sub(r"\W", "_", label.removeprefix("//"))


def place_of(folder: str, need: str) -> tuple[str, str]:
    """The notebook and the name of a cell that a cell in `folder` needs."""
    if not need.startswith("//"):
        return folder, need
    other, _, name = need.removeprefix("//").rpartition(":")
    return other, name


def chains(count: int) -> Graph:
    """`count` cells in notebooks of ten, each cell reading the one before."""
    return tuple(
        Notebook(f"g{at // _A_GROUP:03}/n{at:04}", tuple(_pipeline(at, min(10, count - at * 10))))
        for at in range(-(-count // 10))
    )


def _pipeline(station: int, count: int) -> Iterator[Cell]:
    for at, text in enumerate(_PIPELINE[:count]):
        yield Cell(f"c{at}", text.format(station=station), (f"c{at - 1}",) if at else ())


def fan(count: int, *, imports: str = "") -> Graph:
    """One notebook: a cell that all the others read, `count` in all. `imports` heads each."""
    first = Cell("c0", f"{imports}x0 = 1\n")
    others = (Cell(f"c{at}", f"{imports}x{at} = x0 + {at}\n", ("c0",)) for at in range(1, count))
    return (Notebook("fan", (first, *others)),)


def layers(count: int) -> Graph:
    """`count` cells in notebooks of twenty, about as many layers of notebooks as there are
    notebooks in a layer. The first cell of one reads the last of two notebooks in the layer above;
    the others read the cell before, and some an earlier one."""
    notebooks = -(-count // _IN_A_LAYERED)
    width = max(1, math.isqrt(notebooks))
    folders = [f"l{at // width:03}/n{at:04}" for at in range(notebooks)]
    return tuple(
        Notebook(
            folder,
            tuple(_layered(at, folders, width, min(_IN_A_LAYERED, count - at * _IN_A_LAYERED))),
        )
        for at, folder in enumerate(folders)
    )


def _layered(at: int, folders: list[str], width: int, count: int) -> Iterator[Cell]:
    layer, place = divmod(at, width)
    above = folders[max(0, layer - 1) * width : layer * width]
    last = f"c{_IN_A_LAYERED - 1}"
    read = {f"//{above[(place + step) % width]}:{last}" for step in (0, 1)} if above else set()
    yield Cell("c0", _sum_of("c0", [str(at), *map(read_as, sorted(read))]), tuple(sorted(read)))
    for number in range(1, count):
        needs = [f"c{number - 1}"]
        if number % 3 == 0:
            needs.append(f"c{number // 2}")
        name = f"c{number}"
        yield Cell(
            name, _sum_of(name, [str(at), *dict.fromkeys(needs)]), tuple(dict.fromkeys(needs))
        )


def _sum_of(name: str, terms: list[str]) -> str:
    return f"# Of what is above.\n{name} = ({' + '.join(terms)}) % 1_000_003\n"


def size(graph: Graph) -> int:
    """Cells in all."""
    return sum(len(notebook.cells) for notebook in graph)


def write_cells(graph: Graph, folder: Path) -> None:
    """The notebooks as Strata has them; other tools read the same files."""
    for notebook in graph:
        cells = folder / notebook.folder / "cells"
        cells.mkdir(parents=True, exist_ok=True)
        (cells.parent / "notebook.toml").write_text(notebook.document())
        for cell in notebook.cells:
            (cells / f"{cell.name}.py").write_text(cell.source)
    (folder / "strata.toml").touch()
