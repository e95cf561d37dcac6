"""What an action's slots hold, from the results of what made them."""

from __future__ import annotations

from strata.core.action import Action, Artifact, Command, Input, make_ready
from strata.core.digest import digest_bytes
from strata.core.result import ActionResult, CellFailure, Output, Shared, Unstorable
from strata.execution.inputs import Given, inputs_of
from tests.factories import ENVIRONMENT, label

X, Y, BOTH = (Output(digest_bytes(name.encode()), "pickle") for name in ("x", "y", "both"))


def action(**inputs: Input) -> Action:
    return Action(label("b"), Command("toy", {}), ENVIRONMENT, {}, inputs)


def given(wanted: Action, result: ActionResult) -> dict[str, Given]:
    found = inputs_of(wanted, lambda _: result)
    assert not isinstance(found, CellFailure)
    return found


def of_a(name: str) -> Input:
    return Input((Artifact(label("a"), name),))


def test_who_reads_one_of_two_that_share_parts_reads_that_one_alone() -> None:
    result = ActionResult({"x": X, "y": Y}, shared=(Shared(("x", "y"), BOTH),))
    assert given(action(x=of_a("x")), result)["x"].output == X


def test_who_reads_both_of_two_that_share_parts_reads_them_out_of_one_value() -> None:
    result = ActionResult({"x": X, "y": Y}, shared=(Shared(("x", "y"), BOTH),))
    found = given(action(x=of_a("x"), y=of_a("y")), result)
    assert found["x"].output.digest == found["y"].output.digest == BOTH.digest
    assert (found["x"].output.part, found["y"].output.part) == ("x", "y")


def test_two_slots_of_one_artifact_are_not_two_that_share() -> None:
    result = ActionResult({"x": X, "y": Y}, shared=(Shared(("x", "y"), BOTH),))
    found = given(action(x=of_a("x"), again=of_a("x")), result)
    assert found["again"].output == X


def test_parts_of_a_joint_value_have_keys_of_their_own() -> None:
    result = ActionResult({"x": X, "y": Y}, shared=(Shared(("x", "y"), BOTH),))
    one, other = action(p=of_a("x"), q=of_a("y")), action(p=of_a("y"), q=of_a("x"))
    keys = {
        make_ready(a, {s: g.output for s, g in given(a, result).items()}).key for a in (one, other)
    }
    assert len(keys) == 2


def test_what_cannot_be_stored_is_said_with_its_reason() -> None:
    found = inputs_of(action(x=of_a("x")), lambda _: ActionResult({"x": Unstorable("lock", "no")}))
    assert isinstance(found, CellFailure)
    assert "a lock, which cannot be stored: no" in found.message
