"""What patterns mean among cells, and what is said when they mean nothing."""

from __future__ import annotations

import pytest

from strata.analysis.scanned import scan_cell
from strata.analysis.targets import CellNames
from strata.core.errors import LabelError
from strata.core.label import parse_pattern
from strata.loading.notebook import Notebook
from tests.factories import cell, notebook

ROOT = notebook({"top": "t = 1"}, package="")
PREP = notebook({"load": "raw = 1\n_tmp = 2", "clean": "df = raw\nraw = df"}, package="prep")
TRAIN = notebook(
    [
        cell("c1", "model = []", package="train", file="make.py"),
        cell("c2", "model.append(df)\ndf = 1", package="train", file="fit.py"),
        cell("model2", "score = 1\nimport os", package="train", file="plot.py"),
        cell("twin1", "pass", package="train", file="a/twin.py"),
        cell("twin2", "pass", package="train", file="b/twin.py"),
    ],
    package="train",
)
DEEP = notebook({"x": "x = 1"}, package="train/deep")


def names_of(*notebooks: Notebook) -> CellNames:
    scans = {c.label: scan_cell(c).scan for nb in notebooks for c in nb.cells}
    return CellNames.of(notebooks, scans)


NAMES = names_of(ROOT, PREP, TRAIN, DEEP)


def expand(*texts: str, here: str = "prep") -> list[str]:
    found = NAMES.expand(parse_pattern(text, here) for text in texts)
    return [str(t.label) if t.variable is None else f"{t.label}%{t.variable}" for t in found]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["//prep:load"], ["//prep:load"]),
        ([":load"], ["//prep:load"]),
        (["//train:make"], ["//train:c1"]),  # a file's stem
        (["//train:c1%model"], ["//train:c1%model"]),
        (["//train:score"], ["//train:model2%score"]),  # a variable
        (["//train:os"], ["//train:model2%os"]),  # an import is one, too
        (["//train:model"], ["//train:c2%model"]),  # the cell that changes it last
        (["//prep:df"], ["//prep:clean%df"]),
        (["//:top"], ["//:top"]),
        (["//prep"], ["//prep:load", "//prep:clean"]),
        (["."], ["//prep:load", "//prep:clean"]),
        (["../train/deep"], ["//train/deep:x"]),
        (["//prep:all"], ["//prep:load", "//prep:clean"]),
        (["//train/..."], [*(f"//train:{c.id}" for c in TRAIN.cells), "//train/deep:x"]),
        (["//train/deep/..."], ["//train/deep:x"]),
        (["//prep:clean", "//prep"], ["//prep:clean", "//prep:load"]),
        (["//prep", "-//prep:load"], ["//prep:clean"]),
        (["//prep", "-//prep:load", "//prep:load"], ["//prep:clean", "//prep:load"]),
        (["//prep", "-//prep:df"], ["//prep:load"]),
        (["//prep", "-//nothing/..."], ["//prep:load", "//prep:clean"]),
        (["//...", "-//train/...", "-//prep"], ["//:top"]),
        (["-//train/..."], ["//:top", "//prep:load", "//prep:clean"]),
        ([], []),
    ],
)
def test_patterns_mean_these_cells(patterns: list[str], expected: list[str]) -> None:
    assert expand(*patterns) == expected


@pytest.mark.parametrize(
    ("pattern", "what", "hint"),
    [
        ("//prep:laod", "no cell or variable 'laod' in //prep", "did you mean //prep:load?"),
        ("//prep:zzz", "no cell or variable 'zzz' in //prep", "its cells: load, clean"),
        ("//prep:_tmp", "no cell or variable '_tmp' in //prep", "its cells: load, clean"),
        ("//train:scor", "no cell or variable 'scor' in //train", "did you mean //train:score?"),
        ("//perp:load", "no notebook //perp", "did you mean //prep?"),
        ("//perp", "no notebook //perp", "did you mean //prep?"),
        ("-//perp", "no notebook //perp", "did you mean //prep?"),
        ("//zzz/...", "no notebook at or below //zzz", "notebooks here: //, //prep, //train"),
        (
            "//prep:raw",
            "'//prep:raw' could be any of: //prep:load (prep/cells/load.py), "
            "//prep:clean (prep/cells/clean.py)",
            "name one of them by its cell id",
        ),
        (
            "//train:twin",
            "'//train:twin' could be any of: //train:twin1 (train/cells/a/twin.py), "
            "//train:twin2 (train/cells/b/twin.py)",
            "name one of them by its cell id",
        ),
        ("//train:c1@rf", "'//train:c1@rf': there are no iterations and variants", None),
    ],
)
def test_a_pattern_that_means_nothing_or_too_much_says_what_is_near(
    pattern: str, what: str, hint: str | None
) -> None:
    with pytest.raises(LabelError) as caught:
        expand("//prep", pattern)
    assert caught.value.what.startswith(what)
    assert hint is None or str(caught.value.hint).startswith(hint)


def test_without_any_notebook_the_advice_is_to_make_one() -> None:
    with pytest.raises(LabelError) as caught:
        names_of().expand([parse_pattern("//x", "")])
    assert "strata new" in str(caught.value.hint)


def test_a_notebook_without_cells_says_so() -> None:
    with pytest.raises(LabelError) as caught:
        names_of(notebook({})).expand([parse_pattern("//nb:x", "")])
    assert caught.value.hint == "the notebook has no cells yet"


def test_a_cell_id_wins_over_a_file_stem_and_that_over_a_variable() -> None:
    names = names_of(
        notebook(
            [cell("fit", "pass", file="z.py"), cell("b", "pass", file="fit.py"), cell("c", "fit=1")]
        )
    )
    assert str(names.resolve(parse_pattern("//nb:fit", ""))[0]) == "//nb:fit"
    names = names_of(notebook([cell("b", "pass", file="fit.py"), cell("c", "fit=1")]))
    assert str(names.resolve(parse_pattern("//nb:fit", ""))[0]) == "//nb:b"


def test_looking_at_a_value_does_not_make_its_name_ambiguous() -> None:
    names = names_of(notebook({"a": "df = 1", "b": "df.head()", "c": "df.describe()"}))
    assert str(names.resolve(parse_pattern("//nb:df", ""))[0]) == "//nb:c"
