"""Notebooks and cells as values, for tests: written as in files, and no file is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from strata.analysis.analyze import Facts, action_graph
from strata.analysis.join import JoinedCell, join
from strata.analysis.scanned import scan_cell
from strata.core.action import Action, Artifact, Environment
from strata.core.action_graph import ActionGraph
from strata.core.errors import ConfigError
from strata.core.label import Label, parse_label
from strata.loading.annotations import comments_of, parse_annotations
from strata.loading.directives import read_directives
from strata.loading.notebook import Cell, Notebook, NotebookInput

ENVIRONMENT = Environment("3.11.7", "linux-x86_64", "/usr/bin/python3.11")

INPUTS_LINE = 40
"""The line of the first `[inputs]` entry of every notebook made here."""


def label(text: str) -> Label:
    """`//nb:a`; `a` alone is in the notebook `nb`."""
    return parse_label(text if text.startswith("//") else f"//nb:{text}")


def cell(
    name: str,
    source: str,
    *,
    package: str = "nb",
    kind: str = "python",
    file: str | None = None,
    problem: ConfigError | None = None,
) -> Cell:
    """A cell whose directives are those of its annotations."""
    file = file or f"{name}.py"
    path = f"{package}/cells/{file}" if package else f"cells/{file}"
    annotations = parse_annotations(source, comments_of(kind))
    reading = read_directives(annotations, kind, path)
    return Cell(
        label=Label(package, name),
        file=file,
        path=path,
        kind=kind,
        order=0.0,
        source=source,
        directives=reading.directives,
        annotations=annotations,
        problem=problem or reading.problem,
        warnings=reading.warnings,
    )


def notebook(
    cells: Mapping[str, str] | Sequence[Cell],
    *,
    package: str = "nb",
    inputs: Mapping[str, str] | None = None,
) -> Notebook:
    """A notebook of `cells` in this order: cells, or cell id to source."""
    if isinstance(cells, Mapping):
        cells = [cell(name, source, package=package) for name, source in cells.items()]
    lines = (inputs or {}).items()
    return Notebook(
        package=package,
        folder=Path("/nowhere") / package,
        path=f"{package}/notebook.toml" if package else "notebook.toml",
        name=package,
        cells=tuple(cells),
        inputs=tuple(
            NotebookInput(name, pattern, INPUTS_LINE + i) for i, (name, pattern) in enumerate(lines)
        ),
    )


def joined(*notebooks: Notebook) -> dict[str, JoinedCell]:
    """Every cell, joined, by its label as text."""
    scanned = {c.label: scan_cell(c) for nb in notebooks for c in nb.cells}
    return {str(found.label): found for found in join(notebooks, scanned)}


def joined_cells(**cells: str) -> dict[str, JoinedCell]:
    """The cells of one notebook, joined, by id."""
    found = joined(notebook(cells))
    return {name: found[f"//nb:{name}"] for name in cells}


def facts(notebooks: Iterable[Notebook], **others: object) -> Facts:
    """Facts in which every package has the same environment, unless `others` says which."""
    environments = {nb.package: ENVIRONMENT for nb in notebooks}
    return Facts(**{"environments": environments, **others})  # type: ignore[arg-type]


def analyzed(*notebooks: Notebook, wanted: Sequence[str] = (), **others: object) -> ActionGraph:
    """The action graph of `wanted`, or of every cell."""
    found = joined(*notebooks)
    labels = [label(text) for text in wanted] or [j.label for j in found.values()]
    return action_graph(list(found.values()), labels, facts(notebooks, **others))


def action_of(graph: ActionGraph, text: str) -> Action:
    """The action of a cell that is not broken."""
    assert label(text) not in graph.broken, graph.broken[label(text)]
    node = graph.nodes[label(text)]
    assert isinstance(node, Action)
    return node


def actions_of(**cells: str) -> dict[str, Action]:
    """The actions of the cells of one notebook, by id; none may be broken."""
    graph = analyzed(notebook(cells))
    return {name: action_of(graph, name) for name in cells}


def artifact(text: str) -> Artifact:
    """`//nb:a%x`; `a%x` is in the notebook `nb`."""
    producer, _, name = text.partition("%")
    return Artifact(label(producer), name)


def inputs_of(action: Action) -> dict[str, list[str]]:
    """Slot to artifacts, those of definitions under the name that they read."""
    return {
        slot.rpartition(".")[2]: [_short(a) for a in given.artifacts]
        for slot, given in action.inputs.items()
    }


def _short(given: Artifact) -> str:
    return str(given).removeprefix("//nb:")
