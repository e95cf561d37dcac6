"""Room on the machine: what fits beside what, and who comes first where not all fits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.core.action import USUAL, Resources
from strata.core.label import Label
from strata.execution.plan import Plan, State
from strata.execution.room import NOTHING, Capacity, Request, Room, too_large
from tests.execution.graphs import graph_of, needs
from tests.factories import label

GIB = 2**30
resources = st.builds(
    Resources,
    st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 9.0]),
    st.sampled_from([0, 0, 1, 4, 99]),
    st.sampled_from([0, 0, 1, 2]),
)
capacities = st.builds(
    Capacity,
    st.integers(1, 4),
    st.sampled_from([None, 0.5, 1.0, 4.0]),
    st.sampled_from([None, 4, 8]),
    st.sampled_from([None, 0, 1, 2]),
)


def test_what_says_nothing_takes_a_core_and_as_many_fit_as_there_are_jobs() -> None:
    room = Room(Capacity(2))
    assert room.lacks(room.request(USUAL)) == NOTHING
    room.take(room.request(USUAL))
    room.take(room.request(USUAL))
    assert room.running == 2
    assert room.lacks(room.request(USUAL)) != NOTHING


def test_a_part_of_a_core_that_is_taken_and_given_back_leaves_nothing() -> None:
    room = Room(Capacity(10, cpu=1.0))
    requests = [room.request(Resources(cpu=0.1))] * 10
    for request in requests:
        room.take(request)
    for request in requests:
        room.give_back(request)
    assert room.used == NOTHING


def test_what_asks_for_more_than_there_is_gets_all_of_it_and_runs_alone() -> None:
    room = Room(Capacity(4, cpu=4.0, memory_bytes=8 * GIB, gpus=0))
    large = Resources(memory_bytes=20 * GIB, gpus=1)
    assert room.too_small(large)
    room.take(room.request(large))
    assert room.lacks(room.request(Resources(cpu=0.1))) != NOTHING
    said = "it asks for more than there is (mem=20GiB of 8GiB, gpu=1 of 0), so it runs alone"
    assert too_large(large, room) == said


def test_memory_and_gpus_that_nobody_knows_are_never_too_few() -> None:
    room = Room(Capacity(4))
    assert not room.too_small(Resources(memory_bytes=10**15, gpus=8))
    assert room.too_small(Resources(cpu=5))


@given(capacities, st.lists(resources, max_size=12), st.data())
def test_what_runs_never_takes_more_than_there_is(
    capacity: Capacity, asked: list[Resources], data: st.DataObject
) -> None:
    room = Room(capacity)
    running: list[Request] = []
    for one in asked:
        request = room.request(one)
        if room.running < room.jobs and room.lacks(request) == NOTHING:
            room.take(request)
            running.append(request)
        elif running:
            room.give_back(running.pop(data.draw(st.integers(0, len(running) - 1))))
        assert all(u <= w for u, w in zip(room.used, room.whole, strict=True))
        assert room.running == len(running) <= capacity.jobs
        assert room.used == tuple(sum(r[i] for r in running) for i in range(3))


# In line for it.


def waiting(room: Room, *asked: Resources) -> Plan:
    """A plan in which these wait for room, in this order."""
    graph = graph_of({f"n{i}": [] for i in range(len(asked))})
    plan = Plan(graph, list(graph.nodes))
    for one in asked:
        at = plan.pop_ready()
        assert at is not None
        plan.wait(at, room.request(one))
    return plan


def started(plan: Plan, room: Room) -> list[str]:
    """What has room now, in order; it takes it."""
    found = []
    while (fitting := plan.pop_fitting(room)) is not None:
        found.append(fitting[0].name)
        room.take(fitting[1])
    return found


def test_small_ones_do_not_overtake_a_large_one_that_is_first_in_line() -> None:
    room = Room(Capacity(4))
    room.take(room.request(USUAL))
    plan = waiting(room, Resources(cpu=4), USUAL, USUAL)
    assert started(plan, room) == []
    room.give_back(room.request(USUAL))
    assert started(plan, room) == ["n0"]


def test_small_ones_take_what_the_first_in_line_does_not_lack() -> None:
    room = Room(Capacity(4, gpus=1))
    on_gpu = Resources(gpus=1)
    room.take(room.request(on_gpu))
    plan = waiting(room, on_gpu, on_gpu, USUAL, Resources(cpu=2))
    assert started(plan, room) == ["n2", "n3"]
    assert plan.waits_for(room.request(on_gpu))
    assert not plan.waits_for(room.request(USUAL))


def test_what_is_settled_or_opened_again_waits_no_more() -> None:
    room = Room(Capacity(1))
    plan = waiting(room, USUAL, USUAL)
    assert plan.stop() == [label("n0"), label("n1")]
    assert plan.pop_fitting(room) is None
    assert not plan.waits_for(room.request(USUAL))


@settings(max_examples=80)
@given(needs(), capacities, st.data())
def test_any_graph_with_any_needs_runs_inputs_first_within_the_machine_and_to_its_end(
    given_needs: dict[str, list[str]], capacity: Capacity, data: st.DataObject
) -> None:
    graph = graph_of(given_needs)
    seconds = {n: data.draw(st.sampled_from([0.001, 1.0, 60.0])) for n in graph.nodes}
    plan = Plan(graph, graph.reachable(graph.nodes), seconds.__getitem__)
    room = Room(capacity)
    asks = {n: room.request(data.draw(resources)) for n in graph.nodes}
    running: list[Label] = []
    ran: list[str] = []
    while not plan.finished:
        while (fitting := plan.pop_fitting(room)) is not None:
            at, request = fitting
            assert request == asks[at]
            room.take(request)
            running.append(at)
            assert all(u <= w for u, w in zip(room.used, room.whole, strict=True))
        at_ready = plan.pop_ready() if data.draw(st.booleans()) or not running else None
        if at_ready is not None:
            below = [label(n) for n in given_needs[at_ready.name]]
            assert all(plan.state_of(b) is State.DONE for b in below)
            plan.wait(at_ready, asks[at_ready])
        elif running:
            at = running.pop(data.draw(st.integers(0, len(running) - 1)))
            room.give_back(asks[at])
            plan.finish(at)
            ran.append(at.name)
    assert sorted(ran) == sorted(given_needs)
    assert room.used == NOTHING


@pytest.mark.parametrize(
    ("seconds", "order"),
    [
        ({}, ["a", "b", "x", "c"]),  # the longer path by steps
        ({"x": 60.0}, ["x", "a", "b", "c"]),
        ({"c": 60.0, "x": 59.0}, ["a", "b", "c", "x"]),
    ],
)
def test_the_path_that_took_longest_goes_first(
    seconds: dict[str, float], order: Sequence[str]
) -> None:
    graph = graph_of({"x": [], "a": [], "b": ["a"], "c": ["b"]})
    plan = Plan(graph, list(graph.nodes), lambda at: seconds.get(at.name, 1.0))
    found = []
    while (at := plan.pop_ready()) is not None:
        found.append(at.name)
        plan.finish(at)
    assert found == order
