"""Action graphs for tests of the plan: names, what each needs, and nothing that could run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hypothesis import strategies as st

from strata.core.action import Action, Command
from strata.core.action_graph import ActionGraph
from strata.core.label import Label
from strata.core.result import CellFailure, FailureKind
from tests.factories import ENVIRONMENT, label

BROKEN = CellFailure(FailureKind.BROKEN, "GraphError", "cannot be understood")


def graph_of(needs: Mapping[str, Sequence[str]], broken: Iterable[str] = ()) -> ActionGraph:
    """A graph whose nodes only wait for others."""
    broken = set(broken)
    return ActionGraph(
        {
            label(name): Action(
                label(name),
                Command("toy", {}),
                ENVIRONMENT,
                provenance={},
                after=tuple(label(n) for n in before),
            )
            for name, before in needs.items()
            if name not in broken
        },
        {
            label(name): () if name in broken else tuple(label(n) for n in before)
            for name, before in needs.items()
        },
        {label(name): BROKEN for name in needs if name in broken},
    )


def names(labels: Iterable[Label]) -> list[str]:
    return [one.name for one in labels]


@st.composite
def needs(draw: st.DrawFn, most: int = 9) -> dict[str, list[str]]:
    """Any graph without cycles; the order of definition is not that of needs."""
    count = draw(st.integers(1, most))
    edges = {
        f"n{i}": sorted({f"n{j}" for j in draw(st.lists(st.integers(0, i - 1), max_size=3))})
        if i
        else []
        for i in range(count)
    }
    return {name: edges[name] for name in draw(st.permutations(list(edges)))}
