"""Words of a command line as expressions."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.errors import UsageError
from strata.query.parsing import parse
from strata.query.spelling import spelled


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("deps //a", 'deps("//a")'),
        ("deps //a //b", 'deps("//a" + "//b")'),
        ("deps //a 2", 'deps("//a", 2)'),
        ("deps //a //b 2", 'deps("//a" + "//b", 2)'),
        ("deps 2024", 'deps("2024")'),  # a folder may be called so
        ("deps 2024 1", 'deps("2024", 1)'),
        ("deps ²", 'deps("²")'),
        ("rdeps //a", 'rdeps("//...", "//a")'),
        ("rdeps //a 1", 'rdeps("//...", "//a", 1)'),
        ("rdeps //u //a", 'rdeps("//u", "//a")'),
        ("rdeps //u //a //b 1", 'rdeps("//u", "//a" + "//b", 1)'),
        ("allrdeps //a 1", 'allrdeps("//a", 1)'),
        ("allpaths //a //b //c", 'allpaths("//a", "//b" + "//c")'),
        ("somepath //a", 'somepath("//a")'),  # one end is missing, which is said then
        ("some //a //b 2", 'some("//a" + "//b", 2)'),
        ("labels needs //a //b", 'labels("needs", "//a" + "//b")'),
        ("attr timeout ^3 //a //b", 'attr("timeout", "^3", "//a" + "//b")'),
        ("kind python", 'kind("python")'),
        ("filter 2 //a", 'filter("2", "//a")'),
        ("filter a'b //a", 'filter("a\'b", "//a")'),
        ('filter a"b //a', 'filter(\'a"b\', "//a")'),
        ("filter (?i)a //a", 'filter("(?i)a", "//a")'),
        ("filter - //a", 'filter("-", "//a")'),
        ("tag union //a", 'tag("union", "//a")'),
        ("file data/x.csv", 'file("data/x.csv")'),
        ("changed main", 'changed("main")'),
        ("changed main //a", 'changed("main", "//a")'),
        ("rdeps file(a) //b", 'rdeps(file(a), "//b")'),
        ("rdeps file(a)", 'rdeps("//...", file(a))'),
        ("deps set(a) nope(b) 1", 'deps(set(a) + "nope(b)", 1)'),
        ("filter tests(x) //a", 'filter("tests(x)", "//a")'),
        ("set //a //b", 'set("//a" "//b")'),
        # Negative patterns take away, as they do for a build; click has put them last.
        ("deps //... -//a", 'deps("//..." - "//a")'),
        ("deps //... 2 -//a -:b", 'deps("//..." - "//a" - ":b", 2)'),
        ("deps -//a", 'deps("-//a")'),
        ("deps -//a -//b", 'deps("-//a" - "//b")'),
        ("rdeps -//a", 'rdeps("//...", "-//a")'),
        ("allpaths //a //b -//c", 'allpaths("//a", "//b" - "//c")'),
        ("filter -x //a", 'filter("-x", "//a")'),
        ("changed main -//a", 'changed("main", "-//a")'),
        ("set //a //b -//b:x", 'set("//a" "//b") - "//b:x"'),
        ("set -//a -//b", 'set("-//a") - "//b"'),
        # Everything else is an expression.
        ("//a", "//a"),
        ("deps", "deps"),
        ("deps(//a)", "deps(//a)"),
        ("//a + //b", "//a + //b"),
        ("//a -//b", "//a -//b"),
        ("deps (//a) - //b", "deps (//a) - //b"),
        ("set (//a )", "set (//a )"),
        ("zzz - //b", "zzz - //b"),
        ("deps + //b", "deps + //b"),  # a folder that is called so
        ("let v = //a in deps($v)", "let v = //a in deps($v)"),
        ("deps(//a, 2 )", "deps(//a, 2 )"),
    ],
)
def test_a_function_as_first_word_takes_the_others(words: str, expression: str) -> None:
    assert spelled(words.split(" ")) == expression
    assert parse(expression)


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        ("dep //a", "no function 'dep', and no expression begins so", "did you mean deps?"),
        ("Deps //a", "no function 'Deps', and no expression begins so", "did you mean deps?"),
        ("sett //a", "no function 'sett', and no expression begins so", "did you mean set?"),
        ("zzz //a", "no function 'zzz', and no expression begins so", "there are: set, "),
        ("deps //a + //b", "'+' among the words after 'deps'", "write one expression in quotes"),
        ("deps //a - //b", "'-' among the words after 'deps'", "write one expression in quotes"),
        ("deps a'b\"c", "'a'b\"c' has both kinds of quotes in it", "leave one kind out"),
        ("set a'b\"c", "'a'b\"c' has both kinds of quotes in it", "leave one kind out"),
        ("kind a'b\"c //a", "'a'b\"c' has both kinds of quotes in it", "leave one kind out"),
    ],
)
def test_words_that_are_no_expression_are_a_mistake(words: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        spelled(words.split(" "))
    assert caught.value.what.startswith(what)
    assert str(caught.value.hint).startswith(hint)


@given(
    st.lists(
        st.sampled_from(["deps", "rdeps", "attr", "set", "let", "//a", "-//b", "1", "'", '"', "("])
        | st.text(max_size=5),
        min_size=1,
        max_size=6,
    )
)
def test_nothing_but_a_usage_error_comes_out_of_any_words(words: list[str]) -> None:
    with contextlib.suppress(UsageError):
        parse(spelled(words))
