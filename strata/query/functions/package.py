"""`package(name)`: the distribution `name`, in every version that a lock of the workspace has."""

from __future__ import annotations

from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import nearest, quoted
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.TEXT,)
OPTIONAL = 0


def call(graph: QueryGraph, name: str) -> Nodes:
    """By any spelling of its name (PEP 503). Raises `ArgumentError` where no lock has it."""
    found = graph.inputs.versions(name)
    if not found:
        known = {d.name for label in graph.cells.cells for d in graph.inputs.distributions(label)}
        advice = nearest(name, sorted(known), most=20) if known else "no cell can reach any"
        raise ArgumentError(0, f"no lock has a distribution {quoted(name)}", advice)
    return frozenset(found)
