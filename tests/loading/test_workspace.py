"""`strata.toml`: the root is found, every key is read, every mistake has its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strata.core.errors import WorkspaceError
from strata.loading.workspace import (
    BuildSettings,
    CacheSettings,
    RemoteCacheSettings,
    WorkerSettings,
    find_root,
    load_workspace,
)

EVERY_KEY = """
[workspace]
exclude = ["archive/**", "*.old"]
[build]
jobs = 3
sandbox = "strict"
environment = "whole-lock"
resources = { cpu = 1.5, mem = "2GiB", gpu = 1 }
[cache]
dir = "../shared"
max_size = "1.5MiB"
[cache.remote]
url = "https://cache.example.com/strata"
mode = "read-write"
token_env = "STRATA_CACHE_TOKEN"
[workers.gpu-fly]
url = "ssh://me@gpu.example.com"
slots = 2
properties = { accelerator = "h100", cores = 8, spot = true }
[connections.warehouse]
driver = "duckdb"
path = "a.db"
"""


class TestRoot:
    def test_the_nearest_strata_toml_wins_over_git_and_notebooks(self, tmp_path):
        folder = tmp_path / "outer" / "repo" / "train"
        folder.mkdir(parents=True)
        (tmp_path / "outer" / "strata.toml").touch()
        (tmp_path / "outer" / "repo" / ".git").mkdir()
        (folder / "notebook.toml").touch()
        assert find_root(folder) == tmp_path / "outer"
        (tmp_path / "outer" / "repo" / "strata.toml").touch()
        assert find_root(folder) == tmp_path / "outer" / "repo"

    def test_without_one_the_repository_is_the_workspace_even_a_worktree(self, tmp_path):
        folder = tmp_path / "a" / "b"
        folder.mkdir(parents=True)
        (tmp_path / ".git").write_text("gitdir: elsewhere\n")
        (tmp_path / "a" / "notebook.toml").touch()
        assert find_root(folder) == tmp_path

    def test_a_lone_notebook_is_a_workspace_also_from_inside(self, tmp_path):
        cells = tmp_path / "nb" / "cells"
        cells.mkdir(parents=True)
        (tmp_path / "nb" / "notebook.toml").touch()
        assert find_root(tmp_path / "nb") == find_root(cells) == tmp_path / "nb"

    def test_the_root_has_no_symbolic_links(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "strata.toml").touch()
        (tmp_path / "link").symlink_to("real")
        assert find_root(tmp_path / "link") == tmp_path / "real"

    def test_nowhere_is_an_error_with_advice(self, tmp_path):
        with pytest.raises(WorkspaceError) as caught:
            find_root(tmp_path)
        assert caught.value.message == f"'{tmp_path}' is not in a workspace"
        assert caught.value.hint is not None
        assert "strata new NAME" in caught.value.hint


class TestSettings:
    def test_without_a_file_everything_has_its_default(self, tmp_path):
        workspace = load_workspace(tmp_path, {})
        assert not workspace.has_file
        assert workspace.build == BuildSettings(jobs=0, sandbox="off", environment="narrow")
        assert workspace.cache == CacheSettings(tmp_path / ".strata/cache", 20 * 2**30, None)
        assert (workspace.workers, workspace.connections, workspace.exclude) == ({}, {}, ())

    def test_every_key_is_read(self, tmp_path):
        (tmp_path / "strata.toml").write_text(EVERY_KEY)
        workspace = load_workspace(tmp_path, {})
        remote = RemoteCacheSettings(
            "https://cache.example.com/strata", "read-write", "STRATA_CACHE_TOKEN"
        )
        assert workspace.has_file
        assert workspace.exclude == ("archive/**", "*.old")
        needs = {"cpu": 1.5, "mem": 2**31, "gpu": 1}
        assert workspace.build == BuildSettings(
            3, "strict", environment="whole-lock", resources=needs
        )
        assert workspace.cache == CacheSettings(tmp_path.parent / "shared", 3 * 2**19, remote)
        assert workspace.workers == {
            "gpu-fly": WorkerSettings(
                "gpu-fly",
                "ssh://me@gpu.example.com",
                2,
                {"accelerator": "h100", "cores": "8", "spot": "true"},
            )
        }
        assert workspace.connections == {"warehouse": {"driver": "duckdb", "path": "a.db"}}
        assert workspace.warnings == ()

    @pytest.mark.parametrize(
        ("written", "environ", "expected"),
        [
            ("", {}, ".strata/cache"),
            ('dir = "c"', {}, "c"),
            ('dir = "/var/c"', {}, "/var/c"),
            ('dir = "~/c"', {"HOME": "/home/me"}, "/home/me/c"),
            ('dir = "c"', {"STRATA_CACHE_DIR": "d"}, "d"),
            ('dir = "c"', {"STRATA_CACHE_DIR": "/d"}, "/d"),
            ('dir = "c"', {"STRATA_CACHE_DIR": ""}, "c"),
        ],
    )
    def test_where_the_cache_is(self, tmp_path, written, environ, expected):
        (tmp_path / "strata.toml").write_text(f"[cache]\n{written}\n")
        assert load_workspace(tmp_path, environ).cache.dir == tmp_path / expected

    def test_a_byte_order_mark_and_windows_line_endings_are_fine(self, tmp_path):
        (tmp_path / "strata.toml").write_bytes(b"\xef\xbb\xbf[build]\r\njobs = 2\r\n")
        assert load_workspace(tmp_path, {}).build.jobs == 2

    def test_unknown_keys_are_warnings_with_the_nearest_known_name(self, tmp_path):
        (tmp_path / "strata.toml").write_text(
            "[build]\njob = 1\n[cach]\n[workers.a]\nurl = 'ssh://a'\nslot = 1\n[x]\ny = 1\n"
        )
        assert load_workspace(tmp_path, {}).warnings == (
            "strata.toml:2: unknown key 'job' in [build]; did you mean 'jobs'?",
            "strata.toml:3: unknown key 'cach'; did you mean 'cache'?",
            "strata.toml:6: unknown key 'slot' in [workers.a]; did you mean 'slots'?",
            "strata.toml:7: unknown key 'x'; it has no effect",
        )


SIZE_HINT = 'a size such as "20GiB", or a number of bytes'
TOML_HINT = 'TOML is `key = value`, with text in quotes: name = "Iris"'

BAD_FILES = {
    "a wrong type": (
        "[build]\njobs = 'two'",
        "strata.toml:2: 'jobs' must be a whole number, not the string \"two\"",
        "how many cells may run at once; 0 means one per core",
    ),
    "a truth value is no number": (
        "[build]\njobs = true",
        "strata.toml:2: 'jobs' must be a whole number, not true",
        "how many cells may run at once; 0 means one per core",
    ),
    "a number out of range": (
        "[build]\n\njobs = -1",
        "strata.toml:3: 'jobs' must be at least 0, not -1",
        "how many cells may run at once; 0 means one per core",
    ),
    "a number that python will not print": (
        f"[build]\njobs = {'9' * 5000}",
        "strata.toml: not valid TOML: exceeds the limit (4300 digits) for integer string "
        "conversion: value has 5000 digits",
        TOML_HINT,
    ),
    "a word that is not one of the choices": (
        "[build]\nsandbox = 'on'",
        'strata.toml:2: \'sandbox\' must be "off" or "strict", not the string "on"',
        "whether a cell may read files that it did not declare",
    ),
    "an environment that is neither": (
        "[build]\nenvironment = 'wide'",
        'strata.toml:2: \'environment\' must be "narrow" or "whole-lock", not the string "wide"',
        "whether another package in uv.lock reruns every cell, or those that use it",
    ),
    "a size that is none": (
        "[cache]\nmax_size = 'lots'",
        "strata.toml:2: 'max_size' cannot be the string \"lots\"",
        SIZE_HINT,
    ),
    "memory that is no size": (
        "[build]\nresources = { mem = 'lots' }",
        "strata.toml:2: 'mem' cannot be the string \"lots\"",
        SIZE_HINT,
    ),
    "a size of nothing": (
        "[cache]\nmax_size = '0GiB'",
        "strata.toml:2: 'max_size' cannot be the string \"0GiB\"",
        SIZE_HINT,
    ),
    "a remote cache without a url": (
        "[cache.remote]\nmode = 'read'",
        "strata.toml:1: 'remote' has no 'url'",
        'a URL such as "https://cache.example.com/strata"',
    ),
    "a worker whose url is a host": (
        "[workers.gpu]\nslots = 1\nurl = 'gpu.example.com'",
        "strata.toml:3: 'url' cannot be the string \"gpu.example.com\"",
        'a URL such as "ssh://me@gpu.example.com"',
    ),
    "a token where its name belongs": (
        "[cache.remote]\nurl = 'http://c'\ntoken_env = 'ab-12/x'",
        "strata.toml:3: 'token_env' cannot be the string \"ab-12/x\"",
        "the name of the environment variable that holds the token, not the token",
    ),
    "a pattern that is no string": (
        "[workspace]\nexclude = [\n  'a',\n  3,\n]",
        "strata.toml:4: 'workspace.exclude' number 2 must be a string, not 3",
        None,
    ),
    "a value where a table belongs": (
        "build = 4",
        "strata.toml:1: 'build' must be a table, not 4",
        "write it as a table: [build]",
    ),
    "a list of tables where a table belongs": (
        "[[build]]\njobs = 1",
        "strata.toml:1: 'build' must be a table, not a list",
        "write it as a table: [build]",
    ),
    "a connection that is no table": (
        "[connections]\nwarehouse = 'duckdb'",
        "strata.toml:2: 'warehouse' must be a table, not the string \"duckdb\"",
        "write one table a connection: [connections.NAME]",
    ),
    "no TOML": (
        "[build]\njobs 4",
        "strata.toml:2: not valid TOML: expected '=' after a key in a key/value pair",
        TOML_HINT,
    ),
    "a file that stops in the middle": (
        "[build]\njobs = [1,\n",
        "strata.toml:2: not valid TOML: invalid value",
        TOML_HINT,
    ),
    "a key twice": (
        "[build]\njobs = 1\njobs = 2",
        "strata.toml:3: not valid TOML: cannot overwrite a value",
        TOML_HINT,
    ),
    "a merge conflict": (
        "[build]\n<<<<<<< HEAD\njobs = 1\n=======\njobs = 2\n>>>>>>> other\n",
        "strata.toml:2: not valid TOML: invalid statement",
        "resolve the merge conflict",
    ),
    "bytes that are no text": (
        b"[build]\njobs = 1 # caf\xe9\n",
        "strata.toml: strata.toml is not UTF-8: byte 0xe9 on line 2",
        "save the file as UTF-8",
    ),
    "lists in lists in lists": (
        f"x = {'[' * 5000}",
        "strata.toml: lists nested too deep",
        "write it flatter",
    ),
}


class TestMistakes:
    @pytest.mark.parametrize("name", BAD_FILES)
    def test_a_mistake_has_place_cause_and_advice(self, tmp_path, name):
        content, message, hint = BAD_FILES[name]
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "strata.toml").write_bytes(data)
        with pytest.raises(WorkspaceError) as caught:
            load_workspace(tmp_path, {})
        assert (caught.value.message, caught.value.hint) == (message, hint)

    def test_a_folder_in_place_of_the_file(self, tmp_path):
        (tmp_path / "strata.toml").mkdir()
        with pytest.raises(WorkspaceError, match=r"strata.toml is a folder, not a file"):
            load_workspace(tmp_path, {})

    def test_a_pipe_in_place_of_the_file_does_not_block(self, tmp_path):
        os.mkfifo(tmp_path / "strata.toml")
        with pytest.raises(WorkspaceError, match=r"strata.toml is not a regular file"):
            load_workspace(tmp_path, {})

    def test_a_link_to_nowhere(self, tmp_path):
        (tmp_path / "strata.toml").symlink_to("gone.toml")
        with pytest.raises(WorkspaceError, match=r"links to 'gone.toml', which does not exist"):
            load_workspace(tmp_path, {})

    def test_a_file_far_too_large_is_not_read(self, tmp_path):
        with (tmp_path / "strata.toml").open("wb") as file:
            file.truncate(2**31)
        with pytest.raises(WorkspaceError, match=r"strata.toml is 2048 MiB large"):
            load_workspace(Path(tmp_path), {})
