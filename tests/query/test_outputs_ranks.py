"""`--output minrank` and `maxrank`, as Bazel has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.query.nodes import Kind
from tests.factories import label
from tests.query.answers import cell, drawn, everything, graph_of, lines, of

NEEDS = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "da", "f": ""}
WITH_CYCLE = {"a": "", "p": "q", "q": "r", "r": "pa", "s": "p"}


def ranks(form: str, needs: dict[str, str], leave_out: str = "") -> str:
    """`0ef 1da`: the cells of each rank, with the nodes of `leave_out` not in the answer."""
    graph = drawn(needs)
    found: dict[str, list[str]] = {}
    for line in lines(form, of(graph, [label(n) for n in needs if n not in leave_out])):
        rank, _, name = line.partition(" //nb:")
        found.setdefault(rank, []).append(name)
    return " ".join(rank + "".join(sorted(names)) for rank, names in found.items())


@pytest.mark.parametrize(
    ("form", "needs", "leave_out", "expected"),
    [
        ("minrank", NEEDS, "", "0ef 1ad 2bc"),
        ("maxrank", NEEDS, "", "0ef 1d 2bc 3a"),
        ("maxrank", WITH_CYCLE, "", "0s 1pqr 2a"),
        ("minrank", WITH_CYCLE | {"f": ""}, "s", "0fpqr 1a"),
        ("maxrank", WITH_CYCLE | {"f": ""}, "s", "0fpqr 1a"),
        ("maxrank", {"z": "", "m": "z", "a": "m"}, "m", "0az"),
    ],
)
def test_ranks_are_those_of_bazel(
    form: str, needs: dict[str, str], leave_out: str, expected: str
) -> None:
    """What Bazel 4.2.3 printed for targets with these edges; an edge that is not between two nodes
    of the answer counts for nothing."""
    assert ranks(form, needs, leave_out) == expected


def test_lines_are_sorted_by_rank_and_then_in_the_order_of_the_answer() -> None:
    assert lines("minrank", everything(drawn(NEEDS))) == [
        "0 //nb:e",
        "0 //nb:f",
        "1 //nb:a",
        "1 //nb:d",
        "2 //nb:b",
        "2 //nb:c",
    ]


NUMBERS = range(7)


@given(st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)), max_size=20))
def test_ranks_are_lengths_of_ways(edges: list[tuple[int, int]]) -> None:
    """Against every way there is, in graphs without cycles: edges from high to low."""
    near: dict[int, set[int]] = {i: set() for i in NUMBERS}
    for one, other in edges:
        if one != other:
            near[max(one, other)].add(min(one, other))
    cells = [cell(f"c{i}", {f"c{j}": "x" for j in sorted(near[i])}) for i in NUMBERS]
    answer = everything(graph_of(cells, shown=(Kind.CELL,)))
    needed = set().union(*near.values())
    lengths: dict[int, set[int]] = {i: set() for i in NUMBERS}
    ways = [(i, 0) for i in NUMBERS if i not in needed]
    while ways:
        node, length = ways.pop()
        lengths[node].add(length)
        ways += [(other, length + 1) for other in near[node]]
    for form, choose in (("minrank", min), ("maxrank", max)):
        found = dict(reversed(line.split()) for line in lines(form, answer))
        assert found == {f"//nb:c{i}": str(choose(lengths[i])) for i in NUMBERS}
