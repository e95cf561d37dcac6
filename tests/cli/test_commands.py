"""Every command as a user calls it: what it prints, and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strata import __version__
from strata.cli.main import COMMANDS
from tests.e2e.workspaces import STRATA, Workspace

CELLS = {
    "numbers": "xs = [1, 2, 3]\nprint('made')",
    "double": "def double(x):\n    return 2 * x",
    "twice": "ys = [double(x) for x in xs]\nys",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w")
    space.notebook("nb", CELLS)
    return space


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that is built; tests must leave it as it is."""
    space = Workspace(tmp_path_factory.mktemp("built"))
    space.notebook("nb", CELLS)
    space.build("//nb")
    return space


class TestHelp:
    def test_it_lists_every_command_and_exit_code(self, built: Workspace) -> None:
        out = built.run("--help").out
        assert all(f"  {name} " in out for name in COMMANDS)
        assert all(f"\n    {code} " in out for code in ("0", "1", "2", "3", "4", "130"))

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_its_own(self, built: Workspace, name: str) -> None:
        ended = built.run(name, "--help")
        assert ended.code == 0
        assert f"Usage: strata {name}" in ended.out

    def test_the_version(self, built: Workspace) -> None:
        assert built.run("--version").out == f"strata {__version__}\n"

    def test_it_imports_no_command(self) -> None:
        """`strata --help` pays for click, and for nothing that a command needs."""
        script = (
            "import sys\nfrom strata.cli.main import run\nrun(['--help'])\n"
            "heavy = {'rich', 'tomlkit', 'jsonschema', 'httpx', 'jinja2', 'paramiko', 'lmdb'}\n"
            "ours = {m for m in sys.modules if m.startswith('strata.') and 'commands' in m}\n"
            "print(sorted((heavy | ours) & set(sys.modules)))"
        )
        out = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout
        assert out.splitlines()[-1] == "[]"


class TestBuild:
    def test_a_second_build_runs_nothing(self, space: Workspace) -> None:
        assert space.build("//nb").ran == ["//nb:double", "//nb:numbers", "//nb:twice"]
        assert space.build("//nb").ran == []

    def test_it_prints_a_line_a_cell_and_a_closing_line(self, space: Workspace) -> None:
        out = space.run("build").out
        assert any(line.startswith("ran       //nb:numbers  ") for line in out.splitlines())
        assert out.splitlines()[-1].startswith("3 cells: 3 ran, 0 cached, 0 failed in ")

    def test_one_cell_builds_what_it_needs(self, space: Workspace) -> None:
        """A function crosses as source: the cell that defines it need not run."""
        assert space.build("//nb:twice").ran == ["//nb:numbers", "//nb:twice"]

    def test_a_variable_names_its_cell(self, space: Workspace) -> None:
        assert space.build("//nb:xs").ran == ["//nb:numbers"]

    def test_negative_patterns_leave_out(self, space: Workspace) -> None:
        assert space.build("//...", "-//nb:twice").ran == ["//nb:double", "//nb:numbers"]

    def test_the_current_folder_is_the_default(self, space: Workspace) -> None:
        space.notebook("other", {"a": "a = 1"})
        ended = space.run("build", "--json", cwd=space.root / "other")
        assert ended.ran == ["//other:a"]

    def test_a_path_leads_into_the_workspace_it_is_in(self, space: Workspace) -> None:
        inner = Workspace(space.root / "inner")
        inner.notebook("deep", {"a": "a = 1"})
        assert space.build("inner/deep").ran == ["//deep:a"]
        assert "a: int" in space.run("show", "inner/deep:a").out
        assert space.build("inner").by_status("cached") == ["//deep:a"]

    def test_force_runs_the_named_cells_only(self, built: Workspace) -> None:
        ended = built.build("--force", "//nb:twice")
        assert ended.ran == ["//nb:twice"]
        assert ended.by_status("cached") == ["//nb:numbers"]

    def test_a_dry_run_says_what_the_build_does(self, space: Workspace) -> None:
        planned = space.build("-n", "//nb")
        assert planned.by_status("would_run") == ["//nb:double", "//nb:numbers"]
        assert planned.by_status("unknown") == ["//nb:twice"]
        space.build("//nb")
        assert space.build("-n", "//nb").by_status("would_run") == []

    def test_fail_fast_stops(self, space: Workspace) -> None:
        space.notebook("nb", {"bad": "1 / 0", "other": "x = 1"})
        ended = space.build("-j1", "--fail-fast", "//nb", code=1)
        assert ended.by_status("skipped") == ["//nb:other"]
        assert space.build("-j1", "-k", "//nb", code=1).ran == ["//nb:other"]

    def test_events_are_ndjson_with_time_and_label(self, space: Workspace) -> None:
        space.run("build", "--events", "events.ndjson")
        events = [json.loads(line) for line in (space.root / "events.ndjson").open()]
        assert events[0]["event"] == "build_started"
        assert events[-1]["event"] == "build_finished"
        assert all("time" in event for event in events)
        finished = [e["label"] for e in events if e["event"] == "cell_finished"]
        assert sorted(finished) == ["//nb:double", "//nb:numbers", "//nb:twice"]

    def test_json_is_alone_on_stdout(self, space: Workspace) -> None:
        ended = space.run("build", "--json")
        assert ended.report["schema"] == "strata.build.v1"
        assert "3 cells: 3 ran" in ended.err

    def test_json_says_what_is_wrong_too(self, space: Workspace) -> None:
        report = space.build("//np", code=2).report
        assert report["success"] is False
        assert report["error"]["type"] == "LabelError"

    def test_verbose_shows_what_cells_print(self, space: Workspace) -> None:
        assert "//nb:numbers | made" in space.run("build", "-v").out

    def test_keys_are_the_same_at_another_path(self, space: Workspace, tmp_path: Path) -> None:
        """Two checkouts share a cache: nothing of the path is in a key."""
        shared = {"STRATA_CACHE_DIR": str(tmp_path / "shared")}
        space.variables |= shared
        space.build("//nb")
        other = Workspace(tmp_path / "elsewhere", dict(shared))
        other.notebook("nb", CELLS)
        assert other.build("//nb").ran == []

    def test_a_secret_is_left_nowhere(self, space: Workspace) -> None:
        """A declared secret counts by its name: another value runs nothing, and none is kept."""
        cell = "# @env API_TOKEN\nimport os\nprint(os.environ['API_TOKEN'])\nn = 1"
        space.notebook("nb", {"asks": cell})
        space.variables["API_TOKEN"] = "hunter2-hunter2"
        ended = space.run("build", "-v", "--events", "events.ndjson")
        assert "hunter2" not in ended.out + ended.err
        for path in space.root.rglob("*"):
            assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
        space.variables["API_TOKEN"] = "swordfish"
        assert space.build("//nb").ran == []

    def test_a_cell_gets_only_declared_variables(self, space: Workspace) -> None:
        space.variables |= {"DECLARED": "yes", "UNDECLARED": "no"}
        get = "{0} = os.environ.get('{1}')\n"
        cell = "# @env DECLARED\nimport os\n" + get.format("d", "DECLARED")
        cell += get.format("u", "UNDECLARED")
        space.notebook("nb", {"looks": cell})
        space.build("//nb")
        out = space.run("show", "//nb:looks").out
        assert "'yes'" in out
        assert "None" in out
        space.variables["DECLARED"] = "other"
        assert space.build("//nb").ran == ["//nb:looks"]

    def test_an_input_file_is_seen(self, space: Workspace) -> None:
        """By a literal that names it, and by a glob that matches a new one."""
        space.write("nb/data.txt", "1")
        space.notebook("nb", {
            "literal": "text = open('data.txt').read()",
            "globbed": "# @input parts/*.txt\nimport glob\nparts = sorted(glob.glob('parts/*'))",
        })  # fmt: skip
        space.build("//nb")
        space.write("nb/data.txt", "2")
        assert space.build("//nb").ran == ["//nb:literal"]
        space.write("nb/parts/a.txt", "")
        assert space.build("//nb").ran == ["//nb:globbed"]


class TestRun:
    def test_every_cell_of_the_notebook_is_built(self, space: Workspace) -> None:
        ended = space.run("run", "nb", "--json", cwd=space.root)
        assert len(ended.ran) == 3

    def test_from_another_folder(self, space: Workspace) -> None:
        assert space.run("run", str(space.root / "nb"), cwd=Path("/")).code == 0

    def test_markdown_builds_nothing(self, space: Workspace) -> None:
        space.write("nb/cells/note.md", "# Hello")
        toml = (space.root / "nb" / "notebook.toml").read_text()
        note = '[[cells]]\nid = "note"\nfile = "note.md"\nlanguage = "markdown"\n'
        space.write("nb/notebook.toml", toml + note)
        assert len(space.build("//nb").report["cells"]) == 3


class TestQuestions:
    def test_status_says_why(self, space: Workspace) -> None:
        space.build("//nb")
        assert all(line.startswith("fresh") for line in space.run("status").out.splitlines())
        space.cell("nb", "numbers").write_text("xs = [4]")
        lines = space.run("status").out.splitlines()
        assert lines[0].split(maxsplit=2) == ["stale", "//nb:numbers", "source changed"]
        assert lines[2].split()[0] == "unknown"

    def test_status_and_a_dry_run_leave_no_trace(self, space: Workspace) -> None:
        space.run("status")
        space.run("build", "-n")
        assert space.run("log", "//nb:numbers").code == 2
        assert all("never built" in line for line in space.run("status").out.splitlines()[:2])

    def test_deps_and_rdeps(self, built: Workspace) -> None:
        assert built.run("query", "deps", "//nb:twice").out.split() == [
            "//nb:numbers", "//nb:double", "//nb:twice",
        ]  # fmt: skip
        assert built.run("query", "rdeps", "//nb:xs").out.split() == ["//nb:numbers", "//nb:twice"]
        assert built.run("query", "//... except deps(//nb:double)").out.split() == [
            "//nb:numbers", "//nb:twice",
        ]  # fmt: skip

    def test_query_runs_nothing_and_needs_no_cache(self, space: Workspace) -> None:
        assert space.run("query", "//...").code == 0
        assert not (space.root / ".strata").exists()

    def test_show_and_log(self, built: Workspace) -> None:
        shown = built.run("show", "//nb:twice").out
        assert "ys: list" in shown
        assert "[2, 4, 6]" in shown
        assert "xs: list" in built.run("show", "//nb:numbers%xs").out
        assert built.run("log", "//nb:numbers").out == "made\n"
        assert built.run("log", "//nb:numbers", "--json").report["console"] == [
            {"stream": "stdout", "text": "made\n"}
        ]

    def test_show_opens_an_image(self, space: Workspace, tmp_path: Path) -> None:
        """`--open` hands each image to the browser that BROWSER names."""
        picture = "class Picture:\n    def _repr_svg_(self):\n        return '<svg/>'\nPicture()"
        space.notebook("nb", {"draws": picture})
        space.build("//nb")
        browser = space.write("browser", f'#!/bin/sh\ncat "$1" > {tmp_path}/seen\n')
        browser.chmod(0o755)
        space.variables["BROWSER"] = str(browser)
        assert space.run("show", "--open", "//nb:draws").code == 0
        assert (tmp_path / "seen").read_text() == "<svg/>"

    def test_names(self, built: Workspace) -> None:
        ended = built.run("names", "nb/cells/twice.py", "nb/cells/double.py", "--json")
        assert json.loads(ended.out) == [
            {"file": "nb/cells/twice.py", "language": "python", "binds": ["ys"],
             "reads": ["double", "xs"], "mutates": [], "may_read": [], "error": None},
            {"file": "nb/cells/double.py", "language": "python", "binds": ["double"],
             "reads": [], "mutates": [], "may_read": [], "error": None},
        ]  # fmt: skip

    def test_names_of_what_cannot_be_parsed(self, space: Workspace) -> None:
        space.write("bad.py", "x = (")
        ended = space.run("names", "--json", "bad.py", "missing.py")
        assert ended.code == 1
        bad, missing = json.loads(ended.out)
        assert bad["error"]["line"] == 1
        assert "not exist" in missing["error"]["message"]

    def test_info(self, built: Workspace) -> None:
        info = built.run("info", "--json").report
        assert info["workspace"] == str(built.root)
        assert info["notebooks"] == 1
        assert info["cache_size_bytes"] > 0
        assert f"strata {__version__}".split()[1] in built.run("info").out


class TestChanges:
    def test_a_new_notebook_builds(self, space: Workspace) -> None:
        assert space.run("new", "prices").code == 0
        assert len(space.build("./prices").ran) == 1
        assert space.run("new", "prices").code == 2

    def test_clean_forgets_everything(self, space: Workspace) -> None:
        space.build("//nb")
        assert "would remove" in space.run("clean", "-n").out
        assert space.build("//nb").ran == []
        assert space.run("clean").code == 0
        assert len(space.build("//nb").ran) == 3

    def test_completions_complete(self, space: Workspace) -> None:
        for shell in ("bash", "zsh", "fish"):
            assert "_STRATA_COMPLETE" in space.run("completions", shell).out
        environ = space.environ() | {
            "_STRATA_COMPLETE": "bash_complete",
            "COMP_WORDS": "strata st",
            "COMP_CWORD": "1",
        }
        out = subprocess.run(
            [str(STRATA)], env=environ, cwd=space.root, capture_output=True, text=True, check=False
        ).stdout
        assert "status" in out


def test_a_reader_that_goes_away_is_no_error(built: Workspace) -> None:
    """`strata query … | head -1` ends quietly."""
    command = f"'{STRATA}' query '//...' | head -c 1"
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=built.root,
        env=os.environ | built.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""


def test_a_file_that_a_cell_writes_does_not_make_it_run_again(space: Workspace) -> None:
    space.notebook(
        "nb", {"writes": "x = 1\nwith open('out.txt', 'w') as file:\n    file.write('1')"}
    )
    assert space.build("//nb").ran == ["//nb:writes"]
    assert space.build("//nb").ran == []


def test_a_terminal_that_is_not_utf8_gets_escapes(space: Workspace) -> None:
    space.notebook("nb", {"fails": "raise ValueError('→')"})
    space.variables |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = space.run("build")
    assert ended.code == 1
    assert "\\u2192" in ended.out


def test_after_may_name_a_cell_of_another_notebook(space: Workspace) -> None:
    space.notebook("other", {"later": "# @after //nb:numbers\nz = 1"})
    assert space.build("//other").ran == ["//nb:numbers", "//other:later"]
