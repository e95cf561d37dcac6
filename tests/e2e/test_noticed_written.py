"""Files that cells write: made again when they are gone, and read in the order of the cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.noticed import Watched


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def out(space: Watched) -> Path:
    return space.root / "nb/out.txt"


def test_a_file_that_an_earlier_cell_writes_is_read_after_it_without_a_shared_name(
    space: Watched,
) -> None:
    """The existing engine runs `reads` first, finds nothing, and keeps that."""
    slow = "import time\ntime.sleep(0.2)\n"
    space.cells({
        "other": "x = 1",
        "writes": f"{slow}open('out.txt', 'w').write('one')",
        "reads": "y = open('out.txt').read()",
    })  # fmt: skip
    assert space.ran("-j2") == ["other", "reads", "writes"]
    assert space.value("y") == "one"
    assert space.ran() == []
    space.edit("writes", "open('out.txt', 'w').write('two')")
    assert space.ran("-j2") == ["reads", "writes"]
    assert space.value("y") == "two"


def test_only_the_reader_is_asked_for_and_the_writer_runs_first(space: Watched) -> None:
    space.cells({
        "writes": "open('out.txt', 'w').write('one')",
        "reads": "y = open('out.txt').read()",
    })  # fmt: skip
    assert space.ran("//nb:reads") == ["reads", "writes"]
    space.edit("writes", "open('out.txt', 'w').write('two')")
    assert space.ran("//nb:reads") == ["reads", "writes"]
    assert space.value("y") == "two"


def test_after_a_cell_that_writes_the_new_file_is_read(space: Watched) -> None:
    space.cells({
        "seed": "n = 'out'\nopen(n + '.txt', 'w').write('one')",
        "reads": "# @after seed\nm = 'out'\ny = open(m + '.txt').read()",
    })  # fmt: skip
    assert space.ran("-j2") == ["reads", "seed"]
    space.edit("seed", "n = 'out'\nopen(n + '.txt', 'w').write('two')")
    assert space.ran("-j2") == ["reads", "seed"]
    assert space.value("y") == "two"
    assert space.ran() == []


def test_after_carries_no_value_so_an_equal_file_reruns_nothing(space: Watched) -> None:
    space.cells({
        "seed": "open('out.txt', 'w').write('one')",
        "reads": "# @after seed\ny = open('out.txt').read()",
        "waits": "# @after seed\nz = 1",
    })  # fmt: skip
    space.ran()
    space.edit("seed", "open('out.txt', 'w').write('o' + 'ne')")
    assert space.ran() == ["seed"]


def test_a_written_file_that_is_gone_is_made_again_and_its_readers_stay(space: Watched) -> None:
    space.cells({
        "writes": "open('out.txt', 'w').write('one')",
        "reads": "y = open('out.txt').read()",
    })  # fmt: skip
    space.ran()
    out(space).unlink()
    assert space.ran() == ["writes"]
    assert out(space).read_text() == "one"
    assert space.ran() == []


def test_a_written_file_that_somebody_changed_is_made_again(space: Watched) -> None:
    space.cells({
        "writes": "n = 'out'\nopen(n + '.txt', 'w').write('one')",
        "reads": "m = 'out'\ny = open(m + '.txt').read()",
    })  # fmt: skip
    space.ran("-j1")
    out(space).write_text("by hand")
    assert "writes" in space.ran("-j1")
    assert out(space).read_text() == "one"
    assert space.value("y") == "one"
    assert space.ran() == []


def test_going_back_to_an_earlier_text_writes_its_file_again(space: Watched) -> None:
    """The hit would be right about the value, and leave the file of the other text."""
    text = "open('out.txt', 'w').write('{0}')\nx = '{0}'"
    space.cells({"writes": text.format("one"), "reads": "y = open('out.txt').read() + x"})
    space.ran()
    for now in ("two", "one"):
        space.edit("writes", text.format(now))
        assert "writes" in space.ran()
        assert out(space).read_text() == now
        assert space.value("y") == now * 2
    assert space.ran() == []


def test_a_cell_that_counts_up_in_a_file_does_not_run_because_of_itself(space: Watched) -> None:
    space.write("nb/out.txt", "1")
    space.cells(
        {"counts": "n = 'out' + '.txt'\nx = int(open(n).read()) + 1\nopen(n, 'w').write(str(x))"}
    )
    assert space.ran() == ["counts"]
    assert space.ran() == []
    assert out(space).read_text() == "2"
    out(space).write_text("7")
    assert space.ran() == ["counts"]
    assert space.value("x") == 8


def test_a_log_that_is_appended_to_is_no_input(space: Watched) -> None:
    space.cells({"logs": "x = 1\nopen('out.txt', 'a').write('ran')"})
    assert space.ran() == ["logs"]
    assert space.ran() == []
    with out(space).open("a") as log:
        log.write("by another")
    assert space.ran() == []


def test_a_temporary_file_is_forgotten(space: Watched) -> None:
    space.cells({
        "own": (
            "import os, tempfile\nh, o, g = 'half', 'out' + '.txt', 'gone'\n"
            "with tempfile.NamedTemporaryFile('w+') as f:\n    f.write('one')\n"
            "open('./' + h, 'w').write('one')\nos.replace('./' + h, './' + o)\n"
            "open('./' + g, 'w').close()\nos.remove('./' + g)\ndel f"
        )
    })  # fmt: skip
    assert space.ran() == ["own"]
    assert space.ran() == []
    out(space).unlink()
    assert space.ran() == ["own"]


def test_a_folder_that_a_cell_fills_and_a_later_one_lists(space: Watched) -> None:
    fill = "import os\nos.makedirs('parts', exist_ok=True)\nfor i in range({}):\n"
    fill += "    open(f'parts/{{i}}', 'w').write('x')"
    space.cells({
        "fills": fill.format(2),
        "lists": "# @after fills\nimport os\nd = 'parts'\nn = len(os.listdir(d + '/'))",
    })  # fmt: skip
    space.ran()
    assert space.value("n") == 2
    assert space.ran() == []
    space.edit("fills", fill.format(3))
    assert space.ran() == ["fills", "lists"]
    assert space.value("n") == 3
    (space.root / "nb/parts/0").unlink()
    assert "fills" in space.ran()
    assert space.value("n") == 3
    assert space.ran() == []


def test_a_file_written_by_another_notebook_is_read_after_it(space: Watched) -> None:
    space.notebook("prep", {"writes": "open('out.txt', 'w').write('one')"})
    space.cells({"reads": "# @after //prep:writes\ny = open('../prep/out.txt').read()"})
    space.ran("//...")
    space.notebook("prep", {"writes": "open('out.txt', 'w').write('two')"})
    assert space.ran("//...") == ["reads", "writes"]
    assert space.value("y") == "two"


def test_two_cells_that_write_one_file_in_turn_leave_the_last_ones(space: Watched) -> None:
    space.cells({
        "first": "open('out.txt', 'w').write('one')\nx = 1",
        "second": "open('out.txt', 'w').write('two')\ny = x",
    })  # fmt: skip
    space.ran()
    assert out(space).read_text() == "two"
    space.edit("first", "open('out.txt', 'w').write('ONE')\nx = 1")
    space.ran()
    assert out(space).read_text() == "two"


# -- a file that a cell names, and writes itself --------------------------------------------------

OWN = {
    "a name in a variable": "OUT = 'out.txt'\nopen(OUT, 'w').write('one')",
    "read back": "open('out.txt', 'w').write('one')\nx = open('out.txt').read()",
    "copied": "import shutil\nshutil.copy('start.txt', 'out.txt')",
    "renamed": "import os\nopen('half', 'w').close()\nos.rename('half', 'out.txt')",
    "made once and then read": (
        "import os\nif not os.path.exists('out.txt'):\n    open('out.txt', 'w').write('one')\n"
        "x = open('out.txt').read()"
    ),
    "counted up": "n = int(open('start.txt').read())\nopen('start.txt', 'w').write(str(n + 1))",
    "opened to update": "with open('start.txt', 'r+') as f:\n    f.write('5')\ndel f",
    "logged to": "import logging\nlogging.basicConfig(filename='out.txt')\nlogging.error('no')",
    "a database": (
        "import sqlite3\nrows = sqlite3.connect('out.db')\n"
        "rows.execute('create table if not exists t (n)')\n"
        "rows.execute('insert into t values (1)')\nrows.commit()\nrows.close()\ndel rows"
    ),
    "an archive": (
        "import zipfile\nwith zipfile.ZipFile('out.zip', 'w') as z:\n    z.writestr('a', '1')\n"
        "with zipfile.ZipFile('out.zip') as z:\n    x = z.namelist()\ndel z"
    ),
    "a folder made anew": (
        "import os, shutil\nshutil.rmtree('parts', ignore_errors=True)\nos.makedirs('parts')\n"
        "open('parts/a', 'w').write('1')\nx = os.listdir('parts')"
    ),
}


@pytest.mark.parametrize("body", OWN.values(), ids=list(OWN))
def test_a_cell_runs_once_although_it_writes_the_file_that_it_names(
    space: Watched, body: str
) -> None:
    space.write("nb/start.txt", "1")
    space.cells({"own": body})
    assert space.ran() == ["own"]
    assert [space.ran(), space.ran()] == [[], []]


WRITERS = {
    "by its path": "import pathlib\n(pathlib.Path('.') / 'out.txt').write_text('{}')",
    "by a name in a variable": "OUT = 'out.txt'\nopen(OUT, 'w').write('{}')",
    "by a function": "def save(path):\n    open(path, 'w').write('{}')\nsave('out.txt')",
    "by copying": "import shutil\nopen('half', 'w').write('{}')\nshutil.copy('half', 'out.txt')",
    "by renaming": "import os\nopen('half', 'w').write('{}')\nos.replace('half', 'out.txt')",
    "by a computed name": "n = 'out'\nopen(n + '.txt', 'w').write('{}')",
}


@pytest.mark.parametrize("writes", WRITERS.values(), ids=list(WRITERS))
def test_the_build_that_changes_a_written_file_reads_the_new_one_also_when_written_(
    space: Watched, writes: str
) -> None:
    """As from top to bottom; not one build later."""
    slow = "import time\ntime.sleep(0.1)\n"
    reads = "m = 'out'\nx = open(m + '.txt').read()" if "n + '.txt'" in writes else ""
    reads = reads or "x = open('out.txt').read()"
    space.cells({"writes": slow + writes.format("one"), "reads": reads})
    space.run("build", "-j2")
    space.ran("-j2")
    assert space.value("x") == "one"
    space.edit("writes", slow + writes.format("two"))
    space.ran("-j2")
    assert space.value("x") == "two"
