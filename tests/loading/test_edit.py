"""New notebooks: what is written loads, and a failure leaves nothing behind."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strata.core.errors import NotebookError
from strata.loading import edit
from strata.loading.edit import new_notebook
from strata.loading.environment import find_project
from strata.loading.notebook import load_notebook
from strata.loading.workspace import load_workspace

from .conftest import write_files

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(folder: Path, name: str = "My notebook", with_environment: bool = False) -> None:
    new_notebook(folder, name, NOW, "nb-1", with_environment)


@pytest.mark.parametrize("name", ["Iris", "-x", "größe und 日本", 'a "b" \\ c', "it's [x] # y"])
def test_a_new_notebook_loads_under_any_name(tmp_path, name):
    make(tmp_path / "a" / name, name, with_environment=True)
    notebook = load_notebook(load_workspace(tmp_path, {}), f"a/{name}")
    assert (notebook.name, notebook.notebook_id) == (name, "nb-1")
    assert [str(cell.label) for cell in notebook.cells] == [f"//a/{name}:start"]
    assert [cell.problem for cell in notebook.cells] == [None]
    assert (notebook.warnings, notebook.cells[0].warnings) == ((), ())
    compile(notebook.cells[0].source, "start.py", "exec")
    data = tomllib.loads((tmp_path / "a" / name / "notebook.toml").read_text("utf-8"))
    assert data["created_at"] == data["updated_at"] == NOW


@pytest.mark.parametrize(
    ("name", "project"), [("My Größe 2", "my-grosse-2"), ("日本", "notebook"), ("--a--", "a")]
)
def test_an_environment_is_a_project_with_a_name_that_uv_accepts(tmp_path, name, project):
    make(tmp_path / "x", name, with_environment=True)
    assert find_project(tmp_path, "x") is not None
    data = tomllib.loads((tmp_path / "x" / "pyproject.toml").read_text())
    assert data["project"]["name"] == project.replace("grosse", "groe")


def test_without_an_environment_there_is_no_project(tmp_path):
    make(tmp_path / "x")
    assert sorted(p.name for p in (tmp_path / "x").iterdir()) == ["cells", "notebook.toml"]


def test_an_existing_notebook_is_refused_and_untouched(tmp_path):
    write_files(tmp_path, {"x/notebook.toml": "name = 'mine'"})
    with pytest.raises(NotebookError) as caught:
        make(tmp_path / "x")
    assert caught.value.message == f"{tmp_path / 'x'}: there is a notebook already"
    assert caught.value.hint == "choose another folder or name"
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["notebook.toml"]


def test_files_that_were_there_are_kept(tmp_path):
    mine = {"x/pyproject.toml": "# mine", "x/cells/start.py": "mine = 1", "x/readme": "mine"}
    write_files(tmp_path, mine)
    make(tmp_path / "x", with_environment=True)
    assert {path: (tmp_path / path).read_text() for path in mine} == mine


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b"])
def test_names_that_cannot_be_shown_are_refused(tmp_path, name):
    with pytest.raises(NotebookError, match="a notebook cannot be called"):
        make(tmp_path / "x", name)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_labels_cannot_name_is_refused(tmp_path):
    with pytest.raises(NotebookError, match="a notebook folder cannot be called 'a:b'"):
        make(tmp_path / "a:b")


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(NotebookError, match="cannot make the notebook"):
        make(tmp_path / "x" / "y")
    assert (tmp_path / "x").read_text() == "mine"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_after_a_failure_nothing_is_left_behind(tmp_path, monkeypatch, failure):
    write_files(tmp_path, {"x/cells/mine.py": ""})
    write = edit._write

    def failing(path, text, made):
        if path.name == "notebook.toml":
            write(path, text[:5], made)
            raise failure
        write(path, text, made)

    monkeypatch.setattr(edit, "_write", failing)
    for folder in ("x", "new/y"):
        with pytest.raises((NotebookError, KeyboardInterrupt)):
            make(tmp_path / folder, with_environment=True)
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    assert left == ["x", "x/cells", "x/cells/mine.py"]
