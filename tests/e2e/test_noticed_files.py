"""Files that cells read, write, list and look for: a change is noticed, and nothing else is."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.noticed import Watched

COMPUTED = "name = 'a'\nx = open(name + '.txt').read()"
"""A cell that reads `a.txt`, which only running it shows."""


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    space = Watched(tmp_path)
    space.write("nb/a.txt", "one")
    return space


def replace_unseen(path: Path, text: str) -> None:
    """Another content of the same size, and the old times put back."""
    before = path.stat()
    assert len(text) == before.st_size
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# -- a file that is read ------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_an_edited_file_reruns_its_reader_and_who_reads_that(space: Watched, body: str) -> None:
    space.cells({"reads": body, "follows": "y = x.upper()", "other": "z = 1"})
    space.ran()
    space.write("nb/a.txt", "two!")
    assert space.ran() == ["follows", "reads"]
    assert space.value("y") == "TWO!"
    assert space.ran() == []


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_same_size_and_mtime_put_back_is_noticed(space: Watched, body: str) -> None:
    space.cells({"reads": body})
    space.ran()
    replace_unseen(space.root / "nb/a.txt", "two")
    assert space.ran() == ["reads"]
    assert space.value("x") == "two"


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_a_file_swapped_by_rename_is_noticed(space: Watched, body: str) -> None:
    space.write("nb/b.txt", "two")
    for name in ("a.txt", "b.txt"):
        os.utime(space.root / "nb" / name, (1_000_000, 1_000_000))
    space.cells({"reads": body})
    space.ran()
    os.replace(space.root / "nb/b.txt", space.root / "nb/a.txt")
    assert space.ran() == ["reads"]
    assert space.value("x") == "two"


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_a_link_that_leads_elsewhere_is_noticed(space: Watched, body: str) -> None:
    path = space.root / "nb/a.txt"
    path.unlink()
    for name in ("one", "two"):
        space.write(f"stored/{name}", name)
    path.symlink_to("../stored/one")
    space.cells({"reads": body})
    space.ran()
    path.unlink()
    path.symlink_to("../stored/two")
    assert space.ran() == ["reads"]
    assert space.value("x") == "two"
    space.write("stored/two", "three")
    assert space.ran() == ["reads"]
    assert space.value("x") == "three"


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_a_file_that_is_touched_or_replaced_by_an_equal_one_reruns_nothing(
    space: Watched, body: str
) -> None:
    space.cells({"reads": body})
    space.ran()
    os.utime(space.root / "nb/a.txt")
    assert space.ran() == []
    space.write("nb/b.txt", "one").replace(space.root / "nb/a.txt")
    assert space.ran() == []
    space.write("nb/unrelated.txt", "new")
    assert space.ran() == []


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_going_back_to_an_earlier_content_reruns_nothing(space: Watched, body: str) -> None:
    space.cells({"reads": body, "follows": "y = x.upper()"})
    for text in ("one", "two", "three"):
        space.write("nb/a.txt", text)
        assert space.ran() == ["follows", "reads"]
    for text in ("one", "two", "three"):
        space.write("nb/a.txt", text)
        assert space.ran() == []
        assert space.value("y") == text.upper()


def test_every_way_of_python_to_read_a_file_is_noticed(space: Watched) -> None:
    ways = {
        "path": "import pathlib\nx = pathlib.Path(n).read_bytes()",
        "descriptor": "import os\nd = os.open(n, os.O_RDONLY)\nx = os.read(d, 9)",
        "raw": "import io\nx = io.FileIO(n).read()",
        "mapped": "import mmap\nf = open(n, 'rb')\nx = mmap.mmap(f.fileno(), 0, prot=1)[:]\ndel f",
        "lines": "import fileinput\nx = list(fileinput.input(n))",
        "table": "import csv\nx = list(csv.reader(open(n)))",
        "settings": "import configparser\nx = configparser.ConfigParser().read([n + '.ini'])",
        "copied": "import shutil\nx = shutil.copy(n, 'made_by_copying')",
        "run": "import runpy\nx = runpy.run_path(n + '.py')['V']",
        "compressed": "import gzip\nx = gzip.open(n + '.gz').read()",
        "packed": "import zipfile\nx = zipfile.ZipFile(n + '.zip').namelist()",
    }
    write_all(space.root / "nb", "1")
    head = "n = 'a'\nn += '.txt'\n"
    space.cells({way: f"{head}{body}\nx = str(x)" for way, body in ways.items()})
    assert len(space.ran()) == len(ways)
    write_all(space.root / "nb", "2")
    assert space.ran() == sorted(ways)


def write_all(folder: Path, text: str) -> None:
    """Every file that the ways above read, with another content for another `text`."""
    import gzip
    import zipfile

    (folder / "a.txt").write_text(text)
    (folder / "a.txt.ini").write_text(f"[{text}]\n")
    (folder / "a.txt.py").write_text(f"V = {text}\n")
    (folder / "a.txt.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(folder / "a.txt.zip", "w") as packed:
        packed.writestr(text, text)


def test_a_child_process_reads_what_the_cell_names(space: Watched) -> None:
    space.cells({"child": "import subprocess\nx = subprocess.check_output(['cat', 'a.txt'])"})
    space.ran()
    space.write("nb/a.txt", "two")
    assert space.ran() == ["child"]
    assert space.value("x") == b"two"


def test_a_file_outside_of_the_workspace_counts_too(space: Watched, tmp_path: Path) -> None:
    inner = Watched(tmp_path / "inner")
    inner.cells({"reads": "import os\nx = open(os.path.abspath('../..') + '/far').read()"})
    space.write("far", "one")
    inner.ran()
    space.write("far", "two")
    assert inner.ran() == ["reads"]
    assert inner.value("x") == "two"


def test_a_file_that_a_function_of_another_cell_opens_counts_for_the_caller(space: Watched) -> None:
    space.cells({
        "defines": "def load(n):\n    return open(n + '.txt').read()",
        "calls": "x = load('a')",
        "names": "def fixed():\n    return open('a.txt').read()",
        "uses": "y = fixed()",
        "other": "z = 1",
    })  # fmt: skip
    space.ran()
    space.write("nb/a.txt", "two")
    ran = space.ran()
    assert {"calls", "uses"} <= set(ran) <= {"calls", "uses", "names"}
    assert space.values("x", "y") == {"x": "two", "y": "two"}


def test_a_file_that_a_module_beside_the_notebook_opens_counts(space: Watched) -> None:
    space.write("nb/loader.py", "def load():\n    return open('a.txt').read()\n")
    space.cells({"reads": "import loader\nx = loader.load()"})
    space.ran()
    space.write("nb/a.txt", "two")
    assert space.ran() == ["reads"]


def test_which_file_counts_may_depend_on_another(space: Watched) -> None:
    space.write("nb/which", "a")
    space.write("nb/b.txt", "bee")
    space.cells({"reads": "x = open(open('which').read() + '.txt').read()"})
    space.ran()
    space.write("nb/b.txt", "bees")
    assert space.ran() == []
    space.write("nb/which", "b")
    assert space.ran() == ["reads"]
    assert space.value("x") == "bees"
    space.write("nb/a.txt", "no matter now")
    assert space.ran() == []
    space.write("nb/b.txt", "wasps")
    assert space.ran() == ["reads"]


def test_a_row_inserted_into_a_database_by_another_process_is_noticed(space: Watched) -> None:
    path = space.root / "nb/rows.db"
    with sqlite3.connect(path) as rows:
        rows.execute("create table t (n)")
    query = "sqlite3.connect(n + '.db').execute('select * from t')"
    body = f"import sqlite3\nn = 'rows'\nx = list({query})"
    space.cells({"reads": body})
    space.ran()
    assert space.ran() == []
    with sqlite3.connect(path) as rows:
        rows.execute("insert into t values (7)")
    assert space.ran() == ["reads"]
    assert space.value("x") == [(7,)]


# -- a file that is not there -------------------------------------------------------------------

MAYBE = "try:\n    x = open({}).read()\nexcept FileNotFoundError:\n    x = 'none'"


@pytest.mark.parametrize("name", ["'b.txt'", "'b' + '.txt'"])
def test_a_file_that_was_absent_and_appears_is_noticed(space: Watched, name: str) -> None:
    space.cells({"reads": MAYBE.format(name)})
    space.ran()
    assert space.ran() == []
    space.write("nb/b.txt", "here")
    assert space.ran() == ["reads"]
    assert space.value("x") == "here"
    (space.root / "nb/b.txt").unlink()
    assert space.ran() == []
    assert space.value("x") == "none"


def test_a_cell_that_asks_by_name_whether_a_file_exists_notices_it(space: Watched) -> None:
    space.cells({"asks": "import os\nx = os.path.exists('b.txt')"})
    space.ran()
    space.write("nb/b.txt", "here")
    assert space.ran() == ["asks"]
    assert space.value("x") is True


@pytest.mark.parametrize("body", ["x = open('a.txt').read()", COMPUTED])
def test_a_file_that_is_gone_is_an_error_and_is_fresh_when_it_is_back(
    space: Watched, body: str
) -> None:
    space.cells({"reads": body})
    space.ran()
    (space.root / "nb/a.txt").unlink()
    assert space.fails()["reads"]["type"] == "FileNotFoundError"
    space.write("nb/a.txt", "one")
    assert space.ran() == []


# -- folders and patterns -----------------------------------------------------------------------


LISTS = {
    "named": "import os\nv = os.listdir('data')",
    "listed": "import os\nd = 'da'\nv = os.listdir(d + 'ta')",
    "scanned": "import os\nd = 'da'\nv = [e.name for e in os.scandir(d + 'ta')]",
    "globbed": "import glob\nd = 'da'\nv = glob.glob(d + 'ta/*')",
    "iterated": "import pathlib\nd = 'da'\nv = list(pathlib.Path(d + 'ta').iterdir())",
    "walked": "import os\nd = 'da'\nv = [f for _, _, names in os.walk(d + 'ta') for f in names]",
    "searched": "import pathlib\nd = 'da'\nv = list(pathlib.Path(d + 'ta').rglob('*.csv'))",
}


def test_a_folder_that_gains_or_loses_a_file_is_noticed_however_it_is_listed(
    space: Watched,
) -> None:
    space.write("nb/data/one.csv", "")
    space.cells({way: f"{body}\nn_{way} = len(v)" for way, body in LISTS.items()})
    counts = [f"n_{way}" for way in LISTS]
    space.ran()
    assert space.ran() == []
    space.write("nb/data/two.csv", "")
    assert space.ran() == sorted(LISTS)
    assert space.values(*counts) == dict.fromkeys(counts, 2)
    (space.root / "nb/data/one.csv").unlink()
    assert space.ran() == sorted(LISTS)
    assert space.values(*counts) == dict.fromkeys(counts, 1)
    space.write("nb/elsewhere/three.csv", "")
    assert space.ran() == []


def test_a_folder_deep_below_a_walk_gains_a_file(space: Watched) -> None:
    space.write("nb/data/deep/er/one.csv", "")
    space.cells({"walks": "import os\nd = 'data'\nx = sum(len(n) for _, _, n in os.walk(d + '/'))"})
    space.ran()
    space.write("nb/data/deep/er/two.csv", "")
    assert space.ran() == ["walks"]
    assert space.value("x") == 2


def test_an_input_pattern_that_matches_more_or_less_is_noticed(space: Watched) -> None:
    space.write("nb/data/one.csv", "1")
    count = "import pathlib\nx = len(list(pathlib.Path('data').glob('*.csv')))"
    space.cells({"counts": f"# @input data/*.csv\n{count}"})
    space.ran()
    space.write("nb/data/two.csv", "1")
    assert space.ran() == ["counts"]
    assert space.value("x") == 2
    (space.root / "nb/data/two.csv").unlink()
    assert space.ran() == []
    assert space.value("x") == 1


def test_a_file_that_an_input_pattern_does_not_match_reruns_nothing(space: Watched) -> None:
    space.write("nb/data/one.csv", "1")
    space.cells({"declares": "# @input data/*.csv\nx = 1"})
    space.ran()
    space.write("nb/data/notes.md", "1")
    assert space.ran() == []
