"""`strata accept` as a user calls it: what is accepted, what is refused, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.workspaces import Ended, Workspace

CELLS = {
    "load": "rows = [1, 2, 3]",
    "fit": "model = sum(rows)",
    "always": "# @nocache\nnow = 1",
    "after": "then = now + 1",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path)
    space.notebook("nb", CELLS)
    (tmp_path / "nb" / "cells" / "text.md").write_text("# Prose\n")
    with (tmp_path / "nb" / "notebook.toml").open("a") as notebook:
        notebook.write('[[cells]]\nid = "text"\nfile = "text.md"\nlanguage = "markdown"\n')
    space.build("//nb")
    return space


def edit(space: Workspace, cell: str = "fit", source: str = "_s = sum\nmodel = _s(rows)") -> None:
    space.cell("nb", cell).write_text(source)


def accept(space: Workspace, target: str = "//nb:fit", reason: str = "the same sum") -> Ended:
    return space.run("accept", target, "--reason", reason)


def refused(ended: Ended, *said: str) -> None:
    assert ended.code == 2, (ended.out, ended.err)
    assert all(text in ended.err for text in said), ended.err


class TestAccepting:
    def test_it_says_what_changed_and_what_stays_valid(self, space: Workspace) -> None:
        edit(space)
        ended = accept(space)
        assert ended.code == 0
        first, second = ended.out.splitlines()
        assert first == "accepted  //nb:fit  (source changed)"
        assert second.startswith("the result of 20")
        assert second.endswith(" UTC stays valid, says nb/accepted.toml")

    def test_the_next_build_says_why_it_did_not_run(self, space: Workspace) -> None:
        edit(space)
        accept(space)
        lines = space.run("build", "//nb:fit").out.splitlines()
        said = next(line for line in lines if "//nb:fit" in line)
        assert said.startswith("cached    //nb:fit  (accepted: the same sum (by ")

    def test_a_path_and_a_variable_name_the_cell_too(self, space: Workspace) -> None:
        edit(space)
        assert accept(space, "nb:model").code == 0

    def test_who_accepted_is_whom_git_knows(self, space: Workspace) -> None:
        space.variables |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Ada Lovelace",
        }
        edit(space)
        accept(space)
        assert "by Ada Lovelace, " in space.run("accept", "--list").out

    def test_a_second_edit_can_be_accepted_after_the_first(self, space: Workspace) -> None:
        edit(space)
        accept(space)
        space.build("//nb:fit")
        edit(space, source="_t = sum\nmodel = _t(rows)")
        assert accept(space, reason="renamed again").code == 0
        assert "//nb:fit" not in space.build("//nb").ran


class TestRefusing:
    @pytest.mark.parametrize("reason", ["", "  \n "])
    def test_a_reason_is_required(self, space: Workspace, reason: str) -> None:
        edit(space)
        refused(accept(space, reason=reason), "--reason is missing")
        refused(space.run("accept", "//nb:fit"), "--reason is missing")

    def test_what_is_up_to_date(self, space: Workspace) -> None:
        refused(accept(space), "nothing to accept: //nb:fit is up to date")

    def test_what_is_accepted_already(self, space: Workspace) -> None:
        edit(space)
        accept(space)
        refused(accept(space), "//nb:fit is accepted already: the same sum (by ")

    def test_a_cell_whose_input_would_run(self, space: Workspace) -> None:
        edit(space, "load", "rows = [1, 2, 4]")
        edit(space)
        refused(
            accept(space),
            "//nb:fit needs //nb:load, which would run (source changed)",
            "build it first (`strata build //nb:load`), or accept it first",
        )
        assert not (space.root / "nb" / "accepted.toml").exists()

    def test_a_cell_that_always_runs_and_what_needs_it(self, space: Workspace) -> None:
        refused(accept(space, "//nb:always"), "//nb:always has @nocache")
        refused(accept(space, "//nb:after"), "it needs //nb:always, which always runs")

    def test_a_cell_that_was_never_built(self, space: Workspace) -> None:
        space.notebook("new", {"a": "x = 1"})
        refused(accept(space, "//new:a"), "no earlier result", "`strata build //new:a`")

    def test_a_new_variable(self, space: Workspace) -> None:
        edit(space, source="s = sum\nmodel = s(rows)")
        refused(accept(space), "now defines s, which its earlier result has not", "call it _s")

    def test_a_cell_that_cannot_be_understood(self, space: Workspace) -> None:
        edit(space, source="model = (")
        refused(accept(space), "//nb:fit cannot be built: nb/cells/fit.py:1: ")

    def test_prose(self, space: Workspace) -> None:
        refused(accept(space, "//nb:text"), "//nb:text is prose")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "which cell?"),
            (("//nb:fit", "//nb:load"), "one cell at a time"),
            (("//nb", "--reason", "x"), "'//nb' is not one cell"),
            (("//nb:nothing", "--reason", "x"), "no cell or variable 'nothing'"),
            (("--revoke",), "which cell?"),
            (("--revoke", "//nb:fit"), "nothing is accepted of //nb:fit"),
            (("--revoke", "//nb:fit", "--reason", "x"), "--reason is for accepting"),
            (("--list", "--reason", "x"), "--reason is for accepting"),
            (("--list", "--revoke"), "leave one of them out"),
            (("//nb:fit", "--reason", "x", "--json"), "--json goes with --list"),
        ],
    )
    def test_a_wrong_command_line(
        self, space: Workspace, arguments: tuple[str, ...], said: str
    ) -> None:
        refused(space.run("accept", *arguments), said)

    def test_a_wrong_file_is_an_error_of_every_build(self, space: Workspace) -> None:
        space.write("nb/accepted.toml", "[[accepted]]\ncell = 3\n")
        refused(space.run("build"), "error: nb/accepted.toml:1: ")
        edit(space)
        refused(accept(space), "error: nb/accepted.toml:1: ")


class TestRevoking:
    def test_it_is_marked_and_listed_as_revoked(self, space: Workspace) -> None:
        edit(space)
        accept(space)
        ended = space.run("accept", "--revoke", "//nb:fit")
        assert (ended.code, ended.out) == (0, "revoked   //nb:fit  (1 acceptance)\n")
        assert space.run("accept", "--list").out.startswith("revoked   //nb:fit  the same sum")

    def test_it_can_be_accepted_anew(self, space: Workspace) -> None:
        edit(space)
        accept(space)
        space.run("accept", "--revoke", "//nb:fit")
        assert accept(space, reason="sure now").code == 0
        assert space.build("//nb:fit").ran == []


class TestListing:
    def test_nothing(self, space: Workspace) -> None:
        assert space.run("accept", "--list").out == "nothing is accepted\n"

    def test_patterns_choose_and_cells_that_are_gone_are_shown_by_their_notebook(
        self, space: Workspace
    ) -> None:
        space.build("//nb")
        edit(space)
        accept(space)
        assert "//nb:fit" in space.run("accept", "--list", "//nb:fit").out
        assert "//nb:fit" not in space.run("accept", "--list", "//nb:load").out
        assert "//nb:fit" not in space.run("accept", "--list", "//nb", "-//nb:fit").out
        space.notebook("nb", {k: v for k, v in CELLS.items() if k != "fit"})
        assert "//nb:fit" in space.run("accept", "--list", "//nb").out

    def test_json(self, space: Workspace) -> None:
        edit(space)
        accept(space)
        found = json.loads(space.run("accept", "--list", "--json").out)
        assert found["schema"] == "strata.accepted.v1"
        (entry,) = found["accepted"]
        assert entry["label"] == "//nb:fit"
        assert entry["reason"] == "the same sum"
        assert entry["revoked"] is False
        assert entry["revoked_at"] is None
        assert set(entry) >= {"key", "instead_of", "by", "at", "revoked_by"}
