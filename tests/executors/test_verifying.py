"""Running hits again: what is compared, what it means, and that nothing of it is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from strata.core.action import ReadyAction
from strata.core.digest import digest_bytes
from strata.core.errors import EnvironmentFailed
from strata.core.events import CellVerified, Verdict
from strata.core.label import Label
from strata.core.result import (
    ActionResult,
    CellFailure,
    FailureKind,
    Output,
    Shared,
    Unstorable,
)
from strata.executors.verifying import SMALL_BYTES, Discarding, Hit, VerifyingExecutor, verify
from strata.stores.memory import MemoryStore
from tests.executors.executor_bench import Bench, make_action
from tests.executors.test_accepting import ready


class Again:
    """Gives `result`, or raises it."""

    def __init__(self, result: ActionResult | Exception) -> None:
        self.result = result
        self.ran = 0

    def run(self, ready: ReadyAction) -> ActionResult:
        self.ran += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


STORE = MemoryStore()


def value(text: str, **fields: str) -> Output:
    return Output(STORE.put(text.encode()), **{"codec": "json", "type_name": "int", **fields})  # type: ignore[arg-type]


def verified(
    before: ActionResult, now: ActionResult | Exception, **changes: object
) -> CellVerified:
    action = make_action("x", **changes)
    one = Hit(ReadyAction(action, {}, {}, ready("x").key), before)
    found = verify(one, Again(now), Discarding(STORE))
    assert found is not None
    return found


def outputs(**given: Output | Unstorable) -> ActionResult:
    return ActionResult(given, cache="local")


def said(found: CellVerified) -> list[str]:
    return [f"{d.kind} {d.name}: {d.said}" for d in found.differences]


def test_the_same_bytes_are_verified() -> None:
    found = verified(outputs(x=value("1")), outputs(x=value("1")))
    assert found == CellVerified(Label("nb", "cell"), Verdict.VERIFIED)


def test_a_small_value_is_shown_old_and_new() -> None:
    found = verified(outputs(x=value("1"), y=value("5")), outputs(x=value("2"), y=value("5")))
    assert found.verdict is Verdict.DIFFERS
    assert said(found) == ["output x: 1 → 2"]


def test_a_secret_in_a_small_value_is_not_shown() -> None:
    found = verified(
        outputs(x=value('"a hunter2"')),
        outputs(x=value('"b hunter2"')),
        variables={"TOKEN": "hunter2"},
        secrets=("TOKEN",),
    )
    assert said(found) == ['output x: "a ***" → "b ***"']


def test_of_others_type_codec_and_sizes_are_said() -> None:
    before, now = (value(f"{i}" * 2000, codec="pickle", type_name="Model") for i in (1, 2))
    longer = value("3" * 2001, codec="pickle", type_name="Model")
    found = verified(outputs(x=before, y=before), outputs(x=now, y=longer))
    assert said(found) == [
        "output x: Model (pickle): other bytes (2,000, as before)",
        "output y: Model (pickle): other bytes (2,000 → 2,001)",
    ]


def test_another_type_and_a_missing_value_differ() -> None:
    lock = Unstorable("lock", "it cannot be copied")
    found = verified(
        outputs(a=value("1"), b=value("1"), c=value("1")),
        outputs(a=value("1", type_name="str"), c=lock, d=value("1")),
    )
    assert found.verdict is Verdict.DIFFERS
    assert said(found) == [
        "output a: int (json) → str (json)",
        "output b: int (json) → not defined",
        "output c: int (json) → lock, not stored",
        "output d: not defined → int (json)",
    ]


def test_values_that_were_never_stored_are_not_compared() -> None:
    found = verified(
        outputs(x=Unstorable("lock", "<lock at 0x1>")),
        outputs(x=Unstorable("lock", "<lock at 0x2>")),
    )
    assert found.verdict is Verdict.VERIFIED


def test_other_bytes_of_a_value_that_has_no_canonical_ones_are_unclear() -> None:
    before, now = (value(t, codec="pickle", unstable="its order is not fixed") for t in "12")
    found = verified(outputs(x=before), outputs(x=now))
    assert found.verdict is Verdict.UNCLEAR
    assert said(found)[0].endswith("equal values may have other bytes: its order is not fixed")


def test_one_that_differs_outweighs_one_that_is_unclear() -> None:
    found = verified(
        outputs(x=value("1", unstable="no"), y=value("1")),
        outputs(x=value("2", unstable="no"), y=value("2")),
    )
    assert found.verdict is Verdict.DIFFERS


def test_displays_and_console_are_said_and_do_not_count() -> None:
    shown = [{"text/plain": digest_bytes(t), "text/html": digest_bytes(b"h")} for t in (b"1", b"2")]
    before = ActionResult(displays=(shown[0],), console=digest_bytes(b"a"), cache="local")
    now = ActionResult(displays=(shown[1], shown[1]), console=None)
    found = verified(before, now)
    assert found.verdict is Verdict.VERIFIED
    assert said(found) == [
        "display 1: text/plain not the same",
        "display 2: shown only now",
        "console : not the same text",
    ]


def test_values_that_share_parts_are_compared_as_stored_together() -> None:
    both = {"a": value("1"), "b": value("2")}
    before, now = (ActionResult(both, shared=(Shared(("a", "b"), value(t)),)) for t in "34")
    found = verified(before, now)
    assert said(found) == ["output a and b: 3 → 4"]


def test_a_cell_that_fails_when_it_runs_again_differs() -> None:
    failure = CellFailure(FailureKind.EXCEPTION, "ValueError", "no", "nb/cells/a.py", 3)
    found = verified(outputs(), ActionResult(error=failure))
    assert found.verdict is Verdict.DIFFERS
    assert said(found) == ["run : failed: nb/cells/a.py:3: ValueError: no"]


def test_a_cell_that_cannot_be_run_again_is_no_proof() -> None:
    found = verified(outputs(), EnvironmentFailed("uv is not there"))
    assert found.verdict is Verdict.DIFFERS
    assert said(found) == ["run : could not be run: uv is not there"]


def test_a_cell_that_was_stopped_has_no_verdict() -> None:
    stopped = ActionResult(error=CellFailure(FailureKind.CANCELLED, "Cancelled", "stopped"))
    assert verify(Hit(ready("x"), outputs()), Again(stopped), Discarding(STORE)) is None


def test_an_accepted_hit_says_so() -> None:
    before = ActionResult({"x": value("1")}, cache="local", accepted="renamed")
    assert verified(before, outputs(x=value("2"))).accepted == "renamed"


class TestVerifyingExecutor:
    def test_it_remembers_hits_and_nothing_else(self) -> None:
        ran, hit = ActionResult(), ActionResult(cache="local")
        inner = Again(hit)
        executor = VerifyingExecutor(inner)
        assert executor.run(ready("b")) is hit
        executor.run(ready("b"))
        executor.run(ready("b", Label("nb", "a")))
        inner.result = ran
        executor.run(ready("c"))
        assert [h.ready.label.name for h in executor.hits()] == ["a", "cell"]

    def test_a_hit_that_had_to_run_after_all_is_none(self) -> None:
        inner = Again(ActionResult(cache="local"))
        executor = VerifyingExecutor(inner)
        executor.run(ready("b"))
        inner.result = ActionResult()
        executor.run(ready("b"))
        assert executor.hits() == []


class TestDiscarding:
    def test_nothing_reaches_the_store_behind_it(self, tmp_path: Path) -> None:
        inner = MemoryStore()
        store = Discarding(inner)
        file = tmp_path / "blob"
        file.write_bytes(b"x" * 5000)
        digests = {store.put(b"small"), store.put(b"l" * (SMALL_BYTES + 1)), store.put(file)}
        assert digest_bytes(b"x" * 5000) in digests
        assert not file.exists()
        assert inner.missing(digests) == digests
        assert store.missing(digests) == digests

    def test_it_reads_what_the_store_behind_it_has(self) -> None:
        inner = MemoryStore()
        digest = inner.put(b"value")
        assert Discarding(inner).get(digest) == b"value"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "nb").mkdir()
    return Bench(tmp_path, tmp_path / "scratch")


def test_a_real_run_is_compared_and_leaves_nothing(bench: Bench) -> None:
    source = "output('x', inputs['y'] + b'!'); output_file('z', b'z' * 9000); print(len(inputs))"
    first = bench.run(source, {"y": b"1"})
    blobs = set(first.blobs())
    hit = Hit(bench.ready(source, {"y": b"1"}), first)
    store = Discarding(bench.store)
    runner = replace(bench, store=store).executor()  # type: ignore[arg-type]
    assert verify(hit, runner, store) == CellVerified(Label("nb", "cell"), Verdict.VERIFIED)
    other = Hit(bench.ready(source, {"y": b"2"}), first)
    found = verify(other, runner, store)
    assert found is not None
    assert found.verdict is Verdict.DIFFERS
    assert set(first.blobs()) == blobs
    assert bench.store.missing([digest_bytes(b"2!")])
