"""What is recorded of a build: any graph, any number of slots, whatever happens to its cells."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.cli.profiling import recording, watched
from strata.cli.stopwatch import Stopwatch
from strata.console.trace import trace_json
from strata.core.action import Resources
from strata.core.errors import UsageError
from tests.cli.profiled import Ticking, built
from tests.console import traces
from tests.execution.graphs import needs

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


@settings(max_examples=30)
@given(needs(), st.integers(1, 4), st.data())
def test_a_trace_of_any_build_is_right(
    graph: dict[str, list[str]], jobs: int, data: st.DataObject
) -> None:
    some = st.sets(st.sampled_from(sorted(graph)), max_size=2)
    broken, failing, raising = data.draw(some), data.draw(some), data.draw(some)
    duration_s = data.draw(st.sampled_from([0.0, 0.0005, 1.0, 1000.0]))
    trace = built(
        graph, jobs=jobs, broken=broken, failing=failing, raising=raising,
        attempts=data.draw(st.integers(1, 3)), duration_s=duration_s,
        again=data.draw(st.booleans()) and not raising,
    )  # fmt: skip
    assert {c["name"] for c in traces.spans(trace, "cell")} <= {f"//nb:{name}" for name in graph}


def test_every_cell_that_runs_is_in_a_slot_and_says_how_it_ended() -> None:
    cells = traces.spans(built(DIAMOND, jobs=2, failing=["c"]), "cell")
    assert {c["name"]: c["args"]["status"] for c in cells} == {
        "//nb:a": "ran",
        "//nb:b": "ran",
        "//nb:c": "failed",
    }


def test_a_cell_leaves_its_slot_when_it_only_stores() -> None:
    trace = built({"a": []})
    (cell,), (storing,), (put,) = (traces.spans(trace, c) for c in ("cell", "storing", "store"))
    assert cell["tid"] == 1
    assert storing["tid"] == put["tid"] != 1
    assert storing["ts"] >= cell["ts"] + cell["dur"]
    assert put["args"]["label"] == "//nb:a"
    assert put["args"]["variable"] == "a"
    assert put["args"]["size_bytes"] == 1


def test_one_slot_makes_others_wait() -> None:
    trace = built({"a": [], "b": [], "c": []})
    begun = [e for e in trace["traceEvents"] if e["ph"] == "b"]
    assert {e["name"] for e in begun} >= {"//nb:b", "//nb:c"}
    assert {c["tid"] for c in traces.spans(trace, "cell")} == {1}


def test_every_attempt_is_counted_and_the_last_is_the_run() -> None:
    (run,) = traces.spans(built({"a": []}, attempts=3), "run")
    assert run["args"]["attempt"] == 3


def test_hits_take_no_slot_and_their_look_ups_are_theirs() -> None:
    trace = built(DIAMOND, again=True)
    looked = {s["args"].get("label") for s in traces.spans(trace, "cache")}
    assert looked >= {f"//nb:{name}" for name in DIAMOND}


def test_what_a_cell_takes_of_the_machine_is_told_where_it_says_so() -> None:
    (cell,) = traces.spans(built({"a": []}, resources=Resources(cpu=4.0)), "cell")
    assert cell["args"]["resources"]["cpu"] == 4
    (cell,) = traces.spans(built({"a": []}), "cell")
    assert "resources" not in cell["args"]


def test_the_critical_path_is_told_with_its_length() -> None:
    trace = built(DIAMOND, jobs=4)
    path = traces.spans(trace, "critical")
    names = list(dict.fromkeys(span["name"] for span in path))
    assert names in (["//nb:a", "//nb:b", "//nb:d"], ["//nb:a", "//nb:c", "//nb:d"])
    assert trace["otherData"]["critical_path_us"] == pytest.approx(sum(s["dur"] for s in path))


def test_threads_that_are_in_no_cell_have_tracks_of_their_own() -> None:
    watch = Stopwatch(Ticking())
    look = watch.timed(lambda: 1, "look-up", "cache")
    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trace = traces.read(trace_json(watch.timeline()))
    assert len({s["tid"] for s in traces.spans(trace, "cache")}) == 3


def test_a_call_that_raises_is_a_span_too() -> None:
    watch = Stopwatch(Ticking())

    def lose() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        watch.timed(lose, "load", "store", lambda args, gave: {"gave": gave})()
    (span,) = traces.spans(traces.read(trace_json(watch.timeline())), "store")
    assert span["args"] == {"gave": None}


def test_a_watched_thing_is_that_thing_in_all_else() -> None:
    class Thing:
        other = 3

        def one(self) -> int:
            return 1

        def two(self) -> int:
            return 2

    thing = watched(Thing(), one=lambda: 10)
    assert (thing.one(), thing.two(), thing.other) == (10, 2, 3)


def test_what_was_there_stays_until_there_is_something_whole(tmp_path: Any) -> None:
    path = tmp_path / "t.json"
    path.write_text("an earlier trace")
    with recording(str(path)):
        assert path.read_text() == "an earlier trace"
    traces.read(path.read_text())


def test_whatever_happens_within_a_trace_is_written(tmp_path: Any) -> None:
    path = tmp_path / "t.json"

    def load() -> None:
        with recording(str(path)) as recorder:
            recorder.phase("load")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load()
    assert [s["name"] for s in traces.spans(traces.read(path.read_text()), "phase")] == [
        "start",
        "load",
    ]


def test_a_file_that_cannot_be_written_is_said_before_anything_happens(tmp_path: Any) -> None:
    with (
        pytest.raises(UsageError, match="cannot be written"),
        recording(str(tmp_path / "no" / "t.json")),
    ):
        raise AssertionError("something happened")


def test_a_disk_that_fills_up_does_not_undo_the_build(capsys: Any) -> None:
    with recording("/dev/full"):
        pass
    assert "could not be written: No space left on device" in capsys.readouterr().err
