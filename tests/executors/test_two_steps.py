"""The lookup in two steps: what was found when a cell ran decides whether it runs again."""

from __future__ import annotations

from collections.abc import Iterable

from strata.core.action import Action, ReadyAction, make_ready
from strata.core.events import Event, Notice
from strata.core.observation import ABSENT, Observed
from strata.core.result import ActionResult
from strata.executors.caching import CachingExecutor
from strata.stores.base import MOST_SETS
from strata.stores.memory import MemoryStore
from tests.executors.executor_bench import make_action


class World:
    """A cell that opens the files `reads` by names that nobody can foresee; `disk` has them."""

    def __init__(self, **disk: str) -> None:
        self.disk = disk
        self.reads: list[str] = list(disk)
        self.moving: tuple[str, ...] = ()
        self.accepted = True
        self.ran = 0
        self.looked: list[str] = []
        self.events: list[Event] = []
        store = MemoryStore()
        self.executor = CachingExecutor(
            self,
            store,
            self.events.append,
            look=self.look,
            accepts=lambda ready, result: self.accepted,
        )

    def run(self, ready: ReadyAction) -> ActionResult:
        self.ran += 1
        names = [f"file:{name}" for name in self.reads]
        return ActionResult(observed=self.look(ready.action, names), moving=self.moving)

    def look(self, action: Action, names: Iterable[str]) -> Observed:
        found = {name: self.disk.get(name.partition(":")[2], ABSENT) for name in names}
        self.looked += found
        return found

    def build(self, source: str = "x") -> bool:
        """Whether the cell ran."""
        before = self.ran
        self.executor.run(make_ready(make_action(source), {}))
        return self.ran > before


def test_a_file_found_at_run_time_counts_from_then_on() -> None:
    world = World(a="1")
    assert world.build()
    assert not world.build()
    world.disk["a"] = "2"
    assert world.build()
    assert not world.build()


def test_a_file_that_comes_back_as_it_was_is_a_hit() -> None:
    world = World(a="1")
    world.build()
    world.disk["a"] = "2"
    world.build()
    world.disk["a"] = "1"
    assert not world.build()


def test_a_file_that_was_not_there_counts_as_such() -> None:
    world = World()
    world.reads = ["later"]
    world.build()
    assert not world.build()
    world.disk["later"] = "1"
    assert world.build()


def test_what_a_cell_reads_may_depend_on_what_it_read() -> None:
    world = World(index="a", a="1", b="2")
    world.reads = ["index", "a"]
    world.build()
    world.disk["index"], world.reads = "b", ["index", "b"]
    assert world.build()
    world.disk["a"] = "changed and not read any more"
    assert not world.build()
    world.disk["b"] = "3"
    assert world.build()


def test_a_set_of_another_key_does_not_count() -> None:
    world = World(a="1")
    world.build("x")
    assert world.build("y")


def test_the_oldest_state_beyond_sixteen_is_forgotten_and_runs_again() -> None:
    world = World(a="0")
    for content in range(MOST_SETS + 1):
        world.disk["a"] = str(content)
        assert world.build()
    world.disk["a"] = str(MOST_SETS)
    assert not world.build()
    world.disk["a"] = "0"
    assert world.build()


def test_a_hit_looks_at_each_file_once() -> None:
    world = World(a="1", b="2")
    for content in ("1", "2", "3"):
        world.disk["a"] = content
        world.build()
    world.looked.clear()
    assert not world.build()
    assert sorted(world.looked) == ["file:a", "file:b"]


def test_a_result_of_files_that_changed_meanwhile_is_not_kept_and_is_said() -> None:
    world = World(a="1")
    world.moving = ("a",)
    assert world.build()
    assert world.build()
    said = [e.message for e in world.events if isinstance(e, Notice)]
    assert "a changed while the cell ran: the result is not kept" in said[0]
    world.moving = ()
    assert world.build()
    assert not world.build()


def test_a_result_that_is_not_accepted_is_a_miss() -> None:
    world = World(a="1")
    world.build()
    world.accepted = False
    assert world.build()
    world.accepted = True
    assert not world.build()
