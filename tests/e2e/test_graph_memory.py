"""Questions are answered from the graph that is remembered, just as if it had been loaded.

After each change the same questions are asked of the workspace and of a copy in which nothing is
remembered; what is said must be the same, on both streams.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.workspaces import STRATA, Ended, Workspace

QUESTIONS = (
    ("//...", "--output=json"),
    ("rdeps(//..., //base:x)",),
    ("deps(//nb:c) + //sub/... + //nb:total", "--vars"),
)
LOADING = "strata.loading.notebook_index"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "ws")
    workspace.notebook("base", {"x": "x = 1\n", "y": "# @tags a b\ny = x\n"})
    inputs = '[inputs]\ny = "//base:y"\n'
    cells = {"a": "a = y\n", "b": "def f():\n    return a\n", "c": "total = f()\ntotal += 1\n"}
    workspace.notebook("nb", cells)
    toml = workspace.root / "nb" / "notebook.toml"
    toml.write_text(toml.read_text() + inputs)
    workspace.notebook("sub/one", {"p": "p = 1\n", "q": "# @after p\nq = 2\n"})
    workspace.notebook("sub/two", {"p": "p = 1\n"})
    (workspace.root / ".strata").mkdir()
    return workspace


def ask(root: Path, *arguments: str, cwd: Path | None = None) -> tuple[Ended, bool]:
    """What a question says, and whether notebooks were loaded for it."""
    command = [sys.executable, "-X", "importtime", str(STRATA), "query", *arguments]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PYTHON"))}
    ended = subprocess.run(
        command,
        cwd=cwd or root,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = ended.stderr.splitlines()
    words = "".join(f"{line}\n" for line in lines if not line.startswith("import time:"))
    loaded = any(line.endswith(LOADING) for line in lines)
    return Ended(ended.returncode, ended.stdout, words.replace(str(root), "ROOT")), loaded


def settle(workspace: Workspace) -> None:
    """Asks until what is remembered holds: not for files that changed just before."""
    for number in range(20):
        if not ask(workspace.root, "//...", "+", f"set({'//nb ' * number})")[1]:
            return
    raise AssertionError("nothing is remembered")


def assert_all_as_if_loaded(workspace: Workspace, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    ignore = shutil.ignore_patterns(".strata")
    shutil.copytree(workspace.root, fresh, ignore=ignore, symlinks=True)
    for question in QUESTIONS:
        expected, loaded = ask(fresh, *question)
        assert loaded
        assert ask(workspace.root, *question)[0] == expected, question
    assert not (fresh / ".strata").exists()  # where nothing could be remembered


def test_a_new_question_about_what_nobody_touched_loads_no_notebook(workspace: Workspace) -> None:
    settle(workspace)
    for question in QUESTIONS:
        answer, loaded = ask(workspace.root, *question)
        assert answer.code == 0, answer
        assert not loaded, question


def imported(workspace: Workspace, *arguments: str) -> tuple[str, str]:
    """What a question says, and what was imported for it."""
    command = [sys.executable, "-X", "importtime", str(STRATA), "query", *arguments]
    ended = subprocess.run(
        command, cwd=workspace.root, capture_output=True, text=True, check=True, timeout=60
    )
    return ended.stdout, ended.stderr


def test_an_answer_from_memory_is_a_stamp_itself(workspace: Workspace) -> None:
    settle(workspace)
    first, loaded = imported(workspace, "deps(//nb:c)")
    second, for_stamp = imported(workspace, "deps(//nb:c)")
    assert second == first == "//base:x\n//base:y\n//nb:a\n//nb:b\n//nb:c\n"
    assert "strata.query.evaluation" in loaded
    assert "strata.query.evaluation" not in for_stamp


def test_a_plain_question_is_answered_without_the_command_line(workspace: Workspace) -> None:
    settle(workspace)
    for words in (["rdeps", "//base:x"], ["deps", "//nb:c"], ["somepath", "//nb:c", "//base:x"]):
        said, loaded = imported(workspace, *words)
        assert "click" not in loaded, words
        with_option, by_command_line = imported(workspace, *words, "--order_output=auto")
        assert said == with_option
        assert "click" in by_command_line


@pytest.mark.parametrize(
    "words", ["dep(//nb)", "deps(//bn)", "//nb:nope", "$x", "deps(//nb", "slower(x, //nb)"]
)
def test_what_is_wrong_is_said_as_without_memory(workspace: Workspace, words: str) -> None:
    expected, _ = ask(workspace.root, words)
    settle(workspace)
    assert ask(workspace.root, words)[0] == expected
    assert expected.code == 2
    assert expected.err.startswith("error: ")


CHANGES: dict[str, Callable[[Workspace], object]] = {
    "nothing": lambda w: None,
    "another body": lambda w: w.cell("nb", "c").write_text("total = a\n"),
    "another name": lambda w: w.cell("base", "x").write_text("x, z = 1, 2\n"),
    "a name that is gone": lambda w: w.cell("base", "y").write_text("why = x\n"),
    "a syntax error": lambda w: w.cell("sub/one", "p").write_text("p = = 1\n"),
    "a warning": lambda w: w.cell("sub/two", "p").write_text("# @tgas x\np = 1\n"),
    "a file that is gone": lambda w: w.cell("nb", "b").unlink(),
    "a notebook that is gone": lambda w: shutil.rmtree(w.root / "sub" / "two"),
    "a new notebook": lambda w: w.notebook("sub/new", {"n": "n = 1\n"}),
    "a new notebook above": lambda w: w.notebook(".", {"n": "n = 1\n"}),
    "other inputs": lambda w: w.write(
        "sub/two/notebook.toml",
        (w.root / "sub/two/notebook.toml").read_text() + '[inputs]\nnew = "//sub/one:q"\n',
    ),
    "an exclusion": lambda w: w.write("strata.toml", '[workspace]\nexclude = ["sub/**"]\n'),
    "an ignore file": lambda w: w.write(".gitignore", "sub/two\n"),
    "a setting with a warning": lambda w: w.write("strata.toml", "[build]\njbos = 1\n"),
    "a file of no notebook": lambda w: w.write("notes.txt", "x"),
    "a file beside the cells": lambda w: w.write("nb/cells/scratch.txt", "x"),
    "a mistake in a notebook": lambda w: w.write("sub/two/notebook.toml", "= 1\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changed_is_seen(
    workspace: Workspace, tmp_path: Path, change: Callable[[Workspace], object]
) -> None:
    settle(workspace)
    change(workspace)
    assert_all_as_if_loaded(workspace, tmp_path)


def test_after_any_row_of_changes_all_is_as_if_loaded(workspace: Workspace, tmp_path: Path) -> None:
    settle(workspace)
    chosen = random.Random(4)
    for step in range(5):
        package, cell = chosen.choice([("base", "x"), ("nb", "a"), ("nb", "c"), ("sub/one", "p")])
        text = chosen.choice([f"x = {step}\n", "z = x\n", "a = p = y\n", "def f(): pass\n"])
        workspace.cell(package, cell).write_text(text)
        assert_all_as_if_loaded(workspace, tmp_path)


def test_only_the_notebook_that_changed_is_loaded_again(workspace: Workspace) -> None:
    settle(workspace)
    folder = workspace.root / ".strata" / "notebooks"
    shutil.rmtree(folder)
    workspace.cell("sub/one", "p").write_text("p = 3\n")
    ask(workspace.root, "allrdeps(//base:x)")
    kept = sum(1 for path in folder.rglob("*") if path.is_file())
    assert kept == 1


def test_an_answer_that_is_of_records_is_never_given_from_memory(workspace: Workspace) -> None:
    settle(workspace)
    question = "state('stale|never', //... - //sub/one:q)"
    assert "//nb:c" in ask(workspace.root, question)[0].out.split()
    workspace.cell("nb", "c").write_text("total = f() + 1\n")
    before = ask(workspace.root, question)[0].out.split()
    assert before == ask(workspace.root, question)[0].out.split()
    assert "//nb:c" in before
    assert workspace.run("build").code == 0
    assert ask(workspace.root, question)[0].out == ""
    workspace.cell("nb", "c").write_text("total = f() + 2\n")
    assert ask(workspace.root, question)[0].out == "//nb:c\n"


def test_what_is_remembered_in_one_folder_is_not_used_in_another(workspace: Workspace) -> None:
    settle(workspace)
    answer, loaded = ask(workspace.root, ":b", cwd=workspace.root / "nb")
    assert answer.out == "//nb:b\n"
    assert loaded
    (workspace.root / "nb" / "strata.toml").write_text("")
    answer, _ = ask(workspace.root, ":b", cwd=workspace.root / "nb")
    assert answer.out == "//:b\n"


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, b"strata.stamp.v1\n" + b"x" * 99])
def test_a_memory_with_bad_bytes_is_none(workspace: Workspace, damage: bytes) -> None:
    settle(workspace)
    for path in (workspace.root / ".strata" / "stamps").iterdir():
        path.write_bytes(damage)
    answer, loaded = ask(workspace.root, "//base")
    assert (answer.code, answer.out, loaded) == (0, "//base:x\n//base:y\n", True)


def test_a_workspace_without_state_is_left_as_it_is(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / ".strata")
    assert ask(workspace.root, "//...")[0].code == 0
    assert not (workspace.root / ".strata").exists()
