"""`--sandbox=strict` as a user meets it: what is refused, what is advised, what counts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from strata.cli.main import run
from strata.executors import sandbox
from tests.e2e.workspaces import Ended, Workspace

STRICT = "--sandbox=strict"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path)
    space.write("nb/data/x.csv", "x\n")
    space.write("nb/data/y.csv", "y\n")
    return space


def errors(ended: Ended) -> dict[str, tuple[str, str | None]]:
    """Label to kind and hint of what failed."""
    found = {c["label"]: c["error"] for c in ended.report["cells"]}
    return {label: (e["kind"], e["hint"]) for label, e in found.items() if e is not None}


def line(text: str) -> tuple[str, str]:
    return "sandbox", f"add the line `{text}` at the top of the cell"


def test_what_a_cell_names_it_may_read_and_nothing_else(space: Workspace) -> None:
    space.write("nb/helpers.py", "VALUE = 1\n")
    space.write("shared/z.csv", "z\n")
    read = "open(f'{folder}/y.csv').read()"
    space.notebook("nb", {
        "literal": "a = open('data/x.csv').read()",
        "declared": "# @input data/*\nfolder = 'data'\nb = [a, open(f'{folder}/y.csv').read()]",
        "imported": "import helpers\nc = helpers.VALUE",
        "computed": f"d = 'data'\nfolder = d\ne = {read}",
        "child": "import subprocess\nf = 'y.csv'\nsubprocess.run(['cat', 'data/' + f], check=True)",
        "above": "g = 'z.csv'\nh = open('../shared/' + g).read()",
        "written": "open('out.csv', 'w').write('w')",
        "elsewhere": "i = 'other.csv'\nopen(i, 'w')",
    })  # fmt: skip
    ended = space.build(STRICT, "//nb", code=1)
    assert ended.ran == ["//nb:declared", "//nb:imported", "//nb:literal", "//nb:written"]
    assert errors(ended) == {
        "//nb:computed": line("# @input data/y.csv"),
        "//nb:child": line("# @input data/y.csv"),
        "//nb:above": line("# @input //shared/z.csv"),
        "//nb:elsewhere": line("# @writes other.csv"),
    }
    shown = space.run("build", STRICT, "//nb:computed").out
    assert "nb/cells/computed.py:3: the sandbox refused 'data/y.csv'" in shown
    assert space.build("//nb").by_status("failed") == []


def test_values_and_definitions_of_other_cells_reach_a_confined_cell(space: Workspace) -> None:
    space.notebook("nb", {
        "large": "a = bytes(3_000_000)",
        "small": "b = {'k': 1}\ndef f(n): return n + len(a)",
        "reader": "c = f(b['k'])",
    })  # fmt: skip
    assert space.build(STRICT, "//nb").ran == ["//nb:large", "//nb:reader", "//nb:small"]
    assert "3000001" in space.run("show", "//nb:c").out


def test_only_a_result_of_the_sandbox_counts_in_the_sandbox(space: Workspace) -> None:
    space.notebook("nb", {"a": "a = open('data/x.csv').read()", "b": "b = a"})
    assert space.build("//nb").ran == ["//nb:a", "//nb:b"]
    plan = space.build("-n", STRICT, "//nb")
    assert plan.by_status("would_run") == ["//nb:a"]
    assert space.build(STRICT, "//nb").ran == ["//nb:a", "//nb:b"]
    assert space.build(STRICT, "//nb").ran == []
    assert space.build("//nb").ran == []


def test_a_cells_own_word_wins_then_the_command_line_then_the_file(space: Workspace) -> None:
    space.write("strata.toml", '[build]\nsandbox = "strict"\n')

    def body(name: str) -> str:
        return f"{name} = 'y'\nopen(f'data/{{{name}}}.csv')\n"

    space.notebook("nb", {
        "plain": body("n"),
        "off": f"# @sandbox off\n{body('m')}",
        "strict": f"# @sandbox strict\n{body('k')}",
    })  # fmt: skip
    failed = space.build("//nb", "--force", code=1).by_status("failed")
    assert failed == ["//nb:plain", "//nb:strict"]
    ended = space.build("--sandbox=off", "//nb", "--force", code=1)
    assert ended.by_status("failed") == ["//nb:strict"]
    assert "stale    //nb:plain" in space.run("status", "//nb").out
    assert "fresh    //nb:off" in space.run("status", "//nb").out


def test_what_was_refused_in_silence_is_said_and_not_kept(space: Workspace) -> None:
    """Else a value that was made without the file would count where the file can be read."""
    body = "n = 'y'\ntry:\n    v = open(f'data/{n}.csv').read()\nexcept OSError:\n    v = None\n"
    space.notebook("nb", {"a": body})
    ended = space.build(STRICT, "//nb")
    assert ended.ran == ["//nb:a"]
    assert "data/y.csv (refused by the sandbox: add `# @input data/y.csv`)" in ended.err
    assert space.build("//nb").ran == ["//nb:a"]
    assert "y" in space.run("show", "//nb:v").out


def test_fix_adds_the_lines_until_the_build_is_clean(space: Workspace) -> None:
    """Two files of one cell take two rounds; what was written stays as it was."""
    body = (
        "# @name twice\r\n# Reads.\r\n"
        "n = ['x', 'y']\r\nt = [open(f'data/{i}.csv').read() for i in n]"
    )
    space.notebook(
        "nb", {"a": "", "b": "u = t\nm = 'o'\nopen(f'{m}.csv', 'w').close()", "c": "w = 1"}
    )
    space.cell("nb", "a").write_bytes(body.encode())
    ended = space.build(STRICT, "--fix", "//nb")
    first = b"# @name twice\r\n# @input data/x.csv\r\n# @input data/y.csv\r\n# Reads.\r\n"
    assert space.cell("nb", "a").read_bytes().startswith(first)
    assert space.cell("nb", "b").read_text().startswith("# @writes o.csv\nu = t\n")
    assert space.cell("nb", "c").read_text() == "w = 1"
    assert "note: nb/cells/a.py: added `# @input data/y.csv`" in ended.err
    assert ended.by_status("failed") == []
    assert space.build(STRICT, "--fix", "//nb").ran == []
    space.write("nb/data/y.csv", "changed")
    assert "//nb:a" in space.build(STRICT, "//nb").ran


def test_fix_leaves_other_failures_alone(space: Workspace) -> None:
    space.notebook("nb", {"a": "1 / 0", "b": "n = 'y'\nopen(f'data/{n}.csv')"})
    ended = space.build(STRICT, "--fix", "//nb", code=1)
    assert ended.ran == ["//nb:b"]
    assert errors(ended)["//nb:a"][0] == "exception"
    assert space.cell("nb", "a").read_text() == "1 / 0"


def test_fix_tells_each_build_by_itself(space: Workspace) -> None:
    space.notebook("nb", {"b": "n = 'y'\nopen(f'data/{n}.csv')"})
    ended = space.run("build", STRICT, "--fix", "//nb")
    assert ended.code == 0
    assert ended.out.count("//nb:b failed") == 1
    assert ended.out.splitlines()[-1].startswith("1 cell: 1 ran, 0 cached, 0 failed")
    assert space.run("run", STRICT, "--fix", "nb").code == 0


def test_fix_needs_the_sandbox_and_a_build(space: Workspace) -> None:
    space.notebook("nb", {"a": "a = 1"})
    ended = space.run("build", "--fix", "//nb")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: --fix needs the sandbox\n  add --sandbox=strict\n"
    assert space.run("build", "--fix", STRICT, "-n", "//nb").code == 2


def test_a_folder_that_is_declared_is_the_cells_own(space: Workspace) -> None:
    body = "n = 'res'\nopen(f'{n}/a.txt', 'w').write('1')\nv = open(f'{n}/a.txt').read()"
    space.notebook("nb", {"a": f"# @writes res/\n{body}"})
    assert space.build(STRICT, "//nb").ran == ["//nb:a"]
    assert (space.root / "nb/res/a.txt").read_text() == "1"


def test_an_output_outside_of_the_notebook_is_a_mistake(space: Workspace) -> None:
    space.notebook("nb", {"a": "# @writes /etc/passwd\na = 1"})
    ended = space.build("//nb", code=1)
    assert errors(ended)["//nb:a"][0] == "broken"


def test_a_cell_without_the_network_reaches_itself_alone(space: Workspace) -> None:
    space.write("strata.toml", '[build]\nnetwork = "off"\n')
    body = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "server.close()\n"
        "del server\n"
    )
    space.notebook("nb", {
        "inside": body,
        "outside": "import socket\nsocket.create_connection(('192.0.2.1', 9), timeout=0.01)",
    })  # fmt: skip
    ended = space.build("//nb", code=1)
    assert ended.ran == ["//nb:inside"]
    kind, hint = errors(ended)["//nb:outside"]
    assert kind == "sandbox"
    assert hint == "build with --network=on, or let the cell read a file instead"
    assert errors(space.build("--network=on", "//nb", code=1))["//nb:outside"][0] == "exception"


@pytest.mark.parametrize("options", [[STRICT], ["--network=off"]])
def test_where_it_cannot_be_kept_nothing_runs(
    space: Workspace,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, told that it is on another system."""
    space.notebook("nb", {"a": "open('ran', 'w')"})
    monkeypatch.chdir(space.root)
    monkeypatch.setattr(sandbox, "sys", type(sys)("elsewhere"))
    monkeypatch.setattr(sandbox.sys, "platform", "darwin", raising=False)
    assert run(["build", *options, "//nb"]) == 2
    assert "Linux" in capsys.readouterr().err
    assert not (space.root / "nb/ran").exists()


@pytest.mark.slow
def test_native_readers_are_confined(space: Workspace) -> None:
    """DuckDB opens files by itself: no hook of Python hears of it, the kernel does."""
    project = '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\n'
    space.write("nb/pyproject.toml", f'{project}dependencies = ["duckdb"]\n')
    space.notebook("nb", {
        "a": (
            "import duckdb\nfolder = 'data'\n"
            "rows = duckdb.sql(f\"select * from read_csv('{folder}/' || 'y.csv')\").fetchall()"
        ),
    })  # fmt: skip
    assert errors(space.build(STRICT, "//nb", code=1)) == {"//nb:a": line("# @input data/y.csv")}
    assert space.build(STRICT, "--fix", "//nb").ran == ["//nb:a"]
    assert space.build(STRICT, "//nb").ran == []
    space.write("nb/data/y.csv", "y\n1\n")
    assert space.build(STRICT, "//nb").ran == ["//nb:a"]
