"""Which project file is the environment of a notebook."""

from __future__ import annotations

import pytest

from strata.core.digest import digest_bytes
from strata.core.errors import ConfigError
from strata.loading.environment import find_project

from .conftest import write_files

PROJECT = '[project]\nname = "x"\n'


def test_without_any_project_there_is_none(tmp_path):
    write_files(tmp_path, {"a/b/x": ""})
    assert find_project(tmp_path, "a/b") is None


def test_the_project_beside_the_notebook_wins(tmp_path):
    write_files(
        tmp_path,
        {
            "pyproject.toml": PROJECT,
            "a/pyproject.toml": '[project]\nname = "a"\nrequires-python = ">=3.12"\n',
            "a/uv.lock": "version = 1\n",
        },
    )
    project = find_project(tmp_path, "a")
    assert project is not None
    assert (project.folder, project.pyproject) == ("a", tmp_path / "a/pyproject.toml")
    assert project.lock == tmp_path / "a/uv.lock"
    assert project.lock_digest == digest_bytes(b"version = 1\n")
    assert (project.requires_python, project.python_pin) == (">=3.12", None)
    assert not project.local_sources


def test_else_the_nearest_one_above_that_is_an_environment(tmp_path):
    write_files(
        tmp_path,
        {"pyproject.toml": PROJECT, "a/pyproject.toml": "[tool.ruff]\nline-length = 9\n"},
    )
    project = find_project(tmp_path, "a/b/c")
    assert project is not None
    assert (project.folder, project.lock, project.lock_digest) == ("", None, None)


def test_a_project_above_the_workspace_is_not_looked_at(tmp_path):
    write_files(tmp_path, {"pyproject.toml": PROJECT, "ws/a/x": ""})
    assert find_project(tmp_path / "ws", "a") is None


@pytest.mark.parametrize(
    ("files", "pin"),
    [
        ({"a/.python-version": "3.12.1\n"}, "3.12.1"),
        ({".python-version": "3.11"}, "3.11"),
        ({".python-version": "3.11", "a/.python-version": "# mine\n\n 3.13 # x\n3.9\n"}, "3.13"),
        ({"a/b/.python-version": "3.9"}, None),
        ({"a/.python-version": "\n"}, None),
    ],
)
def test_the_pin_is_the_nearest_one_from_the_project_up(tmp_path, files, pin):
    write_files(tmp_path, {"a/pyproject.toml": PROJECT, **files})
    project = find_project(tmp_path, "a/b")
    assert project is not None
    assert project.python_pin == pin


@pytest.mark.parametrize(
    ("sources", "local"),
    [
        ('x = { path = "../x" }', True),
        ("x = { workspace = true }", True),
        ('x = [{ index = "i" }, { path = "../x", marker = "m" }]', True),
        ('x = { git = "https://x" }', False),
        ("", False),
    ],
)
def test_whether_it_installs_from_folders_beside_it(tmp_path, sources, local):
    write_files(tmp_path, {"pyproject.toml": f"{PROJECT}[tool.uv.sources]\n{sources}\n"})
    project = find_project(tmp_path, "")
    assert project is not None
    assert project.local_sources == local


def test_the_lock_is_digested_by_whoever_remembers(tmp_path):
    write_files(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": "x"})
    asked = []

    def digest(path):
        asked.append(path)
        return digest_bytes(b"remembered")

    project = find_project(tmp_path, "", digest)
    assert asked == [tmp_path / "uv.lock"]
    assert project is not None
    assert project.lock_digest == digest_bytes(b"remembered")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (
            "[project]\nname = x",
            "a/pyproject.toml:2: not valid TOML: invalid value",
            'TOML is `key = value`, with text in quotes: name = "Iris"',
        ),
        (
            "project = 3",
            "a/pyproject.toml:1: 'project' must be a table",
            "write it as [project]",
        ),
        (
            f"{PROJECT}requires-python = 3.11",
            "a/pyproject.toml:3: 'requires-python' must be a string",
            'write for instance: requires-python = ">=3.11"',
        ),
        (
            f"{PROJECT}[tool]\nuv = 1",
            "a/pyproject.toml:4: 'tool.uv' must be a table",
            "write it as [tool.uv]",
        ),
    ],
)
def test_a_mistake_has_place_cause_and_advice(tmp_path, content, message, hint):
    write_files(tmp_path, {"a/pyproject.toml": content})
    with pytest.raises(ConfigError) as caught:
        find_project(tmp_path, "a/b")
    assert (caught.value.message, caught.value.hint) == (message, hint)
