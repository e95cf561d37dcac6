"""What git says, and what it is not asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from strata.cli.git import (
    Differing,
    NoRepository,
    NoRevision,
    commit_of,
    contents,
    differing,
)
from tests.e2e.test_since import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit; its root has another folder above."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    for name in ("same", "edited", "gone", "staged", "moved"):
        (root / name).write_text(f"it was {name}")
    (root / "below").mkdir()
    (root / "below" / "inner").write_text("in")
    (root / ".gitignore").write_text("ignored\n")
    commit(root, "one")
    return root


def test_each_way_to_differ(repository: Path) -> None:
    (repository / "edited").write_text("other")
    (repository / "gone").unlink()
    (repository / "staged").write_text("other")
    git(repository, "add", "staged")
    git(repository, "mv", "moved", "there")
    (repository / "new file").write_text("x")
    (repository / "ignored").write_text("x")
    (repository / "same").chmod(0o755)
    assert differing(repository, "HEAD") == Differing(
        modified=frozenset({"edited", "staged"}),
        come=frozenset({"new file", "there"}),
        gone=frozenset({"gone", "moved"}),
    )


def test_a_merge_that_is_not_done_yet(repository: Path) -> None:
    """What is in the file now is compared, as ever."""
    git(repository, "switch", "-qc", "side")
    (repository / "edited").write_text("on the side")
    commit(repository)
    git(repository, "switch", "-q", "-")
    (repository / "edited").write_text("here")
    commit(repository)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "side")
    assert differing(repository, "HEAD").modified == {"edited"}
    (repository / "edited").write_text("here")
    assert differing(repository, "HEAD") == Differing()


def test_paths_outside_of_the_root_are_absolute(repository: Path) -> None:
    (repository / "edited").write_text("other")
    (repository / "below" / "inner").write_text("other")
    found = differing(repository / "below", "HEAD")
    assert found.modified == {str(repository / "edited"), "inner"}


def test_a_file_that_becomes_a_link_differs(repository: Path) -> None:
    (repository / "same").unlink()
    (repository / "same").symlink_to("edited")
    assert differing(repository, "HEAD").modified == {"same"}


def test_an_edit_in_the_second_of_the_commit_is_seen(repository: Path) -> None:
    """Though the file is as long as before."""
    for number in range(5):
        (repository / "edited").write_text(f"edit {number}")
        commit(repository)
        (repository / "edited").write_text(f"Edit {number}")
        assert differing(repository, "HEAD").modified == {"edited"}


def test_what_files_had_in_them(repository: Path) -> None:
    (repository / "below" / "inner").write_bytes(b"a\nb\r\n\0")
    commit(repository)
    (repository / "below" / "inner").write_text("other")
    found = contents(repository, "HEAD", ["edited", "below/inner", "not there", "below"])
    assert found == {"edited": b"it was edited", "below/inner": b"a\nb\r\n\0"}
    assert contents(repository / "below", "HEAD", ["inner"]) == {"inner": b"a\nb\r\n\0"}
    assert contents(repository, "HEAD", []) == {}


def test_revisions(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "tag", "-a", "-m", "words", "v1")
    for name in ("HEAD", "v1", head[:8], "@", "v1...", "...", "v1...HEAD"):
        assert commit_of(repository, name) == head
    for name in ("", "v2", "v1..", "v1..HEAD", "HEAD...v1", "-q", "HEAD:below", "a b", "~1"):
        with pytest.raises(NoRevision):
            commit_of(repository, name)


def test_branches_without_a_common_past(repository: Path) -> None:
    git(repository, "branch", "main-line")
    git(repository, "switch", "-q", "--orphan", "other")
    commit(repository)
    with pytest.raises(NoRevision, match="went apart"):
        commit_of(repository, "main-line...")


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(NoRepository):
        commit_of(tmp_path, "HEAD")


def test_variables_of_another_repository_do_not_count(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, "/nowhere")
    assert differing(repository, commit_of(repository, "HEAD")) == Differing()


def test_settings_that_change_what_git_prints(repository: Path) -> None:
    for name, value in (
        ("core.quotePath", "true"),
        ("diff.renames", "copies"),
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("diff.relative", "true"),
        ("diff.external", "false"),
        ("core.abbrev", "4"),
    ):
        git(repository, "config", name, value)
    git(repository, "mv", "moved", "vermögen")
    found = differing(repository / "below", "HEAD")
    assert found.come == {str(repository / "vermögen")}
    assert found.gone == {str(repository / "moved")}
