"""How big the results of cells are."""

from __future__ import annotations

from strata.cli.cell_records import size_bytes
from strata.core.digest import Digest
from strata.core.result import ActionResult, Output, Shared, Unstorable


def output(size: int) -> Output:
    return Output(Digest("0" * 64, size), "json")


def test_all_outputs_together() -> None:
    outputs: dict[str, Output | Unstorable] = {
        "a": output(1),
        "b": output(20),
        "c": Unstorable("file", "it is open"),
    }
    assert size_bytes(ActionResult(outputs=outputs)) == 21


def test_outputs_that_are_one_value_count_once() -> None:
    outputs = {"a": output(10), "b": output(12), "c": output(100)}
    shared = (Shared(("a", "b"), output(15)),)
    assert size_bytes(ActionResult(outputs=outputs, shared=shared)) == 115
