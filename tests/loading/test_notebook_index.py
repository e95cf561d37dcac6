"""The memory of notebooks gives what the files say, and looks at as few of them as it can."""

from __future__ import annotations

import marshal
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.analysis.scanned import rememberable_scan
from strata.core.errors import NotebookError
from strata.loading import index, notebook, notebook_index
from strata.loading.model import Cell
from strata.loading.notebook import load_notebook
from strata.loading.notebook_index import Loaded, NotebookIndex
from strata.loading.scope import Scan
from strata.loading.workspace import Workspace, load_workspace
from tests.loading.conftest import write_files

A_MINUTE_NS = 60_000_000_000
CELLS = "".join(f'[[cells]]\nid = "{name}"\nfile = "{name}.py"\n' for name in "abc")
FILES = {
    "strata.toml": "",
    "nb/notebook.toml": f'notebook_id = "n"\ncreated = 2026-01-01T00:00:00Z\n{CELLS}',
    "nb/cells/a.py": "# @tags x\nimport math\n\ndef area(r):\n    return math.pi * r\n",
    "nb/cells/b.py": "x = area(2)\n",
    "nb/cells/c.py": "print(x)\n",
}


class Space:
    """A workspace with one notebook; counts what is read and scanned."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root / "w"
        write_files(self.root, FILES)
        self.ahead_ns = A_MINUTE_NS  # no file looks as if it had just been written
        self.engine = "engine 1"
        self.scanned: list[str] = []
        self.read: list[str] = []
        read_text = notebook.read_text

        def noted(path: str | Path) -> str:
            self.read.append(Path(path).name)
            return read_text(path)

        patch.setattr(notebook, "read_text", noted)

    @property
    def state(self) -> Path:
        return self.root / ".strata" / "notebooks"

    @property
    def workspace(self) -> Workspace:
        return load_workspace(self.root, {})

    def file(self, name: str) -> Path:
        return self.root / "nb" / "cells" / name

    def scan(self, cell: Cell) -> Scan | None:
        self.scanned.append(cell.id)
        return rememberable_scan(cell)

    def load(self, package: str = "nb", folder: Path | None = None) -> Loaded:
        """As a new process would; what it read and scanned is in `read` and `scanned`."""
        self.scanned.clear()
        self.read.clear()
        memory = NotebookIndex(
            folder or self.state,
            self.engine,
            self.scan,
            clock_ns=lambda: index.time.time_ns() + self.ahead_ns,
        )
        found = memory.load(self.workspace, package)
        memory.save()
        return found

    def load_rightly(self, package: str = "nb") -> Loaded:
        """What must come out: `load` equals this, whatever was remembered."""
        found = load_notebook(self.workspace, package)
        scans = {cell.id: rememberable_scan(cell) for cell in found.cells}
        return Loaded(found, {id: scan for id, scan in scans.items() if scan is not None})


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    return Space(tmp_path, monkeypatch)


def test_a_notebook_that_did_not_change_is_neither_read_nor_scanned(space: Space) -> None:
    first = space.load()
    assert space.scanned == ["a", "b", "c"]
    assert space.load() == first == space.load_rightly()
    assert (space.load(), space.scanned, space.read) == (first, [], [])


def test_of_a_changed_notebook_only_the_changed_cells_are_scanned(space: Space) -> None:
    space.load()
    space.file("b.py").write_text("x = area(3)\n")
    assert space.load() == space.load_rightly()
    assert space.scanned == ["b"]
    space.load()
    assert space.scanned == []


def put_back(file: Path, text: str) -> None:
    """Changes the text, and has size and mtime as they were."""
    before = file.stat()
    assert len(text) == before.st_size
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(file: Path, text: str) -> None:
    """Another file comes in its place, with its times."""
    other = file.with_suffix(".new")
    other.write_text(text)
    shutil.copystat(file, other)
    other.replace(file)


def link(file: Path, text: str) -> None:
    """A link takes its place, inside the notebook."""
    target = file.parent.parent / "elsewhere.py"
    target.write_text(text)
    file.unlink()
    file.symlink_to(target)


@pytest.mark.parametrize("change", [put_back, swap, link, Path.write_text])
def test_every_way_to_change_a_cell_is_seen(
    space: Space, change: Callable[[Path, str], object]
) -> None:
    space.load()
    change(space.file("b.py"), "y = area(2)\n")
    for _ in range(2):
        assert space.load() == space.load_rightly()
        assert space.load().scans["b"].binds == ("y",)


def test_what_is_behind_a_link_is_read_each_time(space: Space) -> None:
    link(space.file("b.py"), "y = 1\n")
    for text in ("y = 1\n", "z = 1\n"):
        (space.root / "nb" / "elsewhere.py").write_text(text)
        assert space.load() == space.load_rightly()


def test_a_file_that_was_just_written_is_read_again(space: Space) -> None:
    space.ahead_ns = 0
    space.file("b.py").write_text("x = 1\n")
    space.load()
    space.load()
    assert "b.py" in space.read


def test_what_the_notebook_says_of_its_cells_is_seen(space: Space) -> None:
    space.load()
    toml = space.root / "nb" / "notebook.toml"
    toml.write_text(toml.read_text() + "timeout = 5\n[cells.env]\nA = '1'\n")
    assert space.load() == space.load_rightly()
    assert space.load().notebook.cells[2].directives.timeout_s == 5


def test_a_cell_that_is_gone_is_a_problem_each_time(space: Space) -> None:
    space.load()
    space.file("b.py").unlink()
    for _ in range(2):
        assert space.load().notebook.cells[1].problem is not None


def test_a_mistake_in_the_notebook_is_said_each_time(space: Space) -> None:
    space.load()
    (space.root / "nb" / "notebook.toml").write_text("[[cells]]\n")
    for _ in range(2):
        with pytest.raises(NotebookError):
            space.load()


def test_a_cell_that_is_no_python_is_looked_at_each_time(space: Space) -> None:
    space.file("b.py").write_text("x = = 1\n")
    for _ in range(2):
        assert set(space.load().scans) == {"a", "c"}


def test_another_engine_knows_nothing(space: Space) -> None:
    space.load()
    space.engine = "engine 2"
    space.load()
    assert space.scanned == ["a", "b", "c"]


def test_a_moved_workspace_is_where_it_is_now(space: Space) -> None:
    (space.root / "notebook.toml").write_text('notebook_id = "root"\n')
    (space.root / "cells").mkdir()
    space.load("")
    space.load()
    space.root = space.root.rename(space.root.with_name("moved"))
    assert space.load("").notebook == space.load_rightly("").notebook
    assert space.load("").notebook.name == "moved"
    rightly = space.load_rightly()
    assert (space.load(), space.read) == (rightly, [])


def the_file(space: Space) -> Path:
    (file,) = space.state.iterdir()
    return file


@pytest.mark.parametrize("at", [0, 30, 70, -1])
def test_a_damaged_memory_is_empty(space: Space, at: int) -> None:
    space.load()
    file = the_file(space)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    assert space.load() == space.load_rightly()
    assert space.scanned == ["a", "b", "c"]


def test_a_memory_in_a_folder_that_cannot_be_written_is_no_error(space: Space) -> None:
    blocked = space.root / "file"
    blocked.write_text("")
    assert space.load(folder=blocked / "below") == space.load_rightly()


class Planted:
    """What would do harm when it is read back."""

    done = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return harm, ()


def harm() -> None:
    Planted.done = True


def test_reading_the_memory_makes_values_and_does_nothing_else(space: Space) -> None:
    space.load()
    file = the_file(space)
    head = len(notebook_index._MAGIC) + 32
    magic, body = file.read_bytes()[:head], file.read_bytes()[head + 32 :]
    shard = marshal.loads(body)
    for planted in (Planted(), os.system, Path.home):
        shard["nb"] = (*shard["nb"][:2], pickle.dumps((planted, {})))
        body = marshal.dumps(shard)
        file.write_bytes(magic + blake3(body).digest() + body)
        assert space.load() == space.load_rightly()
    assert not Planted.done


def test_one_edit_among_many_notebooks_writes_one_small_file(space: Space) -> None:
    packages = [f"n{number}" for number in range(200)]
    for package in packages:
        shutil.copytree(space.root / "nb", space.root / package)
        space.load(package)
    before = {file: file.stat().st_mtime_ns for file in space.state.iterdir()}
    (space.root / "n7" / "cells" / "b.py").write_text("x = 7\n")
    for package in packages:
        space.load(package)
    after = {file: file.stat().st_mtime_ns for file in space.state.iterdir()}
    assert len({file for file in after if after[file] != before[file]}) == 1


TEXTS = ["x = 1\n", "x = 2\n", "# @timeout 5\nx = 1\n", "x = = 2\n", "y = x\n", "# @nope\nx = 1\n"]
EDITS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*TEXTS, None])), max_size=8)


@settings(deadline=None, max_examples=40)
@given(edits=EDITS)
def test_after_any_edits_it_gives_what_the_files_say(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str | None]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        space = Space(tmp_path_factory.mktemp("space"), patch)
        for name, text in edits:
            file = space.file(f"{name}.py")
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(text)
            found, rightly = space.load(), space.load_rightly()
            assert found.scans == rightly.scans
            plain = [repr(cell) for cell in found.notebook.cells]
            assert plain == [repr(cell) for cell in rightly.notebook.cells]
