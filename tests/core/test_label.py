"""Labels and patterns: what each form means, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.errors import LabelError
from strata.core.label import Label, Scope, TargetPattern, parse_label, parse_pattern

printable = st.characters(
    codec="utf-8",
    exclude_categories=("C", "Z"),
    include_characters=" ",
    exclude_characters=":%@/\\",
)
reserved = ("all", "*", "all-targets", ".", "..", "...")
names = st.text(printable, min_size=1, max_size=8).filter(lambda name: name not in reserved)
packages = st.lists(names, max_size=3).map("/".join)


@given(packages, names)
def test_a_printed_label_parses_to_itself(package, name):
    label = Label(package, name)
    assert parse_label(str(label)) == label


@given(packages, names, names)
def test_a_pattern_in_full_means_the_same_from_everywhere(package, name, standing_in):
    text = f"//{package}:{name}"
    assert parse_pattern(text, standing_in) == parse_pattern(text, None)


@given(packages, names)
def test_a_relative_pattern_means_the_package_one_stands_in(package, name):
    found = parse_pattern(f":{name}", package)
    assert (found.scope, found.package, found.name) == (Scope.CELL, package, name)


@given(st.text(), st.none() | packages)
def test_any_text_is_a_pattern_or_a_label_error(text, package):
    try:
        found = parse_pattern(text, package)
    except LabelError:
        return
    assert found.text == text
    assert not found.package.startswith(("/", "../"))
    assert not found.package.endswith("/")


CELL, PACKAGE, SUBTREE = Scope.CELL, Scope.PACKAGE, Scope.SUBTREE


@pytest.mark.parametrize(
    ("text", "scope", "package", "name", "variable", "qualifier", "negative"),
    [
        ("//train:fit", CELL, "train", "fit", None, None, False),
        ("//:fit", CELL, "", "fit", None, None, False),
        ("//a/b:fit the model", CELL, "a/b", "fit the model", None, None, False),
        ("//train:fit@iter=12", CELL, "train", "fit", None, "iter=12", False),
        ("//train:model@rf", CELL, "train", "model", None, "rf", False),
        ("//train:fit%model", CELL, "train", "fit", "model", None, False),
        ("//train:fit@iter=3%state", CELL, "train", "fit", "state", "iter=3", False),
        ("//train:a:b", CELL, "train", "a:b", None, None, False),
        ("//train:-x", CELL, "train", "-x", None, None, False),
        ("//train", PACKAGE, "train", None, None, None, False),
        ("//train/", PACKAGE, "train", None, None, None, False),
        ("//train:all", PACKAGE, "train", None, None, None, False),
        ("//train:all-targets", PACKAGE, "train", None, None, None, False),
        ("//train/...:all", SUBTREE, "train", None, None, None, False),
        ("//...:*", SUBTREE, "", None, None, None, False),
        ("//train:*", PACKAGE, "train", None, None, None, False),
        ("//", PACKAGE, "", None, None, None, False),
        ("//...", SUBTREE, "", None, None, None, False),
        ("//a/...", SUBTREE, "a", None, None, None, False),
        ("-//a/...", SUBTREE, "a", None, None, None, True),
        ("-:fit", CELL, "here", "fit", None, None, True),
        ("...", SUBTREE, "here", None, None, None, False),
        ("./...", SUBTREE, "here", None, None, None, False),
        ("sub", PACKAGE, "here/sub", None, None, None, False),
        ("./sub/", PACKAGE, "here/sub", None, None, None, False),
        ("../there", PACKAGE, "there", None, None, None, False),
        ("..", PACKAGE, "", None, None, None, False),
        (".", PACKAGE, "here", None, None, None, False),
        ("sub:fit", CELL, "here/sub", "fit", None, None, False),
        ("./-odd", PACKAGE, "here/-odd", None, None, None, False),
    ],
)
def test_forms(text, scope, package, name, variable, qualifier, negative):
    assert parse_pattern(text, "here") == TargetPattern(
        text, scope, package, name, variable, qualifier, negative
    )


@pytest.mark.parametrize(
    ("text", "package", "message"),
    [
        ("", "", "'' is not a target pattern"),
        ("-", "", "'-' is not a target pattern"),
        (":", "a", "':' names no cell after the colon"),
        ("//a:", "", "'//a:' names no cell after the colon"),
        ("//a:@x", "", "'//a:@x' is not a target pattern"),
        ("//a:fit@", "", "'//a:fit@' is not a target pattern"),
        ("//a:fit%", "", "'//a:fit%' is not a target pattern"),
        ("///a", "", "'///a' is not a target pattern"),
        ("../..", "a", "'../..' lies outside the workspace"),
        ("//../a", "", "'//../a' lies outside the workspace"),
        ("/etc", "a", "'/etc' lies outside the workspace"),
        (":fit", None, "':fit' is relative, and the current folder is outside the workspace"),
    ],
)
def test_refusals(text, package, message):
    with pytest.raises(LabelError) as caught:
        parse_pattern(text, package)
    assert caught.value.message == message


@pytest.mark.parametrize("text", ["//a", "//...", ":x", "-//a:x", "//a:x@rf", "//a:x%v", "a:x"])
def test_what_does_not_name_one_cell_in_full_is_no_label(text):
    with pytest.raises(LabelError, match="is not a label"):
        parse_label(text)
