"""Questions about files, distributions, runs and changes, as a user asks them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.noticed import Watched
from tests.e2e.test_since import commit, git

CELLS = {
    "load": "rows = open('data/a.csv').read()",
    "computed": "more = open('da' + 'ta/b.csv').read()",
    "declared": "# @input //shared/*.txt\nn = 1",
    "clean": "import helper\nkept = helper.strip(rows)",
    "fit": "model = kept + more",
    "lone": "x = 1",
    "prose": "y = 2",
}
LOCK = """version = 1
[[package]]
name = "ws"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "scikit-learn" }, { name = "six" }]
[[package]]
name = "scikit-learn"
version = "1.5.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "numpy" }]
[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://pypi.org/simple" }
"""


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    space = Watched(tmp_path / "ws")
    space.cells(CELLS)
    space.write("nb/data/a.csv", "a")
    space.write("nb/data/b.csv", "b")
    space.write("nb/helper.py", "def strip(text):\n    return text.strip()\n")
    space.write("shared/c.txt", "c")
    space.write("README.md", "words")
    return space


def answer(space: Watched, *words: str, cwd: Path | None = None) -> list[str]:
    """What a question is answered with, `//nb:` left out."""
    ended = space.run("query", *words, cwd=cwd)
    assert ended.code == 0, ended.err
    return [line.removeprefix("//nb:") for line in ended.out.splitlines()]


def refused(space: Watched, *words: str) -> str:
    ended = space.run("query", *words)
    assert ended.code == 2
    assert ended.out == ""
    return ended.err


class TestFiles:
    def test_what_a_changed_file_breaks(self, space: Watched) -> None:
        readers = "rdeps(//..., file(%s))"
        assert answer(space, readers % "nb/data/a.csv") == ["load", "clean", "fit"]
        assert answer(space, readers % "nb/helper.py") == ["clean", "fit"]
        assert answer(space, readers % "shared/c.txt") == ["declared"]
        assert answer(space, readers % "nb/cells/lone.py") == ["lone"]
        assert answer(space, readers % "nb/notebook.toml") == list(CELLS)

    def test_a_file_under_a_computed_name_is_known_after_a_run(self, space: Watched) -> None:
        readers = "rdeps(//..., file(nb/data/b.csv), 1)"
        assert answer(space, readers) == []
        space.build()
        assert answer(space, readers) == ["computed"]

    def test_what_was_read_before_the_cell_was_edited_counts_for_nothing(
        self, space: Watched
    ) -> None:
        space.build()
        space.edit("load", "rows = open('data/b.csv').read()")
        assert answer(space, "rdeps(//..., file(nb/data/a.csv))") == []
        space.build()
        assert answer(space, "rdeps(//..., file(nb/data/a.csv))") == []

    def test_a_file_that_nobody_reads_answers_itself(self, space: Watched) -> None:
        assert answer(space, "file(README.md)") == ["README.md"]
        assert answer(space, "rdeps(//..., file(README.md))") == []

    def test_a_file_that_is_gone_is_known_by_who_read_it(self, space: Watched) -> None:
        space.build()
        (space.root / "nb/data/b.csv").unlink()
        assert answer(space, "rdeps(//..., file(nb/data/b.csv))") == ["computed", "fit"]

    def test_paths_are_relative_to_the_current_folder(self, space: Watched) -> None:
        folder = space.root / "nb"
        for path in (
            "data/a.csv",
            "//nb/data/a.csv",
            f"{folder}/data/a.csv",
            "./data/../data/a.csv",
        ):
            assert answer(space, f"file('{path}')", cwd=folder) == ["nb/data/a.csv"]
        # No such file below the current folder, but below the root.
        assert answer(space, "file(nb/data/a.csv)", cwd=folder) == ["nb/data/a.csv"]

    def test_patterns(self, space: Watched) -> None:
        assert answer(space, "file('nb/data/*.csv')") == ["nb/data/a.csv", "nb/data/b.csv"]
        space.build()
        (space.root / "nb/data/b.csv").unlink()
        gone = "rdeps(//..., file('nb/**/b.csv'), 1)"
        assert answer(space, gone) == ["computed"]

    def test_links_are_known_by_both_names(self, space: Watched) -> None:
        (space.root / "nb/data/a.csv").rename(space.root / "shared/real.csv")
        os.symlink("../../shared/real.csv", space.root / "nb/data/a.csv")
        for path in ("shared/real.csv", "nb/data/a.csv"):
            assert answer(space, f"rdeps(//..., file({path}), 1)") == ["load"]

    def test_a_listed_folder(self, space: Watched) -> None:
        space.edit("lone", "import os\nx = os.listdir('da' + 'ta')")
        space.build("//nb:lone")
        space.write("nb/data/new.csv", "1")
        assert answer(space, "rdeps(//..., file(nb/data/new.csv))") == ["lone"]

    def test_a_broken_cell_has_its_own_files(self, space: Watched) -> None:
        space.edit("fit", "model = (")
        assert answer(space, "rdeps(//..., file(nb/cells/fit.py))") == ["fit"]
        assert "nb/notebook.toml" in answer(space, "deps(//nb:fit)", "--files")

    def test_mistakes(self, space: Watched) -> None:
        assert "there is no file 'nb/data/c.csv'" in refused(space, "file(nb/data/c.csv)")
        assert "did you mean //nb/data/a.csv?" in refused(space, "//... ^ file(a.csv)")
        assert "file('nb/data/**')" in refused(space, "file(nb/data)")
        assert "there is no file '/etc'" in refused(space, "file(/etc)")

    def test_a_question_leaves_nothing_behind(self, space: Watched) -> None:
        space.write("pyproject.toml", '[project]\nname = "ws"\nversion = "0"\n')
        space.variables["PATH"] = "/nowhere"
        before = sorted(space.root.rglob("*"))
        ended = space.run("query", "--files", "--env", "deps(//nb:fit)")
        assert ended.code == 0
        assert ended.err.count("there is no uv.lock") == 1
        assert space.run("query", "state(never, //...)").code == 0
        assert sorted(space.root.rglob("*")) == before, set(space.root.rglob("*")) - set(before)


class TestDistributions:
    @pytest.fixture
    def locked(self, space: Watched) -> Watched:
        space.write("pyproject.toml", '[project]\nname = "ws"\nversion = "0"\n')
        space.write("uv.lock", LOCK)
        space.edit("clean", "import sklearn\nkept = rows")
        space.edit("lone", "import six\nx = 1")
        return space

    def test_what_an_upgrade_breaks(self, locked: Watched) -> None:
        readers = "rdeps(//..., package(%s))"
        for spelled in ("scikit-learn", "Scikit_Learn"):
            assert answer(locked, readers % spelled) == ["clean", "fit"]
        # What is needed by what is imported counts as well.
        assert answer(locked, readers % "numpy") == ["clean", "fit"]
        assert answer(locked, readers % "six") == ["lone"]
        assert answer(locked, "package(six)") == ["six==1.16.0"]

    def test_where_the_whole_lock_counts(self, locked: Watched) -> None:
        locked.write("strata.toml", '[build]\nenvironment = "whole-lock"\n')
        assert answer(locked, "rdeps(//..., package(six))") == list(CELLS)

    def test_a_project_counts_and_a_file_about_tools_does_not(self, space: Watched) -> None:
        space.write("pyproject.toml", "[tool.ruff]\n")
        git(space.root, "init", "-q")
        commit(space.root)
        space.write("pyproject.toml", "[tool.ruff]\nline-length = 90\n")
        assert answer(space, "changed(HEAD)") == []
        space.write("nb/pyproject.toml", '[project]\nname = "ws"\nversion = "0"\n')
        assert answer(space, "changed(HEAD)") == list(CELLS)
        commit(space.root)
        (space.root / "nb/pyproject.toml").unlink()
        assert answer(space, "changed(HEAD)") == list(CELLS)

    def test_a_name_that_is_in_no_lock(self, locked: Watched) -> None:
        assert "did you mean scikit-learn?" in refused(locked, "//... + package(scikit-lern)")

    def test_a_lock_that_cannot_be_read_is_said_once(self, locked: Watched) -> None:
        locked.write("uv.lock", "<<<<<<< ours\n" + LOCK)
        ended = locked.run("query", "rdeps(//..., file(nb/data/a.csv), 1)")
        assert ended.out.splitlines() == ["//nb:load"]
        assert ended.err.count("uv.lock") == 1
        assert locked.run("query", "--env", "deps(//...)").err.count("uv.lock") == 1

    def test_a_changed_lock_changes_who_can_reach_what_changed(self, locked: Watched) -> None:
        git(locked.root, "init", "-q")
        commit(locked.root)
        assert answer(locked, "changed(HEAD)") == []
        locked.write("uv.lock", LOCK.replace("1.16.0", "1.17.0"))
        assert answer(locked, "changed(HEAD)") == ["lone"]
        locked.write("uv.lock", LOCK.replace("2.0.0", "2.1.0"))
        assert answer(locked, "changed(HEAD)") == ["clean"]
        locked.write("uv.lock", LOCK + "\n# words\n")
        assert answer(locked, "changed(HEAD)") == []
        (locked.root / "uv.lock").unlink()
        assert answer(locked, "changed(HEAD)") == list(CELLS)


class TestStates:
    def test_each_state(self, space: Watched) -> None:
        space.edit("lone", "1 / 0")
        space.build("//nb:load", "//nb:clean", "//nb:declared")
        space.build("//nb:lone", code=1)
        space.edit("clean", "import helper\nkept = helper.strip(rows) + '!'")
        space.edit("prose", "(")
        state = "state(%s, //...)"
        assert answer(space, state % "fresh") == ["load", "declared"]
        assert answer(space, state % "stale") == ["clean"]
        assert answer(space, state % "failed") == ["lone", "prose"]
        assert answer(space, state % "never") == ["computed", "fit"]
        assert answer(space, state % "stale|never") == ["computed", "clean", "fit"]

    def test_no_stamp_answers_for_the_cache(self, space: Watched) -> None:
        space.build()
        assert answer(space, "state(fresh, //nb:lone)") == ["lone"]
        assert space.run("clean").code == 0
        assert answer(space, "state(fresh, //nb:lone)") == []

    def test_asking_is_not_recorded(self, space: Watched) -> None:
        space.build()
        space.edit("lone", "x = 3")
        history = space.run("log", "//nb:lone", "--json").out
        assert answer(space, "state(stale, //...)") == ["lone"]
        assert space.run("log", "//nb:lone", "--json").out == history

    def test_a_cache_that_cannot_be_opened(self, space: Watched) -> None:
        """It is as if nothing were in it, and that is said."""
        space.build()
        cache = space.root / ".strata" / "cache"
        shutil.rmtree(cache / "index")
        (cache / "index").write_text("no folder")
        ended = space.run("query", "state(fresh, //...)")
        assert ended.code == 0
        assert ended.out == ""
        assert "the cache cannot be asked" in ended.err

    def test_mistakes(self, space: Watched) -> None:
        said = refused(space, "state(fersh, //...)")
        assert "'fersh' is no state" in said
        assert "there are: fresh, stale, failed, never" in said
        assert "'' is no state" in refused(space, "state('fresh|', //...)")


class TestRecords:
    def test_slow_cells(self, space: Watched) -> None:
        assert answer(space, "slower(0s, //...)") == []
        space.edit("lone", "import time\ntime.sleep(0.3)\nx = 1")
        space.build("//nb:lone", "//nb:load")
        assert answer(space, "slower(0s, //...)") == ["load", "lone"]
        assert answer(space, "slower(300ms, //...)") == ["lone"]
        assert answer(space, "slower(1h, //...)") == []

    def test_a_run_that_failed_later_took_no_time(self, space: Watched) -> None:
        space.build("//nb:lone")
        space.edit("lone", "1 / 0")
        space.build("//nb:lone", code=1)
        assert answer(space, "slower(0ms, //...)") == ["lone"]

    def test_big_outputs(self, space: Watched) -> None:
        space.edit("lone", "x = 'y' * 5000")
        space.build()
        assert answer(space, "bigger(5KB, //...)") == ["lone"]
        assert answer(space, "bigger(1MiB, //...)") == []
        assert len(answer(space, "bigger(1, //...)")) == len(CELLS)

    def test_mistakes(self, space: Watched) -> None:
        assert "'fast' is no duration" in refused(space, "slower(fast, //...)")
        assert "'1XB' is no size" in refused(space, "bigger(1XB, //...)")


class TestChanges:
    @pytest.fixture
    def tracked(self, space: Watched) -> Watched:
        space.write(".gitignore", "ignored.csv\n")
        git(space.root, "init", "-q")
        commit(space.root)
        return space

    def test_every_way_to_change(self, tracked: Watched) -> None:
        assert answer(tracked, "changed(HEAD)") == []
        tracked.edit("lone", "x = 2")
        git(tracked.root, "add", "--all")
        tracked.edit("prose", "y = 3")
        (tracked.root / "nb/data/a.csv").unlink()
        tracked.write("shared/new.txt", "untracked")
        assert answer(tracked, "changed(HEAD)") == ["load", "declared", "lone", "prose"]
        commit(tracked.root)
        assert answer(tracked, "changed(HEAD)") == []
        assert answer(tracked, "changed(HEAD~1)") == ["load", "declared", "lone", "prose"]

    def test_only_among_the_cells_that_are_given(self, tracked: Watched) -> None:
        tracked.edit("lone", "x = 2")
        tracked.edit("fit", "model = 3")
        assert answer(tracked, "changed(HEAD, //nb:lone)") == ["lone"]
        assert answer(tracked, "rdeps(//nb, changed(HEAD, //nb:lone))") == ["lone"]

    def test_a_renamed_module(self, tracked: Watched) -> None:
        git(tracked.root, "mv", "nb/helper.py", "nb/other.py")
        assert answer(tracked, "changed(HEAD)") == ["clean"]

    def test_a_mode_is_no_change(self, tracked: Watched) -> None:
        (tracked.root / "nb/helper.py").chmod(0o755)
        assert answer(tracked, "changed(HEAD)") == []
        commit(tracked.root)
        assert answer(tracked, "changed(HEAD~1)") == []

    def test_a_touched_file_is_no_change(self, tracked: Watched) -> None:
        os.utime(tracked.root / "nb/helper.py", (1, 1))
        assert answer(tracked, "changed(HEAD)") == []

    def test_what_a_file_links_to(self, tracked: Watched) -> None:
        (tracked.root / "nb/data/a.csv").rename(tracked.root / "shared/real.csv")
        os.symlink("../../shared/real.csv", tracked.root / "nb/data/a.csv")
        commit(tracked.root)
        tracked.write("shared/real.csv", "other")
        assert answer(tracked, "changed(HEAD)") == ["load"]

    def test_who_gets_a_name_from_another_cell(self, tracked: Watched) -> None:
        tracked.cells({**CELLS, "again": "x = 5", "last": "z = x"})
        commit(tracked.root)
        tracked.edit("again", "w = 5")
        assert answer(tracked, "changed(HEAD)") == ["again", "last"]

    def test_odd_names_and_a_workspace_below_the_top(self, tmp_path: Path) -> None:
        space = Watched(tmp_path / "top" / "ws dir")
        name = "data/é\n x.csv"
        space.cells({"load": f"rows = open({name!r}).read()", "other": "y = 1"})
        space.write(f"nb/{name}", "1")
        space.build()
        git(tmp_path / "top", "init", "-q")
        commit(tmp_path / "top")
        space.write(f"nb/{name}", "2")
        assert answer(space, "changed(HEAD)") == ["load"]
        (space.root / f"nb/{name}").unlink()
        assert answer(space, "changed(HEAD)", cwd=space.root / "nb") == ["load"]

    def test_inside_a_hook(self, tracked: Watched) -> None:
        """git tells hooks of one repository in variables, relative to where they run."""
        tracked.edit("lone", "x = 2")
        tracked.variables |= {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/other-index"}
        assert answer(tracked, "changed(HEAD)", cwd=tracked.root / "nb") == ["lone"]

    def test_repositories_inside(self, tracked: Watched) -> None:
        """What changed in them is not known, so all of it may have."""
        git(tracked.root, "init", "-q", "nb/vendor")
        tracked.write("nb/vendor/d.txt", "1")
        commit(tracked.root / "nb/vendor")
        tracked.edit("lone", "x = open('vendor/d.txt').read()")
        commit(tracked.root)
        tracked.write("nb/vendor/d.txt", "2")
        assert answer(tracked, "changed(HEAD)") == ["lone"]

    def test_a_shallow_clone(self, tracked: Watched, tmp_path: Path) -> None:
        tracked.edit("lone", "x = 2")
        commit(tracked.root)
        git(tmp_path, "clone", "-q", "--depth=1", tracked.root.as_uri(), "clone")
        clone = Watched(tmp_path / "clone")
        assert answer(clone, "changed(HEAD)") == []
        for revision in ("HEAD~1", "HEAD~1..."):
            assert "fetch-depth: 0" in refused(clone, f"changed({revision})")

    def test_another_work_tree(self, tracked: Watched, tmp_path: Path) -> None:
        git(tracked.root, "worktree", "add", "-q", str(tmp_path / "there"))
        there = Watched(tmp_path / "there")
        there.edit("lone", "x = 2")
        assert answer(there, "changed(HEAD)") == ["lone"]
        assert answer(tracked, "changed(HEAD)") == []

    def test_no_git_no_repository_no_revision(self, tracked: Watched, space: Watched) -> None:
        assert "there is no revision 'HAED'" in refused(tracked, "changed(HAED)")
        (tracked.root / ".git").rename(tracked.root / "moved")
        assert "is not in a git repository" in refused(tracked, "changed(HEAD)")
        tracked.variables["PATH"] = "/nowhere"
        assert "git is not installed" in refused(tracked, "changed(HEAD)")

    def test_git_is_left_as_it_was(self, tracked: Watched) -> None:
        def repository() -> dict[Path, bytes]:
            files = (path for path in (tracked.root / ".git").rglob("*") if path.is_file())
            return {path: path.read_bytes() for path in files}

        os.utime(tracked.root / "nb/helper.py", (1, 1))
        tracked.edit("lone", "x = 2")
        before = repository()
        assert answer(tracked, "changed(HEAD)") == ["lone"]
        assert repository() == before
