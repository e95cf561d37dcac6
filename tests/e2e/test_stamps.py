"""A build of what nobody touched is answered from a stamp, and whatever was touched is seen.

Each change here is followed by a build as a user calls it: what ran is what must have run, although
the build before it could have been answered from the stamp.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from strata.cli import stamp
from tests.e2e.workspaces import STRATA, Ended, Workspace

TRIES = 20
"""A stamp is not written for files that changed just before: the next build does it."""

READER = 'from pathlib import Path\nname = "da" + "ta.txt"\ntext = Path(name).read_text()\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "ws")
    workspace.notebook("nb", {"a": "a = 11\n", "b": "b = a + 1\n", "c": READER})
    workspace.notebook("other", {"x": "x = 1\n", "y": "y = x\n"})
    workspace.write("nb/data.txt", "one")
    return workspace


def strata(
    workspace: Workspace, *arguments: str, cwd: Path | None = None, **variables: str
) -> tuple[Ended, bool]:
    """How the program ended, and whether the command line was started for it."""
    command = [sys.executable, "-X", "importtime", str(STRATA), *arguments]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PYTHON"))}
    ended = subprocess.run(
        command,
        cwd=cwd or workspace.root,
        env=environ | workspace.variables | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = ended.stderr.splitlines()
    words = "".join(f"{line}\n" for line in lines if not line.startswith("import time:"))
    long_way = any(line.endswith(" strata.cli.main") for line in lines)
    return Ended(ended.returncode, ended.stdout, words), long_way


def settle(workspace: Workspace, *arguments: str, cwd: Path | None = None, **v: str) -> Ended:
    """Builds until a stamp answers."""
    for _ in range(TRIES):
        ended, long_way = strata(workspace, *(arguments or ("build",)), cwd=cwd, **v)
        assert ended.code == 0, ended
        if not long_way:
            return ended
    raise AssertionError(f"no stamp answers: {ended}")


def ran(ended: Ended) -> list[str]:
    """The labels that ran, sorted."""
    return sorted(line.split()[1] for line in ended.out.splitlines() if line.startswith("ran "))


def without_duration(text: str) -> str:
    return re.sub(r"in [0-9.]+ s$", "in # s", text, flags=re.MULTILINE)


def test_a_build_of_what_nobody_touched_does_not_start_the_command_line(
    workspace: Workspace,
) -> None:
    ended = settle(workspace)
    assert ran(ended) == []
    assert "5 cells: 0 ran, 5 cached, 0 failed in 0.0" in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["build"],
        ["build", "//nb"],
        ["build", "//nb:b", "-j", "3"],
        ["build", "//...", "-//other/..."],
        ["build", "-n"],
        ["build", "--check"],
        ["run", "nb"],
        ["status"],
        ["query", "deps(//nb:b)"],
        ["query", "//...", "--output", "json"],
    ],
    ids=" ".join,
)
def test_the_stamp_says_word_for_word_what_the_long_way_says(
    workspace: Workspace, arguments: Sequence[str]
) -> None:
    toml = workspace.root / "nb" / "notebook.toml"
    toml.write_text("strange = 1\n" + toml.read_text())  # a warning that is said each time
    if arguments[0] in ("status", "query"):
        toml.write_text(toml.read_text().removeprefix("strange = 1\n"))
    strata(workspace, "build")
    short = settle(workspace, *arguments)
    shutil.rmtree(workspace.root / ".strata" / "stamps")
    long, was_long = strata(workspace, *arguments)
    assert was_long
    assert sorted(without_duration(short.out).splitlines()) == sorted(
        without_duration(long.out).splitlines()
    )
    assert (short.err, short.code) == (long.err, long.code)


def _same_size(workspace: Workspace) -> None:
    workspace.cell("nb", "a").write_text("a = 12\n")


def _put_back(workspace: Workspace) -> None:
    path = workspace.cell("nb", "a")
    before = path.stat()
    path.write_text("a = 12\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _renamed(workspace: Workspace) -> None:
    path = workspace.cell("nb", "a")
    before = path.stat()
    new = path.with_name("a.new")
    new.write_text("a = 12\n")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def _added_cell(workspace: Workspace) -> None:
    workspace.notebook("other", {"x": "x = 1\n", "y": "y = x\n", "z": "z = y + 1\n"})


def _added_notebook(workspace: Workspace) -> None:
    workspace.notebook("new/deep", {"q": "q = 1\n"})


def _added_below(workspace: Workspace) -> None:
    workspace.notebook("nb/cells/inner", {"q": "q = 1\n"})


def _read_file(workspace: Workspace) -> None:
    workspace.write("nb/data.txt", "two")


def _cleared(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / ".strata" / "cache")


def _lost_index(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / ".strata" / "cache" / "index")


def _cleaned(workspace: Workspace) -> None:
    ended, _ = strata(workspace, "clean")
    assert ended.code == 0, ended


ALL = ["//nb:a", "//nb:b", "//nb:c", "//other:x", "//other:y"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_same_size, ["//nb:a", "//nb:b"]),
        (_put_back, ["//nb:a", "//nb:b"]),
        (_renamed, ["//nb:a", "//nb:b"]),
        (_added_cell, ["//other:z"]),
        (_added_notebook, ["//new/deep:q"]),
        (_added_below, ["//nb/cells/inner:q"]),
        (_read_file, ["//nb:c"]),
        (_cleared, ALL),
        (_lost_index, ALL),
        (_cleaned, ALL),
    ],
)
def test_whatever_is_touched_is_seen(
    workspace: Workspace, change: Callable[[Workspace], None], expected: list[str]
) -> None:
    settle(workspace)
    change(workspace)
    ended, _ = strata(workspace, "build")
    assert ran(ended) == expected, ended
    assert ran(strata(workspace, "build")[0]) == []


def test_a_link_that_points_elsewhere_is_seen(workspace: Workspace) -> None:
    workspace.write("one.txt", "one")
    workspace.write("two.txt", "two")
    data = workspace.root / "nb" / "data.txt"
    data.unlink()
    data.symlink_to("../one.txt")
    settle(workspace)
    data.unlink()
    data.symlink_to("../two.txt")
    assert ran(strata(workspace, "build")[0]) == ["//nb:c"]


def test_a_folder_link_that_points_elsewhere_is_seen(workspace: Workspace) -> None:
    for folder in ("v1", "v2"):
        workspace.write(f"{folder}/data.txt", folder)
    link = workspace.root / "current"
    link.symlink_to("v1")
    read = 'from pathlib import Path\nt = Path("../cur" + "rent/data.txt").read_text()\n'
    workspace.notebook("linked", {"t": read})
    settle(workspace)
    link.unlink()
    link.symlink_to("v2")
    assert ran(strata(workspace, "build")[0]) == ["//linked:t"]


def test_a_file_that_appears_where_one_was_looked_for_is_seen(workspace: Workspace) -> None:
    look = 'import os.path\nthere = os.path.exists("may" + "be.txt")\n'
    workspace.notebook("looks", {"l": look})
    settle(workspace)
    workspace.write("looks/maybe.txt", "")
    assert ran(strata(workspace, "build")[0]) == ["//looks:l"]


def test_a_glob_that_matches_more_is_seen(workspace: Workspace) -> None:
    cell = '# @input parts/*.txt\nimport glob\nn = len(glob.glob("parts/*.txt"))\n'
    workspace.notebook("globs", {"g": cell})
    workspace.write("globs/parts/1.txt", "")
    settle(workspace)
    workspace.write("globs/parts/2.txt", "")
    assert ran(strata(workspace, "build")[0]) == ["//globs:g"]


def test_a_link_among_matches_that_begins_to_lead_somewhere_is_seen(workspace: Workspace) -> None:
    cell = '# @input parts/*.txt\nimport os\nn = os.path.exists("parts/1.txt")\n'
    workspace.notebook("globs", {"g": cell})
    (workspace.root / "globs" / "parts").mkdir()
    (workspace.root / "globs" / "parts" / "1.txt").symlink_to("../../late.txt")
    settle(workspace)
    workspace.write("late.txt", "")
    assert ran(strata(workspace, "build")[0]) == ["//globs:g"]


def test_an_mtime_in_the_future_is_no_hindrance(workspace: Workspace) -> None:
    os.utime(workspace.cell("nb", "a"), (2e9, 2e9))
    settle(workspace)
    workspace.cell("nb", "a").write_text("a = 12\n")
    os.utime(workspace.cell("nb", "a"), (2e9, 2e9))
    assert ran(strata(workspace, "build")[0]) == ["//nb:a", "//nb:b"]


def test_a_module_that_changes_or_appears_is_seen(workspace: Workspace) -> None:
    workspace.notebook("mod", {"m": "import helper\nm = helper.value\n"})
    workspace.write("mod/helper.py", "value = 1\n")
    settle(workspace)
    workspace.write("mod/helper.py", "value = 2\n")
    assert ran(strata(workspace, "build")[0]) == ["//mod:m"]
    settle(workspace)
    workspace.write("mod/helper/__init__.py", "value = 3\n")
    assert ran(strata(workspace, "build")[0]) == ["//mod:m"]


def test_a_declared_variable_that_changes_is_seen(workspace: Workspace) -> None:
    workspace.notebook("env", {"e": '# @env LEVEL\nimport os\ne = os.environ.get("LEVEL")\n'})
    settle(workspace, LEVEL="1")
    assert ran(strata(workspace, "build", LEVEL="2")[0]) == ["//env:e"]
    settle(workspace, LEVEL="2")
    assert ran(strata(workspace, "build")[0]) == ["//env:e"]


def test_a_variable_that_nobody_declares_does_not_matter(workspace: Workspace) -> None:
    settle(workspace)
    _, long_way = strata(workspace, "build", WHATEVER="1", PATH=f"/nowhere:{os.environ['PATH']}")
    assert not long_way


def test_the_value_of_a_secret_is_in_no_stamp(workspace: Workspace) -> None:
    workspace.notebook("env", {"e": '# @env API_TOKEN\nimport os\ne = "API_TOKEN" in os.environ\n'})
    settle(workspace, API_TOKEN="hush-hush-4711")
    stamps = (workspace.root / ".strata" / "stamps").iterdir()
    assert all(b"hush-hush-4711" not in path.read_bytes() for path in stamps)


def test_the_settings_of_the_workspace_are_seen(workspace: Workspace) -> None:
    settle(workspace)
    workspace.write("strata.toml", '[build]\nsandbox = "strict"\n')
    ended, _ = strata(workspace, "build")
    assert "//nb:c" in ended.out
    assert ended.code == 1  # it reads a file that it does not declare
    workspace.write("strata.toml", '[workspace]\nexclude = ["nb"]\n')
    assert "2 cells" in strata(workspace, "build")[0].out


def test_an_ignore_file_is_seen(workspace: Workspace) -> None:
    settle(workspace)
    workspace.write(".gitignore", "other/\n")
    assert "3 cells" in strata(workspace, "build")[0].out


def test_a_workspace_that_begins_nearer_is_seen(workspace: Workspace) -> None:
    nearer = workspace.root / "nb"
    settle(workspace, cwd=nearer)
    workspace.write("nb/strata.toml", "")
    ended, _ = strata(workspace, "build", cwd=nearer)
    assert ran(ended) == ["//:a", "//:b", "//:c"]


def test_another_interpreter_is_another_engine(workspace: Workspace, tmp_path: Path) -> None:
    settle(workspace)
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    code = "import sys; sys.argv[1:] = ['build']; from strata.cli.boot import main; main()"
    site = next(p for p in sys.path if p.endswith("site-packages"))
    ended = subprocess.run(
        [other, "-X", "importtime", "-c", code],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": f"{_source()}:{_source()}/rules:{site}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "strata.cli.main" in ended.stderr


def _source() -> Path:
    return Path(__file__).parent.parent.parent


def test_a_lock_that_changes_is_seen(workspace: Workspace) -> None:
    project = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\n'
    workspace.write("locked/pyproject.toml", project)
    lock = 'version = 1\nrevision = 3\nrequires-python = ">=3.9"\n'
    package = '\n[[package]]\nname = "p"\nversion = "1"\nsource = { virtual = "." }\n'
    workspace.write("locked/uv.lock", lock + package)
    workspace.notebook("locked", {"l": "l = 1\n"})
    workspace.write("strata.toml", '[build]\nenvironment = "whole-lock"\n')
    settle(workspace)
    workspace.write("locked/uv.lock", "# another\n" + lock + package)
    assert ran(strata(workspace, "build")[0]) == ["//locked:l"]


def test_an_acceptance_is_seen(workspace: Workspace) -> None:
    settle(workspace)
    workspace.cell("nb", "a").write_text("a = 10 + 1\n")
    ended, _ = strata(workspace, "accept", "//nb:a", "--reason", "the same")
    assert ended.code == 0, ended
    ended, _ = strata(workspace, "build")
    assert ran(ended) == []
    assert "accepted" in ended.out
    assert "accepted" in settle(workspace).out
    strata(workspace, "accept", "--revoke", "//nb:a")
    assert ran(strata(workspace, "build")[0]) == ["//nb:a"]


def test_a_cell_that_is_never_cached_runs_each_time(workspace: Workspace) -> None:
    workspace.notebook("always", {"n": "# @nocache\nn = 1\n"})
    for _ in range(4):
        ended, _ = strata(workspace, "build")
    assert ran(ended) == ["//always:n"]
    assert "6 cells: 1 ran, 5 cached" in ended.out


def test_a_cell_that_fails_fails_each_time_and_the_rest_is_not_looked_at(
    workspace: Workspace,
) -> None:
    workspace.notebook("bad", {"f": "1 / 0\n"})
    for _ in range(4):
        ended, _ = strata(workspace, "build")
        assert ended.code == 1
    assert "6 cells: 0 ran, 5 cached, 1 failed" in ended.out
    workspace.cell("other", "x").write_text("x = 2\n")
    ended, _ = strata(workspace, "build")
    assert ran(ended) == ["//other:x", "//other:y"]


def test_only_the_notebook_that_changed_is_looked_at(workspace: Workspace) -> None:
    settle(workspace)
    workspace.cell("other", "x").write_text("x = 5\n")
    trace = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _OPENED, "build"],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    opened = [line for line in trace.stdout.splitlines() if line.startswith("opened ")]
    assert any("other/cells/x.py" in line for line in opened)
    assert not any("nb/cells/a.py" in line for line in opened)
    assert "5 cells: 2 ran, 3 cached, 0 failed" in trace.stdout


_OPENED = """
import sys
sys.argv[0] = "strata"
sys.addaudithook(lambda e, a: e == "open" and print("opened", a[0]) if isinstance(a and a[0], str) else None)
from strata.cli.boot import main
main()
"""  # noqa: E501


def test_what_one_notebook_writes_and_another_reads_is_seen(workspace: Workspace) -> None:
    write = 'from pathlib import Path\nPath("../sha" + "red.txt").write_text("1")\nw = 1\n'
    read = 'from pathlib import Path\nr = Path("../sha" + "red.txt").read_text()\n'
    workspace.notebook("a_writes", {"w": write})
    strata(workspace, "build")
    workspace.notebook("b_reads", {"r": read})
    settle(workspace)
    workspace.cell("a_writes", "w").write_text(write.replace('"1"', '"2"'))
    labels = set(ran(strata(workspace, "build")[0]) + ran(strata(workspace, "build")[0]))
    assert labels == {"//a_writes:w", "//b_reads:r"}
    value, _ = strata(workspace, "show", "//b_reads:r", "--json")
    assert '"2"' in value.out or "'2'" in value.out


def test_notebooks_that_read_from_each_other_are_looked_at_together(workspace: Workspace) -> None:
    top = '[inputs]\nx = "//other:x"\n'
    workspace.notebook("reads", {"r": "r = x * 2\n"}, top=top)
    settle(workspace)
    workspace.cell("other", "x").write_text("x = 7\n")
    assert ran(strata(workspace, "build")[0]) == ["//other:x", "//other:y", "//reads:r"]
    settle(workspace)
    workspace.notebook("reads", {"r": "r = b * 2\n"}, top='[inputs]\nb = "//nb:b"\n')
    assert ran(strata(workspace, "build")[0]) == ["//reads:r"]
    settle(workspace)
    workspace.cell("nb", "a").write_text("a = 40\n")
    assert ran(strata(workspace, "build")[0]) == ["//nb:a", "//nb:b", "//reads:r"]


@pytest.mark.parametrize("damage", [b"", b"strata.stamp.v1\n", b"\xff" * 100])
def test_a_stamp_with_bad_bytes_is_none(workspace: Workspace, damage: bytes) -> None:
    settle(workspace)
    (stamp,) = (workspace.root / ".strata" / "stamps").iterdir()
    good = stamp.read_bytes()
    for bad in (damage, good[:-1], good[: len(good) // 2], good[:-1] + bytes([good[-1] ^ 1])):
        stamp.write_bytes(bad)
        ended, long_way = strata(workspace, "build")
        assert long_way
        assert (ended.code, ran(ended)) == (0, [])


def test_the_stamp_of_somebody_else_is_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(workspace)
    asked = (("build",), str(workspace.root), False, False)
    assert stamp.find(asked)[0] is not None
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert stamp.find(asked)[0] is None


def test_a_file_that_changes_while_the_build_goes_on_is_seen(workspace: Workspace) -> None:
    slow = "import pathlib, time\npathlib.Path('../started').touch()\ntime.sleep(1)\ns = 1\n"
    settle(workspace)
    workspace.notebook("slow", {"s": slow})
    with subprocess.Popen([STRATA, "build"], cwd=workspace.root, stdout=subprocess.PIPE) as build:
        while not (workspace.root / "started").exists():
            time.sleep(0.01)
        workspace.cell("nb", "a").write_text("a = 99\n")
        build.communicate(timeout=60)
    assert {"//nb:a", "//nb:b"} <= set(ran(strata(workspace, "build")[0]))


def test_two_builds_at_once_leave_a_stamp_that_holds(workspace: Workspace) -> None:
    started = [
        subprocess.Popen([STRATA, "build"], cwd=workspace.root, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [one.wait(60) for one in started] == [0, 0, 0, 0]
    settle(workspace)
    workspace.cell("nb", "a").write_text("a = 5\n")
    assert ran(strata(workspace, "build")[0]) == ["//nb:a", "//nb:b"]


def test_a_command_line_without_the_fast_path_does_the_same(workspace: Workspace) -> None:
    """Taking `strata/cli/boot.py` away changes how long it takes, and nothing else."""
    code = "import sys; sys.argv[0] = 'strata'; from strata.cli.main import main; main()"

    def without(*arguments: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=workspace.root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    ended = settle(workspace)
    for arguments in (["build"], ["status"], ["query", "//nb"]):
        assert sorted(without_duration(without(*arguments).out).splitlines()) == sorted(
            without_duration(strata(workspace, *arguments)[0].out).splitlines()
        )
    assert ran(ended) == []
    _same_size(workspace)
    assert ran(without("build")) == ["//nb:a", "//nb:b"]
    assert ran(strata(workspace, "build")[0]) == []


def test_the_oldest_stamps_are_forgotten(workspace: Workspace) -> None:
    settle(workspace)
    stamps = workspace.root / ".strata" / "stamps"
    for number in range(100):
        (stamps / f"{number:016x}").write_bytes(b"")
    strata(workspace, "build", "//nb")
    assert len(list(stamps.iterdir())) <= 65
