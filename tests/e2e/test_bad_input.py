"""Everything a user can get wrong: one clear error with place, cause and advice; nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace, alive

GOOD = '[[cells]]\nid = "good"\nfile = "good.py"\n'


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w")
    space.notebook("nb", {"good": "x = 1"})
    return space


FILES_AND_LABELS: dict[str, tuple[dict[str, str], list[str], str, str]] = {
    # what: (files written, arguments, place and cause, advice)
    "a notebook.toml that is no TOML": (
        {"nb/notebook.toml": "cells = ["},
        ["build", "//nb"],
        "nb/notebook.toml:1: not valid TOML",
        "TOML is",
    ),
    "a strata.toml that is no TOML": (
        {"strata.toml": "[build\n"},
        ["build"],
        "strata.toml:1: not valid TOML",
        "TOML is",
    ),
    "a value of the wrong type": (
        {"strata.toml": '[build]\njobs = "x"\n'},
        ["build"],
        "strata.toml:2: 'jobs' must be a whole number",
        "one per core",
    ),
    "two cells with one id": (
        {"nb/notebook.toml": GOOD + GOOD},
        ["build", "//nb"],
        "nb/notebook.toml:5: the cell id 'good' is taken by the cell on line 2",
        "id of its own",
    ),
    "a file outside the notebook": (
        {"nb/notebook.toml": '[[cells]]\nid = "a"\nfile = "../../x.py"\n'},
        ["build", "//nb"],
        "nb/notebook.toml:3: '../../x.py' is not inside cells/",
        "a file under cells/",
    ),
    "an unknown cell": (
        {},
        ["build", "//nb:goood"],
        "no cell or variable 'goood' in //nb",
        "//nb:good",
    ),
    "an unknown notebook": ({}, ["build", "//np"], "no notebook //np", "//nb"),
    "an unknown folder": ({}, ["build", "//np/..."], "no notebook at or below //np", "//nb"),
    "no pattern": ({}, ["build", "//nb:"], "'//nb:' names no cell after the colon", "write"),
    "a path out of the workspace": ({}, ["build", "../x"], "'../x' lies outside the workspace", ""),
    "an unknown option": ({}, ["build", "--forse"], "No such option '--forse'", "--force"),
    "an unknown command": ({}, ["bild"], "no command 'bild'", "build"),
    "an events file that cannot be": (
        {},
        ["build", "--events", "no/such/folder/file"],
        "--events: no/such/folder/file cannot be written",
        "folder that exists",
    ),
    "a query with a typing mistake": ({}, ["query", "deps(//nb"], "expected ')'", "^"),
    "a notebook that is there already": ({}, ["new", "nb"], "already", ""),
    "run without a notebook": ({}, ["run", "cells"], "cells is not a folder", "strata new"),
    "show before a build": ({}, ["show", "//nb:good"], "//nb:good was never built", "strata build"),
    "log of a notebook": ({}, ["log", "//nb"], "'//nb' is not one cell", "//notebook:cell"),
}


@pytest.mark.parametrize("what", FILES_AND_LABELS)
def test_what_cannot_be_understood_is_one_error(space: Workspace, what: str) -> None:
    """Exit code 2, the place and the cause, and advice."""
    files, arguments, cause, advice = FILES_AND_LABELS[what]
    for path, text in files.items():
        space.write(path, text)
    ended = space.run(*arguments)
    assert ended.code == 2, ended
    assert cause in ended.err
    assert advice in ended.err
    assert ended.err.lower().count("error:") == 1


CELLS: dict[str, tuple[str, str, str]] = {
    # what: (source of the bad cell, what is said, advice)
    "a syntax error": ("y = (\n", "nb/cells/bad.py:1: syntax error", ""),
    "a missing name": ("y = 1\nz = goood + y\n", "nb/cells/bad.py:2: no cell defines 'goood'", ""),
    "a magic": (
        "%matplotlib inline\ny = 1\n",
        "nb/cells/bad.py:1: '%matplotlib'",
        "remove the line",
    ),
    "a shell command": ("!ls\n", "nb/cells/bad.py:1", "subprocess"),
    "an annotation without meaning": (
        "# @loop max_iter=3 carry=y\ny = 1\n",
        "nb/cells/bad.py:1: '@loop' has no meaning",
        "remove the line",
    ),
    "a bad annotation": ("# @timeout soon\ny = 1\n", "nb/cells/bad.py:1", "seconds"),
    "another worker": (
        "# @worker gpu\ny = 1\n",
        "nb/cells/bad.py:1: worker 'gpu'",
        "--worker local",
    ),
    "reading stdin": ("y = input()\n", "EOFError", "no keyboard"),
    "os._exit": ("import os\nos._exit(3)\n", "exit code 3", "let the cell run to its end"),
    "sys.exit": ("import sys\nsys.exit(0)\n", "exit with code 0", ""),
    "KeyboardInterrupt": ("raise KeyboardInterrupt\n", "interrupt", ""),
    "a segmentation fault": ("import ctypes\nctypes.string_at(0)\n", "segmentation fault", ""),
    "a kill": ("import os\nos.kill(os.getpid(), 9)\n", "killed", "memory"),
    "a timeout": ("# @timeout 0.5\nimport time\ntime.sleep(60)\n", "longer than 0.5 s", "@timeout"),
}


@pytest.mark.parametrize("what", CELLS)
def test_a_bad_cell_fails_alone(space: Workspace, what: str) -> None:
    """It fails, what needs it is skipped, everything else builds; exit code 1."""
    source, said, advice = CELLS[what]
    cells = {"good": "x = 1", "bad": source + "y = 1\n", "needs": "y", "other": "w = x + 1"}
    space.notebook("nb", cells)
    ended = space.build("//nb", code=1)
    assert ended.by_status("failed") == ["//nb:bad"]
    assert ended.by_status("skipped") == ["//nb:needs"]
    assert ended.ran == ["//nb:good", "//nb:other"]
    assert said in ended.err
    assert advice in ended.err
    again = space.build("//nb", code=1)
    assert again.by_status("cached") == ["//nb:good", "//nb:other"]


def test_a_cell_file_that_is_missing_fails_alone(space: Workspace) -> None:
    space.notebook("nb", {"good": "x = 1", "bad": "y = 1", "needs": "y"})
    space.cell("nb", "bad").unlink()
    ended = space.build("//nb", code=1)
    assert "'cells/bad.py', does not exist" in ended.err
    assert ended.ran == ["//nb:good"]


def test_a_cycle_is_spelled_once_and_the_rest_builds(space: Workspace) -> None:
    cells = {"a": "x = y", "b": "y = z", "c": "z = x", "free": "w = 1"}
    space.notebook("nb", cells)
    ended = space.build("//nb", code=1)
    spelled = "cells need each other: //nb:a -(y)-> //nb:b -(z)-> //nb:c -(x)-> //nb:a"
    assert "//nb:a, //nb:b, //nb:c failed" in ended.err
    assert ended.err.count(f"\n  nb/cells/a.py: {spelled}") == 1
    assert ended.ran == ["//nb:free"]


def test_not_in_a_workspace(tmp_path: Path) -> None:
    ended = Workspace(tmp_path / "w").run("build", cwd=Path("/"))
    assert ended.code == 2
    assert "'/' is not in a workspace" in ended.err


def test_strange_names_build(space: Workspace) -> None:
    """Spaces, unicode and a leading dash in folders, files and ids."""
    cells = {"a é": "x = 1", "-b": "y = x + 1"}
    space.notebook("-we ird/ü", cells)
    (space.root / "loop").symlink_to(".")
    assert space.build("//-we ird/ü").ran == ["//-we ird/ü:-b", "//-we ird/ü:a é"]
    assert space.build("//-we ird/ü:a é").ran == []
    assert space.run("build", ":-b", cwd=space.root / "-we ird" / "ü").code == 0
    assert space.run("run", "--", "-we ird/ü").code == 0
    assert space.build("//...", "-//nb").by_status("cached") == [
        "//-we ird/ü:-b",
        "//-we ird/ü:a é",
    ]


def test_a_cell_that_floods_stdout_builds(space: Workspace) -> None:
    """The beginning and the end are kept, and how much was left out; memory stays bounded."""
    flood = "import sys\nfor _ in range(3000):\n    sys.stdout.write('x' * 99_999 + '\\n')\nx = 1"
    space.notebook("nb", {"flood": flood})
    assert space.build("//nb").ran == ["//nb:flood"]
    log = space.run("log", "//nb:flood")
    assert len(log.out) < 3_000_000
    assert "left out" in log.out


def test_children_that_a_cell_leaves_behind_are_gone(space: Workspace) -> None:
    forks = (
        "import os, time\n"
        "pids = []\n"
        "for _ in range(3):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        time.sleep(600)\n"
        "    pids.append(pid)\n"
        "pids"
    )
    space.notebook("nb", {"forks": forks})
    space.build("//nb")
    shown = space.run("show", "//nb:forks").out
    pids = [int(word.strip("[],")) for word in shown.splitlines()[-1].split()]
    assert len(pids) == 3
    assert not any(alive(pid) for pid in pids)


def test_a_cell_that_deletes_its_folders_does_not_hurt_the_build(space: Workspace) -> None:
    deletes = (
        "import os, shutil, tempfile\n"
        "shutil.rmtree(tempfile.gettempdir())\n"
        "shutil.rmtree(os.getcwd())\n"
        "x = 1"
    )
    space.notebook("nb", {"deletes": deletes, "next": "y = x"})
    ended = space.build("//nb", code=1)
    assert ended.ran == ["//nb:deletes"]
    assert "nb" in ended.err
