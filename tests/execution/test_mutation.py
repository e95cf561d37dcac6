"""What a cell changed in place, and whether somebody would miss it."""

from __future__ import annotations

from collections.abc import Mapping

from strata.core.action import Action, Artifact, Command
from strata.core.action_graph import ActionGraph, Users
from strata.core.digest import digest_bytes
from strata.core.label import Label
from strata.core.result import ActionResult, CellFailure, FailureKind, Output, Shared
from strata.execution.mutation import Mutations
from tests.factories import ENVIRONMENT, label

CELLS = ("a", "b", "c", "d")
OUTPUT = Output(digest_bytes(b"1"), "pickle")


class World:
    """Cells a, b, c, d of one notebook, in that order; `readers`: a_x="bc" says who reads a's x."""

    def __init__(self, **readers: str) -> None:
        found = {of(name): tuple(map(label, who)) for name, who in readers.items()}
        order = {label(name): place for place, name in enumerate(CELLS)}
        self.mutations = Mutations(ActionGraph({}, {}, {}, found, order))

    def ended(
        self,
        cell: str,
        reads: Mapping[str, str] | None = None,
        outputs: str = "",
        *,
        changed: str = "",
        shared: str = "",
        aliases: Mapping[str, str] | None = None,
    ) -> CellFailure | None:
        action = Action(label(cell), Command("toy", {}), ENVIRONMENT, {})
        artifacts = {slot: of(name) for slot, name in (reads or {}).items()}
        result = ActionResult(
            outputs=dict.fromkeys(outputs.split(), OUTPUT),
            changed=tuple(changed.split()),
            shared=(Shared(tuple(shared.split()), OUTPUT),) if shared else (),
            aliases=tuple((aliases or {}).items()),
        )
        return self.mutations.ended(action, result, artifacts)


def of(text: str) -> Artifact:
    producer, _, name = text.partition("_")
    return Artifact(label(producer), name)


def test_a_hidden_change_that_a_later_cell_would_miss_is_an_error_with_the_cure() -> None:
    world = World(a_x="bc")
    failure = world.ended("b", {"x": "a_x"}, changed="x")
    assert failure is not None
    assert failure.kind is FailureKind.MUTATION
    assert "'x' of //nb:a" in failure.message
    assert "//nb:c" in failure.message
    assert "# @mutates x" in str(failure.hint)


def test_all_that_one_line_would_mend_is_said_at_once() -> None:
    failure = World(a_x="bc", a_y="bc").ended("b", {"x": "a_x", "y": "a_y"}, changed="x y")
    assert failure is not None
    assert "'x' of //nb:a" in failure.message
    assert "(and 'y')" in failure.message
    assert "# @mutates x y`" in str(failure.hint)


def test_a_hidden_change_that_nobody_reads_later_is_nobodys_business() -> None:
    assert World(a_x="b").ended("b", {"x": "a_x"}, changed="x") is None


def test_readers_that_come_before_the_change_read_what_it_was() -> None:
    assert World(a_x="bc").ended("c", {"x": "a_x"}, changed="x") is None


def test_readers_in_other_notebooks_come_later() -> None:
    world = World()
    elsewhere = Label("other", "z")
    graph = ActionGraph({}, {}, {}, {of("a_x"): (elsewhere,)}, {label("b"): 1, elsewhere: 0})
    world.mutations = Mutations(graph)
    assert world.ended("b", {"x": "a_x"}, changed="x") is not None


def test_a_change_that_is_an_output_is_seen_by_later_cells() -> None:
    assert World(a_x="bc").ended("b", {"x": "a_x"}, "x", changed="x") is None


def test_a_value_that_a_function_of_another_cell_changes_counts_by_its_name() -> None:
    world = World(a_LOG="bc")
    failure = world.ended("b", {"0123.LOG": "a_LOG"}, changed="0123.LOG")
    assert failure is not None
    assert "# @mutates LOG" in str(failure.hint)


def test_changing_one_of_two_that_share_parts_is_an_error_where_the_other_is_read_later() -> None:
    world = World(a_model="bc", a_optimizer="b")
    world.ended("a", outputs="model optimizer", shared="model optimizer")
    failure = world.ended("b", {"optimizer": "a_optimizer"}, "optimizer", changed="optimizer")
    assert failure is not None
    assert "'model' of //nb:a" in failure.message
    assert "# @mutates model`" in str(failure.hint)


def test_changing_both_that_share_parts_is_right() -> None:
    world = World(a_model="bc", a_optimizer="bc")
    world.ended("a", outputs="model optimizer", shared="model optimizer")
    reads = {"optimizer": "a_optimizer", "model": "a_model"}
    assert world.ended("b", reads, "optimizer model", changed="optimizer model") is None


def test_changing_what_another_cell_handed_on_under_another_name_is_an_error() -> None:
    world = World(a_data="b", b_train="cd")
    world.ended("b", {"data": "a_data"}, "train", aliases={"train": "data"})
    failure = world.ended("c", {"train": "b_train"}, "train", changed="train")
    assert failure is None  # nobody reads `data` later
    world = World(a_data="bd", b_train="c")
    world.ended("b", {"data": "a_data"}, "train", aliases={"train": "data"})
    failure = world.ended("c", {"train": "b_train"}, "train", changed="train")
    assert failure is not None
    assert "'data' of //nb:a" in failure.message
    assert "copy" in str(failure.hint)


def test_a_cell_that_reads_both_of_two_aliases_cannot_change_one_of_them() -> None:
    world = World(a_x="bc", b_y="c")
    world.ended("b", {"x": "a_x"}, "y", aliases={"y": "x"})
    assert world.ended("c", {"x": "a_x", "y": "b_y"}, "x", changed="x") is not None


def test_aliases_count_over_any_number_of_cells() -> None:
    world = World(a_x="bd", b_y="c", c_z="d")
    world.ended("b", {"x": "a_x"}, "y", aliases={"y": "x"})
    world.ended("c", {"y": "b_y"}, "z", aliases={"z": "y"})
    failure = world.ended("d", {"x": "a_x", "z": "c_z"}, "z", changed="z")
    assert failure is not None
    assert "'x' of //nb:a" in failure.message


def test_a_later_cell_that_was_faster_is_found_out() -> None:
    world = World(a_x="bc", b_y="d")
    assert world.ended("c", {"x": "a_x"}, "x", changed="x") is None
    assert world.ended("b", {"x": "a_x"}, "y", aliases={"y": "x"}) is not None


def test_sharing_without_a_change_is_no_error() -> None:
    world = World(a_x="bc", a_y="bc", b_z="c")
    world.ended("a", outputs="x y", shared="x y")
    assert world.ended("b", {"x": "a_x", "y": "a_y"}, "z", aliases={"z": "x"}) is None
    assert world.ended("c", {"x": "a_x", "z": "b_z"}) is None


def restating(owner: str, place: str, users: Users) -> CellFailure | None:
    """What is said when b has changed that."""
    order = {label(name): place for place, name in enumerate(CELLS)}
    graph = ActionGraph({}, {}, {}, {}, order, lambda asked, changer: users)
    action = Action(label("b"), Command("toy", {}), ENVIRONMENT, {})
    return Mutations(graph).ended(action, ActionResult(restated=((owner, place),)), {})


def test_a_changed_state_of_a_definition_that_a_later_cell_uses_is_an_error() -> None:
    users = Users({"C": label("a")}, (label("a"), label("b"), label("d")))
    failure = restating("ab" * 16, "C.xs", users)
    assert failure is not None
    assert failure.kind is FailureKind.MUTATION
    assert "the state of 'C' of //nb:a (C.xs)" in failure.message
    assert "//nb:d would" in failure.message
    assert "in a variable, or make the change in //nb:a" in str(failure.hint)
    assert restating("ab" * 16, "f(seen)", Users({"f": label("a")}, (label("c"),))) is not None


def test_a_changed_module_that_a_later_cell_imports_is_an_error() -> None:
    failure = restating("file:nb/helper.py", "xs", Users({}, (label("c"),)))
    assert failure is not None
    assert "'xs' of the module nb/helper.py, which //nb:c would import anew" in failure.message
    assert "in nb/helper.py" in str(failure.hint)


def test_a_state_that_no_later_cell_uses_is_nobodys_business() -> None:
    assert restating("ab" * 16, "C.xs", Users({"C": label("a")}, (label("a"), label("b")))) is None
