"""`strata query` as a user calls it: options, what is said beside the answer, and exit codes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest

from strata.analysis.cell_graph import cell_graph
from strata.cli.commands.query import OUTPUTS_PACKAGE
from strata.cli.cycles import cycles_through
from strata.core import extension
from strata.core.label import Label
from tests.e2e.workspaces import STRATA, Workspace
from tests.factories import joined, label, notebook
from tests.query.pages import hello_and_report, sections, shown

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMA = REFERENCE / "query.schema.json"

CELLS = {
    "numbers": "xs = [1, 2, 3]",
    "double": "# a comment\n\ndef double(x):\n    return 2 * x",
    "twice": "ys = [double(x) for x in xs]",
    "last": "# @after numbers\nprint('done')",
}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that tests leave as it is."""
    space = Workspace(tmp_path_factory.mktemp("query"))
    space.notebook("nb", CELLS)
    space.notebook("other", {"sum": "total = sum(ys)"}, '[inputs]\nys = "//nb:twice%ys"')
    return space


class TestOutputs:
    def test_labels_are_the_default(self, space: Workspace) -> None:
        found = space.run("query", "deps(//nb:twice)")
        assert found.out == "//nb:numbers\n//nb:double\n//nb:twice\n"
        assert space.run("query", "--output", "label", "deps(//nb:twice)").out == found.out

    @pytest.mark.parametrize("arguments", [["--json"], ["--output=json"], ["--output", "json"]])
    def test_json_is_spelled_as_in_other_commands_too(
        self, space: Workspace, arguments: list[str]
    ) -> None:
        ended = space.run("query", *arguments, "--vars", "deps(//other)")
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(ended.report)
        assert [one["label"] for one in ended.report["variables"]] == [
            "//nb:numbers%xs",
            "//nb:double%double",
            "//nb:twice%ys",
        ]

    def test_json_and_another_output_cannot_both_be(self, space: Workspace) -> None:
        ended = space.run("query", "--json", "--output=graph", "//nb")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err == "error: --json and --output=graph cannot both be\n  leave out one\n"

    def test_an_output_that_is_not_there_is_told_with_those_that_are(
        self, space: Workspace
    ) -> None:
        ended = space.run("query", "--output=dot", "//nb")
        assert ended.code == 2
        assert "'graph'" in ended.err

    def test_a_variable_stands_where_it_is_bound(self, space: Workspace) -> None:
        """Also when the graph of cells is remembered."""
        expected = "nb/cells/double.py:3:1: variable //nb:double%double\n"
        for _ in range(3):
            assert space.run("query", "--output=location", "//nb:double%double").out == expected

    def test_a_picture_of_equal_neighbours_can_be_smaller(self, space: Workspace) -> None:
        plain = space.run("query", "--output=graph", "deps(//nb:twice)").out
        again = space.run("query", "--output=graph", "--nograph:factored", "deps(//nb:twice)").out
        factored = space.run("query", "--output=graph", "--graph:factored", "deps(//nb:twice)").out
        assert plain == again
        assert '"//nb:numbers\\n//nb:double"' in factored

    def test_edges_that_only_order_can_be_left_out(self, space: Workspace) -> None:
        assert "[style=dashed]" in space.run("query", "--output=graph", "//nb").out
        assert (
            "[style=dashed]" not in space.run("query", "--output=graph", "--noimplicit", "//nb").out
        )


class TestOrder:
    @pytest.mark.parametrize("option", ["--order_output", "--order-output"])
    def test_it_is_spelled_in_both_ways(self, space: Workspace, option: str) -> None:
        ended = space.run("query", option, "deps", "deps(//other)")
        assert ended.out.split() == ["//other:sum", "//nb:twice", "//nb:numbers", "//nb:double"]

    @pytest.mark.parametrize(
        "expression",
        [
            ["somepath(//other, //nb:numbers)"],
            ["somepath", "//other", "//nb:numbers"],
            ["let x = //other in somepath($x, //nb:numbers)"],
        ],
    )
    def test_a_path_is_printed_from_its_start(
        self, space: Workspace, expression: list[str]
    ) -> None:
        ended = space.run("query", *expression)
        assert ended.out.split() == ["//other:sum", "//nb:twice", "//nb:numbers"]


class TestExitCodes:
    def test_an_empty_answer_is_an_answer(self, space: Workspace) -> None:
        ended = space.run("query", "//nb - //nb")
        assert (ended.code, ended.out, ended.err) == (0, "", "")

    def test_a_wrong_expression_is_2(self, space: Workspace) -> None:
        assert space.run("query", "deps(//nb").code == 2

    def test_a_pattern_that_means_nothing_is_2(self, space: Workspace) -> None:
        ended = space.run("query", "//nb + //nc")
        assert (ended.code, ended.out) == (2, "")

    @pytest.mark.parametrize("option", ["-k", "--keep_going", "--keep-going"])
    def test_or_a_warning_and_3(self, space: Workspace, option: str) -> None:
        """Every time: what is partial is not kept."""
        for _ in range(2):
            ended = space.run("query", option, "--json", "//nb:twice + //nc")
            assert ended.code == 3
            assert ended.err.startswith("warning: ")
            assert [one["label"] for one in ended.report["cells"]] == ["//nb:twice"]
            assert ended.report["missing"] == ["//nc"]

    def test_a_full_disk_is_one_error_and_4(self, space: Workspace) -> None:
        for _ in range(2):  # with the graph remembered, and then with the answer
            with Path("/dev/full").open("w") as full:
                program = space.start("query", "//...", stdout=full)
                _, err = program.communicate(timeout=60)
            assert (program.returncode, err) == (4, "error: No space left on device\n")

    def test_a_reader_that_goes_away_is_no_error(self, tmp_path: Path) -> None:
        space = Workspace(tmp_path)
        space.notebook("nb", {f"c{i}": f"x{i} = 1" for i in range(300)})
        read, write = os.pipe()
        os.close(read)
        program = space.start("query", "--json", "//...", stdout=write)
        os.close(write)
        _, err = program.communicate(timeout=60)
        assert (program.returncode, err) == (0, "")


class TestCycles:
    def test_one_that_touches_the_answer_is_a_warning(self, tmp_path: Path) -> None:
        space = Workspace(tmp_path)
        space.notebook("nb", {"a": "x = y", "b": "y = x", "c": "z = x", "d": "w = 1"})
        said = "//nb:a -(y)-> //nb:b -(x)-> //nb:a"
        warning = f"warning: nb/cells/a.py: cells need each other: {said}\n"
        for _ in range(3):  # loaded, remembered, kept
            for arguments in (["//nb:b"], ["deps(//nb:c)"], ["--output=maxrank", "//..."]):
                ended = space.run("query", *arguments)
                assert (ended.code, ended.err) == (0, warning)
                assert "//nb:b" in ended.out
            assert space.run("query", "//nb:d").err == ""

    def test_it_is_found_in_a_notebook_whose_environment_cannot_be_made(
        self, tmp_path: Path
    ) -> None:
        space = Workspace(tmp_path)
        space.notebook("nb", {"a": "x = y", "b": "y = x"})
        space.write("nb/pyproject.toml", "[project]\nname = 'no-such'\nrequires-python = '>=9'\n")
        assert "cells need each other" in space.run("query", "//nb").err


def messages(cells: dict[str, str], *asked: str) -> list[str]:
    """The cycles of a notebook, for a question that was answered with these cells, or with all."""
    found = list(joined(notebook(cells)).values())
    labels = [label(name) for name in asked or cells]
    return cycles_through(labels, cell_graph(found), lambda: found)


def test_functions_that_call_each_other_across_cells_are_no_cycle() -> None:
    cells = {
        "even": "def even(n):\n    return n == 0 or odd(n - 1)",
        "odd": "def odd(n):\n    return n != 0 and even(n - 1)",
        "use": "print(even(4))",
    }
    assert messages(cells) == []


def test_every_cycle_is_spelled_once() -> None:
    cells = {"a": "x = y", "b": "y = x", "c": "p = q", "d": "q = r", "e": "r = p"}
    assert messages(cells) == [
        "nb/cells/a.py: cells need each other: //nb:a -(y)-> //nb:b -(x)-> //nb:a",
        "nb/cells/c.py: cells need each other: //nb:c -(q)-> //nb:d -(r)-> //nb:e -(p)-> //nb:c",
    ]
    assert len(messages(cells, "a")) == 1


def test_a_cell_that_comes_after_itself_is_a_cycle() -> None:
    assert messages({"a": "# @after b\nx = 1", "b": "# @after a\ny = 1"}) == [
        "nb/cells/a.py: cells need each other: //nb:a -(@after)-> //nb:b -(@after)-> //nb:a"
    ]


def test_other_problems_of_its_cells_are_not_cycles() -> None:
    cells = {"a": "x = y", "b": "y = x", "c": "1 +", "d": "# @worker gpu\nz = x"}
    assert len(messages(cells)) == 1


def test_cells_are_only_loaded_where_there_may_be_a_cycle() -> None:
    found = list(joined(notebook({"a": "x = 1", "b": "y = x"})).values())

    def load() -> list[object]:
        raise AssertionError("nobody needs it")

    labels = [Label("nb", "a"), Label("nb", "b")]
    assert cycles_through(labels, cell_graph(found), load) == []  # type: ignore[arg-type]


def test_it_draws_with_ascii_where_the_terminal_has_no_boxes(space: Workspace) -> None:
    ended = subprocess.run(
        [str(STRATA), "query", "--output=tree", "deps(//nb:twice)"],
        cwd=space.root,
        env=space.environ() | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    said = b"never    //nb:twice\nnever    |- //nb:double\nnever    `- //nb:numbers\n"
    assert (ended.stdout, ended.stderr) == (said, b"")


class TestTree:
    def test_it_shows_how_cells_stand_now(self, tmp_path: Path) -> None:
        """Whatever was said before: records are no files of the workspace."""
        space = Workspace(tmp_path)
        space.notebook("nb", {"a": "x = 1", "b": "# note\ny = x", "c": "1 / 0", "d": "z = y"})

        def states() -> list[str]:
            ended = space.run("query", "--output", "tree", "deps(//nb)")
            assert (ended.code, ended.err) == (0, "")
            return [line.split()[0] for line in ended.out.splitlines()]

        for _ in range(3):
            assert states() == ["never", "never", "never", "never"]
        space.build("//nb", code=1)
        for _ in range(3):
            assert states() == ["failed", "fresh", "fresh", "fresh"]
        space.cell("nb", "b").write_text("# note\ny = x + 1\n")
        assert states() == ["failed", "stale", "stale", "fresh"]
        assert space.run("clean").code == 0
        assert states() == ["never", "never", "never", "never"]

    def test_it_shows_what_the_last_run_took(self, tmp_path: Path) -> None:
        space = Workspace(tmp_path)
        space.notebook("nb", {"a": "x = 1", "b": "y = x"})
        space.build("//nb")
        out = space.run("query", "--output", "tree", "deps(//nb)").out
        assert re.fullmatch(
            r"fresh    //nb:b  0\.\d\d? s\nfresh    └─ //nb:a  0\.\d\d? s\n", out
        ), out

    def test_a_cell_that_builds_nothing_has_no_state(self, tmp_path: Path) -> None:
        space = Workspace(tmp_path)
        space.notebook("nb", {"a": "x = 1"})
        toml = space.root / "nb" / "notebook.toml"
        toml.write_text(toml.read_text() + '[[cells]]\nid = "t"\nfile = "t.md"\norder = 9\n')
        space.write("nb/cells/t.md", "# Title\n")
        out = space.run("query", "--output", "tree", "//nb").out
        assert out == "never    //nb:a\n         //nb:t\n"


@pytest.fixture(scope="module")
def of_the_page(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Its notebooks, built, and one cell of them edited since."""
    space = hello_and_report(tmp_path_factory.mktemp("page"))
    space.build("//...")
    space.cell("hello", "squares").write_text("squares = [n**2 for n in numbers]\n")
    return space


@pytest.mark.parametrize(("command", "said"), list(shown(sections()[1])))
def test_the_page_shows_what_is_printed(command: str, said: str, of_the_page: Workspace) -> None:
    """But for durations."""
    ended = of_the_page.run(*shlex.split(command))
    assert ended.err == ""
    a_while = (r"\d+\.\d+ s", "a while")
    out, written = (re.sub(*a_while, text) for text in (ended.out, said))
    assert out == written


def test_the_page_has_an_example_of_every_output() -> None:
    commands = " ".join(command for command, _ in shown(sections()[1]))
    forms = set(extension.names(OUTPUTS_PACKAGE)) - {"label", "minrank", "json"}
    assert not [form for form in forms if f"--output {form} " not in commands]
