"""`--verify`: hits are run again and compared, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workspaces import TRACE, Ended, Workspace, traced, traces

HONEST = {f"c{i}": traced(f"c{i}", f"x{i} = {i}") for i in range(5)}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w", {TRACE: str(tmp_path / "trace")})
    space.notebook("nb", HONEST)
    return space


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


def verified(ended: Ended) -> dict[str, Any]:
    return {entry["label"]: entry for entry in ended.report["verified"]}


def test_all_hits_run_once_more_and_are_the_same(space: Workspace, trace: Path) -> None:
    space.build()
    trace.unlink()
    ended = space.build("--verify", "all")
    assert sorted(traces(trace)) == sorted(HONEST)
    assert ended.ran == []
    assert {e["verdict"] for e in verified(ended).values()} == {"verified"}
    assert ended.report["verify"]["hits"] == 5


@pytest.mark.parametrize(
    ("share", "runs"), [("1%", 1), ("5", 1), ("40%", 2), ("41%", 3), ("100", 5), ("0", 0)]
)
def test_a_share_of_the_hits_runs_and_at_least_one(
    space: Workspace, trace: Path, share: str, runs: int
) -> None:
    space.build()
    trace.unlink()
    assert len(verified(space.build("--verify", share))) == runs
    assert len(traces(trace)) == runs


def test_the_seed_decides_which(space: Workspace, trace: Path) -> None:
    space.build()
    trace.unlink()
    chosen = [set(verified(space.build("--verify=40%", f"--verify-seed={s}"))) for s in (1, 1, 2)]
    assert chosen[0] == chosen[1]
    ended = space.build("--verify=40%")
    again = space.build("--verify=40%", f"--verify-seed={ended.report['verify']['seed']}")
    assert set(verified(ended)) == set(verified(again))


def test_cells_that_ran_and_cells_that_always_run_are_no_hits(
    space: Workspace, trace: Path
) -> None:
    space.notebook("nb", HONEST | {"n": "# @nocache\n" + traced("n", "z = 1")})
    assert verified(space.build("--verify", "all")) == {}
    assert sorted(traces(trace)) == [*HONEST, "n"]
    trace.unlink()
    assert "//nb:n" not in verified(space.build("--verify", "all"))
    assert sorted(traces(trace)) == [*HONEST, "n"]


def test_a_cell_that_is_not_deterministic_is_named_with_what_differed(space: Workspace) -> None:
    space.notebook("nb", {"a": "import random\nx = random.random()", "b": "y = 1"})
    before = space.build().digests
    ended = space.run("build", "--verify", "all")
    assert ended.code == 3
    line = next(one for one in ended.out.splitlines() if one.startswith("DIFFERS   //nb:a  "))
    assert "output x: 0." in line
    assert " → 0." in line
    assert "verified  //nb:b" in ended.out.splitlines()
    assert ended.out.splitlines()[-2].startswith("verified 2 of 2 hits: 1 differs (--verify-seed ")
    assert "# @nocache" in ended.out.splitlines()[-1]
    assert space.build().digests == before  # the hit is still the answer


def test_nothing_of_it_is_kept(space: Workspace) -> None:
    source = "import random\nx = [random.random() for _ in range(90_000)]"
    space.notebook("nb", {"a": source})
    space.build()
    logged = space.run("log", "//nb:a").err
    blobs = _files(space.root / ".strata" / "cache" / "cas")
    assert space.run("build", "--verify", "all").code == 3
    assert _files(space.root / ".strata" / "cache" / "cas") == blobs
    assert space.run("log", "//nb:a").err == logged
    assert not list((space.root / ".strata" / "cache" / "scratch").rglob("*.bin"))


def test_displays_and_console_are_only_said(space: Workspace) -> None:
    space.notebook("nb", {"a": "import time\nprint(time.time_ns())\nx = 1"})
    space.build()
    ended = space.run("build", "--verify", "all")
    assert ended.code == 0
    assert "verified  //nb:a  console: not the same text" in ended.out.splitlines()


def test_a_cell_that_fails_now_differs_and_is_not_tried_again(
    space: Workspace, tmp_path: Path, trace: Path
) -> None:
    seen = tmp_path / "outside"  # nothing outside of the workspace is an input
    body = f"_p = {str(seen)!r}\nif _os.path.exists(_p):\n    raise ValueError('again')\nx = 1"
    space.notebook("nb", {"a": "# @retries 3\n" + traced("a", body)})
    space.build()
    seen.write_text("")
    trace.unlink()
    ended = space.run("build", "--verify", "all")
    assert ended.code == 3
    assert "DIFFERS   //nb:a  run: failed: nb/cells/a.py:" in ended.out
    assert traces(trace) == ["a"]
    assert space.build().ran == []


def test_a_build_that_failed_ends_with_one(space: Workspace) -> None:
    space.notebook("nb", {"a": "import random\nx = random.random()", "b": "y = 1 / 0"})
    space.build(code=1)
    ended = space.build("--verify", "all", code=1)
    assert verified(ended)["//nb:a"]["verdict"] == "differs"


def test_an_accepted_result_is_held_against_the_edited_cell(space: Workspace) -> None:
    space.notebook("nb", {"a": "x = 1"})
    space.build()
    space.cell("nb", "a").write_text("x = 2")
    assert space.run("accept", "//nb:a", "--reason", "surely the same").code == 0
    ended = space.run("build", "--verify", "all")
    assert ended.code == 3
    assert "DIFFERS   //nb:a  output x: 1 → 2  (accepted: surely the same" in ended.out
    assert "`strata accept --revoke //nb:a` takes that back" in ended.out


def test_events_say_it_too(space: Workspace) -> None:
    space.build()
    space.build("--verify", "all", "--events", "events.ndjson")
    found = [json.loads(line) for line in (space.root / "events.ndjson").read_text().splitlines()]
    names = [event["event"] for event in found]
    assert names.count("cell_verified") == 5
    assert names[-1] == "verification_finished"
    assert found[-1]["hits"] == 5
    assert found[-1]["differs"] == 0


def test_run_verifies_as_well(space: Workspace) -> None:
    space.build()
    assert "verified 5 of 5 hits: 0 differ" in space.run("run", "nb", "--verify", "all").out


@pytest.mark.parametrize("share", ["-1", "101%", "nan", "many", "", "5%%", "1e1"])
def test_a_wrong_share_is_a_wrong_command_line(space: Workspace, share: str) -> None:
    ended = space.run("build", f"--verify={share}")
    assert ended.code == 2
    assert "is no share of the hits: write 5%, 0.5% or all" in ended.err


def test_a_plan_verifies_nothing(space: Workspace) -> None:
    assert space.run("build", "-n", "--verify", "5%").code == 2
    assert space.run("build", "--verify-seed", "5").code == 2


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
