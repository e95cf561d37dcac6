"""`strata graph`: the graph of cells as one picture, coloured by state."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strata.analysis.graph import GraphCell
from strata.cli.asking import Asked, Question, asking
from strata.cli.output import say_notice
from strata.cli.patterns import PatternCommand
from strata.console.format import count, duration
from strata.core.errors import UsageError
from strata.core.events import Notice
from strata.core.label import Label
from strata.query.expression import function_named
from strata.query.nodes import Variable
from strata.query.parsing import OPERATORS
from strata.query.spelling import spelled
from strata.query.world import Standing, State

if TYPE_CHECKING:
    from strata.query.picture import Picture, PictureEdge, PictureNode

MOST = 2000
"""More boxes nobody can look at, and a browser gets slow."""
SHOWN_NAMES = 12
WORST_FIRST = (State.FAILED, State.STALE, State.NEVER, State.FRESH)
FORMATS = {".svg": "svg", ".html": "html", ".htm": "html"}


@click.command("graph", cls=PatternCommand)
@click.argument("expression", nargs=-1, type=click.UNPROCESSED)
@click.option("--output", type=click.Choice(["html", "svg"]),
              help="What to draw (default: by the name of FILE, else html).")  # fmt: skip
@click.option("-o", "--file", "file", metavar="FILE",
              help="Write the picture here; `-` is stdout (default: stdout, or graph.html where "
              "that is a terminal).")  # fmt: skip
@click.option("--noimplicit", is_flag=True, help="Leave out edges that only order cells (@after).")
def command(
    expression: tuple[str, ...], output: str | None, file: str | None, noimplicit: bool
) -> None:
    """Draw the cells that patterns or an EXPRESSION mean, coloured by state; nothing is run.

    Without an argument: all that is at or below the current folder. The picture is one file that
    needs no network. Point at a cell to see why it would run; click on it (html) to see what it
    needs and what needs it.

    \b
    strata graph
    strata graph //train -o train.svg
    strata graph deps //report:summary
    strata graph 'rdeps(//..., //prep:clean, 2)' --output svg > below.svg
    """
    form = _format(output, file)
    target = _target(file, form)
    question = Question(_meant(expression), implicit=not noimplicit)
    with asking(question, None) as (asked, _):
        picture = _picture(asked, question)
        if picture.note:
            say_notice(Notice("note", picture.note))
        from strata.query.picture import html_of, svg_of

        drawn = html_of(picture) if form == "html" else svg_of(picture)
    if target is None:
        # Not as text: it is UTF-8, whatever the terminal's encoding is.
        sys.stdout.buffer.write(drawn.encode())
        return
    _write(target, drawn)
    click.echo(str(target))


def _meant(given: tuple[str, ...]) -> str:
    """The expression that the words mean; several patterns are the cells of all of them."""
    if not given:
        return "..."
    if len(given) == 1 or function_named(given[0]) is not None:
        return spelled(given)
    if not OPERATORS.keys().isdisjoint(given):
        return " ".join(given)
    if any(char in word for word in given for char in "()=\"'"):
        return " ".join(given)
    wanted = [word for word in given if not word.startswith("-")] or ["..."]
    but = [word.removeprefix("-") for word in given if word.startswith("-")]
    return " - ".join(['("' + '" + "'.join(wanted) + '")', *(f'"{word}"' for word in but)])


# Where it goes.


def _format(output: str | None, file: str | None) -> str:
    """`html` or `svg`. Raises `UsageError` where the name of the file says another thing."""
    if file is None or file == "-":
        return output or "html"
    suffix = os.path.splitext(file)[1].lower()
    by_name = FORMATS.get(suffix)
    if output is None and by_name is None and not Path(file).exists():
        hint = "end it in .html or .svg, or say --output html or --output svg"
        raise UsageError(f"'{file}' does not say which picture to draw", hint=hint)
    if output is not None and by_name not in (None, output):
        hint = f"leave --output out, or name the file {Path(file).stem}.{output}"
        raise UsageError(f"--output {output} does not go with '{file}'", hint=hint)
    return output or by_name or "html"


def _target(file: str | None, form: str) -> Path | None:
    """The file to write; None for stdout. Raises `UsageError` for one that is somebody else's."""
    if file == "-" or (file is None and not sys.stdout.isatty()):
        return None
    target = Path(file or f"graph.{form}")
    if target.is_dir():
        raise UsageError(f"'{target}' is a folder", hint=f"name a file: {target / f'graph.{form}'}")
    if not _may_be_written(target):
        raise UsageError(
            f"'{target}' is there already, and strata graph did not draw it",
            hint="name another file with -o, or remove this one",
        )
    return target


def _may_be_written(target: Path) -> bool:
    """Whether nothing is lost: the file is not there, is empty, is no file, or is a picture."""
    from strata.query.picture import GENERATOR

    if not target.is_file() or not target.stat().st_size:
        return True
    with target.open("rb") as file:
        return GENERATOR.encode() in file.read(4096)


def _write(target: Path, drawn: str) -> None:
    """Writes the whole file or nothing. Raises `UsageError` if it cannot."""
    text = drawn.encode()
    try:
        if target.exists() and not target.is_file():  # a pipe, a device
            target.write_bytes(text)
            return
        there = Path(os.path.realpath(target))
        partial = there.with_name(f".{there.name}.{os.getpid()}")
        try:
            partial.write_bytes(text)
            os.replace(partial, there)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        hint = "name a file in a folder that you can write to"
        raise UsageError(f"'{target}' cannot be written: {reason}", hint=hint) from problem


# What is in it.


def _picture(asked: Asked, question: Question) -> Picture:
    """Cells as boxes; where they are too many, notebooks. Raises `UsageError` if those are, too."""
    from strata.query.picture import Picture

    cells = _cells(asked)
    standing = asked.graph.records.standing([cell.label for cell in cells])
    title = "//..." if question.text == "..." else question.text
    if question.text == "..." and asked.opened.current_package:
        title = f"//{asked.opened.current_package}/..."
    edges = tuple(_edges(cells, question.implicit))
    if len(cells) <= MOST:
        nodes = tuple(_node(asked, cell, standing) for cell in cells)
        return Picture(title, nodes, edges, "" if nodes else "There are no cells to draw.")
    packages: dict[str, list[GraphCell]] = {}
    for cell in cells:
        packages.setdefault(cell.label.package, []).append(cell)
    if len(packages) > MOST:
        hint = "name fewer of them, such as //some/folder/... or deps(//some:cell)"
        raise UsageError(f"{len(packages)} notebooks are too many for one picture", hint=hint)
    nodes = tuple(_notebook(package, own, standing) for package, own in packages.items())
    note = (
        f"{len(cells)} cells are too many for one picture, so every box is a notebook; "
        "a pattern such as //some:cell or deps(//some:cell, 3) draws cells."
    )
    return Picture(title, nodes, tuple(_between_notebooks(cells, edges)), note)


def _cells(asked: Asked) -> list[GraphCell]:
    """The cells of the answer, in definition order; a variable stands for its cell."""
    labels: dict[Label, None] = {}
    for node in asked.graph.in_order(asked.nodes):
        if isinstance(node, Label):
            labels[node] = None
        elif isinstance(node, Variable):
            labels[node.cell] = None
    known = asked.graph.cells.cells
    return [known[label] for label in labels if label in known]


def _node(asked: Asked, cell: GraphCell, standing: Mapping[Label, Standing]) -> PictureNode:
    from strata.query.picture import PictureNode

    stands = standing.get(cell.label)
    ran = None if stands is None else asked.graph.records.recorded(cell.label)
    return PictureNode(
        label=str(cell.label),
        name=cell.label.name,
        kind=cell.kind,
        group=f"//{cell.label.package}",
        state=_state(cell, stands),
        reason="" if stands is None else stands.reason,
        duration="" if ran is None else duration(ran.duration_s),
        problem=cell.broken or "",
        details=(
            ("worker", "" if stands is None else cell.worker),
            ("tags", ", ".join(cell.tags)),
            ("file", cell.path),
        ),
    )


def _state(cell: GraphCell, stands: Standing | None) -> State | None:
    if cell.broken:
        return State.FAILED
    return None if stands is None else stands.state


def _edges(cells: Iterable[GraphCell], implicit: bool) -> Iterator[PictureEdge]:
    """Those whose two ends are drawn."""
    from strata.query.picture import PictureEdge

    cells = list(cells)
    drawn = {cell.label for cell in cells}
    for cell in cells:
        for edge in cell.edges:
            if edge.producer in drawn and (implicit or edge.names):
                yield PictureEdge(str(edge.producer), str(cell.label), edge.names)


def _notebook(
    package: str, cells: Collection[GraphCell], standing: Mapping[Label, Standing]
) -> PictureNode:
    from strata.query.picture import PictureNode

    counts: dict[State | None, int] = dict.fromkeys([*WORST_FIRST, None], 0)
    for cell in cells:
        counts[_state(cell, standing.get(cell.label))] += 1
    return PictureNode(
        label=f"//{package}",
        name=f"//{package}",
        kind=count(len(cells), "cell"),
        state=next((state for state in WORST_FIRST if counts[state]), None),
        counts={state: number for state, number in counts.items() if number},
    )


def _between_notebooks(
    cells: Iterable[GraphCell], edges: Iterable[PictureEdge]
) -> Iterator[PictureEdge]:
    from strata.query.picture import PictureEdge

    notebook_of = {str(cell.label): f"//{cell.label.package}" for cell in cells}
    names: dict[tuple[str, str], dict[str, None]] = {}
    for edge in edges:
        ends = notebook_of[edge.producer], notebook_of[edge.reader]
        if ends[0] != ends[1]:
            names.setdefault(ends, {}).update(dict.fromkeys(edge.names))
    for (producer, reader), all_names in names.items():
        shown = tuple(all_names)[:SHOWN_NAMES]
        more = len(all_names) - len(shown)
        yield PictureEdge(producer, reader, (*shown, f"and {more} more") if more else shown)
