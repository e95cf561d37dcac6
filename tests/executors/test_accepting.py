"""Acceptances: the result of an earlier key answers for an edited cell, and for nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from strata.core.action import Action, ActionKey, ReadyAction, make_ready
from strata.core.digest import digest_bytes
from strata.core.label import Label
from strata.core.observation import ABSENT, Observed
from strata.core.result import ActionResult, Output, from_json, to_json
from strata.executors.accepting import Acceptance, Acceptances
from strata.executors.caching import CachingExecutor
from strata.stores.memory import MemoryStore
from tests.executors.executor_bench import make_action

LABEL = Label("nb", "cell")


def ready(source: str, label: Label = LABEL) -> ReadyAction:
    return make_ready(make_action(source, label=label), {})


def key(source: str) -> ActionKey:
    return ready(source).key


def accepted(source: str, instead_of: str, said: str = "same", label: Label = LABEL) -> Acceptance:
    return Acceptance(label, key(source), key(instead_of), said)


def test_why_it_was_accepted_is_kept_with_the_record_of_the_build() -> None:
    result = ActionResult(accepted="renamed (by ada)")
    assert from_json(to_json(result)) == result


class World:
    """A cell that reads the file `a`, whose value is `disk`; and what was accepted."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.disk: str | None = None
        self.accepted: list[Acceptance] = []
        self.store = MemoryStore()
        self.forced = False

    def run(self, ready: ReadyAction) -> ActionResult:
        source = str(ready.provenance["source"])
        self.ran.append(source)
        digest = self.store.put(source.encode())
        observed = {} if self.disk is None else {"file:a": self.disk}
        return ActionResult(
            {"x": Output(digest, "bytes")}, observed=observed, provenance=ready.provenance
        )

    def look(self, action: Action, names: Iterable[str]) -> Observed:
        return dict.fromkeys(names, self.disk or ABSENT)

    def build(self, source: str, label: Label = LABEL) -> ActionResult:
        executor = CachingExecutor(
            self,
            self.store,
            lambda event: None,
            look=self.look,
            force=lambda ready: self.forced,
            others=Acceptances(self.accepted),
        )
        return executor.run(ready(source, label))


def test_an_accepted_edit_is_answered_with_the_earlier_result() -> None:
    world = World()
    earlier = world.build("old")
    world.accepted = [accepted("new", "old", "renamed (by ada)")]
    found = world.build("new")
    assert world.ran == ["old"]
    assert found.outputs == earlier.outputs
    assert found.cache == "local"
    assert found.accepted == "renamed (by ada)"
    assert found.provenance == ready("new").provenance


def test_an_edit_that_nobody_accepted_runs() -> None:
    world = World()
    world.build("old")
    world.accepted = [accepted("new", "old")]
    world.build("newer")
    assert world.ran == ["old", "newer"]


def test_an_acceptance_counts_for_its_cell_alone() -> None:
    world = World()
    world.build("old")
    world.accepted = [accepted("new", "old")]
    world.build("new", Label("nb", "other"))
    assert world.ran == ["old", "new"]


def test_nothing_is_recorded_so_a_revoked_acceptance_makes_the_cell_run() -> None:
    world = World()
    world.build("old")
    world.accepted = [accepted("new", "old")]
    world.build("new")
    world.accepted = []
    assert world.build("new").accepted == ""
    assert world.ran == ["old", "new"]


def test_its_own_result_comes_before_an_accepted_one() -> None:
    world = World()
    world.build("old")
    world.accepted = [accepted("new", "old")]
    world.forced = True
    world.build("new")
    world.forced = False
    assert world.build("new").accepted == ""
    assert world.ran == ["old", "new"]


def test_edits_that_were_accepted_one_after_the_other_are_followed() -> None:
    world = World()
    world.build("1")
    world.accepted = [accepted("2", "1", "first"), accepted("3", "2", "second")]
    assert world.build("3").accepted == "second; first"
    assert world.ran == ["1"]


def test_a_chain_breaks_where_one_acceptance_is_gone() -> None:
    world = World()
    world.build("1")
    world.accepted = [accepted("3", "2")]
    world.build("3")
    assert world.ran == ["1", "3"]


def test_acceptances_that_lead_to_each_other_end_in_a_run() -> None:
    world = World()
    world.accepted = [accepted("1", "2"), accepted("2", "1"), accepted("1", "1")]
    world.build("1")
    assert world.ran == ["1"]
    assert world.build("2").accepted == "same"
    assert world.ran == ["1"]


def test_an_earlier_result_whose_bytes_are_gone_is_a_miss() -> None:
    world = World()
    world.store.record(key("old"), ActionResult({"x": Output(digest_bytes(b"gone"), "bytes")}))
    world.accepted = [accepted("new", "old")]
    world.build("new")
    assert world.ran == ["new"]


def test_what_the_earlier_result_was_found_to_read_still_counts() -> None:
    world = World()
    world.disk = "1"
    world.build("old")
    world.accepted = [accepted("new", "old")]
    world.build("new")
    assert world.ran == ["old"]
    world.disk = "2"
    world.build("new")
    assert world.ran == ["old", "new"]


def test_of_several_for_one_key_the_last_is_asked_first_and_the_others_too() -> None:
    world = World()
    world.build("1")
    world.build("2")
    world.accepted = [accepted("3", "1", "a"), accepted("3", "2", "b"), accepted("3", "gone", "c")]
    assert world.build("3").accepted == "b"


def test_a_cell_that_waits_for_the_same_key_does_not_get_what_was_accepted_for_another() -> None:
    """Two cells of the same text, looked up at once; one of them was accepted."""
    world = World()
    world.build("old")
    other = Label("nb", "other")
    inside, go = threading.Event(), threading.Event()
    acceptances = Acceptances([accepted("new", "old")])

    def others(asked: ReadyAction) -> list[tuple[ActionKey, str]]:
        if asked.label == LABEL:
            inside.set()
            assert go.wait(10)
        return list(acceptances(asked))

    executor = CachingExecutor(world, world.store, lambda e: None, others=others)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(executor.run, ready("new"))
        assert inside.wait(10)
        second = pool.submit(executor.run, ready("new", other))
        go.set()
        assert first.result(10).accepted == "same"
        assert second.result(10).accepted == ""
    assert world.ran == ["old", "new"]
