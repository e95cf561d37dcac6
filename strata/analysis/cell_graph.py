"""Joined cells to the graph that questions are asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from strata.analysis.definers import is_private
from strata.analysis.graph import Attribute, CellGraph, Edge, GraphCell
from strata.analysis.join import JoinedCell
from strata.analysis.rule import ValueSource
from strata.core.label import Label
from strata.loading.annotation_values import secret_like
from strata.loading.model import Cell, Directives


def cell_graph(joined: Sequence[JoinedCell]) -> CellGraph:
    """The graph of cells that questions are asked about."""
    return CellGraph({cell.label: _graph_cell(cell) for cell in joined})


def _graph_cell(joined: JoinedCell) -> GraphCell:
    names: dict[Label, list[str]] = {}
    for name, source in joined.sources.items():
        producers = (
            [a.producer for a in source.candidates]
            if isinstance(source, ValueSource)
            else [source.label]
        )
        for producer in producers:
            names.setdefault(producer, []).append(name)
    for label in joined.after:
        names.setdefault(label, [])
    problem = joined.problem
    defines = _defines(joined)
    return GraphCell(
        joined.label,
        joined.cell.kind,
        joined.cell.path,
        tuple(Edge(joined.label, p, tuple(sorted(n))) for p, n in names.items()),
        joined.cell.directives.tags,
        joined.cell.directives.worker or "local",
        None if problem is None else problem.message,
        defines,
        None if problem is None else problem.line,
        _attributes(joined.cell),
        _lines(joined, defines),
    )


def _defines(joined: JoinedCell) -> tuple[str, ...]:
    """Values and definitions that are not private to the cell, sorted."""
    definitions = (name for name in joined.scan.definitions if not is_private(name))
    return tuple(sorted({*joined.outputs, *definitions}))


def _lines(joined: JoinedCell, defines: Iterable[str]) -> dict[str, int]:
    bound_at = joined.scan.bind_lines
    return {name: bound_at[name] for name in defines if name in bound_at}


def _attributes(cell: Cell) -> dict[str, Attribute]:
    """What is said of the cell, by the annotation that says it; nothing for what is not said."""
    said = cell.directives
    found: dict[str, Attribute | None] = {
        "name": said.display_name,
        "timeout": None if said.timeout_s == Directives().timeout_s else f"{said.timeout_s:g}",
        "env": tuple(_variable(name, value) for name, value in said.variables.items()),
        "after": said.after,
        "nocache": "true" if said.nocache else None,
        "input": said.inputs,
        "writes": said.writes,
        "mutates": said.mutates,
        "retries": str(said.retries) if said.retries else None,
        "resources": tuple(f"{name}={value:g}" for name, value in said.resources.items()),
        "sandbox": said.sandbox,
        "mount": tuple(f"{m.name} {m.uri} {m.mode}" for m in said.mounts),
        "variant": None if said.variant is None else " ".join(said.variant),
        "per_variant": said.per_variant,
    }
    if said.loop is not None:
        found["loop"] = f"max_iter={said.loop.max_iter} carry={','.join(said.loop.carry)}"
        found["loop_until"] = said.loop.until
    for other in said.others:
        found.setdefault(other.key, other.value)
    return {name: value for name, value in found.items() if value}


def _variable(name: str, value: str | None) -> str:
    """A variable of the environment as `@env` has it; no secret is shown."""
    return name if value is None or secret_like(name) else f"{name}={value}"
