"""`strata build --since`: what a build looks at when git says what changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.noticed import Watched
from tests.e2e.workspaces import Ended

PREP = {
    "early": "n = 1\nt = 'early'",
    "load": "import helper\nrows = helper.rows(open('data/rows.csv').read())\nn = 2",
    "named": (
        "name = 'da' + 'ta'\n"
        "extra = open(name + '/extra.txt').read() if rows else ''\n"
        "import os\n"
        "names = sorted(os.listdir('fol' + 'der'))"
    ),
    "change": "rows.append(3)",
    "sum": "from math import *\ntotal = sum(rows) + n + floor(1.5)",
    "write": "open('out/' + 'made.txt', 'w').write(str(total))\nwritten = 1",
    "tell": "import sub.module\nsaid = sub.module.say(t, total, len(extra))",
}
TRAIN = {
    "model": "def fit(values):\n    return len(values) * weight\nweight = 2",
    "use": "score = fit(rows) + last",
    "maybe": "import os.path\nfound = os.path.exists('op' + 'tional.txt')",
    # @input counts whether or not the cell opens it.
    "declared": "# @input data/*.csv\nimport glob\ncount = len(glob.glob('da' + 'ta/*.csv'))",
    "back": "# @after //prep:write\ntext = total and open('../prep/out/' + 'made.txt').read()",
}
INPUTS = '[inputs]\nrows = "//prep:rows"\nlast = "//prep:load%n"\ntotal = "//prep:total"'


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "core.autocrlf=false"]
    asked = ["git", *names, *arguments]
    ended = subprocess.run(asked, cwd=folder, check=True, capture_output=True, text=True)
    return ended.stdout


def commit(folder: Path, message: str = "more") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", message, "--allow-empty")


def lay_out(space: Watched) -> Watched:
    """Two notebooks with modules and data in a repository, built as they are at HEAD."""
    git(space.root, "init", "-q")
    space.notebook("prep", PREP)
    space.notebook("train", TRAIN, INPUTS)
    space.write("prep/helper.py", "def rows(text):\n    return [int(x) for x in text.split()]\n")
    space.write("prep/sub/__init__.py", "")
    space.write("prep/sub/module.py", "def say(*things):\n    return repr(things)\n")
    space.write("prep/data/rows.csv", "1\n2\n")
    space.write("prep/data/extra.txt", "more")
    space.write("prep/folder/one.txt", "1")
    space.write("prep/out/.gitignore", "*\n")
    space.write("train/data/a.csv", "1")
    space.write("README.md", "words")
    commit(space.root, "one")
    space.build("//...")
    return space


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return lay_out(Watched(tmp_path / "ws"))


def looked_at(ended: Ended) -> list[str]:
    """The cells that a build looked at, sorted, as `notebook:cell`."""
    return sorted(c["label"].removeprefix("//") for c in ended.report["cells"])


def ran(ended: Ended) -> list[str]:
    return sorted(label.removeprefix("//") for label in ended.ran)


Edit = Callable[[Watched], object]


def put(path: str, text: str) -> Edit:
    return lambda space: space.write(path, text)


def add(path: str, text: str) -> Edit:
    def append(space: Watched) -> None:
        file = space.root / path
        space.write(path, (file.read_text() if file.exists() else "") + text)

    return append


def remove(path: str) -> Edit:
    return lambda space: (space.root / path).unlink(missing_ok=True)


def cells(package: str, listed: dict[str, str], top: str = "") -> Edit:
    """The notebook lists other cells, or in another order; what is in their files stays."""

    def change(space: Watched) -> None:
        files = {cell: space.cell(package, cell) for cell in listed}
        kept = {cell: file.read_text() for cell, file in files.items() if file.exists()}
        space.notebook(package, listed | kept, top)

    return change


LOAD = "import helper\nrows = helper.rows(open('data/rows.csv').read())"
EDITS: dict[str, Edit] = {
    "a comment": add("prep/cells/sum.py", "\n# words\n"),
    "a constant": add("prep/cells/early.py", "\nt = 'late'\n"),
    "a name less": put("prep/cells/load.py", LOAD),
    "a name more": add("prep/cells/change.py", "\nt = 'changed'\n"),
    "a name is deleted": add("prep/cells/change.py", "\ndel n\n"),
    "no change in place": put("prep/cells/change.py", "other = 1"),
    "bound and not changed": put("prep/cells/change.py", "rows = [9]"),
    "marked as changing": put("prep/cells/early.py", "# @mutates t\nn = 1\nt = 'e'"),
    "an import with a star": add("prep/cells/change.py", "\nfrom cmath import *\n"),
    "an import of a part": add("train/cells/model.py", "\nimport os.path, xml.dom\n"),
    "a function less": put("train/cells/model.py", "weight = 2"),
    "a function twice": add("train/cells/maybe.py", "\ndef fit(values):\n    return 7\n"),
    "no Python": add("prep/cells/change.py", "\n(\n"),
    "a module": add("prep/helper.py", "\nUNUSED = 1\n"),
    "a module otherwise": put("prep/helper.py", "def rows(text):\n    return [5]\n"),
    "a module less": remove("prep/helper.py"),
    "a module in its place": put("prep/helper/__init__.py", "def rows(text):\n    return [6]\n"),
    "a module of a package less": remove("prep/sub/module.py"),
    "a package no more": remove("prep/sub/__init__.py"),
    "a module that hides one": put("prep/math.py", "def floor(x):\n    return 5\n"),
    "data": put("prep/data/rows.csv", "4\n5\n"),
    "data less": remove("prep/data/rows.csv"),
    "data under a computed name": put("prep/data/extra.txt", "other"),
    "that data less": remove("prep/data/extra.txt"),
    "a file more in a folder": put("prep/folder/two.txt", "2"),
    "a folder more in a folder": put("prep/folder/deep/two.txt", "2"),
    "a file less in a folder": remove("prep/folder/one.txt"),
    "what was looked for": put("train/optional.txt", "1"),
    "declared data": put("train/data/a.csv", "2"),
    "more declared data": put("train/data/b.csv", "2"),
    "declared data less": remove("train/data/a.csv"),
    "what nobody reads": put("README.md", "other words"),
    "what is written": put("prep/cells/write.py", "open('out/' + 'made.txt', 'w').write('!')"),
    "a cell less": cells("prep", {k: v for k, v in PREP.items() if k != "change"}),
    "cells in another order": cells("prep", dict(reversed(PREP.items()))),
    "a cell more": cells("prep", {**PREP, "more": "n = 9"}),
    "a cell more above": cells("train", {**TRAIN, "more": "found = score"}, INPUTS),
    "the workspace's file": put("strata.toml", "[build]\njobs = 2\n"),
    "what was done is committed": lambda space: commit(space.root, "again"),
    "what was done is staged": lambda space: git(space.root, "add", "--all"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    space = lay_out(Watched(tmp_path_factory.mktemp("shared") / "ws"))
    git(space.root, "tag", "base")
    return space


def edited_and_built_since(space: Watched, edits: list[str]) -> None:
    """After what was built at `base` was edited, `build --since base` leaves nothing to do."""
    git(space.root, "reset", "-q", "--hard", "base")
    git(space.root, "clean", "-fdq")
    space.build("//...")
    for edit in edits:
        EDITS[edit](space)
    since = space.run("build", "--json", "--since", "base", "//...")
    full = space.run("build", "--json", "//...")
    assert full.ran == []
    for status in ("failed", "skipped"):
        assert set(full.by_status(status)) <= set(since.by_status(status))


@pytest.mark.parametrize("edit", EDITS)
def test_after_any_edit_a_full_build_has_nothing_to_do(shared: Watched, edit: str) -> None:
    edited_and_built_since(shared, [edit])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits=st.lists(st.sampled_from(sorted(EDITS)), min_size=2, max_size=5))
def test_after_any_edits_a_full_build_has_nothing_to_do(shared: Watched, edits: list[str]) -> None:
    edited_and_built_since(shared, edits)


class TestWhatIsLookedAt:
    """The cells that changed, what needs them, and what those need; and only they run."""

    def test_a_comment(self, space: Watched) -> None:
        EDITS["a comment"](space)
        ended = space.build("--since", "HEAD", "//...")
        assert "prep:sum" in looked_at(ended)
        assert "train:maybe" not in looked_at(ended)
        assert ran(ended) == []

    def test_a_constant(self, space: Watched) -> None:
        EDITS["a constant"](space)
        ended = space.build("--since", "HEAD", "//...")
        assert ran(ended) == ["prep:early", "prep:tell"]
        assert not {"train:maybe", "train:declared", "prep:write"} & {*looked_at(ended)}

    def test_a_data_file(self, space: Watched) -> None:
        EDITS["declared data"](space)
        ended = space.build("--since", "HEAD", "//...")
        assert looked_at(ended) == ran(ended) == ["train:declared"]

    def test_a_committed_edit(self, space: Watched) -> None:
        EDITS["declared data"](space)
        commit(space.root)
        assert looked_at(space.build("--since", "HEAD", "//...")) == []
        assert ran(space.build("--since", "HEAD~1", "//...")) == ["train:declared"]

    def test_what_the_patterns_leave_out(self, space: Watched) -> None:
        EDITS["declared data"](space)
        EDITS["what was looked for"](space)
        ended = space.build("--since", "HEAD", "//train", "-//train:maybe")
        assert looked_at(ended) == ["train:declared"]

    def test_a_change_in_another_notebook_that_is_needed(self, space: Watched) -> None:
        EDITS["data"](space)
        ended = space.build("--since", "HEAD", "//train")
        assert {"prep:load", "train:use"} <= {*ran(ended)}
        assert space.build("//train").ran == []

    def test_who_reads_what_an_affected_cell_writes(self, space: Watched) -> None:
        """No variable passes between them, and nothing says so but the runs before."""
        space.notebook("other", {"back": "text = open('../prep/out/' + 'made.txt').read()"})
        space.build("//other")
        commit(space.root)
        EDITS["a comment"](space)
        assert "other:back" in looked_at(space.build("-n", "--since", "HEAD", "//..."))

    def test_who_reads_what_is_written_for_the_first_time(self, space: Watched) -> None:
        """Only when it was written is it known that it is."""
        space.write("prep/out/new.txt", "old words")
        space.notebook("other", {"back": "text = open('../prep/out/' + 'new.txt').read()"})
        space.build("//...")
        commit(space.root)
        source = "open('out/' + 'new.txt', 'w').write('new words')\nwritten = 1"
        space.cell("prep", "write").write_text(source)
        since = space.build("--since", "HEAD", "//...")
        assert {"prep:write", "other:back"} <= {*ran(since)}
        assert space.build("//...").ran == []


class TestTheOption:
    def test_nothing_changed_is_said_and_is_no_error(self, space: Watched) -> None:
        ended = space.run("build", "--since", "HEAD")
        assert ended.code == 0
        assert "nothing of this changed since HEAD" in ended.out
        assert "0 cells: 0 ran" in ended.out

    def test_it_can_be_planned_and_checked(self, space: Watched) -> None:
        assert space.run("build", "--since", "HEAD", "--check").code == 0
        EDITS["a constant"](space)
        planned = space.build("-n", "--since", "HEAD", "//...")
        assert planned.by_status("would_run") == ["//prep:early"]
        assert space.run("build", "--since", "HEAD", "--check").code == 3
        assert space.run("build", "--check").code == 3

    def test_with_force_the_affected_cells_run(self, space: Watched) -> None:
        EDITS["a comment"](space)
        ended = space.build("--force", "--since", "HEAD", "//prep:write")
        assert ran(ended) == ["prep:write"]

    def test_no_stamp_answers_for_git(self, space: Watched) -> None:
        """The same words mean something else when HEAD has moved, though no file was touched."""
        EDITS["declared data"](space)
        for _ in range(2):
            assert "//train:declared" in space.run("build", "--since", "HEAD").out
        commit(space.root)
        assert "nothing of this changed" in space.run("build", "--since", "HEAD").out

    def test_three_dots_are_where_branches_went_apart(self, space: Watched) -> None:
        git(space.root, "branch", "side")
        EDITS["a constant"](space)
        commit(space.root)
        git(space.root, "switch", "-q", "side")
        EDITS["declared data"](space)
        commit(space.root)
        apart = space.build("-n", "--since", "@{-1}...", "//...")
        assert looked_at(apart) == ["train:declared"]
        assert "prep:early" in looked_at(space.build("-n", "--since", "@{-1}", "//..."))


class TestWrongInput:
    def test_no_such_revision(self, space: Watched) -> None:
        git(space.root, "branch", "main-line")
        ended = space.run("build", "--since", "main-lin")
        assert ended.code == 2
        assert "there is no revision 'main-lin'" in ended.err
        assert "did you mean 'main-line'?" in ended.err

    def test_two_revisions(self, space: Watched) -> None:
        ended = space.run("build", "--since", "HEAD~1..HEAD")
        assert ended.code == 2
        assert "write one, such as HEAD~1" in ended.err

    def test_an_empty_word_and_one_like_an_option(self, space: Watched) -> None:
        for word in ("", "--all"):
            ended = space.run("build", f"--since={word}")
            assert ended.code == 2
            assert f"there is no revision '{word}'" in ended.err

    def test_no_repository(self, tmp_path: Path) -> None:
        space = Watched(tmp_path / "ws")
        space.cells({"a": "x = 1"})
        ended = space.run("build", "--since", "HEAD")
        assert ended.code == 2
        assert "is not in a git repository" in ended.err

    def test_with_fix(self, space: Watched) -> None:
        ended = space.run("build", "--since", "HEAD", "--fix", "--sandbox=strict")
        assert ended.code == 2
        assert "--fix" in ended.err
