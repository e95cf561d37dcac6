"""`strata diff --against REVISION`: what a value is at a commit, out of the cache."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "core.autocrlf=false"]
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", message)


CELLS = {"load": "n = len(open('data.csv').read())", "a": "import helper\nx = helper.f(n)"}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    """A repository with one commit, tag `one`, that was built; and edits since, built too."""
    repository = tmp_path / "repository"
    space = Workspace(repository / "work")
    git(repository, "init", "-q")
    space.notebook("nb", CELLS)
    space.write("nb/data.csv", "12345")
    space.write("nb/helper.py", "def f(n):\n    return n\n")
    commit(repository, "one")
    git(repository, "tag", "one")
    space.build("//nb")
    space.write("nb/helper.py", "def f(n):\n    return 10 * n\n")
    space.write("nb/data.csv", "1234567")
    space.build("//nb")
    return space


def test_a_value_is_compared_with_what_it_is_at_a_commit(space: Workspace) -> None:
    """Files, modules and cells are those of the commit; the work tree may be as it likes."""
    out = space.run("diff", "//nb:a%x", "--against", "one").out
    assert "old: one (" in out
    assert "  5 → 70 (+65, +1.3e+03%)\n" in out


def test_nothing_is_left_behind_and_the_repository_is_as_it_was(space: Workspace) -> None:
    def state() -> tuple[bytes, bytes]:
        asked = ["git", "status", "--porcelain=v2", "--branch"]
        status = subprocess.run(asked, cwd=space.root, check=True, capture_output=True).stdout
        return status, (space.root.parent / ".git" / "index").read_bytes()

    before = state()
    assert space.run("diff", "//nb:a", "--against", "HEAD").code == 0
    assert state() == before
    assert list((space.root / ".strata" / "revisions").glob("*")) == []
    assert space.build("//nb").ran == []


def test_what_was_never_built_there_is_an_error_that_says_how(space: Workspace) -> None:
    space.write("nb/data.csv", "1")
    commit(space.root, "two")
    space.write("nb/data.csv", "12")
    ended = space.run("diff", "//nb:a", "--against", "HEAD")
    assert ended.code == 2
    assert "//nb:a at HEAD (" in ended.err
    assert "is not in the cache" in ended.err
    assert "git worktree add" in ended.err


def test_the_advice_works(space: Workspace, tmp_path: Path) -> None:
    space.write("nb/data.csv", "1")
    commit(space.root, "two")
    space.write("nb/data.csv", "12")
    git(space.root, "worktree", "add", str(tmp_path / "there"), "HEAD")
    there = tmp_path / "there" / "work"
    space.variables["STRATA_CACHE_DIR"] = str(space.root / ".strata" / "cache")
    assert space.run("build", cwd=there).code == 0
    del space.variables["STRATA_CACHE_DIR"]
    assert "10 → 70" in space.run("diff", "//nb:a%x", "--against", "HEAD").out


def test_a_cell_that_is_not_in_the_commit_is_an_error(space: Workspace) -> None:
    space.notebook("nb", {**CELLS, "later": "z = 1"})
    space.build("//nb")
    ended = space.run("diff", "//nb:later", "--against", "one")
    assert ended.code == 2
    assert "there is no //nb:later at one (" in ended.err


def test_a_commit_whose_notebook_is_broken_is_an_error_of_that_commit(space: Workspace) -> None:
    text = (space.root / "nb" / "notebook.toml").read_text()
    space.write("nb/notebook.toml", "[[cells")
    commit(space.root, "broken")
    space.write("nb/notebook.toml", text)
    ended = space.run("diff", "//nb:a", "--against", "HEAD")
    assert ended.code == 2
    assert "the workspace at HEAD (" in ended.err
    assert "nb/notebook.toml" in ended.err


@pytest.mark.parametrize("wrong", ["nope", "--help", "HEAD:nb", ""])
def test_a_revision_that_is_none_is_an_error(space: Workspace, wrong: str) -> None:
    ended = space.run("diff", "//nb:a", f"--against={wrong}")
    assert ended.code == 2
    assert "there is no such revision" in ended.err


def test_a_commit_without_strata_toml_has_the_same_root(space: Workspace) -> None:
    git(space.root, "rm", "-q", "--cached", "strata.toml")
    git(space.root, "checkout", "-q", "one", "--", "nb")
    git(space.root, "commit", "-qm", "no strata.toml")
    space.write("nb/data.csv", "1234567")
    assert "old: HEAD (" in space.run("diff", "//nb:a", "--against", "HEAD").out
