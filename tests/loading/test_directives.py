"""What annotations mean, and what is said about those that cannot be understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.loading.annotation_values import secret_like
from strata.loading.annotations import Annotation, parse_annotations
from strata.loading.directives import ANNOTATIONS, Defaults, Reading, read_directives
from strata.loading.model import Directives, LoopSpec, MountSpec

PATH = "nb/cells/c.py"


def read(*lines: str, kind: str = "python", **defaults: Defaults) -> Reading:
    """The directives of a cell with these annotation lines."""
    source = "".join(f"# {line}\n" for line in lines)
    return read_directives(parse_annotations(source), kind, PATH, **defaults)


UNDERSTOOD = [
    (["@name My first cell"], {"display_name": "My first cell"}),
    (["@worker gpu-fly"], {"worker": "gpu-fly"}),
    (["@timeout 120"], {"timeout_s": 120.0}),
    (["@timeout 0.5"], {"timeout_s": 0.5}),
    (["@timeout 86400"], {"timeout_s": 86400.0}),
    (["@env A=b c", "@env B=x=y", "@env C="], {"variables": {"A": "b c", "B": "x=y", "C": ""}}),
    (["@env API_KEY=", "@env HOME"], {"variables": {"API_KEY": None, "HOME": None}}),
    (["@env API_KEY=abc"], {"variables": {"API_KEY": "abc"}}),
    (["@after a b", "@after c"], {"after": ("a", "b", "c")}),
    (["@after 'load data', fit"], {"after": ("load data", "fit")}),
    (["@nocache"], {"nocache": True}),
    (["@nocache because it reads the clock"], {"nocache": True}),
    (["@nocache off"], {"nocache": False}),
    (["@nocache FALSE"], {"nocache": False}),
    (["@nocache no"], {"nocache": False}),
    (["@nocache 0"], {"nocache": False}),
    (["@mount raw s3://b/p"], {"mounts": (MountSpec("raw", "s3://b/p"),)}),
    (
        ["@mount raw 'file:///my data' ro credential=aws pin=etag"],
        {"mounts": (MountSpec("raw", "file:///my data", "ro", "etag", "aws"),)},
    ),
    (
        ["@mount out file:///o rw"],
        {"mounts": (MountSpec("out", "file:///o", "rw"),), "nocache": True},
    ),
    (["@loop max_iter=3 carry=state"], {"loop": LoopSpec(3, ("state",))}),
    (
        ["@loop carry=a, b max_iter=3 start_from=fit@iter=2 until=abs(a - b) < 1e-3"],
        {"loop": LoopSpec(3, ("a", "b"), "fit@iter=2", "abs(a - b) < 1e-3")},
    ),
    (
        ["@loop max_iter=9 until=f(x, carry=1) == {'max_iter=2': 1} carry=x"],
        {"loop": LoopSpec(9, ("x",), None, "f(x, carry=1) == {'max_iter=2': 1}")},
    ),
    (["@loop until='x > 3' max_iter=1 carry=x"], {"loop": LoopSpec(1, ("x",), None, "x > 3")}),
    (
        ["@loop_until x == 'done'", "@loop max_iter=1 carry=x"],
        {"loop": LoopSpec(1, ("x",), None, "x == 'done'")},
    ),
    (["@variant model rf"], {"variant": ("model", "rf")}),
    (["@per_variant"], {"per_variant": ""}),
    (["@per_variant model"], {"per_variant": "model"}),
    (["@input data/*.csv 'a b.txt'", "@input c"], {"inputs": ("data/*.csv", "a b.txt", "c")}),
    (["@writes out/*.csv //b.csv", "@writes d/"], {"writes": ("out/*.csv", "//b.csv", "d/")}),
    (["@mutates model, opt", "@mutates x"], {"mutates": ("model", "opt", "x")}),
    (
        ["@resources cpu=0.5 mem=8GiB gpu=1"],
        {"resources": {"cpu": 0.5, "mem": 8 * 2**30, "gpu": 1}},
    ),
    (["@resources cpu=2", "@resources mem=1K"], {"resources": {"cpu": 2, "mem": 1024}}),
    (["@retries 3"], {"retries": 3}),
    (["@tags slow gpu", "@tags x"], {"tags": ("slow", "gpu", "x")}),
    (["@sandbox strict"], {"sandbox": "strict"}),
]


@pytest.mark.parametrize(("lines", "fields"), UNDERSTOOD)
def test_every_annotation_with_a_field_fills_it(lines, fields):
    assert read(*lines) == Reading(Directives(**fields))


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("prompt", "@model claude-x"),
        ("prompt", "@temperature 0.2"),
        ("prompt", "@max_tokens 100"),
        ("prompt", "@system You are terse."),
        ("prompt", "@output json"),
        ("prompt", '@output_schema {"type": "object"}'),
        ("prompt", "@validate_retries 2"),
        ("prompt", "@samples 4"),
        ("prompt", "@map x over xs"),
        ("python", "@map x over xs"),
        ("python", "@table t warehouse#ns.table snapshot=3"),
        ("python", "@fetch f https://x/y sha256=ab"),
        ("python", "@dataset d name@latest"),
        ("python", "@write_table t c:ns.t append"),
        ("python", "@output_dir out"),
        ("sql", "@sql connection=w write=true"),
        ("sql", "@cache ttl=60"),
        ("widget", "@live off"),
        ("widget", "@app hide"),
    ],
)
def test_the_others_are_kept_as_written_for_the_cells_rule(kind, line):
    key, value = line[1:].split(" ", 1)
    expected = Directives(others=(Annotation(key, value, 1),))
    assert read(line, kind=kind) == Reading(expected)


LOOP_HINT = "write for instance: max_iter=10 carry=state until=state.done"
TIMEOUT_HINT = "write seconds, more than 0 and at most 86400 (one day)"
ENV_HINT = "write KEY=value, or KEY alone to take it from your environment"
RESOURCES_HINT = "write for instance: cpu=4 mem=8GiB gpu=1"
MOUNT_HINT = "write for instance: raw s3://bucket/prefix ro"
VARIANT_HINT = "write the group and the name of this variant, such as: model rf"
RETRIES_HINT = "write how many extra attempts a failed cell gets, 0 to 100"
EXPRESSION_HINT = "write a Python expression over the cell's variables, such as loss < 0.01"

MALFORMED = [
    ("@name", "@name needs a value", "write the name after it"),
    ("@worker", "@worker needs a value", "write the name of a worker, such as: gpu-fly"),
    ("@timeout", "@timeout needs a number, not ''", TIMEOUT_HINT),
    ("@timeout soon", "@timeout needs a number, not 'soon'", TIMEOUT_HINT),
    ("@timeout 0", "@timeout cannot be 0", TIMEOUT_HINT),
    ("@timeout -1", "@timeout cannot be -1", TIMEOUT_HINT),
    ("@timeout 86401", "@timeout cannot be 86401", TIMEOUT_HINT),
    ("@timeout nan", "@timeout cannot be nan", TIMEOUT_HINT),
    ("@timeout inf", "@timeout cannot be inf", TIMEOUT_HINT),
    ("@env", "@env needs a value", ENV_HINT),
    ("@env =x", "@env needs a value", ENV_HINT),
    ("@env A B=x", "@env cannot have 'A B' as a variable", ENV_HINT),
    ("@env 1A=x", "@env cannot have '1A' as a variable", ENV_HINT),
    ("@after", "@after needs a value", "write the ids of the cells that must run before this one"),
    ("@mount", "@mount needs a value", MOUNT_HINT),
    ("@mount raw", "@mount says not where 'raw' is", MOUNT_HINT),
    ("@mount a-b s3://x", "@mount cannot have 'a-b' as a variable", MOUNT_HINT),
    ("@mount raw s3://x wr", "@mount cannot be 'wr'", "write ro or rw"),
    ("@loop", "@loop has no max_iter", LOOP_HINT),
    ("@loop 10", "@loop cannot be '10'", LOOP_HINT),
    ("@loop max_iter=3", "@loop has no carry", LOOP_HINT),
    ("@loop carry=x", "@loop has no max_iter", LOOP_HINT),
    ("@loop max_iter=0 carry=x", "@loop cannot be 0", LOOP_HINT),
    ("@loop max_iter=1e3 carry=x", "@loop needs a whole number, not '1e3'", LOOP_HINT),
    ("@loop max_iter=3 carry=", "@loop names no variable", LOOP_HINT),
    ("@loop max_iter=3 carry=x.y", "@loop cannot have 'x.y' as a variable", LOOP_HINT),
    ("@loop max_iter=3 carry=class", "@loop cannot have 'class' as a variable", LOOP_HINT),
    ("@loop max_iter=3 max_iter=4 carry=x", "@loop has two max_iter", LOOP_HINT),
    (
        "@loop max_iter=3 carry=x start_from=fit",
        "@loop cannot start from 'fit'",
        "write for instance: start_from=fit@iter=3",
    ),
    (
        "@loop max_iter=3 carry=x until=x >",
        "@loop cannot be 'x >': not an expression",
        EXPRESSION_HINT,
    ),
    ("@loop max_iter=3 carry=x until=", "@loop needs a value", EXPRESSION_HINT),
    ("@loop_until x = 3", "@loop_until cannot be 'x = 3': not an expression", EXPRESSION_HINT),
    (
        "@loop_until x > 3",
        "@loop_until needs a @loop",
        "add a line such as: @loop max_iter=10 carry=state",
    ),
    ("@variant", "@variant needs a group and a name", VARIANT_HINT),
    ("@variant model", "@variant needs a group and a name", VARIANT_HINT),
    ("@variant model random forest", "@variant needs a group and a name", VARIANT_HINT),
    ("@variant model r-f", "@variant cannot have 'r-f' as a variable", VARIANT_HINT),
    (
        "@per_variant a b",
        "@per_variant takes one group",
        "write the name of one group, or nothing for the only one",
    ),
    ("@input", "@input needs a value", "write the files that the cell reads, such as: data/*.csv"),
    (
        "@writes",
        "@writes needs a value",
        "write the files that the cell writes, such as: out/*.csv",
    ),
    (
        "@writes /tmp/a",
        "@writes cannot be '/tmp/a'",
        "write it relative to the notebook, or with // relative to the workspace",
    ),
    ("@mutates", "@mutates names no variable", "write the variables that the cell changes"),
    (
        "@mutates df['a']",
        "@mutates cannot have 'df['a']' as a variable",
        "write the variables that the cell changes",
    ),
    ("@resources", "@resources needs a value", RESOURCES_HINT),
    ("@resources cpus=4", "@resources knows no 'cpus'", "did you mean 'cpu'?"),
    ("@resources cpu", "@resources has no amount of 'cpu'", RESOURCES_HINT),
    ("@resources cpu=0", "@resources cannot be 0", RESOURCES_HINT),
    ("@resources gpu=half", "@resources needs a whole number, not 'half'", RESOURCES_HINT),
    ("@resources mem=much", "@resources cannot have 'much' as a size", RESOURCES_HINT),
    ("@retries", "@retries needs a whole number, not ''", RETRIES_HINT),
    ("@retries -1", "@retries cannot be -1", RETRIES_HINT),
    ("@retries 101", "@retries cannot be 101", RETRIES_HINT),
    ("@retries ٣", "@retries needs a whole number, not '٣'", RETRIES_HINT),
    ("@tags", "@tags needs a value", "write one or more words"),
    ("@sandbox on", "@sandbox cannot be 'on'", "write off or strict"),
]


@pytest.mark.parametrize(("line", "what", "hint"), MALFORMED)
def test_a_mistake_is_the_cells_problem_with_place_cause_and_advice(line, what, hint):
    problem = read("prose", line).problem
    assert problem is not None
    assert (problem.message, problem.hint) == (f"{PATH}:2: {what}", hint)


def test_the_first_mistake_is_reported_and_the_rest_is_still_understood():
    reading = read("@timeout x", "@worker w", "@retries y")
    assert reading.problem is not None
    assert reading.problem.line == 1
    assert reading.directives == Directives(worker="w")


@pytest.mark.parametrize("kind", ["prompt", "sql"])
def test_the_name_of_a_cell_that_has_one_output_must_be_a_variable(kind):
    assert read("@name orders", kind=kind).directives.display_name == "orders"
    problem = read("@name My orders", kind=kind).problem
    assert problem is not None
    assert problem.what == "@name cannot have 'My orders' as a variable"
    assert problem.hint == f"in a {kind} cell it is the output variable: letters, digits and _"


@pytest.mark.parametrize(
    ("kind", "lines", "warnings"),
    [
        (
            "python",
            ["@timout 3"],
            [f"{PATH}:1: unknown annotation '@timout'; did you mean 'timeout'?"],
        ),
        (
            "python",
            ["@author Jane"],
            [f"{PATH}:1: unknown annotation '@author'; it has no effect"],
        ),
        ("sql", ["@loop x"], [f"{PATH}:1: '@loop' has no effect in a sql cell"]),
        ("python", ["@model m"], [f"{PATH}:1: '@model' has no effect in a python cell"]),
        (
            "python",
            ["@retries 1", "@retries 2"],
            [f"{PATH}:2: '@retries' is written more than once; this line counts"],
        ),
        ("python", ["@tags a", "@tags b"], []),
        ("somebody-elses", ["@loop max_iter=1 carry=x", "@model m"], []),
    ],
)
def test_warnings(kind, lines, warnings):
    reading = read(*lines, kind=kind)
    assert (list(reading.warnings), reading.problem) == (warnings, None)


def test_what_does_not_apply_has_no_effect_even_if_it_is_malformed():
    assert read("@loop", "@mount", kind="sql").directives == Directives()


def test_the_last_of_two_lines_counts():
    assert read("@retries 1", "@retries 2").directives.retries == 2


CELL = Defaults("cell-worker", 20, {"A": "cell", "B": "cell"}, (MountSpec("m", "cell"),))
NOTEBOOK = Defaults(
    "nb-worker",
    30,
    {"A": "nb", "C": "nb", "D_KEY": None},
    (MountSpec("m", "nb"), MountSpec("n", "nb")),
)


class TestPrecedence:
    def test_the_annotation_wins_over_both_tables(self):
        lines = ["@worker w", "@timeout 10", "@env A=said", "@mount m said"]
        found = read(*lines, cell=CELL, notebook=NOTEBOOK).directives
        assert (found.worker, found.timeout_s) == ("w", 10)
        assert found.variables == {"A": "said", "B": "cell", "C": "nb", "D_KEY": None}
        assert found.mounts == (MountSpec("m", "said"), MountSpec("n", "nb"))

    def test_the_cells_table_wins_over_the_notebook(self):
        found = read(cell=CELL, notebook=NOTEBOOK).directives
        assert (found.worker, found.timeout_s) == ("cell-worker", 20)
        assert found.variables == {"A": "cell", "B": "cell", "C": "nb", "D_KEY": None}
        assert found.mounts == (MountSpec("m", "cell"), MountSpec("n", "nb"))

    def test_the_notebook_is_the_last_word(self):
        found = read(notebook=NOTEBOOK).directives
        assert (found.worker, found.timeout_s) == ("nb-worker", 30)

    def test_without_any_there_are_defaults(self):
        found = read().directives
        assert (found.worker, found.timeout_s, found.variables) == (None, 300.0, {})

    def test_mounts_of_the_notebook_are_for_python_cells_only(self):
        rw = Defaults(mounts=(MountSpec("m", "file:///m", "rw"),))
        assert read(notebook=rw).directives.nocache
        assert read(kind="sql", notebook=rw).directives == Directives()


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("API_KEY", True),
        ("OPENAI_APIKEY", True),
        ("my_token", True),
        ("AWS_SECRET_ACCESS", True),
        ("DB_PASSWORD", True),
        ("GCP_CREDENTIALS", True),
        ("TOKENIZER", False),
        ("KEYBOARD", False),
        ("PATH", False),
    ],
)
def test_which_names_are_those_of_secrets(name, secret):
    assert secret_like(name) == secret


@given(
    st.lists(st.tuples(st.sampled_from([*ANNOTATIONS, "x"]), st.text(max_size=30)), max_size=5),
    st.sampled_from(["python", "sql", "prompt", "widget", "r", "shell", "other"]),
)
def test_any_values_are_understood_or_a_problem_with_a_line(lines, kind):
    annotations = [Annotation(key, value, n) for n, (key, value) in enumerate(lines, start=1)]
    reading = read_directives(annotations, kind, PATH)
    if reading.problem is not None:
        assert reading.problem.line in range(1, len(lines) + 1)
        assert reading.problem.hint
    assert 0 < reading.directives.timeout_s <= 86400


@given(st.text(alphabet="max_iter=cry untl()[]{}'\"\\,@0123 <"))
def test_any_loop_is_understood_or_a_problem(value):
    reading = read_directives([Annotation("loop", value, 1)], "python", PATH)
    assert (reading.problem is None) == (reading.directives.loop is not None)
