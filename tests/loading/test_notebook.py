"""`notebook.toml` and its cells: what is read, and what is said about mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strata.core.errors import CellError, NotebookError
from strata.core.label import Label, parse_label
from strata.loading.model import MountSpec, NotebookInput, VariantGroup
from strata.loading.notebook import load_notebook

from .conftest import write_files

EVERY_KEY = """
notebook_id = "nb-1"
name = "Iris"
created_at = 2026-01-01T00:00:00Z
updated_at = 2026-01-01T00:00:00Z
worker = "fly-cpu"
timeout = 60
[[cells]]
id = "fit"
file = "fit.py"
language = "python"
order = 20
worker = "gpu"
timeout = 600
[cells.env]
EPOCHS = 3
[[cells.mounts]]
name = "raw"
uri = "s3://b/p"
[[cells]]
id = "load"
file = "sub/load.sql"
order = 10.5
[env]
DATA_BUCKET = "s3://b"
API_KEY = ""
[inputs]
features = "//prep:features"
[[variant_group]]
group = "model"
active = "rf"
mode = "sweep"
[[variant_group]]
group = "other"
active = ""
[connections.warehouse]
driver = "duckdb"
[connections.warehouse.auth]
password = "${WAREHOUSE_PASSWORD}"
[[mounts]]
name = "all"
uri = "s3://a"
mode = "ro"
pin = "etag"
[[workers]]
name = "gpu"
backend = "executor"
[workers.config]
url = "https://x/v1/execute"
[ai]
model = "m"
"""


def test_every_key_is_read(make_workspace, tmp_path):
    workspace = make_workspace(
        {
            "a/nb/notebook.toml": EVERY_KEY,
            "a/nb/cells/fit.py": "# @name Fit it\nx = 1\n",
            "a/nb/cells/sub/load.sql": "select 1",
        }
    )
    notebook = load_notebook(workspace, "a/nb")
    assert (notebook.package, notebook.folder) == ("a/nb", tmp_path / "a/nb")
    assert (notebook.path, notebook.name) == ("a/nb/notebook.toml", "Iris")
    assert (notebook.notebook_id, notebook.worker) == ("nb-1", "fly-cpu")
    assert notebook.inputs == (NotebookInput("features", "//prep:features", 28),)
    assert notebook.variant_groups == (
        VariantGroup("model", "rf", "sweep"),
        VariantGroup("other", None, "switch"),
    )
    password = {"password": "${WAREHOUSE_PASSWORD}"}
    assert notebook.connections == {"warehouse": {"driver": "duckdb", "auth": password}}
    assert notebook.mounts == (MountSpec("all", "s3://a", "ro", "etag"),)
    assert notebook.workers == (
        {"name": "gpu", "backend": "executor", "config": {"url": "https://x/v1/execute"}},
    )
    assert notebook.ai == {"model": "m"}
    assert notebook.warnings == ()

    load, fit = notebook.cells
    assert (load.label, load.file, load.path) == (
        Label("a/nb", "load"),
        "sub/load.sql",
        "a/nb/cells/sub/load.sql",
    )
    assert (load.kind, load.order, load.source) == ("sql", 10.5, "select 1")
    assert (load.directives.worker, load.directives.timeout_s) == ("fly-cpu", 60)
    assert load.directives.variables == {"DATA_BUCKET": "s3://b", "API_KEY": None}
    assert (fit.kind, fit.order, fit.directives.display_name) == ("python", 20, "Fit it")
    assert (fit.directives.worker, fit.directives.timeout_s) == ("gpu", 600)
    assert fit.directives.variables["EPOCHS"] == "3"
    assert [m.name for m in fit.directives.mounts] == ["all", "raw"]
    assert [a.key for a in fit.annotations] == ["name"]


UPSTREAM = """
notebook_id = "b7"
name = "Library cells"
owner = "me"
created_at = "2025-05-01T10:00:00+00:00"
updated_at = "2025-05-01T10:00:00+00:00"
worker = ""
cells = [
  { id = "c1", file = "c1.py", language = "python", order = 1, created_by = "x" },
  { id = "c0", file = "c0.py", language = "python", order = 0.5 },
]
[secret_manager]
provider = "infisical"
[artifacts]
x = 1
[environment]
python = "3.12"
[cache]
policy = "x"
[r]
[catalogs.c]
uri = "x"
[connections.bad]
nothing = true
[[workers]]
name = "w"
[something_else]
a.b = 1
"""


def test_a_notebook_of_the_existing_package_loads_unchanged_and_in_silence(make_workspace):
    workspace = make_workspace(
        {"notebook.toml": UPSTREAM, "cells/c0.py": "a = 1", "cells/c1.py": "b = a"}
    )
    notebook = load_notebook(workspace, "")
    assert [str(cell.label) for cell in notebook.cells] == ["//:c0", "//:c1"]
    assert [cell.problem for cell in notebook.cells] == [None, None]
    assert (notebook.warnings, notebook.worker) == ((), None)
    assert notebook.connections == {"bad": {"nothing": True}}


def test_an_empty_file_is_a_notebook_named_after_its_folder(make_workspace):
    notebook = load_notebook(make_workspace({"nb/notebook.toml": ""}), "nb")
    assert (notebook.name, notebook.cells) == ("nb", ())


def cells(*lines: str) -> str:
    return "".join(f"[[cells]]\n{line}\n" for line in lines)


def test_cells_stand_in_their_order_and_without_one_behind_the_cell_before(make_workspace):
    toml = cells(
        'id="c"\nfile="x.py"\norder=3',
        'id="d"\nfile="x.py"',
        'id="a"\nfile="x.py"\norder=-1',
        'id="b"\nfile="x.py"\norder=3',
    )
    notebook = load_notebook(make_workspace({"notebook.toml": toml, "cells/x.py": ""}), "")
    assert [cell.id for cell in notebook.cells] == ["a", "c", "d", "b"]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("a.py", "python"),
        ("a.sql", "sql"),
        ("a.md", "markdown"),
        ("a.R", "r"),
        ("a.r", "r"),
        ("a.widget", "widget"),
        ("a.sh", "shell"),
        ("a.txt", "python"),
        ("a", "python"),
    ],
)
def test_the_kind_follows_from_the_suffix(make_workspace, file, kind):
    toml = cells(f'id="a"\nfile="{file}"')
    workspace = make_workspace({"notebook.toml": toml, f"cells/{file}": ""})
    assert load_notebook(workspace, "").cells[0].kind == kind


def test_the_language_wins_over_the_suffix_and_may_be_unknown(make_workspace):
    toml = cells('id="a"\nfile="a.py"\nlanguage="Prompt"', 'id="b"\nfile="a.py"\nlanguage="cobol"')
    workspace = make_workspace({"notebook.toml": toml, "cells/a.py": ""})
    assert [cell.kind for cell in load_notebook(workspace, "").cells] == ["prompt", "cobol"]


@pytest.mark.parametrize("cell_id", ["-x", "größe 2", "a.b", "日本", "'quoted'", "a+b", "$1"])
def test_an_id_can_be_almost_anything_and_its_label_shows_it_as_it_is(make_workspace, cell_id):
    toml = cells(f'id="{cell_id}"\nfile="a.py"')
    workspace = make_workspace({"a b/notebook.toml": toml, "a b/cells/a.py": ""})
    label = load_notebook(workspace, "a b").cells[0].label
    assert str(label) == f"//a b:{cell_id}"
    assert parse_label(str(label)) == label


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (b"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
        (b"x = 1\ry = 2", "x = 1\ny = 2"),
        (b"\xef\xbb\xbf# @name A\n", "# @name A\n"),
        ("x = 'é'\n".encode(), "x = 'é'\n"),
        (b"x = 1\0\n", "x = 1\0\n"),
        (b"", ""),
    ],
)
def test_the_source_is_utf8_with_plain_line_endings(make_workspace, data, source):
    toml = cells('id="a"\nfile="a.py"')
    workspace = make_workspace({"notebook.toml": toml, "cells/a.py": data})
    cell = load_notebook(workspace, "").cells[0]
    assert (cell.source, cell.problem) == (source, None)


def test_a_key_that_is_nearly_a_known_one_is_a_warning(make_workspace):
    toml = 'timeuot = 3\nmine = 1\n[[cells]]\nid = "a"\nfile = "a.py"\nlangauge = "sql"\nfoo = 1\n'
    workspace = make_workspace({"n/notebook.toml": toml, "n/cells/a.py": ""})
    assert load_notebook(workspace, "n").warnings == (
        "n/notebook.toml:1: unknown key 'timeuot'; did you mean 'timeout'?",
        "n/notebook.toml:6: unknown key 'langauge' in [cells]; did you mean 'language'?",
    )


def test_an_id_that_patterns_read_as_all_cells_is_a_warning(make_workspace):
    workspace = make_workspace({"notebook.toml": cells('id="all"\nfile="a.py"'), "cells/a.py": ""})
    assert load_notebook(workspace, "").warnings == (
        "notebook.toml:2: ':all' means all cells of a notebook; "
        "no pattern can name only the cell 'all'",
    )


ID_HINT = "use letters, digits, spaces and marks other than : % @ / \\"
FILE_HINT = 'a file under cells/, such as file = "load.py"'
ORDER_HINT = "a number that says where the cell stands, such as order = 10"
TIMEOUT_HINT = "seconds, more than 0 and at most 86400 (one day)"
INPUT_HINT = 'write the label of a variable in another notebook, such as "//prep:features"'
CELLS_HINT = "write one [[cells]] table a cell, with two brackets"

BAD_NOTEBOOKS = {
    "not TOML": (
        "name = Iris",
        "nb/notebook.toml:1: not valid TOML: invalid value",
        'TOML is `key = value`, with text in quotes: name = "Iris"',
    ),
    "not UTF-8": (
        b"name = 'caf\xe9'",
        "nb/notebook.toml: notebook.toml is not UTF-8: byte 0xe9 on line 1",
        "save the file as UTF-8",
    ),
    "a name that is no string": (
        "name = 3",
        "nb/notebook.toml:1: 'name' must be a string, not 3",
        "the display name, in quotes",
    ),
    "cells that are no list": (
        "\n[cells]\nid = 'a'",
        "nb/notebook.toml:2: 'cells' must be a list, not a table",
        CELLS_HINT,
    ),
    "cells that are words": (
        "cells = ['a.py']",
        "nb/notebook.toml:1: 'cells' number 1 must be a table, not the string \"a.py\"",
        CELLS_HINT,
    ),
    "no id": (
        "[[cells]]\nid='a'\nfile='a.py'\n[[cells]]\nfile = 'b.py'",
        "nb/notebook.toml:4: 'cells' number 2 has no 'id'",
        'any text that no other cell of the notebook has, such as id = "load"',
    ),
    "no file": (
        "[[cells]]\nid = 'a'",
        "nb/notebook.toml:1: 'cells' number 1 has no 'file'",
        FILE_HINT,
    ),
    "no file, in one line": (
        "cells = [\n  {id = 'a', file = 'a.py'},\n  {id = 'b'},\n]",
        "nb/notebook.toml:3: 'cells' number 2 has no 'file'",
        FILE_HINT,
    ),
    "an id twice": (
        "[[cells]]\nid = 'a'\nfile = 'a.py'\n[[cells]]\nfile = 'b.py'\nid = 'a'",
        "nb/notebook.toml:6: the cell id 'a' is taken by the cell on line 2",
        "give every cell an id of its own",
    ),
    "an id that is a number": (
        "[[cells]]\nid = 3\nfile = 'a.py'",
        "nb/notebook.toml:2: 'id' must be a string, not 3",
        'any text that no other cell of the notebook has, such as id = "load"',
    ),
    "an empty id": (
        "[[cells]]\nid = ''\nfile = 'a.py'",
        "nb/notebook.toml:2: 'id' is empty",
        'any text that no other cell of the notebook has, such as id = "load"',
    ),
    "a blank id": (
        "[[cells]]\nid = '  '\nfile = 'a.py'",
        "nb/notebook.toml:2: 'id' is blank",
        ID_HINT,
    ),
    "an id that labels could not tell from an iteration": (
        "[[cells]]\nid = 'a@iter=1'\nfile = 'a.py'",
        "nb/notebook.toml:2: a cell id cannot hold '@'",
        ID_HINT,
    ),
    "an id with a line break": (
        '[[cells]]\nid = "a\\nb"\nfile = "a.py"',
        "nb/notebook.toml:2: a cell id cannot hold '\\n'",
        ID_HINT,
    ),
    "a file above cells": (
        "[[cells]]\nid = 'a'\nfile = '../x.py'",
        "nb/notebook.toml:3: '../x.py' is not inside cells/",
        FILE_HINT,
    ),
    "a file above cells by a detour": (
        "[[cells]]\nid = 'a'\nfile = 'sub/../../x.py'",
        "nb/notebook.toml:3: 'sub/../../x.py' is not inside cells/",
        FILE_HINT,
    ),
    "an absolute file": (
        "[[cells]]\nid = 'a'\nfile = '/etc/passwd'",
        "nb/notebook.toml:3: '/etc/passwd' is not inside cells/",
        FILE_HINT,
    ),
    "the folder itself": (
        "[[cells]]\nid = 'a'\nfile = 'x/..'",
        "nb/notebook.toml:3: 'x/..' is not inside cells/",
        FILE_HINT,
    ),
    "a file name with a null byte": (
        '[[cells]]\nid = "a"\nfile = "a\\u0000.py"',
        "nb/notebook.toml:3: 'file' cannot be 'a\\x00.py'",
        FILE_HINT,
    ),
    "an order that is no number": (
        "[[cells]]\nid = 'a'\nfile = 'a.py'\norder = 'first'",
        "nb/notebook.toml:4: 'order' must be a number, not the string \"first\"",
        ORDER_HINT,
    ),
    "an order that nothing can be compared to": (
        "[[cells]]\nid = 'a'\nfile = 'a.py'\norder = nan",
        "nb/notebook.toml:4: 'order' cannot be nan",
        ORDER_HINT,
    ),
    "a timeout of nothing": (
        "timeout = 0",
        "nb/notebook.toml:1: 'timeout' must be more than 0, not 0",
        TIMEOUT_HINT,
    ),
    "a timeout of a cell that is too long": (
        "[[cells]]\nid = 'a'\nfile = 'a.py'\ntimeout = 90000",
        "nb/notebook.toml:4: 'timeout' must be at most 86400, not 90000",
        TIMEOUT_HINT,
    ),
    "a variable that is a list": (
        "[env]\nA = ['x']",
        "nb/notebook.toml:2: 'A' must be a string or a number or true or false, not a list",
        None,
    ),
    "a date where a string belongs": (
        "name = 2026-01-01",
        "nb/notebook.toml:1: 'name' must be a string, not a date",
        "the display name, in quotes",
    ),
    "an input that is no variable": (
        "[inputs]\n'my features' = '//prep:features'",
        "nb/notebook.toml:2: 'my features' cannot be a variable",
        'write one line a variable: features = "//prep:features"',
    ),
    "an input that names a whole notebook": (
        "[inputs]\nfeatures = '//prep'",
        "nb/notebook.toml:2: '//prep' does not name one variable",
        INPUT_HINT,
    ),
    "an input that lies outside": (
        "[inputs]\nfeatures = '../../x:y'",
        "nb/notebook.toml:2: '../../x:y' lies outside the workspace",
        INPUT_HINT,
    ),
    "a mode that is none": (
        "[[variant_group]]\ngroup = 'm'\nmode = 'swap'",
        'nb/notebook.toml:3: \'mode\' must be "switch" or "sweep", not the string "swap"',
        "switch runs the active variant, sweep runs all of them",
    ),
    "a variant group twice": (
        "[[variant_group]]\ngroup = 'm'\n[[variant_group]]\ngroup = 'm'",
        "nb/notebook.toml:4: the variant group 'm' is described twice",
        "keep one of the two tables",
    ),
    "a mount without a place": (
        "[[mounts]]\nname = 'm'",
        "nb/notebook.toml:1: 'mounts' number 1 has no 'uri'",
        'where the files are, such as "s3://bucket/prefix"',
    ),
}


@pytest.mark.parametrize("name", BAD_NOTEBOOKS)
def test_a_mistake_has_place_cause_and_advice(make_workspace, name):
    content, message, hint = BAD_NOTEBOOKS[name]
    workspace = make_workspace({"nb/notebook.toml": content, "nb/cells/a.py": ""})
    with pytest.raises(NotebookError) as caught:
        load_notebook(workspace, "nb")
    assert (caught.value.message, caught.value.hint) == (message, hint)


class TestPlacesOfNotebooks:
    def test_there_is_no_notebook(self, make_workspace):
        with pytest.raises(NotebookError) as caught:
            load_notebook(make_workspace({}), "nb")
        assert caught.value.message == "nb/notebook.toml: notebook.toml does not exist"
        assert caught.value.hint == "create the file, or correct its name"

    def test_a_folder_in_place_of_the_file(self, make_workspace):
        with pytest.raises(NotebookError, match=r"notebook\.toml is a folder, not a file"):
            load_notebook(make_workspace({"nb/notebook.toml/x": ""}), "nb")

    def test_a_folder_that_labels_cannot_name(self, make_workspace):
        with pytest.raises(NotebookError) as caught:
            load_notebook(make_workspace({"a:b/notebook.toml": ""}), "a:b")
        assert caught.value.what == "a notebook folder cannot be called 'a:b'"

    def test_a_file_far_too_large_is_not_read(self, make_workspace, tmp_path):
        workspace = make_workspace({"nb/notebook.toml": ""})
        with (tmp_path / "nb/notebook.toml").open("wb") as file:
            file.truncate(2**30)
        with pytest.raises(NotebookError, match=r"notebook\.toml is 1024 MiB large"):
            load_notebook(workspace, "nb")


ONE_CELL = "[[cells]]\nid = 'fit'\nfile = 'fit.py'\n[[cells]]\nid = 'ok'\nfile = 'ok.py'\n"


class TestCellsThatCannotBeRead:
    """The rest of the notebook builds."""

    @pytest.fixture
    def workspace(self, make_workspace):
        return make_workspace({"nb/notebook.toml": ONE_CELL, "nb/cells/ok.py": "x = 1"})

    @pytest.fixture
    def folder(self, workspace, tmp_path) -> Path:
        return tmp_path / "nb" / "cells"

    def problem(self, workspace) -> tuple[type[Exception], str, str | None]:
        bad, good = load_notebook(workspace, "nb").cells
        assert (good.problem, good.source) == (None, "x = 1")
        assert bad.source == ""
        assert bad.problem is not None
        return type(bad.problem), bad.problem.message, bad.problem.hint

    def test_a_file_that_does_not_exist(self, workspace):
        assert self.problem(workspace) == (
            NotebookError,
            "nb/notebook.toml:3: the file of cell 'fit', 'cells/fit.py', does not exist",
            "create the file, or correct its name",
        )

    def test_a_file_with_nearly_that_name(self, workspace, folder):
        (folder / "fits.py").touch()
        assert self.problem(workspace)[2] == "did you mean 'fits.py'?"

    def test_a_path_that_repeats_the_folder(self, make_workspace):
        toml = ONE_CELL.replace("'fit.py'", "'cells/fit.py'")
        files = {"nb/notebook.toml": toml, "nb/cells/fit.py": "", "nb/cells/ok.py": "x = 1"}
        assert self.problem(make_workspace(files))[2] == "did you mean 'fit.py'?"

    def test_a_folder_in_its_place(self, workspace, folder):
        (folder / "fit.py").mkdir()
        assert self.problem(workspace) == (
            CellError,
            "nb/cells/fit.py: the file is a folder, not a file",
            "remove or rename the folder",
        )

    def test_a_pipe_in_its_place_does_not_block(self, workspace, folder):
        os.mkfifo(folder / "fit.py")
        what = "nb/cells/fit.py: the file is not a regular file"
        assert self.problem(workspace)[1] == what

    def test_a_file_that_is_not_utf8(self, workspace, folder):
        (folder / "fit.py").write_bytes(b"x = 1\n# caf\xe9\n")
        assert self.problem(workspace) == (
            CellError,
            "nb/cells/fit.py: the file is not UTF-8: byte 0xe9 on line 2",
            "save the file as UTF-8",
        )

    def test_a_link_to_nowhere(self, workspace, folder):
        (folder / "fit.py").symlink_to("gone.py")
        what = "the file of cell 'fit', 'cells/fit.py', links to 'gone.py', which does not exist"
        assert self.problem(workspace)[1] == f"nb/notebook.toml:3: {what}"

    def test_a_link_to_itself(self, workspace, folder):
        (folder / "fit.py").symlink_to("fit.py")
        assert "too many levels of symbolic links" in self.problem(workspace)[1]

    def test_an_annotation_that_cannot_be_understood(self, workspace, folder):
        (folder / "fit.py").write_text("# @timeout soon\ny = 2\n")
        bad, good = load_notebook(workspace, "nb").cells
        assert isinstance(bad.problem, CellError)
        assert bad.problem.message == "nb/cells/fit.py:1: @timeout needs a number, not 'soon'"
        assert (bad.source, good.problem) == ("# @timeout soon\ny = 2\n", None)


class TestLinks:
    def test_a_link_within_the_notebook_is_fine(self, make_workspace, tmp_path):
        toml = cells('id="a"\nfile="a.py"')
        workspace = make_workspace({"notebook.toml": toml, "cells/b.py": "x = 1"})
        (tmp_path / "cells" / "a.py").symlink_to("b.py")
        assert load_notebook(workspace, "").cells[0].source == "x = 1"

    @pytest.mark.parametrize("link", ["nb/cells/a.py", "nb/cells/sub", "nb/cells"])
    def test_a_link_that_leaves_the_notebook_is_refused(self, make_workspace, tmp_path, link):
        file = "sub/a.py" if link.endswith("sub") else "a.py"
        workspace = make_workspace({"nb/notebook.toml": cells(f'id="a"\nfile="{file}"')})
        write_files(tmp_path, {"other/a.py": "", "nb/x": ""})
        (tmp_path / link).parent.mkdir(exist_ok=True)
        target = "other/a.py" if link.endswith(".py") else "other"
        (tmp_path / link).symlink_to(tmp_path / target)
        with pytest.raises(NotebookError) as caught:
            load_notebook(workspace, "nb")
        what = f"'{file}' links to a file outside the notebook"
        assert caught.value.message == f"nb/notebook.toml:3: {what}"
        assert caught.value.hint == "put the file itself under cells/"
