"""`@input` globs: which files they mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strata.loading.inputs import expand_inputs

from .conftest import write_files

FILES = (
    "nb/a.csv",
    "nb/b.csv",
    "nb/.hidden.csv",
    "nb/data/c.csv",
    "nb/data/deep/d.csv",
    "nb/data/deep/e.txt",
    "nb/.dot/f.csv",
    "nb/we[ir]d/g.csv",
    "nb/.strata/h.csv",
    "nb/__pycache__/i.csv",
    "shared/j.csv",
    "k.csv",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_files(tmp_path, dict.fromkeys(FILES, ""))
    return tmp_path


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (["a.csv"], ["nb/a.csv"]),
        (["./a.csv"], ["nb/a.csv"]),
        (["*.csv"], ["nb/.hidden.csv", "nb/a.csv", "nb/b.csv"]),
        (["?.csv", "a.csv"], ["nb/a.csv", "nb/b.csv"]),
        (["[!a].csv"], ["nb/b.csv"]),
        (["data"], ["nb/data/c.csv", "nb/data/deep/d.csv", "nb/data/deep/e.txt"]),
        (["data/"], ["nb/data/c.csv", "nb/data/deep/d.csv", "nb/data/deep/e.txt"]),
        (["d*"], ["nb/data/c.csv", "nb/data/deep/d.csv", "nb/data/deep/e.txt"]),
        (["data/*.csv"], ["nb/data/c.csv"]),
        (["data/**/*.csv"], ["nb/data/c.csv", "nb/data/deep/d.csv"]),
        (["**/d.csv"], ["nb/data/deep/d.csv"]),
        (["**/deep/**"], ["nb/data/deep/d.csv", "nb/data/deep/e.txt"]),
        ([".dot/*"], ["nb/.dot/f.csv"]),
        (["**/f.csv"], ["nb/.dot/f.csv"]),
        (["../shared/*"], ["shared/j.csv"]),
        (["//shared/*"], ["shared/j.csv"]),
        (["//k.csv"], ["k.csv"]),
        (["we[[]ir]d/*"], ["nb/we[ir]d/g.csv"]),
        (["none.csv", "no/**/such"], []),
        ([], []),
        (["a.csv/x"], []),
    ],
)
def test_what_a_glob_means(root, globs, expected):
    assert list(expand_inputs(root, "nb", globs)) == expected


def test_two_stars_mean_everything_but_the_folders_of_tools(root):
    found = expand_inputs(root, "nb", ["**"])
    assert set(found) == set(FILES[:8])


def test_a_folder_of_tools_can_be_named(root):
    assert expand_inputs(root, "nb", [".strata/*"]) == ("nb/.strata/h.csv",)


def test_a_notebook_at_the_root(root):
    assert expand_inputs(root, "", ["*.csv"]) == ("k.csv",)


@pytest.mark.parametrize(
    ("glob", "message"),
    [
        ("../../x", "'../../x' leads out of the workspace"),
        ("a/../../../x", "'a/../../../x' leads out of the workspace"),
        ("//../x", "'//../x' leads out of the workspace"),
        ("/etc/passwd", "'/etc/passwd' is absolute; write it relative to the notebook"),
        ("**/../x", "'**/../x' goes back up from a pattern"),
        ("", "'' is not a file pattern"),
        ("  ", "'  ' is not a file pattern"),
        ("a\0b", "'a\0b' is not a file pattern"),
    ],
)
def test_what_is_refused(root, glob, message):
    with pytest.raises(ValueError, match=r"^'") as caught:
        expand_inputs(root, "nb", [glob])
    assert str(caught.value) == message


class TestLinks:
    def test_a_link_to_a_file_is_a_file_wherever_it_points(self, root, tmp_path_factory):
        outside = tmp_path_factory.mktemp("outside") / "x.csv"
        outside.write_text("x")
        (root / "nb/data/link.csv").symlink_to(outside)
        assert "nb/data/link.csv" in expand_inputs(root, "nb", ["data"])

    def test_a_link_to_a_folder_of_the_workspace_is_followed(self, root):
        (root / "nb/data/more").symlink_to("../../shared")
        assert "nb/data/more/j.csv" in expand_inputs(root, "nb", ["data"])
        assert expand_inputs(root, "nb", ["data/more/*"]) == ("nb/data/more/j.csv",)

    def test_a_loop_ends(self, root):
        (root / "nb/data/loop").symlink_to("..")
        (root / "nb/data/self").symlink_to("self")
        found = expand_inputs(root, "nb", ["data", "**/*.csv", "data/**"])
        assert "nb/data/deep/d.csv" in found
        assert len(found) < 30

    @pytest.mark.parametrize("glob", ["data", "data/out/x", "**", "data/*", "**/x"])
    def test_a_link_to_a_folder_outside_is_refused(self, root, tmp_path_factory, glob):
        outside = tmp_path_factory.mktemp("outside")
        (outside / "x").touch()
        (root / "nb/data/out").symlink_to(outside)
        with pytest.raises(ValueError, match="leads out of the workspace") as caught:
            expand_inputs(root, "nb", [glob])
        assert str(caught.value).endswith("through the link 'nb/data/out'")

    def test_a_dangling_link_and_a_pipe_are_no_files(self, root):
        (root / "nb/data/gone").symlink_to("nowhere")
        os.mkfifo(root / "nb/data/pipe")
        found = expand_inputs(root, "nb", ["data", "data/gone", "data/pipe"])
        assert not {"nb/data/gone", "nb/data/pipe"} & set(found)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(glob=st.text(alphabet="ab./*?[]!-\\d", max_size=10))
def test_any_glob_gives_sorted_files_below_the_root_or_a_value_error(root, glob):
    try:
        found = expand_inputs(root, "nb", [glob])
    except ValueError:
        return
    assert list(found) == sorted(set(found))
    assert set(found) <= set(FILES)
