"""How expressions are written: what is understood, and where a mistake is."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strata.core.errors import UsageError
from strata.query.checking import check
from strata.query.expression import Call, Expression, Let, Operation, Reference, Word, words
from strata.query.parsing import DEEPEST, parse
from tests.query.generated import Expressions, world

A_TERM = "a target pattern, a function or '('"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", Word("a", 0)),
        ("  a ", Word("a", 2)),
        ("//x/y:z", Word("//x/y:z", 0)),
        ("-//x/...", Word("-//x/...", 0)),
        ('"a b"', Word("a b", 0)),
        ("'a+b'", Word("a+b", 0)),
        ("'union'", Word("union", 0)),
        ('"let"', Word("let", 0)),
        ("set('set' \"in\")", Call("set", (Word("set", 4), Word("in", 10)), 0)),
        ("a + b", Operation("union", Word("a", 0), Word("b", 4))),
        ("a union b", Operation("union", Word("a", 0), Word("b", 8))),
        ("a+b", Operation("union", Word("a", 0), Word("b", 2))),
        ("a ^ b", Operation("intersect", Word("a", 0), Word("b", 4))),
        ("a intersect b", Operation("intersect", Word("a", 0), Word("b", 12))),
        ("a - b", Operation("except", Word("a", 0), Word("b", 4))),
        ("a except b", Operation("except", Word("a", 0), Word("b", 9))),
        ("a-b", Word("a-b", 0)),  # a name may hold one
        ("a -b", Operation("except", Word("a", 0), Word("b", 3))),
        ("a -(b)", Operation("except", Word("a", 0), Word("b", 4))),
        ("a - -//b", Operation("except", Word("a", 0), Word("-//b", 4))),
        ("(-//b)", Word("-//b", 1)),
        ("-'//a b'", Word("-//a b", 0)),
        ("f(-//b)", Call("f", (Word("-//b", 2),), 0)),
        ("f(a, b)", Call("f", (Word("a", 2), Word("b", 5)), 0)),
        ("f ( a )", Call("f", (Word("a", 4),), 0)),
        ("f()", Call("f", (), 0)),
        ("set(a b)", Call("set", (Word("a", 4), Word("b", 6)), 0)),
        ("set(a f(b))", Call("set", (Word("a", 4), Call("f", (Word("b", 8),), 6)), 0)),
        ("set()", Call("set", (), 0)),
        ("(a)", Word("a", 1)),
        ("unions + lets", Operation("union", Word("unions", 0), Word("lets", 9))),
        ("Union", Word("Union", 0)),
        ("日本", Word("日本", 0)),
        ("a\n+\tb", Operation("union", Word("a", 0), Word("b", 4))),
    ],
)
def test_the_grammar(text: str, tree: Expression) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize("word", ["a=b", "//x:y@iter=12", "//x:y%df", "a$b", "a@b", "[a]", "*.csv"])
def test_what_labels_and_files_have_in_them_needs_no_quotes(word: str) -> None:
    assert parse(word) == Word(word, 0)
    assert parse(f"f({word}, {word})") == Call("f", (Word(word, 2), Word(word, 4 + len(word))), 0)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("let v = a in $v", Let("v", Word("a", 8), Reference("v", 13), 0)),
        ("let v=a in $v", Let("v", Word("a", 6), Reference("v", 11), 0)),
        ("let v=//x in $v", Let("v", Word("//x", 6), Reference("v", 13), 0)),
        ("let v =a in b", Let("v", Word("a", 7), Word("b", 12), 0)),
        ("let v= a=b in b", Let("v", Word("a=b", 7), Word("b", 14), 0)),
        ("let deps = a in $deps", Let("deps", Word("a", 11), Reference("deps", 16), 0)),
        ("let größe=a in $größe", Let("größe", Word("a", 10), Reference("größe", 15), 0)),
        (
            "let v = a in b + c",
            Let("v", Word("a", 8), Operation("union", Word("b", 13), Word("c", 17)), 0),
        ),
        (
            "a + let v = b in c + d",
            Operation(
                "union",
                Word("a", 0),
                Let("v", Word("b", 12), Operation("union", Word("c", 17), Word("d", 21)), 4),
            ),
        ),
        (
            "let v = let w = a in b in c",
            Let("v", Let("w", Word("a", 16), Word("b", 21), 8), Word("c", 26), 0),
        ),
        ("f($v,$w)", Call("f", (Reference("v", 2), Reference("w", 5)), 0)),
        ("set($v a)", Call("set", (Reference("v", 4), Word("a", 7)), 0)),
        ("'$v'", Word("$v", 0)),
    ],
)
def test_let_reaches_as_far_as_it_can(text: str, tree: Expression) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("", f"expected {A_TERM}, found the end", 0),
        ("a b", "expected an operator or the end, found 'b'", 2),
        ("a 'b'", "expected an operator or the end, found 'b'", 2),
        ("a let v = b in c", "expected an operator or the end, found 'let'", 2),
        ("a +", f"expected {A_TERM}, found the end", 3),
        ("a -", f"expected {A_TERM}, found the end", 3),
        ("a + + b", f"expected {A_TERM}, found '+'", 4),
        ("a -- b", f"expected {A_TERM}, found '-'", 3),
        ("- a", f"expected {A_TERM}, found '-'", 0),
        ("-(a)", f"expected {A_TERM}, found '-'", 0),
        ("-f(a)", f"expected {A_TERM}, found '-'", 0),
        ("-$v", f"expected {A_TERM}, found '-'", 0),
        ("-", f"expected {A_TERM}, found '-'", 0),
        ("=", f"expected {A_TERM}, found '='", 0),
        ("union", f"expected {A_TERM}, found 'union'", 0),
        ("in", f"expected {A_TERM}, found 'in'", 0),
        ("set", "expected '(', found the end", 3),
        ("^ a", f"expected {A_TERM}, found '^'", 0),
        ("(a", "expected ')', found the end", 2),
        ("()", f"expected {A_TERM}, found ')'", 1),
        ("a)", "expected an operator or the end, found ')'", 1),
        ("a,b", "expected an operator or the end, found ','", 1),
        ("f(a b)", "expected ')', found 'b'", 4),
        ("f(,)", f"expected {A_TERM}, found ','", 2),
        ("f(a,)", f"expected {A_TERM}, found ')'", 4),
        ("f(a,,b)", f"expected {A_TERM}, found ','", 4),
        ("set(a, b)", f"expected {A_TERM}, found ','", 5),
        ("set(a + b)", f"expected {A_TERM}, found '+'", 6),
        ("set(a -b)", "expected a target pattern or ')', found '-'", 6),
        ("set(a", f"expected {A_TERM}, found the end", 5),
        ("a + 'b", "a quote is never closed", 4),
        ("a + \"b'", "a quote is never closed", 4),
        ('"a"(b)', "expected an operator or the end, found '('", 3),
        ('a"b"', "expected an operator or the end, found 'b'", 1),
        ("let", "expected a name after 'let', found the end", 3),
        ("let(a)", "expected a name after 'let', found '('", 3),
        ("let $v = a in a", "expected a name after 'let', found '$v'", 4),
        ("let 1v = a in a", "expected a name after 'let', found '1v'", 4),
        ("let 'v' = a in a", "expected a name after 'let', found 'v'", 4),
        ("let in = a in a", "expected a name after 'let', found 'in'", 4),
        ("let set = a in a", "expected a name after 'let', found 'set'", 4),
        ("let v a in a", "expected '=', found 'a'", 6),
        ("let v = in a", f"expected {A_TERM}, found 'in'", 8),
        ("let v = a", "expected 'in', found the end", 9),
        ("let v = a in", f"expected {A_TERM}, found the end", 12),
        ("let v = a in b in c", "expected an operator or the end, found 'in'", 15),
        ("$", "expected the name of a variable after '$', found '$'", 0),
        ("a + $ v", "expected the name of a variable after '$', found '$'", 4),
        ("$1", "expected the name of a variable after '$', found '$1'", 0),
        ("$v-$w", "expected the name of a variable after '$', found '$v-$w'", 0),
    ],
)
def test_a_mistake_is_shown_with_a_caret_under_its_place(text: str, what: str, at: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.what == f"in the query: {what}\n  {text}\n  {' ' * at}^"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("//a //b", "with + between, it is both of them"),
        ("f(//a //b)", "with + between, it is both of them"),
        ("deps //a", "deps(x[, depth]): x and everything it needs, at most depth edges away"),
        ("kind(^py, //a)", "a regular expression with signs goes in quotes"),
        ("'a", "a word with one kind of quotes in it goes in quotes of the other kind"),
        ("$v-$w", "in quotes, $ has no meaning; an operator - has spaces around it"),
        ("-deps(//a)", "write before the - what it is to be taken from: //... - …"),
        ("set(a -b)", "set(a b) - c takes c from the set"),
        ("set", "set(a b c); a notebook of this name goes in quotes"),
        ("let a", "let name = … in …, then $name means it"),
        ("a )", None),
    ],
)
def test_a_mistake_that_is_often_made_has_advice(text: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize("opening", ["(", "set(", "f(", "let v = ", "a + ("])
def test_what_is_nested_too_deep_is_a_mistake(opening: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(opening * 5000)
    assert f"expected at most {DEEPEST} levels of parentheses and 'let'" in caught.value.what


def test_what_is_nested_as_deep_as_may_be_is_read() -> None:
    text = "f(a + (" * (DEEPEST // 2) + "a" + "))" * (DEEPEST // 2)
    assert len(words(parse(text))) == DEEPEST // 2 + 1


@pytest.mark.parametrize(
    "text",
    ["+" * 100_000, "a + " * 10_000, "a " * 10_000, "'" + "a" * 100_000, "^-" * 50_000],
    ids=["plus", "unfinished", "words", "quote", "signs"],
)
def test_a_long_text_is_a_mistake_on_lines_that_are_not(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert max(map(len, caught.value.what.split("\n"))) < 200


def test_a_word_is_as_long_as_it_is() -> None:
    assert parse("a" * 100_000) == Word("a" * 100_000, 0)


def test_thousands_of_operators_meet_no_recursion_limit() -> None:
    text = " + ".join(["a", "b"] * 10_000)
    assert len(words(parse(text))) == 20_000


# Any text.

TOKENS = [
    "a", "//x:y", "deps", "set", "let", "in", "v", "$v", "$", "(", ")", ",", "+", "-", "^", "=",
    "union", "except", "intersect", "'", '"', " ", "\n", "\t", "-//x", "1", "[", "*", "日本", "😀",
    "e\u0301", "\x00", "\x1b[2J", "\u202e", "\udcff",
]  # fmt: skip


def only_our_own_mistakes(text: str) -> None:
    with contextlib.suppress(UsageError):
        parsed = parse(text)
        assert words(parsed) is not None
        check(parsed, text)


@given(st.text(alphabet="ab ()+-^,'\"1 /:.", max_size=30) | st.text(max_size=20))
@example("((((")
@example("a " * 500)
def test_nothing_but_a_usage_error_comes_out_of_the_parser(text: str) -> None:
    only_our_own_mistakes(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=25), st.sampled_from(["", " "]))
def test_nor_does_it_for_a_row_of_tokens(tokens: list[str], between: str) -> None:
    only_our_own_mistakes(between.join(tokens))


@given(st.integers(0, 10_000), st.lists(st.tuples(st.floats(0, 1), st.sampled_from([*TOKENS, ""]))))
def test_nor_does_it_for_an_expression_that_was_changed(
    seed: int, changes: list[tuple[float, str]]
) -> None:
    rng = random.Random(seed)
    text, _ = Expressions(rng, world(rng)).expression(depth=3)
    assert parse(text) is not None
    for place, put in changes:
        at = int(place * len(text))
        text = text[:at] + put + text[at + 1 :]
    only_our_own_mistakes(text)


@given(st.text(max_size=40))
def test_a_word_in_quotes_is_itself(text: str) -> None:
    """Whatever stands in it, but the quotes."""
    quote = "'" if '"' in text else '"'
    inside = text.replace(quote, "")
    assert parse(f"f({quote}{inside}{quote})") == Call("f", (Word(inside, 2),), 0)
