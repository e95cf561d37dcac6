"""`state(fresh|stale|failed|never, x)`: the cells of x that stand so; `stale|never` means either.

As `strata status` sees them: fresh, its result is in the cache; failed, its last run failed, or it
cannot be built, or needs what cannot; never, no run of it is recorded; stale, all others. Cells
that build nothing stand in no way.
"""

from __future__ import annotations

from strata.query.arguments import Argument, ArgumentError
from strata.query.graph import QueryGraph
from strata.query.mistakes import quoted
from strata.query.nodes import Nodes, cells_among
from strata.query.world import State

ARGUMENTS = (Argument.TEXT, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, states: str, start: Nodes) -> Nodes:
    """Raises `ArgumentError` for a word that is no state."""
    wanted = frozenset(map(_state, states.split("|")))
    standing = graph.records.standing(frozenset(cells_among(start)))
    return frozenset(label for label, stands in standing.items() if stands.state in wanted)


def _state(word: str) -> State:
    try:
        return State(word.strip())
    except ValueError:
        what = f"{quoted(word)} is no state"
        raise ArgumentError(0, what, f"there are: {', '.join(State)}") from None
