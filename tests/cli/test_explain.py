"""`strata explain` and `strata build --check`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workspaces import Ended, Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w")
    space.notebook(
        "prep",
        {
            "raw": "raw = [1, 2, 3]",
            "helper": "def clean(x):\n    return x + 1",
            "clean": "df = [clean(v) for v in raw]",
        },
    )
    space.notebook("train", {"fit": "model = sum(df)"}, '[inputs]\ndf = "//prep:df"')
    return space


def explain(space: Workspace, *arguments: str) -> str:
    ended = space.run("explain", *arguments)
    assert ended.code == 0, ended.err
    return ended.out


def as_json(space: Workspace, *arguments: str) -> dict[str, Any]:
    return json.loads(explain(space, "--json", *arguments))  # type: ignore[no-any-return]


def edit_helper(space: Workspace) -> None:
    space.cell("prep", "helper").write_text("def clean(x):\n    return x + 2  # more\n")


class TestExplain:
    def test_a_change_is_followed_to_the_line_that_was_edited(self, space: Workspace) -> None:
        space.build()
        edit_helper(space)
        space.build()
        out = explain(space, "//train:fit")
        assert out.startswith("//train:fit ran: input df changed  (build ")
        lines = [line.strip() for line in out.splitlines()]
        assert "input df: new value from //prep:clean%df" in lines
        assert "definition of clean changed (prep/cells/helper.py)" in lines
        assert lines[lines.index("-    return x + 1") + 1] == "+    return x + 2"
        assert lines[-1] == "same: source; environment"

    def test_it_answers_from_records_alone(self, space: Workspace) -> None:
        """What changed since then does not matter, nor that the cache is gone."""
        space.build()
        edit_helper(space)
        space.build()
        before = explain(space, "//train:fit")
        edit = space.cell("train", "fit")
        edit.write_text("model = max(df)\n")
        for path in (space.root / ".strata" / "cache").iterdir():
            path.rename(space.root / f"gone-{path.name}")
        assert explain(space, "//train:fit") == before

    def test_a_hit_says_what_made_it(self, space: Workspace) -> None:
        space.build()
        first = as_json(space, "//train:fit")["build"]["id"]
        space.build()
        found = as_json(space, "//train:fit")
        assert (found["status"], found["cache"], found["reason"]) == ("cached", "local", "")
        assert found["made"]["build"] == first
        assert found["made"]["reason"] == "never built"
        out = explain(space, "//train:fit")
        assert out.startswith("//train:fit was a hit in the local cache  (build ")
        assert f"it ran in build {first}: never built" in out

    def test_an_earlier_build_by_number_and_by_name(self, space: Workspace) -> None:
        space.build()
        edit_helper(space)
        space.build()
        second = as_json(space, "//train:fit")["build"]["id"]
        space.build("//prep")
        space.build()
        assert as_json(space, "//train:fit", "--build", "~0")["status"] == "cached"
        assert as_json(space, "//train:fit", "--build", "~1")["build"]["id"] == second
        assert as_json(space, "//train:fit", "--build", second[:6])["status"] == "ran"
        assert as_json(space, "//train:fit", "--build", "~2")["reason"] == "never built"
        assert as_json(space, "//prep:clean", "--build", "~1")["build"]["asked"] == ["//prep"]

    def test_the_object(self, space: Workspace) -> None:
        space.build()
        edit_helper(space)
        space.build()
        found = as_json(space, "//train:fit")
        assert found["schema"] == "strata.explain.v1"
        assert [step["label"] for step in found["steps"]] == ["//train:fit", "//prep:clean"]
        (new,) = found["steps"][0]["differences"]
        assert (new["component"], new["name"], new["cause"]) == ("inputs", "df", 1)
        (root,) = found["steps"][1]["differences"]
        assert root["file"] == "prep/cells/helper.py"
        assert root["diff"][1:] == ["-    return x + 1", "+    return x + 2"]

    def test_forced_and_nocache_have_their_sentence(self, space: Workspace) -> None:
        space.notebook("nb", {"a": "a = 1", "b": "# @nocache\nb = 1"})
        space.build("//nb")
        space.build("//nb:a", "--force")
        assert "It was asked for with --force" in explain(space, "//nb:a")
        assert "It has the annotation @nocache" in explain(space, "//nb:b")

    def test_a_failure_and_what_was_skipped_for_it(self, space: Workspace) -> None:
        space.build()
        space.cell("prep", "clean").write_text("df = 1 / 0\n")
        space.build(code=1)
        out = explain(space, "//prep:clean")
        assert out.startswith("//prep:clean failed: source changed  (build ")
        assert "ZeroDivisionError" in out
        skipped = as_json(space, "//train:fit")
        assert skipped["status"] == "skipped"
        assert skipped["reason"] == "needs //prep:clean, which failed"
        assert explain(space, "//train:fit").startswith("//train:fit was skipped: needs //prep")
        space.build(code=1)
        assert "last run failed" in explain(space, "//prep:clean")

    def test_a_result_that_is_gone_from_the_cache(self, space: Workspace) -> None:
        space.build()
        for path in (space.root / ".strata" / "cache").iterdir():
            path.rename(space.root / f"gone-{path.name}")
        space.build()
        out = explain(space, "//train:fit")
        assert "its result is no longer in the cache" in out
        assert "It ran before with all of this the same" in out

    def test_files_that_changed_came_and_went(self, space: Workspace) -> None:
        space.notebook("nb", {"a": "# @input *.csv\nx = 1"})
        space.write("nb/a.csv", "1")
        space.write("nb/b.csv", "1")
        space.write("nb/keep.csv", "1")
        space.build("//nb")
        space.write("nb/a.csv", "22")
        (space.root / "nb/b.csv").unlink()
        space.write("nb/c.csv", "1")
        space.build("//nb")
        out = explain(space, "//nb:a")
        assert "nb/a.csv changed (1 bytes, " in out
        assert "nb/b.csv gone" in out
        assert "nb/c.csv added" in out
        assert "same: source; 1 file; environment" in out

    def test_variables_by_value_and_secrets_by_name_only(self, space: Workspace) -> None:
        space.notebook("nb", {"a": "# @env MODE\n# @env API_KEY\nx = 1"})
        space.variables.update(MODE="fast", API_KEY="sesame-1")
        space.build("//nb")
        space.variables.update(MODE="slow", API_KEY="sesame-2")
        space.build("//nb")
        out = explain(space, "//nb:a") + explain(space, "//nb:a", "--json")
        assert "MODE: fast → slow" in out
        assert "sesame" not in out

    def test_a_long_difference_is_cut_unless_all_is_wanted(self, space: Workspace) -> None:
        lines = [f"x{i} = {i}" for i in range(60)]
        space.notebook("nb", {"a": "\n".join(lines)})
        space.build("//nb")
        space.cell("nb", "a").write_text("\n".join(line + "0" for line in lines))
        space.build("//nb")
        out = explain(space, "//nb:a")
        assert "lines more: --all shows them" in out
        assert len(out.splitlines()) < 30
        whole = explain(space, "//nb:a", "--all")
        assert "+x59 = 590" in whole
        assert "lines more" not in whole

    def test_a_plan_leaves_no_record(self, space: Workspace) -> None:
        space.build()
        before = explain(space, "//train:fit")
        edit_helper(space)
        space.build("-n")
        space.run("status")
        space.run("build", "--check")
        assert explain(space, "//train:fit") == before

    def test_a_cell_that_was_removed_can_be_explained(self, space: Workspace) -> None:
        space.notebook("nb", {"a": "a = 1", "b": "b = 1"})
        space.build("//nb")
        space.notebook("nb", {"a": "a = 1"})
        assert explain(space, "//nb:b").startswith("//nb:b ran: never built")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["//train:fit"], "//train:fit was never built"),
            (["//train"], "is not one cell"),
            (["//train:gone"], "no cell or variable 'gone'"),
        ],
    )
    def test_what_cannot_be_explained(
        self, space: Workspace, arguments: list[str], said: str
    ) -> None:
        ended = space.run("explain", *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err

    @pytest.mark.parametrize(
        ("named", "said"),
        [
            ("~9", "of //train:fit 1 builds are recorded"),
            ("~x", "of //train:fit 1 builds are recorded"),
            ("zzz", "build 'zzz' is not recorded"),
            ("", "build '' is not recorded"),
        ],
    )
    def test_a_build_that_is_not_recorded(self, space: Workspace, named: str, said: str) -> None:
        space.build()
        ended = space.run("explain", "//train:fit", "--build", named)
        assert ended.code == 2
        assert said in ended.err

    def test_a_build_that_did_not_look_at_the_cell(self, space: Workspace) -> None:
        space.build()
        space.build("//prep:raw")
        other = as_json(space, "//prep:raw")["build"]["id"]
        ended = space.run("explain", "//train:fit", "--build", other)
        assert ended.code == 2
        assert f"build '{other}' did not look at //train:fit" in ended.err


class TestCheck:
    def check(self, space: Workspace, *arguments: str) -> Ended:
        return space.run("build", "--check", "--json", *arguments)

    def test_it_ends_with_3_while_anything_would_run_and_runs_nothing(
        self, space: Workspace
    ) -> None:
        ended = self.check(space)
        assert ended.code == 3
        assert ended.ran == []
        assert ended.by_status("would_run") == ["//prep:helper", "//prep:raw"]
        assert ended.by_status("unknown") == ["//prep:clean", "//train:fit"]
        assert self.check(space).code == 3

    def test_it_ends_with_0_when_all_is_up_to_date(self, space: Workspace) -> None:
        space.build()
        ended = self.check(space, "-n")
        assert ended.code == 0
        assert {cell["cache"] for cell in ended.report["cells"]} == {"local"}

    def test_one_part_may_be_up_to_date_while_another_is_not(self, space: Workspace) -> None:
        space.build()
        edit_helper(space)
        assert self.check(space, "//prep:raw").code == 0
        ended = self.check(space)
        assert ended.code == 3
        reasons = {cell["label"]: cell["reason"] for cell in ended.report["cells"]}
        assert reasons["//prep:clean"] == "definition of clean changed"
        assert reasons["//train:fit"] == "until //prep:clean ran"

    def test_it_ends_with_1_where_something_is_broken(self, space: Workspace) -> None:
        space.build()
        space.cell("prep", "raw").write_text("raw = (\n")
        assert self.check(space).code == 1
        assert space.run("build", "-n").code == 0
        assert space.run("status").code == 0
