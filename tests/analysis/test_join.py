"""Which cell defines a name: every rule of formats.md, and what is said when none does."""

from __future__ import annotations

import pytest

from strata.analysis.join import JoinedCell
from strata.analysis.rule import DefinitionSource, StarSource, ValueSource
from strata.core.errors import CellError, ConfigError, GraphError
from tests.factories import INPUTS_LINE, cell, joined, joined_cells, notebook


def source(found: JoinedCell, name: str) -> str | list[str] | None:
    """`b%x` values as a list, `def b%f`, `star b`; None where the name comes from nowhere."""
    match found.sources.get(name):
        case ValueSource(candidates):
            return [str(a).removeprefix("//nb:") for a in candidates]
        case DefinitionSource(label, there):
            return f"def {label}%{there}".replace("//nb:", "")
        case StarSource(label):
            return f"star {label}".replace("//nb:", "")
        case _:
            return None


def problem(found: JoinedCell) -> ConfigError:
    assert found.problem is not None, f"{found.label} has no problem"
    return found.problem


# Packages.


def test_a_cell_that_names_a_submodule_of_an_earlier_import_reads_that_import() -> None:
    found = joined_cells(a="import p.x", b="import p.y\np.x", c="import p.y\np.y, p.xx")
    assert source(found["b"], "p") == "def a%p"
    assert source(found["c"], "p") is None


def test_a_text_annotation_reads_an_earlier_definition_and_misses_nothing() -> None:
    found = joined_cells(a="class T: pass\nv = 1", b="def f(a: 'T', b: 'v', c: 'W'): pass")
    assert source(found["b"], "T") == "def a%T"
    assert (source(found["b"], "v"), found["b"].problem) == (None, None)


# Earlier and later.


def test_a_name_comes_from_the_nearest_earlier_cell() -> None:
    found = joined_cells(a="x = 1", b="x = 2", c="y = x", d="x = 3")
    assert source(found["c"], "x") == ["b%x"]


def test_a_name_that_no_earlier_cell_defines_comes_from_the_one_later_cell() -> None:
    found = joined_cells(a="y = x", b="z = 1", c="x = 2")
    assert source(found["a"], "x") == ["c%x"]
    assert found["a"].problem is None


def test_several_later_cells_are_an_error_that_lists_them() -> None:
    found = joined_cells(a="\ny = x", b="x = 1", c="\n\nx = 2")
    wrong = problem(found["a"])
    assert isinstance(wrong, GraphError)
    assert wrong.message == (
        "nb/cells/a.py:2: 'x' is read here, and several later cells define it: "
        "//nb:b (nb/cells/b.py:1), //nb:c (nb/cells/c.py:3)"
    )
    assert found["b"].problem is None


def test_a_chain_of_redefinitions_is_read_link_by_link() -> None:
    found = joined_cells(a="df = 1", b="df = df + 1", c="df = df * 2", d="df")
    assert [source(found[c], "df") for c in "bcd"] == [["a%df"], ["b%df"], ["c%df"]]


def test_what_a_cell_binds_before_it_reads_comes_from_nowhere_else() -> None:
    found = joined_cells(a="x = 1", b="x = 2\ny = x")
    assert found["b"].sources == {}


def test_order_in_the_notebook_counts_not_the_names_of_cells() -> None:
    found = joined(notebook({"z": "x = 1", "a": "y = x", "b": "x = 2"}))
    assert source(found["//nb:a"], "x") == ["z%x"]


# What flows: values, functions, classes, imports.


@pytest.mark.parametrize(
    "definition", ["def f(): pass", "class f: pass", "import m as f", "f = lambda: 0"]
)
def test_definitions_flow_as_source(definition: str) -> None:
    found = joined_cells(a=definition, b="f()")
    assert source(found["b"], "f") == "def a%f"
    assert found["a"].outputs == ()


def test_a_definition_that_is_bound_again_is_a_value() -> None:
    found = joined_cells(a="def f(): pass\nf = cache(f)", b="f()", c="cache = len")
    assert source(found["b"], "f") == ["a%f"]
    assert found["a"].outputs == ("f",)


def test_an_import_serves_all_later_cells() -> None:
    found = joined_cells(a="import os", b="os.getcwd()", c="x = os.sep")
    assert source(found["b"], "os") == source(found["c"], "os") == "def a%os"


# Private names.


def test_a_private_name_is_neither_an_output_nor_read_from_elsewhere() -> None:
    found = joined_cells(a="_x = 1\nx = 2", b="y = _x")
    assert found["a"].outputs == ("x",)
    wrong = problem(found["b"])
    assert wrong.what == "no cell defines '_x'"
    assert wrong.hint == "names that begin with '_' are private to the cell that defines them"


def test_a_dunder_name_is_private_too() -> None:
    found = joined_cells(a="__version__ = '1'", b="v = __version__")
    assert problem(found["b"]).what == "no cell defines '__version__'"


def test_each_cell_may_have_the_same_private_name() -> None:
    found = joined_cells(a="_x = 1\nx = _x", b="_x = 2\ny = _x")
    assert [found[c].problem for c in "ab"] == [None, None]
    assert found["b"].sources == {}


def test_a_private_value_that_a_definition_reads_is_kept_for_whoever_calls_it() -> None:
    found = joined_cells(a="_k = 2\ndef f(): return _k")
    assert found["a"].outputs == ("_k",)


# Names bound on some path only.


def test_a_name_bound_on_some_path_falls_back_to_the_cells_before() -> None:
    found = joined_cells(a="m = 1", b="if new():\n    m = 2", c="m", d="def new(): return 0")
    assert source(found["c"], "m") == ["b%m", "a%m"]


def test_the_chain_of_fallbacks_ends_at_the_first_cell_that_surely_binds() -> None:
    perhaps = "if c:\n    m = 2"
    found = joined_cells(z="c = 1", a="m = 0", b="m = 1", d=perhaps, e=perhaps, f="m")
    assert source(found["f"], "m") == ["e%m", "d%m", "b%m"]


def test_a_definition_cannot_be_what_a_value_falls_back_to() -> None:
    found = joined_cells(z="c = 1", a="def m(): pass", b="if c:\n    m = 2", d="m")
    assert source(found["d"], "m") == ["b%m"]


def test_a_name_that_the_cell_may_read_before_it_binds_it_is_optional() -> None:
    found = joined_cells(z="c = 1", a="x = 0", b="if c:\n    x = 1\ny = x")
    assert source(found["b"], "x") == ["a%x"]
    assert found["b"].optional == {"x"}


def test_what_the_cell_may_read_is_not_looked_for_in_later_cells() -> None:
    found = joined_cells(z="c = 1", b="if c:\n    x = 1\ny = x", d="x = 2")
    assert source(found["b"], "x") is None
    assert found["b"].problem is None


# Mutation.


@pytest.mark.parametrize(
    "change", ["model.fit(1)", "model.x = 1", "model[0] = 1", "# @mutates model\nf(model)"]
)
def test_a_cell_that_changes_a_value_in_place_defines_it(change: str) -> None:
    found = joined_cells(f="def f(m): pass", a="model = make()", b=change, c="model", make="make=1")
    assert found["b"].outputs == ("model",)
    assert source(found["b"], "model") == ["a%model"]
    assert source(found["c"], "model") == ["b%model"]


def test_changes_are_read_link_by_link() -> None:
    found = joined_cells(a="m = []", b="m.append(1)", c="m.append(2)", d="m")
    assert [source(found[c], "m") for c in "bcd"] == [["a%m"], ["b%m"], ["c%m"]]


def test_a_cell_that_changes_a_value_and_perhaps_replaces_it_always_has_it() -> None:
    found = joined_cells(z="c = 1", a="m = []", b="m.append(1)\nif c:\n    m = []", d="m")
    assert source(found["d"], "m") == ["b%m"]


def test_a_cell_that_changes_a_value_and_then_defines_a_function_of_that_name() -> None:
    found = joined_cells(a="f = []", b="f.clear()\ndef f(): pass", c="f")
    assert found["b"].outputs == ()
    assert source(found["c"], "f") == "def b%f"


def test_a_private_value_of_another_cell_is_not_changed_either() -> None:
    found = joined_cells(a="_m = []", b="_m.append(1)")
    assert found["b"].outputs == ()
    assert problem(found["b"]).what == "no cell defines '_m'"


def test_a_module_or_function_that_is_changed_in_place_stays_a_definition() -> None:
    found = joined_cells(a="import plt\ndef f(): pass", b="plt.plot(1)\nf.x = 1", c="plt.show()\nf")
    assert found["b"].outputs == ()
    assert source(found["c"], "plt") == "def a%plt"
    assert source(found["c"], "f") == "def a%f"


def test_a_later_cell_that_only_changes_a_value_is_not_where_it_comes_from() -> None:
    found = joined_cells(a="y = m", b="m = []", c="m.append(1)")
    assert found["a"].problem is None
    assert source(found["a"], "m") == ["b%m"]


def test_a_change_of_what_a_later_cell_defines_is_an_output_of_the_one_that_changes() -> None:
    found = joined_cells(a="m.append(1)", b="m = []", c="m")
    assert source(found["a"], "m") == ["b%m"]
    assert source(found["c"], "m") == ["b%m"]
    assert found["a"].outputs == ("m",)


def test_mutates_of_a_name_that_nobody_defines_is_reported_at_the_annotation() -> None:
    found = joined_cells(a="# @name x\n# @mutates modle\npass", b="model = 1")
    assert problem(found["a"]).message == "nb/cells/a.py:2: no cell defines 'modle'"
    assert problem(found["a"]).hint == "did you mean 'model'?"


# Builtins.


def test_a_builtin_that_an_earlier_cell_rebinds_comes_from_there() -> None:
    found = joined_cells(a="input = 1", b="y = input", c="def len(x): return 0", d="len(1)")
    assert source(found["b"], "input") == ["a%input"]
    assert source(found["d"], "len") == "def c%len"
    assert found["b"].optional == {"input"}


def test_a_builtin_is_not_looked_for_in_later_cells() -> None:
    found = joined_cells(a="print(1)\ndisplay(2)", b="print = 1", c="from i import display")
    assert found["a"].sources == {}
    assert found["a"].problem is None


def test_several_later_imports_of_display_are_no_ambiguity() -> None:
    imported = "from IPython.display import display\ndisplay(1)"
    found = joined_cells(a="display(1)", b=imported, c=imported)
    assert [found[c].problem for c in "abc"] == [None, None, None]


# Star imports.


def test_a_name_that_no_cell_defines_may_come_from_an_earlier_star_import() -> None:
    found = joined_cells(a="from math import *", b="y = sqrt(2)")
    assert source(found["b"], "sqrt") == "star a"
    assert found["b"].problem is None


def test_star_imports_of_all_earlier_cells_count() -> None:
    found = joined_cells(a="from math import *", b="from cmath import *", c="y = sqrt(2)")
    assert source(found["c"], "sqrt") == "star b"
    assert found["b"].stars == ("from math import *", "from cmath import *")


def test_a_star_import_in_the_cell_itself_answers_for_names_of_it() -> None:
    found = joined_cells(a="from math import *\ny = sqrt(2)")
    assert found["a"].problem is None


def test_a_later_star_import_does_not_answer() -> None:
    found = joined_cells(a="y = sqrt(2)", b="from math import *")
    assert problem(found["a"]).what == "no cell defines 'sqrt'"


def test_a_cell_that_defines_the_name_wins_over_a_star_import() -> None:
    found = joined_cells(a="def sqrt(x): pass", b="from math import *", c="y = sqrt(2)")
    assert source(found["c"], "sqrt") == "def a%sqrt"


def test_a_star_import_may_replace_a_builtin() -> None:
    found = joined_cells(a="from math import *", b="y = pow(2, 3)")
    assert source(found["b"], "pow") == "star a"


# Missing names.


def test_a_name_that_no_cell_defines_is_reported_with_place_and_near_names() -> None:
    found = joined_cells(a="features = 1", b="\ny = featurs")
    assert problem(found["b"]).message == "nb/cells/b.py:2: no cell defines 'featurs'"
    assert problem(found["b"]).hint == "did you mean 'features'?"


def test_all_missing_names_of_a_cell_are_named_in_the_order_of_their_lines() -> None:
    found = joined_cells(a="z\na\nb")
    assert problem(found["a"]).what == "no cell defines 'z' (nor 'a', 'b')"


def test_a_private_name_of_another_cell_is_not_offered() -> None:
    found = joined_cells(a="_features = 1", b="y = features")
    assert problem(found["b"]).hint is not None
    assert "_features" not in str(problem(found["b"]).hint)


def test_a_missing_name_leaves_the_others_joined() -> None:
    found = joined_cells(a="x = 1", b="y = x + nothing")
    assert source(found["b"], "x") == ["a%x"]


def test_an_ambiguous_name_leaves_the_others_joined() -> None:
    found = joined_cells(a="x = 1", b="y = x + m", c="m = 1", d="m = 2")
    assert source(found["b"], "x") == ["a%x"]
    assert "several later cells" in problem(found["b"]).what


# Cells that cannot be used.

BROKEN = [
    "x = (1",
    "def x(:\n  pass",
    "import a as x, b as y\n(",
    "for x in 1:\n",
    "with open() as x\n  pass",
    "import os, x\n)",
    "x, y = 1 +",
    "x: list[int] = [",
    "x **= (",
    "print((x := 1)",
]


@pytest.mark.parametrize("text", BROKEN)
def test_readers_of_a_cell_with_a_syntax_error_need_it(text: str) -> None:
    """They are neither told that nobody defines the name nor given an older value."""
    found = joined_cells(older="x = 0", a=text, b="print(x)")
    assert isinstance(problem(found["a"]), CellError)
    assert found["b"].problem is None
    assert source(found["b"], "x") == ["a%x"]


@pytest.mark.parametrize("text", ["x == (1", "x.y = (", "f(x)(", "(x"])
def test_a_broken_cell_that_does_not_define_the_name_is_not_needed(text: str) -> None:
    found = joined_cells(older="x = 0", a=text, b="print(x)")
    assert source(found["b"], "x") == ["older%x"]


def test_readers_of_a_cell_with_a_wrong_annotation_need_it() -> None:
    found = joined_cells(older="x = 0", a="# @timeout soon\nx = 1", b="print(x)")
    assert "@timeout" in problem(found["a"]).what
    assert found["b"].problem is None
    assert source(found["b"], "x") == ["a%x"]


def test_a_cell_of_an_unknown_kind_is_its_own_problem() -> None:
    found = joined(notebook([cell("a", "x = 1", kind="cobol"), cell("b", "y = 1")]))
    wrong = problem(found["//nb:a"])
    assert wrong.what == "cells of language 'cobol' cannot be built by this version of Strata"
    assert found["//nb:b"].problem is None


# @after.


def after(annotation: str, **cells: str) -> JoinedCell:
    return joined_cells(b=f"# @after {annotation}\npass", **cells)["b"]


def test_after_names_cells_by_id_and_each_once() -> None:
    found = after("a c a", a="pass", c="pass")
    assert [str(label) for label in found.after] == ["//nb:a", "//nb:c"]


def test_after_may_name_a_cell_of_another_notebook() -> None:
    here = notebook({"b": "# @after //prep:load\npass"})
    found = joined(here, notebook({"load": "pass"}, package="prep"))
    assert [str(label) for label in found["//nb:b"].after] == ["//prep:load"]


@pytest.mark.parametrize(
    ("annotation", "what", "hint"),
    [
        ("laod", "@after laod: no cell or variable 'laod' in //nb", "did you mean //nb:load?"),
        ("all", "@after all: 'all' is not one cell", "write the id of a cell"),
        ("//nb:*", "@after //nb:*: '//nb:*' is not one cell", "write the id of a cell"),
        ("-:load", "@after -:load: '-:load' is not one cell", "write the id of a cell"),
        ("//nowhere:x", "@after //nowhere:x: no notebook //nowhere", "notebooks here: //nb"),
    ],
)
def test_after_that_names_no_cell_is_reported_at_its_line(
    annotation: str, what: str, hint: str
) -> None:
    wrong = problem(after(annotation, load="pass"))
    assert wrong.what == what
    assert wrong.hint == hint
    assert wrong.place == "nb/cells/b.py:1"


# [inputs].

PREP = notebook(
    {
        "load": "raw = 1\ndef clean(x): return x\n_hidden = 1",
        "made": "features = clean(raw)\nraw = raw + 1",
        "features": "other = 1",
    },
    package="prep",
)


def reader(name: str, pattern: str, source_text: str = "") -> JoinedCell:
    here = notebook({"a": source_text or f"y = {name}"}, inputs={name: pattern})
    return joined(here, PREP)["//nb:a"]


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("raw", "//prep:load", ["//prep:load%raw"]),  # a cell id: its variable of that name
        ("x", "//prep:load%raw", ["//prep:load%raw"]),  # a cell id and the variable
        ("x", "//prep:made%features", ["//prep:made%features"]),
        ("y", "//prep:other", ["//prep:features%other"]),  # a variable of one cell
        ("x", "../prep:load%raw", ["//prep:load%raw"]),  # a path from the notebook's folder
        ("tidy", "//prep:clean", "def //prep:load%clean"),  # a function, under another name
    ],
)
def test_inputs_names_variables_of_other_notebooks(
    name: str, pattern: str, expected: list[str] | str
) -> None:
    found = reader(name, pattern)
    assert found.problem is None
    assert source(found, name) == expected


@pytest.mark.parametrize(
    ("name", "pattern", "what"),
    [
        ("x", "//prep:load", "//prep:load does not define 'x'"),
        ("x", "//prep:load%_hidden", "//prep:load does not define '_hidden'"),
        ("x", "//prep:features", "//prep:features does not define 'x'"),
        ("x", "//perp:load", "no notebook //perp"),
        ("x", "//prep:lod", "no cell or variable 'lod' in //prep"),
        ("x", "//prep", "'//prep' is not one variable of another notebook"),
        ("x", "//prep:all", "'//prep:all' is not one variable of another notebook"),
        ("x", "-//prep:load", "'-//prep:load' is not one variable of another notebook"),
        ("raw", "//prep:raw", "'//prep:raw' could be any of: //prep:load (prep/cells/load.py), "),
        ("x", "//prep:load@iter=2", "'//prep:load@iter=2': there are no iterations and variants"),
    ],
)
def test_a_wrong_line_of_inputs_is_the_problem_of_the_cells_that_read_it(
    name: str, pattern: str, what: str
) -> None:
    wrong = problem(reader(name, pattern))
    assert isinstance(wrong, GraphError)
    assert wrong.what.startswith(f"[inputs] {name}: {what}")
    assert wrong.place == f"nb/notebook.toml:{INPUTS_LINE}"


def test_a_wrong_line_of_inputs_that_nobody_reads_breaks_no_cell() -> None:
    assert reader("x", "//perp:load", "y = 1").problem is None


def test_an_earlier_cell_wins_over_inputs_and_inputs_over_a_later_cell() -> None:
    cells = {"a": "y = raw", "b": "raw = 0", "c": "z = raw"}
    found = joined(notebook(cells, inputs={"raw": "//prep:load"}), PREP)
    assert source(found["//nb:a"], "raw") == ["//prep:load%raw"]
    assert source(found["//nb:c"], "raw") == ["b%raw"]


def test_a_value_from_inputs_can_be_changed_in_place() -> None:
    cells = {"a": "raw.append(1)", "b": "raw"}
    found = joined(notebook(cells, inputs={"raw": "//prep:load"}), PREP)
    assert source(found["//nb:a"], "raw") == ["//prep:load%raw"]
    assert source(found["//nb:b"], "raw") == ["a%raw"]


def test_a_definition_from_inputs_stays_one_when_it_is_changed_in_place() -> None:
    cells = {"a": "clean.x = 1\nclean.run()", "b": "clean(1)"}
    found = joined(notebook(cells, inputs={"clean": "//prep:load"}), PREP)
    assert found["//nb:a"].outputs == ()
    assert source(found["//nb:b"], "clean") == "def //prep:load%clean"


def test_inputs_of_a_variable_that_later_cells_change_gives_its_last_value() -> None:
    train = notebook({"make": "model = []", "fit": "model.append(1)"}, package="train")
    found = joined(notebook({"a": "model"}, inputs={"model": "//train:model"}), train)
    assert source(found["//nb:a"], "model") == ["//train:fit%model"]


@pytest.mark.parametrize("text", ["df = (1", "(", "# @timeout soon\nload_df()"])
def test_inputs_from_a_broken_cell_need_it(text: str) -> None:
    prep = notebook({"load": text}, package="prep")
    found = joined(notebook({"a": "df"}, inputs={"df": "//prep:load%df"}), prep)
    assert found["//nb:a"].problem is None
    assert source(found["//nb:a"], "df") == ["//prep:load%df"]


def test_inputs_serve_as_what_an_earlier_cell_falls_back_to() -> None:
    cells = {"c": "c = 1", "a": "if c:\n    raw = 1", "b": "raw"}
    found = joined(notebook(cells, inputs={"raw": "//prep:load"}), PREP)
    assert source(found["//nb:b"], "raw") == ["a%raw", "//prep:load%raw"]


# Outputs.


def test_outputs_are_the_public_values_sorted() -> None:
    found = joined_cells(a="b = 1\na = 2\n_c = 3\nimport d\ndef e(): pass")
    assert found["a"].outputs == ("a", "b")


def test_joining_a_chain_of_cells_takes_no_recursion() -> None:
    count = 1200
    cells = {f"c{i}": f"x = x + {i}" if i else "x = 0" for i in range(count)}
    found = joined(notebook(cells))
    assert source(found[f"//nb:c{count - 1}"], "x") == [f"c{count - 2}%x"]
