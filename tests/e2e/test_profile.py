"""`--profile` and `strata profile`, as a user meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.console import traces
from tests.e2e.workspaces import Ended, Workspace, chain, events

CELLS = {"a": "x = 1", "b": "y = x + 1", "c": "z = y + 1", "other": "big = bytes(3_000_000)"}

PHASES = ["start", "load", "scan", "join", "environments", "analyze", "open", "build", "save",
          "close"]  # fmt: skip


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w")
    space.notebook("nb", CELLS)
    return space


def trace_of(space: Workspace, name: str = "t.json") -> traces.Trace:
    return traces.read((space.root / name).read_text(encoding="utf-8"))


def names(trace: traces.Trace, category: str) -> set[str]:
    return {span["name"] for span in traces.spans(trace, category)}


def profile(space: Workspace, *arguments: str) -> traces.Trace:
    found: traces.Trace = json.loads(profiled(space, *arguments, "--json").out)
    assert found["schema"] == "strata.profile.v1"
    return found


def profiled(space: Workspace, *arguments: str) -> Ended:
    ended = space.run("profile", *arguments)
    assert ended.code == 0, ended.err
    return ended


class TestTrace:
    def test_it_has_the_phases_the_cells_and_what_they_stored(self, space: Workspace) -> None:
        space.build("-j2", "--profile", "t.json", "//nb")
        trace = trace_of(space)
        phases = [span["name"] for span in traces.spans(trace, "phase")]
        assert phases == PHASES
        assert names(trace, "cell") == {f"//nb:{name}" for name in CELLS}
        assert {s["args"]["status"] for s in traces.spans(trace, "cell")} == {"ran"}
        assert len(traces.spans(trace, "run")) == len(CELLS)
        assert {"look-up", "record"} <= names(trace, "cache")
        stored = [s["args"] for s in traces.spans(trace, "store") if s["name"] == "store"]
        assert ("//nb:other", "big") in {(s["label"], s["variable"]) for s in stored}
        assert names(trace, "journal") == {"journal"}

    def test_the_critical_path_is_the_chain(self, space: Workspace) -> None:
        space.notebook("nb", chain(4))
        space.build("--profile", "t.json", "//nb")
        path = [span["name"] for span in traces.spans(trace_of(space), "critical")]
        assert list(dict.fromkeys(path)) == [f"//nb:c{i}" for i in range(4)]

    def test_more_cells_than_slots_wait(self, space: Workspace) -> None:
        space.notebook("nb", {f"c{i}": f"x{i} = {i}" for i in range(5)})
        space.build("-j1", "--profile", "t.json", "//nb")
        waits = [e for e in trace_of(space)["traceEvents"] if e["ph"] == "b"]
        assert sum(wait["args"]["slots_full_us"] > 0 for wait in waits) >= 4

    def test_it_says_what_was_asked(self, space: Workspace) -> None:
        space.build("-j2", "--profile", "t.json", "//nb:a")
        about = trace_of(space)["otherData"]
        assert about["asked"] == ["//nb:a"]
        assert (about["jobs"], about["cells"], about["interrupted"]) == (2, 1, False)

    def test_a_build_in_which_nothing_runs_writes_one_each_time(self, space: Workspace) -> None:
        space.run("build", "//nb")
        for name in ("t.json", "u.json", "u.json"):
            (space.root / name).unlink(missing_ok=True)
            space.run("build", "//nb", "--profile", name)
            assert traces.spans(trace_of(space, name), "run") == []

    def test_a_cell_that_fails_is_in_it(self, space: Workspace) -> None:
        space.notebook("nb", {"bad": "1 / 0", "needs": "x"})
        space.build("--profile", "t.json", "//nb:bad", code=1)
        (cell,) = traces.spans(trace_of(space), "cell")
        assert cell["args"]["status"] == "failed"

    def test_the_same_result_is_printed_with_it(self, space: Workspace) -> None:
        with_it = space.build("--profile", "t.json", "//nb").report
        without = space.build("//nb").report
        assert [c["outputs"] for c in with_it["cells"]] == [c["outputs"] for c in without["cells"]]
        assert with_it["summary"]["ran"] == len(CELLS)

    def test_strata_run_has_it_too(self, space: Workspace) -> None:
        assert space.run("run", "nb", "--profile", "t.json").code == 0
        assert len(traces.spans(trace_of(space), "run")) == len(CELLS)

    def test_verified_hits_are_a_phase(self, space: Workspace) -> None:
        space.build("//nb")
        space.build("--verify", "all", "--profile", "t.json", "//nb")
        assert "verify" in names(trace_of(space), "phase")

    def test_odd_names_and_folders(self, space: Workspace) -> None:
        package = 'ünï "q"'
        space.notebook(package.replace('"', "'"), {"a": "x = 1"})
        space.build("--profile", "t.json", "//...")
        assert "//ünï 'q':a" in names(trace_of(space), "cell")

    def test_a_plan_is_profiled_and_leaves_nothing_but_its_file(self, space: Workspace) -> None:
        space.build("-n", "--profile", "t.json", "//nb")
        trace = trace_of(space)
        assert trace["otherData"]["dry_run"] is True
        assert traces.spans(trace, "run") == []
        assert not (space.root / ".strata" / "profile.json").exists()

    @pytest.mark.parametrize("path", ["no/such/t.json", "nb", "/proc/t.json"])
    def test_a_file_that_cannot_be_written_is_one_error_before_anything_runs(
        self, space: Workspace, path: str
    ) -> None:
        ended = space.run("build", "--profile", path, "//nb")
        assert ended.code == 2
        assert ended.err.startswith(f"error: --profile: {path} cannot be written: ")
        assert ended.out == ""
        assert space.build("-n", "//nb").by_status("would_run")

    def test_the_null_device_is_fine(self, space: Workspace) -> None:
        ended = space.run("build", "--profile", "/dev/null", "//nb")
        assert (ended.code, ended.err) == (0, "")

    def test_an_interrupted_build_writes_what_it_has(self, space: Workspace) -> None:
        space.notebook("nb", {"quick": "x = 1", "slow": "import time\ntime.sleep(600)"})
        log = space.root / "events"
        process = space.start(
            "build", "-j2", "--events", str(log), "--profile", "t.json", "//nb",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

        def begun() -> bool:
            seen = {(e["event"], e.get("label")) for e in events(log)}
            return {("cell_finished", "//nb:quick"), ("cell_started", "//nb:slow")} <= seen

        deadline = time.monotonic() + 60
        while not begun():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        trace = trace_of(space)
        assert trace["otherData"]["interrupted"] is True
        assert names(trace, "cell") == {"//nb:quick", "//nb:slow"}
        assert "(interrupted)" in profiled(space, "t.json").out

    def test_a_mistake_that_is_found_early_leaves_a_whole_file(self, space: Workspace) -> None:
        assert space.run("build", "--profile", "t.json", "//nowhere").code == 2
        assert [s["name"] for s in traces.spans(trace_of(space), "phase")] == ["start", "load"]


def test_without_profile_nothing_of_it_is_loaded(space: Workspace) -> None:
    script = (
        "import sys\nfrom strata.cli.main import run\nrun(['build', '//nb'])\n"
        "print(sorted(m for m in sys.modules if 'profil' in m or 'stopwatch' in m))"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], cwd=space.root, capture_output=True, text=True, check=True
    ).stdout
    assert out.splitlines()[-1] == "[]"


class TestCommand:
    def test_it_reads_a_file(self, space: Workspace) -> None:
        space.build("--profile", "t.json", "//nb")
        ended = profiled(space, "t.json")
        assert "//nb  " in ended.out.splitlines()[0]
        assert ended.out.splitlines()[1].startswith("1. ")

    def test_without_a_file_it_is_the_last_build_with_profile(self, space: Workspace) -> None:
        space.build("--profile", "t.json", "//nb")
        (space.root / "t.json").unlink()
        found = profile(space)
        assert (found["source"], found["file"], found["asked"]) == ("trace", None, ["//nb"])
        space.build("//nb")
        assert profile(space)["source"] == "trace"

    def test_where_something_ran_since_it_is_what_is_recorded_of_that(
        self, space: Workspace
    ) -> None:
        space.build("--profile", "t.json", "//nb")
        space.notebook("nb", CELLS | {"b": "y = 1 + x"})
        space.build("//nb")
        found = profile(space)
        assert found["source"] == "recorded"
        assert found["jobs"] is None
        (only,) = found["costs"]
        assert (only["kind"], only["label"]) == ("cell", "//nb:b")
        assert "100 % of the critical path" in only["said"]

    def test_no_more_than_five_are_printed_and_all_are_in_json(self, space: Workspace) -> None:
        slow = {f"c{i}": f"import time\ntime.sleep(0.2)\nx{i} = {i}" for i in range(4)}
        slow |= {f"d{i}": f"import time\ntime.sleep(0.2)\ny{i} = x{i % 4}" for i in range(4)}
        space.notebook("nb", slow)
        space.build("-j1", "--profile", "t.json", "//nb")
        lines = profiled(space, "t.json").out.splitlines()
        assert [line[:3] for line in lines[1::2]] == [f"{n}. " for n in range(1, 6)]
        assert len(profile(space, "t.json")["costs"]) > 5

    def test_the_object_has_every_key(self, space: Workspace) -> None:
        space.build("--profile", "t.json", "//nb")
        found = profile(space, "t.json")
        assert found.keys() == {
            "schema", "source", "file", "started_at", "asked", "duration_s", "critical_path_s",
            "jobs", "interrupted", "phases", "costs",
        }  # fmt: skip
        keys = {"kind", "label", "seconds", "wall_s", "count", "size_bytes", "said", "help"}
        assert all(cost.keys() == keys for cost in found["costs"])
        walls = [cost["wall_s"] for cost in found["costs"]]
        assert walls == sorted(walls, reverse=True)

    def test_where_nothing_was_built_it_says_so(self, space: Workspace) -> None:
        ended = space.run("profile")
        assert ended.code == 2
        assert ended.err == "error: no build is recorded here\n  `strata build` makes one\n"

    def test_clean_forgets_it(self, space: Workspace) -> None:
        space.build("--profile", "t.json", "//nb")
        space.run("clean")
        assert space.run("profile").code == 2

    def test_a_file_that_is_no_trace_is_one_error(self, space: Workspace) -> None:
        space.write("t.json", "{}")
        ended = space.run("profile", "t.json")
        assert ended.code == 2
        assert ended.err.startswith("error: t.json is not a trace\n")

    def test_a_file_that_is_not_there_is_one_error(self, space: Workspace) -> None:
        ended = space.run("profile", "t.json")
        assert ended.code == 2
        assert ended.err == "error: t.json cannot be read: No such file or directory\n"
