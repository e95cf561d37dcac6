"""Which folders are packages."""

from __future__ import annotations

import os

import pytest

from strata.loading.packages import list_packages
from strata.loading.workspace import find_packages, load_workspace, scan_packages

from .conftest import write_files

NOTEBOOK = ""


def test_packages_are_the_folders_with_a_notebook_sorted(make_workspace):
    workspace = make_workspace(
        {
            "notebook.toml": NOTEBOOK,
            "b/notebook.toml": NOTEBOOK,
            "a/deep/er/notebook.toml": NOTEBOOK,
            "a/notebook.toml": NOTEBOOK,
            "no/notebook.txt": "",
        }
    )
    assert find_packages(workspace) == ("", "a", "a/deep/er", "b")


@pytest.mark.parametrize("folder", [".git", ".strata", "node_modules", ".venv", "__pycache__"])
def test_folders_of_tools_are_never_entered(make_workspace, folder):
    workspace = make_workspace({f"a/{folder}/x/notebook.toml": NOTEBOOK})
    assert find_packages(workspace) == ()


def test_a_virtual_environment_of_any_name_is_not_entered(make_workspace):
    workspace = make_workspace(
        {"env/pyvenv.cfg": "", "env/lib/notebook.toml": NOTEBOOK, "b/notebook.toml": NOTEBOOK}
    )
    assert find_packages(workspace) == ("b",)


def test_another_workspace_below_the_root_is_not_part_of_this_one(make_workspace):
    workspace = make_workspace(
        {
            "other/strata.toml": "",
            "other/notebook.toml": NOTEBOOK,
            "other/sub/notebook.toml": NOTEBOOK,
            "a/notebook.toml": NOTEBOOK,
        }
    )
    assert find_packages(workspace) == ("a",)


def test_gitignore_counts_at_every_level_and_the_deepest_decides(make_workspace):
    workspace = make_workspace(
        {
            ".gitignore": "build/\n*.tmp/\n/top\n",
            "build/notebook.toml": NOTEBOOK,
            "x/build/notebook.toml": NOTEBOOK,
            "a.tmp/notebook.toml": NOTEBOOK,
            "top/notebook.toml": NOTEBOOK,
            "x/top/notebook.toml": NOTEBOOK,
            "keep/.gitignore": "!build/\n/own\n",
            "keep/build/notebook.toml": NOTEBOOK,
            "keep/own/notebook.toml": NOTEBOOK,
            "keep/x/own/notebook.toml": NOTEBOOK,
            "file/.gitignore": "notebook.toml\n",
            "file/notebook.toml": NOTEBOOK,
        }
    )
    assert find_packages(workspace) == ("keep/build", "keep/x/own", "x/top")


def test_what_is_in_an_ignored_folder_cannot_be_brought_back(make_workspace):
    workspace = make_workspace(
        {".gitignore": "out/\n!out/keep/\n", "out/keep/notebook.toml": NOTEBOOK}
    )
    assert find_packages(workspace) == ()


def test_the_repositorys_own_exclude_file_counts(make_workspace):
    workspace = make_workspace(
        {".git/info/exclude": "scratch\n", "scratch/notebook.toml": "", "a/notebook.toml": ""}
    )
    assert find_packages(workspace) == ("a",)


def test_the_exclude_patterns_of_the_workspace_count(tmp_path):
    write_files(
        tmp_path,
        {
            "strata.toml": '[workspace]\nexclude = ["archive/**", "old-*"]\n',
            "archive/notebook.toml": "",
            "archive/x/notebook.toml": "",
            "x/archive/notebook.toml": "",
            "x/old-one/notebook.toml": "",
        },
    )
    assert find_packages(load_workspace(tmp_path, {})) == ("x/archive",)


def test_rules_written_above_the_root_count_below_it(tmp_path):
    write_files(
        tmp_path,
        {
            ".git/HEAD": "",
            ".gitignore": "/team/ws/out/\ntmp\n",
            "team/.gitignore": "drafts/\n",
            "team/ws/strata.toml": "",
            "team/ws/out/notebook.toml": "",
            "team/ws/a/tmp/notebook.toml": "",
            "team/ws/drafts/notebook.toml": "",
            "team/ws/b/out/notebook.toml": "",
        },
    )
    assert find_packages(load_workspace(tmp_path / "team/ws", {})) == ("b/out",)


def test_a_workspace_in_an_ignored_folder_is_still_a_workspace(tmp_path):
    write_files(
        tmp_path,
        {".git/HEAD": "", ".gitignore": "scratch/\n", "scratch/ws/a/notebook.toml": ""},
    )
    assert find_packages(load_workspace(tmp_path / "scratch/ws", {})) == ("a",)


def test_links_to_folders_are_not_followed_so_loops_end(make_workspace, tmp_path):
    workspace = make_workspace({"a/notebook.toml": NOTEBOOK})
    (tmp_path / "a" / "loop").symlink_to("..")
    (tmp_path / "again").symlink_to("a")
    assert find_packages(workspace) == ("a",)


def test_a_link_to_a_notebook_file_makes_a_package(make_workspace, tmp_path):
    workspace = make_workspace({"a/notebook.toml": NOTEBOOK, "b/x": ""})
    (tmp_path / "b" / "notebook.toml").symlink_to("../a/notebook.toml")
    assert find_packages(workspace) == ("a", "b")


def test_a_folder_that_cannot_be_read_is_a_warning(make_workspace, tmp_path, monkeypatch):
    workspace = make_workspace({"a/notebook.toml": NOTEBOOK, "locked/notebook.toml": NOTEBOOK})
    scandir = os.scandir

    def guarded(path):
        if str(path).rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    listing = scan_packages(workspace)
    assert listing.packages == ("a",)
    assert listing.warnings == ("locked/: cannot be read: permission denied",)


def test_a_name_that_is_not_utf8_is_a_warning(make_workspace, tmp_path):
    workspace = make_workspace({"a/notebook.toml": NOTEBOOK})
    odd = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(odd)
    except OSError:
        pytest.skip("the file system allows only UTF-8")
    open(odd + b"/notebook.toml", "w").close()
    listing = scan_packages(workspace)
    assert listing.packages == ("a",)
    assert listing.warnings == ("caf\ufffd: left out, as the folder's name is not UTF-8",)


def test_the_folders_that_were_read_are_listed(make_workspace, tmp_path):
    make_workspace({"a/notebook.toml": "", "a/cells/x.py": "", ".git/x": ""})
    assert sorted(list_packages(tmp_path, ()).folders) == ["", "a", "a/cells"]


def test_depth_is_not_limited(make_workspace, tmp_path):
    workspace = make_workspace({})
    package = "/".join(["d"] * 800)
    write_files(tmp_path, {f"{package}/notebook.toml": ""})
    assert find_packages(workspace) == (package,)
