"""What must not run: edits that change nothing, siblings, order, names; and keys that travel."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.noticed import NB, Watched

A = "x = [1, 2]\ny = 'b'\n"


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def built(space: Watched) -> Watched:
    """`a` makes x and y; `b` reads x, `c` reads y, `d` reads what `b` made."""
    space.cells({"a": A, "b": "n = len(x)", "c": "m = y.upper()", "d": "k = n + 1"})
    assert space.ran() == ["a", "b", "c", "d"]
    return space


# -- edits that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        f"# A remark.\n{A}",
        "x = [1, 2]  # two\n\n\ny = 'b'",
        "x = [\n    1,\n    2,\n]\ny = 'b'",
        'x = [1, 2]\ny = "b"',
        "x = ([1, (2)])\ny = ('b')",
        "x = [1, 2]; y = 'b';",
        "x = [1, 2]  # type: ignore[assignment]\ny = 'b'  # noqa: E501",
        "x = [0x1, 2]\ny = u'b'",
        "x = [1, 2]\r\ny = 'b'\r\n",
        f"# @timeout 99\n# @retries 2\n# @name A\n# @tags one two\n{A}",
        f"\ufeff{A}",
    ],
    ids=[
        "a comment",
        "blank lines",
        "line breaks",
        "quotes",
        "parentheses",
        "semicolons",
        "pragmas",
        "spelling",
        "line ends",
        "annotations",
        "a byte order mark",
    ],
)
def test_nothing_runs_for(built: Watched, same: str) -> None:
    built.cell(NB, "a").write_bytes(same.encode())
    assert built.ran() == []


@pytest.mark.parametrize(
    "edited",
    [
        f"'''About.'''\n{A}",
        f"{A}print('done')",
        f"{A}x: list",
        "y = 'b'\nx = [1, 2]",
        "x = [1, 1 + 1]\ny = 'b'",
        "x = [0, 1]\nx = [n + 1 for n in x]\ny = chr(98)",
        f"{A}z = 0",
    ],
    ids=[
        "a docstring",
        "a call",
        "an annotation",
        "another order",
        "a sum",
        "another way",
        "a new variable",
    ],
)
def test_the_cell_alone_runs_and_below_it_all_is_cut_off_for(built: Watched, edited: str) -> None:
    built.edit("a", edited)
    assert built.ran() == ["a"]


def test_a_literal_runs_its_readers_and_no_siblings(built: Watched) -> None:
    built.edit("a", "x = [1, 3]\ny = 'b'")
    assert built.ran() == ["a", "b"]  # the length is the same: `d` is cut off
    built.edit("a", "x = [1, 3]\ny = 'c'")
    assert built.ran() == ["a", "c"]


def test_going_back_to_any_earlier_text_runs_nothing(built: Watched) -> None:
    for text in ("x = [1]\ny = 'b'", "x = []\ny = 'c'"):
        built.edit("a", text)
        assert "a" in built.ran()
    for text in ("x = [1]\ny = 'b'", A, "x = []\ny = 'c'"):
        built.edit("a", text)
        assert built.ran() == []
    assert built.values("n", "m", "k") == {"n": 0, "m": "C", "k": 1}


def test_a_long_chain_is_cut_off_at_its_head(space: Watched) -> None:
    cells = {"c0": "v0 = 0"} | {f"c{i}": f"v{i} = v{i - 1} + 1" for i in range(1, 12)}
    space.cells(cells)
    space.ran()
    space.edit("c0", "v0 = 0 + 0")
    assert space.ran() == ["c0"]


# -- other cells --------------------------------------------------------------------------------


def test_a_new_cell_that_reads_a_second_variable_runs_alone(built: Watched) -> None:
    built.cells({
        "a": A, "b": "n = len(x)", "c": "m = y.upper()", "d": "k = n + 1", "e": "l = y + y"
    })  # fmt: skip
    assert built.ran() == ["e"]
    assert built.value("l") == "bb"


def test_a_shadowing_definition_reruns_those_below_it_that_read_the_name(built: Watched) -> None:
    built.cells({
        "a": A, "b": "n = len(x)", "new": "y = 'z'", "c": "m = y.upper()", "d": "k = n + 1"
    })  # fmt: skip
    assert built.ran() == ["c", "new"]
    assert built.value("m") == "Z"
    built.cells({"a": A, "b": "n = len(x)", "c": "m = y.upper()", "d": "k = n + 1"})
    assert built.ran() == []
    assert built.value("m") == "B"


def test_cells_added_and_removed_elsewhere_run_nothing(built: Watched) -> None:
    built.cells({"zero": "q = 9", "a": A, "b": "n = len(x)", "d": "k = n + 1"})
    assert built.ran() == ["zero"]
    built.cells({"a": A, "b": "n = len(x)", "d": "k = n + 1"})
    assert built.ran() == []


def test_other_order_numbers_ids_and_files_run_nothing(built: Watched) -> None:
    """Numbers first, then the ids and the files of all cells, then two cells that trade places."""
    toml = built.root / NB / "notebook.toml"
    text = toml.read_text()
    for number in range(4, 0, -1):
        text = text.replace(f"order = {number}\n", f"order = {number * 10}.5\n")
    toml.write_text(text.replace('name = "nb"', 'name = "Another"'))
    assert built.ran() == []
    for cell in "abcd":
        named = 'id = "{0}"\nfile = "{0}.py"'
        text = text.replace(named.format(cell), named.format(f"{cell}1"))
        built.cell(NB, cell).rename(built.cell(NB, f"{cell}1"))
    toml.write_text(text)
    assert built.ran() == []
    toml.write_text(text.replace("order = 20.5", "order = 35.5"))
    assert built.ran() == []


def test_cells_that_trade_places_run_only_if_a_name_now_means_another(space: Watched) -> None:
    first = {"one": "v = 1", "two": "v = 2", "ask": "x = v", "other": "y = 0"}
    space.cells(first)
    space.ran()
    space.cells({name: first[name] for name in ("two", "other", "one", "ask")})
    assert space.ran() == ["ask"]
    assert space.value("x") == 1


# -- cells that always run ----------------------------------------------------------------------

DRAW = "import os\ndraw = os.urandom(8).hex()"


def test_a_diamond_below_a_cell_that_always_runs_sees_one_value(space: Watched) -> None:
    space.cells({
        "top": f"# @nocache\n{DRAW}",
        "left": "q = draw",
        "right": "r = draw",
        "join": "x = q == r",
        "aside": "s = len(draw)",
        "below": "t = s",
    })  # fmt: skip
    space.ran()
    for _ in range(2):
        # The length is the same every time, and so is the comparison.
        assert space.ran() == ["aside", "join", "left", "right", "top"]
        assert space.value("x") is True


def test_a_cell_that_always_runs_and_makes_the_same_stops_there(space: Watched) -> None:
    space.cells({"top": "# @nocache\nv = 1", "reads": "x = v"})
    space.ran()
    assert space.ran() == ["top"]
    space.edit("top", "# @nocache off\nv = 1")
    assert space.ran() == ["top"]  # no result of it was ever kept
    assert space.ran() == []


def test_those_who_read_a_forced_draw_follow_it(space: Watched) -> None:
    """In the existing engine `q == r` is False after this: a state that no run can be in."""
    space.cells({"a": DRAW, "b": "q = draw", "c": "r = draw", "d": "x = q == r"})
    space.ran()
    before = space.text("q")
    assert "a" in space.ran("--force", "//nb:a")
    space.edit("c", "r = draw + ''")
    assert {"b", "c", "d"} >= set(space.ran()) >= {"c"}
    assert space.value("x") is True
    assert space.text("q") == space.text("draw")
    assert space.text("q") != before


def test_a_failed_cell_is_tried_again_and_what_it_needs_is_not(space: Watched) -> None:
    space.cells({"a": "v = 1", "b": "x = v / 0", "c": "y = x", "d": "z = v"})
    for _ in range(2):
        ended = space.build(code=1)
        assert ended.by_status("failed") == ["//nb:b"]
    assert ended.by_status("cached") == ["//nb:a", "//nb:d"]
    space.edit("b", "x = v / 1")
    assert space.ran() == ["b", "c"]


# -- keys that travel ---------------------------------------------------------------------------


@pytest.fixture
def travelling(tmp_path: Path) -> Watched:
    """A workspace whose cache is elsewhere, with files, modules, functions, classes, variables."""
    space = Watched(tmp_path / "one/place")
    space.variables |= {"STRATA_CACHE_DIR": str(tmp_path / "cache"), "USER": "ada", "MODE": "m"}
    space.write("nb/helper.py", "N = 1\n")
    space.write("nb/data/a.csv", "1\n")
    space.cells({
        "declares": "# @input data/*\n# @env MODE\nimport helper\na = helper.N",
        "computes": "import os\nn = 'a'\nb = open(f'data/{n}.csv').read()\nc = os.listdir('data')",
        "defines": "def f(n):\n    return n + a\nclass C:\n    def get(self):\n        return f(1)",
        "makes": "box = C()\nd = f(2)",
        "asks": "e = box.get()",
        "writes": "open('out.txt', 'w').write(b)",
    })  # fmt: skip
    assert len(space.ran()) == 6
    return space


def test_at_another_path_by_another_user_everything_is_there(
    travelling: Watched, tmp_path: Path
) -> None:
    other = tmp_path / "quite/another/place"
    shutil.copytree(travelling.root, other, ignore=shutil.ignore_patterns(".strata"))
    (tmp_path / "home").mkdir()
    people = {"USER": "bob", "LOGNAME": "bob", "HOME": str(tmp_path / "home"), "HOSTNAME": "b"}
    moved = Watched(other, travelling.variables | people)
    assert moved.ran() == []
    assert moved.ran("-j1") == []
    assert moved.value("e") == travelling.value("e") == 2
    moved.write("nb/helper.py", "N = 2\n")
    assert "asks" in moved.ran()
    assert moved.value("e") == 3
    assert travelling.ran() == []


def test_after_a_fresh_checkout_with_other_times_everything_is_there(
    travelling: Watched,
) -> None:
    for path in travelling.root.rglob("*"):
        if path.is_file() and ".strata" not in path.parts:
            os.utime(path, (1, 1))
    shutil.rmtree(travelling.root / ".strata")
    assert travelling.ran() == []


def test_from_another_current_folder_or_through_a_link_everything_is_there(
    travelling: Watched, tmp_path: Path
) -> None:
    inside = travelling.run("build", "--json", cwd=travelling.root / "nb/cells")
    assert inside.ran == []
    (tmp_path / "link").symlink_to(travelling.root)
    linked = Watched(tmp_path / "link", travelling.variables)
    assert linked.ran() == []


def test_what_the_plan_says_is_what_the_build_does(built: Watched) -> None:
    built.edit("a", "x = [1, 2, 3]\ny = 'b'")
    planned = built.build("-n")
    told = {c["label"]: c["status"] for c in planned.report["cells"]}
    assert told["//nb:a"] == "would_run"
    ran = built.build().ran
    assert ran == ["//nb:a", "//nb:b", "//nb:d"]
    assert {label for label, status in told.items() if status == "cached"}.isdisjoint(ran)
    assert {label for label, status in told.items() if status == "would_run"} <= set(ran)
