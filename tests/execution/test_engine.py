"""The engine over toy cells: above all, what ran."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.core.errors import (
    BlobDamaged,
    BlobMissing,
    ExecutorError,
    ExitCode,
    Interrupted,
    StoreUnreachable,
)
from strata.core.events import BuildFinished, BuildStarted, CellFinished, Status
from strata.core.result import FailureKind
from strata.execution.engine import MOST_REPAIRS
from tests.execution.graphs import needs
from tests.execution.toy import (
    UNSTORABLE,
    Given,
    LostJournal,
    RaisingExecutor,
    ToyCell,
    Values,
    World,
    cell,
    chain,
    constant,
    edited,
    failing,
    report_of,
    statuses,
    with_status,
)
from tests.factories import label

# Incremental builds.


def test_a_first_build_runs_everything_inputs_first() -> None:
    world = World(c=cell("b"), b=cell("a"), a=cell())
    report = world.build()
    assert world.ran == ["a", "b", "c"]
    assert world.value(report, "c") == "1(1(1()))"
    assert report.success
    assert report.exit_code is ExitCode.OK


def test_a_second_build_runs_nothing() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    report = world.build()
    assert world.ran == []
    assert statuses(report) == {"a": "cached", "b": "cached"}


def test_an_edit_runs_the_cell_and_what_reads_its_changed_value() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("b"), other=cell())
    world.build()
    edited(world, b="2")
    world.build()
    assert world.ran == ["b", "c"]


def test_early_cutoff_the_same_value_runs_nothing_above() -> None:
    world = World(a=cell(), b=cell("a", do=constant(b="same")), c=cell("b"))
    world.build()
    edited(world, a="2")
    report = world.build()
    assert world.ran == ["a", "b"]
    assert statuses(report) == {"a": "ran", "b": "ran", "c": "cached"}


def test_an_edit_that_is_undone_runs_nothing() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    edited(world, a="2")
    world.build()
    edited(world, a="1")
    world.build()
    assert world.ran == []


def test_only_what_is_wanted_is_built() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("a"))
    report = world.build("b")
    assert world.ran == ["a", "b"]
    assert [c.label.name for c in report.cells] == ["a", "b"]


def test_what_must_run_always_runs_and_does_not_disturb_what_reads_it() -> None:
    world = World(a=cell(cacheable=False), b=cell("a"))
    world.build()
    world.build()
    assert world.ran == ["a"]
    assert world.reasons == {"a": "always runs (@nocache)"}


def test_forced_cells_run_and_the_others_do_not() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("b"))
    world.build()
    world.build(forced=["b"])
    assert world.ran == ["b"]
    assert world.reasons == {"b": "forced"}


def test_order_alone_is_kept_and_no_part_of_the_key() -> None:
    world = World(a=cell(after=("z",)), z=cell())
    world.build()
    assert world.ran == ["z", "a"]
    edited(world, z="2")
    world.build()
    assert world.ran == ["z"]


def test_two_cells_with_equal_keys_run_once() -> None:
    both = constant(a="x", b="x")
    world = World(a=cell(do=both, twin="t"), b=cell(do=both, twin="t"), c=cell("a", "b"))
    report = world.build()
    assert world.ran == ["a", "c"]
    assert statuses(report) == {"a": "ran", "b": "cached", "c": "ran"}
    report = World(**world.cells).build(jobs=2)
    assert sorted(statuses(report).values()) == ["cached", "ran", "ran"]


@settings(max_examples=30)
@given(needs(), st.integers(1, 3), st.data())
def test_after_any_edits_an_incremental_build_gives_what_a_clean_one_gives(
    given_needs: dict[str, list[str]], jobs: int, data: st.DataObject
) -> None:
    world = World(**{name: cell(*below) for name, below in given_needs.items()})
    world.build(jobs=jobs)
    for _ in range(2):
        name = data.draw(st.sampled_from(sorted(given_needs)))
        edited(world, **{name: data.draw(st.sampled_from("123"))})
        report = world.build(jobs=jobs)
        clean = World(**world.cells)
        expected = clean.build()
        assert len(world.ran) == len(set(world.ran))
        for one in given_needs:
            assert world.value(report, one) == clean.value(expected, one)


# Failures.


def test_a_failure_leaves_undone_only_what_needs_it() -> None:
    world = World(a=cell(do=failing), b=cell("a"), c=cell("b"), d=cell(), e=cell("d"))
    report = world.build()
    assert sorted(world.ran) == ["a", "d", "e"]
    assert statuses(report) == {
        "a": "failed",
        "b": "skipped",
        "c": "skipped",
        "d": "ran",
        "e": "ran",
    }
    assert report_of(report, "c").reason == "needs //nb:a, which failed"
    assert report.exit_code is ExitCode.CELL_FAILED


def test_a_failure_is_not_cached() -> None:
    world = World(a=cell(do=failing), b=cell("a"))
    world.build()
    world.build()
    assert world.ran == ["a"]
    assert world.reasons == {"a": "last run failed"}


def test_fail_fast_starts_nothing_more() -> None:
    world = World(a=cell(do=failing), b=cell(), c=cell("b"))
    report = world.build(keep_going=False)
    assert world.ran == ["b", "a"]  # the longer path first
    assert statuses(report) == {"a": "failed", "b": "ran", "c": "skipped"}
    assert report_of(report, "c").reason == "another cell failed (--fail-fast)"


def test_fail_fast_lets_what_runs_end() -> None:
    started, failed = threading.Event(), threading.Event()
    world = World(a=cell(), b=cell(), c=cell("a"))

    def slow(given: Values) -> Given:
        started.set()
        assert failed.wait(10)
        return {"a": "done"}

    def bad(given: Values) -> Given:
        assert started.wait(10)
        return failing({})

    world.cells["a"].do, world.cells["b"].do = slow, bad
    world.journal = _Telling(world, failed)
    report = world.build(jobs=2, keep_going=False)
    assert statuses(report) == {"a": "ran", "b": "failed", "c": "skipped"}


class _Telling:
    """A journal that tells when the failure of a cell has been taken."""

    def __init__(self, world: World, failed: threading.Event) -> None:
        self._inner = world.journal
        self._failed = failed
        self.last = self._inner.last
        self.history = self._inner.history
        self.add_build = self._inner.add_build
        self.briefs = self._inner.briefs

    def append(self, at: object, run: object) -> None:
        self._inner.append(at, run)  # type: ignore[arg-type]
        if getattr(run, "status", "") == "failed":
            self._failed.set()


def test_broken_cells_are_reported_before_anything_runs() -> None:
    world = World(a=cell(), b=cell(broken=True), c=cell("b"), d=cell("a"))
    report = world.build()
    assert world.ran == ["a", "d"]
    assert world.finished()[:2] == [("b", "failed"), ("c", "skipped")]
    assert statuses(report) == {"a": "ran", "b": "failed", "c": "skipped", "d": "ran"}
    assert [c.label.name for c in report.cells] == ["a", "b", "c", "d"]


def test_fail_fast_runs_nothing_beside_a_broken_cell() -> None:
    world = World(a=cell(), b=cell(broken=True), c=cell(broken=True))
    report = world.build(keep_going=False)
    assert world.ran == []
    assert statuses(report) == {"a": "skipped", "b": "failed", "c": "skipped"}


def test_the_machinery_that_fails_is_a_failure_of_its_own_kind_and_the_rest_goes_on() -> None:
    world = World(a=cell(), b=cell("a"), c=cell())
    report = world.build(executor=RaisingExecutor(ExecutorError("no machine", hint="buy one")))
    assert statuses(report) == {"a": "failed", "b": "skipped", "c": "failed"}
    result = report_of(report, "a").result
    assert result is not None
    assert result.error is not None
    assert result.error.kind is FailureKind.INFRASTRUCTURE
    assert (result.error.message, result.error.hint) == ("no machine", "buy one")


def test_a_bug_in_an_executor_is_raised_with_nothing_left_running() -> None:
    world = World(a=cell(), b=cell())
    with pytest.raises(ZeroDivisionError):
        world.build(jobs=2, executor=RaisingExecutor(ZeroDivisionError()))
    assert world.cancellation.requested


# Inputs that are not there.


def test_a_value_that_was_not_defined_fails_the_cell_that_reads_it() -> None:
    world = World(a=cell(do=constant()), b=cell("a"))
    report = world.build()
    assert world.ran == ["a"]
    result = report_of(report, "b").result
    assert result is not None
    assert result.error is not None
    assert result.error.kind is FailureKind.INPUT
    assert result.error.message == "it reads 'a', which //nb:a did not define when it ran"


def test_a_reader_falls_back_to_the_cell_before() -> None:
    world = World(a=cell(do=constant(b="old")), b=cell(do=constant()), c=cell("b|a"))
    report = world.build()
    assert world.value(report, "c") == "1(old)"
    world.cells["b"].do = constant(b="new")
    edited(world, b="2")
    report = world.build()
    assert world.ran == ["b", "c"]
    assert world.value(report, "c") == "1(new)"


def test_an_optional_input_may_be_missing() -> None:
    world = World(a=cell(do=constant()), b=cell("a", optional="a"))
    report = world.build()
    assert world.value(report, "b") == "1()"
    world.cells["a"].do = constant(a="now")
    edited(world, a="2")
    world.build()
    assert world.ran == ["a", "b"]


def test_what_cannot_be_stored_fails_only_who_reads_it() -> None:
    world = World(a=cell(do=constant(a=UNSTORABLE, other="x")), b=cell("a"), c=cell(after=("a",)))
    report = world.build()
    assert statuses(report) == {"a": "ran", "b": "failed", "c": "ran"}
    result = report_of(report, "b").result
    assert result is not None
    assert result.error is not None
    assert result.error.type == "CannotBeStored"
    assert result.error.message == (
        "it reads 'a' of //nb:a, a generator, which cannot be stored: it cannot be pickled"
    )


def test_what_cannot_be_stored_and_may_not_be_read_is_left_out() -> None:
    """Neither is the older value given: it is not what the name means."""
    world = World(
        old=cell(do=constant(a="old")),
        a=cell(do=constant(a=UNSTORABLE)),
        b=cell("a|old", optional="a|old"),
    )
    report = world.build()
    assert world.value(report, "b") == "1()"


# Chains.


def test_a_chain_runs_each_step_on_what_the_one_before_gave() -> None:
    world = World(a=cell(), it=chain("it", 5, seed="a"), b=cell("it"))
    report = world.build()
    assert world.ran == ["a", "it@0", "it@1", "it@2", "it@3", "it@4", "b"]
    assert world.value(report, "it") == "1(1(1(1(1(1()), 1()), 1()), 1()), 1())"
    found = report_of(report, "it")
    assert (found.status, found.steps_ran, found.steps_cached) == (Status.RAN, 5, 0)
    assert report_of(report, "b").steps_ran is None


def test_a_chain_may_end_early() -> None:
    world = World(it=chain("it", 5, stop=1), b=cell("it"))
    world.build()
    assert world.ran == ["it@0", "it@1", "b"]


def test_a_chain_whose_first_step_fails_again_and_again() -> None:
    world = World(it=chain("it", 3, do=failing), b=cell("it"))
    report = world.build()
    assert statuses(report) == {"it": "failed", "b": "skipped"}
    world.build()
    assert world.reasons == {"it@0": "last run failed"}


def third_fails(given: Values) -> Given:
    carried = given.get("carry", "")
    return failing({}) if len(carried) == 2 else {"it": carried + "x"}


def test_a_chain_whose_third_step_fails_keeps_the_two_before() -> None:
    world = World(it=chain("it", 5, do=third_fails), b=cell("it"))
    report = world.build()
    assert world.ran == ["it@0", "it@1", "it@2"]
    assert statuses(report) == {"it": "failed", "b": "skipped"}
    world.build()
    assert world.ran == ["it@2"]
    world.cells["it"].do = lambda given: {"it": given.get("carry", "") + "x"}
    report = world.build()
    assert world.ran == ["it@2", "it@3", "it@4", "b"]
    found = report_of(report, "it")
    assert (found.status, found.steps_ran, found.steps_cached) == (Status.RAN, 3, 2)


def test_a_chain_that_is_cached_to_its_end_is_cached() -> None:
    world = World(it=chain("it", 3))
    world.build()
    report = world.build()
    assert world.ran == []
    found = report_of(report, "it")
    assert (found.status, found.steps_ran, found.steps_cached) == (Status.CACHED, 0, 3)


def test_more_steps_run_only_those_that_are_new() -> None:
    world = World(it=chain("it", 2))
    world.build()
    world.cells["it"] = chain("it", 4)
    world.build()
    assert world.ran == ["it@2", "it@3"]


def test_the_reason_of_a_chain_is_what_changed_in_its_first_step() -> None:
    world = World(a=cell(), it=chain("it", 3, seed="a"))
    world.build()
    edited(world, it="2")
    world.build()
    assert set(world.reasons.values()) == {"source changed"}
    edited(world, a="2")
    world.build()
    assert world.reasons["it@2"] == "input seed changed"


# Bytes that are gone.


def test_a_missing_input_is_made_again() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("a"))
    world.build()
    edited(world, b="2")
    world.before["b"] = lambda: world.lose("1()")
    report = world.build()
    assert world.ran == ["a", "b"]
    assert statuses(report) == {"a": "ran", "b": "ran", "c": "cached"}
    assert world.value(report, "b") == "2(1())"
    assert [n.partition(" is missing")[2] for n in world.notices()] == ["; making it again"]


def test_a_value_that_comes_out_differently_when_made_again_reaches_everything_above() -> None:
    made = iter(["first", "second"])
    world = World(
        a=ToyCell(do=lambda given: {"a": next(made)}), b=cell("a"), c=cell("a"), d=cell("c")
    )
    world.build()
    edited(world, b="2")
    world.before["b"] = lambda: world.lose("first")
    report = world.build()
    assert world.ran[0] == "a"
    assert sorted(world.ran) == ["a", "b", "c", "d"]
    assert world.value(report, "d") == "1(1(second))"
    assert world.value(report, "b") == "2(second)"


@pytest.mark.parametrize("problem", [BlobMissing, BlobDamaged])
def test_inputs_are_made_again_for_missing_and_for_damaged_bytes(problem: type[Exception]) -> None:
    world = World(a=cell(), b=cell("a"))
    times = iter([problem("gone")])

    def once() -> None:
        raise next(times)

    world.before["b"] = once
    report = world.build()
    assert statuses(report) == {"a": "ran", "b": "ran"}
    assert world.ran == ["a", "b"]  # asked again, the cache has it


def test_a_store_that_loses_everything_is_given_up_on() -> None:
    world = World(a=cell(cacheable=False), b=cell("a"), c=cell("b"), d=cell())

    def lose() -> None:
        world.before["b"] = lose
        world.lose("1()")

    world.before["b"] = lose
    world.cells["d"].do = constant(d="d")
    report = world.build()
    assert statuses(report) == {"a": "ran", "b": "failed", "c": "skipped", "d": "ran"}
    assert world.ran.count("a") == 1 + MOST_REPAIRS
    result = report_of(report, "b").result
    assert result is not None
    assert result.error is not None
    assert result.error.type == "BlobMissing"


def test_bytes_that_no_input_explains_are_a_failure_and_not_a_hang() -> None:
    world = World(a=cell(), b=cell())

    def gone() -> None:
        raise BlobMissing("something of the machinery is missing")

    world.before["a"] = gone
    report = world.build()
    assert statuses(report) == {"a": "failed", "b": "ran"}


def test_two_readers_that_miss_the_same_bytes_make_them_once() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("a"))
    world.build()
    edited(world, b="2", c="2")
    both = threading.Barrier(2, timeout=10)

    def lose() -> None:
        if both.wait() == 0:
            world.lose("1()")
        both.wait()

    world.before.update(b=lose, c=lose)
    report = world.build(jobs=2)
    assert world.ran.count("a") == 1
    assert sorted(world.ran) == ["a", "b", "c"]
    assert world.value(report, "c") == "2(1())"


def test_a_cell_that_reads_a_value_and_what_was_made_from_it_is_repaired_too() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("a", "b"))
    world.build()
    edited(world, c="2")
    world.before["c"] = lambda: world.lose("1()")
    report = world.build()
    assert world.ran == ["a", "c"]
    assert statuses(report) == {"a": "ran", "b": "cached", "c": "ran"}


def test_the_result_of_an_attempt_on_values_that_were_made_again_is_thrown_away() -> None:
    """The attempt runs on while the cell is started anew, and ends before the new one."""
    made = iter(["first", "second"])
    reading, again, stale_ended = threading.Event(), threading.Event(), threading.Event()

    def slow(given: Values) -> Given:
        if given["a"] == "first":
            reading.set()
            assert again.wait(10)
            return {"b": "stale"}
        again.set()
        assert stale_ended.wait(10)
        return {"b": "fresh"}

    def lose() -> None:
        assert reading.wait(10)
        world.lose("first")

    world = World(a=ToyCell(do=lambda given: {"a": next(made)}), b=cell("a", do=slow), c=cell("a"))
    world.before["c"] = lose
    world.after["b"] = stale_ended.set
    report = world.build(jobs=3)
    assert world.value(report, "b") == "fresh"
    assert world.value(report, "c") == "1(second)"


def test_a_chain_that_misses_what_its_own_step_gave_begins_anew() -> None:
    world = World(it=chain("it", 3))
    world.before["it@2"] = lambda: world.lose("1(1())")
    report = world.build()
    assert world.ran == ["it@0", "it@1", "it@1", "it@2"]
    assert world.value(report, "it") == "1(1(1()))"


def test_a_chain_that_misses_its_seed_begins_anew_after_it() -> None:
    world = World(a=cell(), it=chain("it", 3, seed="a"))
    world.before["it@2"] = lambda: world.lose("1()")
    report = world.build()
    assert world.ran == ["a", "it@0", "it@1", "a", "it@2"]
    assert statuses(report) == {"a": "ran", "it": "ran"}


def test_fail_fast_does_not_start_what_a_repair_opens_again() -> None:
    world = World(a=cell(), b=cell("a"), bad=cell())
    world.build("a", "b")
    edited(world, b="2")
    started, failed = threading.Event(), threading.Event()

    def late() -> None:
        started.set()
        assert failed.wait(10)
        world.lose("1()")

    def bad(given: Values) -> Given:
        assert started.wait(10)
        return failing({})

    world.before["b"] = late
    world.cells["bad"].do = bad
    world.journal = _Telling(world, failed)
    report = world.build(jobs=2, keep_going=False)
    assert world.ran == ["bad"]
    assert statuses(report) == {"a": "skipped", "b": "skipped", "bad": "failed"}


# Cancellation.


def test_a_cancelled_build_stops_what_runs_and_starts_nothing() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("b"), d=cell())
    world.before["b"] = lambda: world.cancellation.request()
    report = world.build()
    assert world.ran == ["a"]
    assert report.interrupted
    assert report.exit_code is ExitCode.INTERRUPTED
    assert statuses(report) == {"a": "ran", "b": "skipped", "c": "skipped", "d": "skipped"}
    assert {report_of(report, n).reason for n in "cd"} == {"the build was interrupted"}


def test_what_was_finished_before_it_was_cancelled_is_kept() -> None:
    world = World(a=cell(), b=cell("a"))
    world.before["b"] = lambda: world.cancellation.request()
    world.build()
    world.build()
    assert world.ran == ["b"]


def test_a_cancelled_chain_ends() -> None:
    world = World(it=chain("it", 5), b=cell("it"))
    world.before["it@2"] = lambda: world.cancellation.request()
    report = world.build()
    assert world.ran == ["it@0", "it@1"]
    assert statuses(report) == {"it": "skipped", "b": "skipped"}


def test_an_executor_that_was_interrupted_is_no_failure() -> None:
    world = World(a=cell(), b=cell("a"))
    report = world.build(executor=RaisingExecutor(Interrupted("stopped")))
    assert statuses(report) == {"a": "skipped", "b": "skipped"}
    assert report_of(report, "b").reason == "the build was interrupted"


def test_a_cancelled_build_leaves_no_record_of_what_did_not_happen() -> None:
    world = World(a=cell(), b=cell("a"))
    world.before["a"] = lambda: world.cancellation.request()
    world.build()
    assert [world.journal.last(label(n)) for n in "ab"] == [None, None]


# Dry runs.


def test_a_dry_run_says_what_would_run_and_runs_nothing() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("b"), d=cell(), e=cell("d"))
    world.build()
    edited(world, b="2")
    report = world.build(dry_run=True)
    assert world.ran == []
    assert statuses(report) == {
        "a": "cached",
        "b": "would_run",
        "c": "unknown",
        "d": "cached",
        "e": "cached",
    }
    assert report_of(report, "b").reason == "source changed"
    assert report_of(report, "c").reason == "until //nb:b ran"
    assert report.exit_code is ExitCode.OK
    world.build()
    assert world.ran[0] == "b"


def test_a_dry_run_asks_everything_that_can_be_known_with_fail_fast_too() -> None:
    world = World(a=cell(), b=cell())
    report = world.build(dry_run=True, keep_going=False)
    assert with_status(report, Status.WOULD_RUN) == ["a", "b"]


def test_a_dry_run_of_a_chain_stops_at_the_first_step_that_would_run() -> None:
    world = World(it=chain("it", 2), b=cell("it"))
    world.build()
    world.cells["it"] = chain("it", 4)
    report = world.build(dry_run=True)
    assert statuses(report) == {"it": "would_run", "b": "unknown"}
    assert report_of(report, "it").steps_cached == 2


# The journal.


def test_the_journal_holds_status_reason_key_and_provenance() -> None:
    world = World(a=cell(), b=cell("a"), bad=cell(do=failing))
    world.build()
    run = world.last("b")
    assert (run.status, run.reason) == ("ran", "never built")
    assert run.key is not None
    assert run.result.provenance["source"] == "1"
    assert set(run.result.provenance["inputs"]) == {"a"}  # type: ignore[arg-type]
    assert world.last("bad").status == "failed"
    assert world.last("bad").result.error is not None


def test_a_hit_that_the_journal_knows_is_not_written_again() -> None:
    world = World(a=cell())
    world.build()
    world.build()
    assert world.last("a").status == "ran"


def test_a_hit_that_the_journal_does_not_know_is_written() -> None:
    world = World(a=cell())
    world.build()
    edited(world, a="2")
    world.build()
    edited(world, a="1")
    world.build()
    assert world.last("a").status == "cached"
    assert world.last("a").result.provenance["source"] == "1"


def test_reasons_compare_with_the_last_time() -> None:
    world = World(a=cell(), b=cell("a"), bad=cell(do=constant()), worse=cell("bad"))
    world.build()
    assert world.reasons == dict.fromkeys(["a", "b", "bad"], "never built")
    edited(world, a="2")
    world.build()
    assert world.reasons == {"a": "source changed", "b": "input a changed"}
    world.lose("2()")
    world.build()
    assert world.reasons == {"a": "its result is no longer in the cache"}


def test_a_cell_whose_input_was_not_there_ran_never_with_it() -> None:
    world = World(a=cell(do=constant()), b=cell("a"))
    world.build()
    assert world.last("b").key is None
    world.cells["a"].do = constant(a="x")
    edited(world, a="2")
    world.build()
    assert world.reasons["b"] == "last run failed"


def test_without_a_journal_the_build_goes_on_and_it_is_said_once() -> None:
    world = World(a=cell(), b=cell("a"))
    world.journal = LostJournal(StoreUnreachable("the disk is full"))
    report = world.build()
    assert report.success
    assert world.notices() == ["what happens is not being remembered: the disk is full"]


# Events and reports.


def test_events_begin_and_end_and_every_cell_is_finished_once() -> None:
    world = World(a=cell(), b=cell("a"), bad=cell(do=failing), c=cell("bad"))
    world.build()
    first, last = world.events[0], world.events[-1]
    assert first == BuildStarted(cells=4, jobs=1)
    assert isinstance(last, BuildFinished)
    assert (last.ran, last.cached, last.failed, last.skipped) == (2, 0, 1, 1)
    assert last.duration_s == 1
    finished = [e.label for e in world.events if isinstance(e, CellFinished)]
    assert sorted(finished) == [label(n) for n in ("a", "b", "bad", "c")]


def test_nothing_to_build_is_a_build_too() -> None:
    report = World().build()
    assert report.cells == ()
    assert report.success


# Depth and width.


def test_thousands_of_cells_in_a_chain_and_in_a_fan() -> None:
    """No recursion, and nothing that grows faster than the graph."""
    count = 5000
    cells = {"n0": cell()}
    cells |= {f"n{i}": cell(f"n{i - 1}", do=constant(**{f"n{i}": "x"})) for i in range(1, count)}
    world = World(**cells)
    report = world.build()
    assert len(world.ran) == count
    assert report.success
    fan = World(root=cell(do=failing), **{f"n{i}": cell("root") for i in range(2000)})
    assert len(with_status(fan.build(jobs=4), Status.SKIPPED)) == 2000
    fan = World(root=cell(), **{f"n{i}": cell("root") for i in range(300)})
    assert len(with_status(fan.build(jobs=4), Status.RAN)) == 301
