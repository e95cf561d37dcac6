"""What cells say of themselves: as text for `attr`, as nodes for `labels`."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.core.errors import UsageError
from strata.loading.directives import ANNOTATIONS
from strata.loading.model import Directives
from strata.query import attributes
from strata.query.nodes import Distribution
from tests.factories import label
from tests.query.test_functions import PREP_AND_TRAIN, cell, graph
from tests.query.toys import Known, answer

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "query.md"


def having(text: str) -> list[str]:
    """The cells of `//train` with this attribute."""
    return [n.removeprefix("//train:") for n in answer(text, graph(*PREP_AND_TRAIN))]


ALL = ["model", "test_model", "text", "plot"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attr(timeout, '^3600$', //train)", ["model"]),
        ("attr(timeout, '^300$', //train)", ["test_model", "text", "plot"]),
        ("attr(timeout, 00, //train)", ALL),
        ("attr(nocache, false, //train)", ALL),
        ("attr(retries, '^0$', //train)", ALL),
        ("attr(input, '^\\[a.csv, b.csv\\]$', //train)", ["model"]),
        ("attr(input, '^\\[\\]$', //train)", ["test_model", "text", "plot"]),
        ("attr(sql, '^$', //train)", ALL),
        ("attr(sql, ., //train)", []),
        ("attr(name, '^About$', //train)", ["text"]),
        ("attr(name, '^plot$', //train)", ["plot"]),
        ("attr(package, '^//train$', //train)", ALL),
        ("attr(kind, markdown, //train)", ["text"]),
        ("attr(file, '/plot.py$', //train)", ["plot"]),
        ("attr(worker, gpu, //train)", ["model"]),
        ("attr(tags, '^\\[\\]$', //train)", ALL),
        ("attr(after, text, //train)", ["plot"]),
        ("attr(needs, '^\\[//prep:clean, //prep:load\\]$', //train)", ["model"]),
        ("attr(reads, %df, //train)", ["model"]),
        ("attr(defines, '^\\[//train:model%model\\]$', //train)", ["model"]),
        ("attr(broken, ., //train)", []),
        ("attr(mutates, df, //train)", ["model"]),
        ("attr(name, '', vars(//train))", []),
    ],
)
def test_the_text_of_an_attribute_is_matched(text: str, expected: list[str]) -> None:
    assert having(text) == expected


def test_tags_are_matched_as_one_list() -> None:
    seen = graph(*PREP_AND_TRAIN)
    assert answer("attr(tags, '\\[slow, io\\]', //...)", seen) == ["//prep:clean"]


def test_an_annotation_of_another_rule_is_an_attribute_where_a_cell_has_it() -> None:
    seen = graph(cell("//nb:a", said={"theirs": "yes"}), cell("//nb:b"))
    assert answer("attr(theirs, yes, //...)", seen) == ["a"]
    assert answer("attr(theirs, '^$', //...)", seen) == ["b"]


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("attr(timout, 1, //...)", "no attribute 'timout'", "did you mean timeout?"),
        ("attr(zzzz, 1, //...)", "no attribute 'zzzz'", "there are: after, app, "),
        ("labels(zzzz, //...)", "no attribute 'zzzz' that names nodes", "there are: after, "),
        ("labels(timeout, //...)", "the attribute 'timeout' names no nodes", "there are: after, "),
    ],
)
def test_an_attribute_that_is_not_known_is_a_mistake(text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        answer(text, graph(*PREP_AND_TRAIN))
    assert caught.value.what.startswith(f"in the query: {what}\n")
    assert str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("labels(needs, //train:model)", ["//prep:load", "//prep:clean"]),
        ("labels(needs, //train:plot)", ["//train:model", "//train:text"]),
        ("labels(after, //train:plot)", ["//train:text"]),
        ("labels(after, //train:model)", []),
        ("labels(reads, //train:model)", ["//prep:load%n", "//prep:clean%df"]),
        ("labels(defines, //prep:load)", ["//prep:load%df", "//prep:load%n"]),
        ("labels(mutates, //train:model)", ["//prep:clean%df"]),
        ("labels(file, //prep)", ["prep/cells/clean.py", "prep/cells/read.py"]),
        ("labels(srcs, //train:model)", ["a.csv", "b.csv"]),
        ("labels(distributions, //train:model)", ["pandas==2.2.0"]),
        ("labels(needs, vars(//...))", []),
    ],
)
def test_the_nodes_that_an_attribute_names(text: str, expected: list[str]) -> None:
    model = label("//train:model")
    known = Known({model: ["b.csv", "a.csv"]}, {model: [Distribution("pandas", "2.2.0")]})
    assert answer(text, graph(*PREP_AND_TRAIN, known=known)) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("b", ["b"]),  # an id, though another file is called so
        ("stem", ["c"]),
        ("made", ["b"]),  # a variable
        (":b", ["b"]),
        ("//nb:b", ["b"]),
        ("//other:b", ["//other:b"]),
        ("../other:b", ["//other:b"]),
        ("far", []),  # nothing that the cell has an edge to
        ("//nb", []),
        ("::", []),
        ("../..:b", []),
    ],
)
def test_what_after_names_is_read_as_labels_are(after: str, expected: list[str]) -> None:
    seen = graph(
        cell("//nb:b", defines=("made",)),
        cell("//nb:c", file="stem.py"),
        cell("//nb:d", file="b.py"),
        cell("//nb:far"),
        cell("//other:b"),
        cell(
            "//nb:a",
            {"//nb:d": [], "//nb:c": [], "//nb:b": ["made"], "//other:b": []},
            said={"after": (after,)},
        ),
    )
    assert answer("labels(after, a)", seen) == expected


def test_every_annotation_is_an_attribute() -> None:
    assert set(ANNOTATIONS) <= set(attributes.NAMES)
    assert set(attributes.NOT_SAID) <= set(ANNOTATIONS)


def test_what_is_not_said_is_what_counts_then() -> None:
    unsaid = Directives()
    assert attributes.NOT_SAID["timeout"] == f"{unsaid.timeout_s:g}"
    assert attributes.NOT_SAID["retries"] == str(unsaid.retries)
    assert attributes.NOT_SAID["nocache"] == str(unsaid.nocache).lower()


def test_every_attribute_is_in_the_reference() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("### Attributes")[2].partition("\n#")[0]
    assert not [name for name in attributes.NAMES if f"`{name}`" not in page]
