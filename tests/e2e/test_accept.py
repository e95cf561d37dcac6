"""Accepted edits from the first build to a second checkout: what ran, each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace

CELLS = {
    "load": "rows = [1, 2, 3]",
    "fit": "model = sum(rows)",
    "use": "doubled = 2 * model",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w")
    space.notebook("nb", CELLS)
    space.build()
    space.cell("nb", "fit").write_text("_n = sum(rows)\nmodel = _n")
    return space


def accept(space: Workspace, target: str = "//nb:fit") -> None:
    ended = space.run("accept", target, "--reason", "the same")
    assert ended.code == 0, ended.err


def test_an_accepted_edit_runs_neither_the_cell_nor_what_reads_it(space: Workspace) -> None:
    before = space.build("//nb:load").digests
    accept(space)
    assert "would run" not in space.run("build", "-n").out
    report = space.build()
    assert report.ran == []
    assert report.digests.items() >= before.items()


def test_every_further_change_makes_it_run(space: Workspace) -> None:
    accept(space)
    space.cell("nb", "load").write_text("rows = [1, 2, 4]")
    assert space.build().ran == ["//nb:fit", "//nb:load", "//nb:use"]


def test_going_back_to_the_accepted_state_is_a_hit_again(space: Workspace) -> None:
    accept(space)
    space.cell("nb", "load").write_text("rows = [1, 2, 4]")
    space.build()
    space.cell("nb", "load").write_text(CELLS["load"])
    assert space.build().ran == []


def test_a_revoked_acceptance_makes_it_run_and_stays_on_record(space: Workspace) -> None:
    accept(space)
    space.build()
    assert space.run("accept", "--revoke", "//nb:fit").code == 0
    assert space.build().ran == ["//nb:fit"]
    assert "the same" in (space.root / "nb" / "accepted.toml").read_text()


def test_a_forced_run_gives_the_cell_a_result_of_its_own(space: Workspace) -> None:
    accept(space)
    assert space.build("//nb:fit", "--force").ran == ["//nb:fit"]
    space.run("accept", "--revoke", "//nb:fit")
    assert space.build().ran == []


def test_it_counts_in_another_checkout_that_shares_the_cache(
    space: Workspace, tmp_path: Path
) -> None:
    """As in CI: the file came with the commit, the results with the cache."""
    accept(space)
    other = Workspace(tmp_path / "ci", {"STRATA_CACHE_DIR": str(space.root / ".strata" / "cache")})
    shutil.copytree(space.root / "nb", other.root / "nb")
    assert other.build().ran == []
    (other.root / "nb" / "accepted.toml").unlink()
    assert other.build().ran == ["//nb:fit"]


def test_when_the_cache_is_gone_it_runs(space: Workspace) -> None:
    accept(space)
    assert space.run("clean").code == 0
    assert space.build().ran == ["//nb:fit", "//nb:load", "//nb:use"]


def test_a_second_cell_of_the_same_text_is_not_accepted_with_it(space: Workspace) -> None:
    accept(space)
    source = space.cell("nb", "fit").read_text()
    space.notebook("nb", CELLS | {"fit": source})
    assert space.build().ran == []
    space.notebook("other", {"load": CELLS["load"], "fit": source})
    assert "//other:fit" in space.build("//other").ran


def test_a_changed_input_file_can_be_accepted(space: Workspace) -> None:
    """A new comment line in a file of data: declared, so it is in the key."""
    space.write("nb/data.csv", "# v1\n1\n")
    read = "model = [l for l in open('data.csv') if not l.startswith('#')]"
    space.cell("nb", "fit").write_text(read)
    space.build()
    space.write("nb/data.csv", "# v2\n1\n")
    ended = space.run("accept", "//nb:fit", "--reason", "a comment")
    assert ended.out.splitlines()[0] == "accepted  //nb:fit  (file nb/data.csv changed)"
    assert space.build().ran == []


def test_a_file_that_was_only_found_at_run_time_must_be_declared_first(space: Workspace) -> None:
    space.write("nb/data.csv", "1\n")
    space.cell("nb", "fit").write_text("model = open('data' + '.csv').read()")
    space.build()
    space.write("nb/data.csv", "1 \n")
    assert "would run //nb:fit" in space.run("build", "-n", "//nb:fit").out
    ended = space.run("accept", "//nb:fit", "--reason", "a blank")
    assert ended.code == 2
    assert "what it was found to read: nb/data.csv" in ended.err
    assert "# @input" in ended.err


def test_the_log_of_the_cell_says_that_it_was_accepted_in_the_journal(space: Workspace) -> None:
    accept(space)
    space.build("--events", "events.ndjson")
    lines = (space.root / "events.ndjson").read_text()
    assert '"accepted": "the same (by ' in lines
