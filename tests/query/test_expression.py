"""Query expressions: what is understood, what it answers, and where a mistake is."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strata.analysis.graph import CellGraph, Edge, GraphCell
from strata.core.errors import LabelError, UsageError
from strata.core.label import Label
from strata.query.expression import (
    DEEPEST,
    Call,
    Expression,
    Operation,
    Word,
    evaluate,
    parse,
    words,
)
from tests.factories import label

NEEDS = {"a": "", "b": "a", "c": "ab", "d": "c", "e": "b", "f": ""}


def graph_of(needs: dict[str, str]) -> CellGraph:
    cells = {}
    for name, below in needs.items():
        edges = tuple(Edge(label(name), label(b)) for b in below)
        cells[label(name)] = GraphCell(label(name), "python", f"{name}.py", edges)
    return CellGraph(cells)


GRAPH = graph_of(NEEDS)
EVERYTHING = set(NEEDS)


def resolve(word: str) -> Iterable[Label]:
    if word == "//...":
        return list(GRAPH.cells)
    if word not in NEEDS:
        raise LabelError(f"no cell '{word}'")
    return [label(word)]


def answer(text: str) -> str:
    found = evaluate(parse(text), GRAPH, resolve, text)
    return "".join(sorted(one.name for one in found))


# What is understood.


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
        ("a + b", Operation("union", Word("a", 0), Word("b", 4))),
        ("a union b", Operation("union", Word("a", 0), Word("b", 8))),
        ("a+b", Operation("union", Word("a", 0), Word("b", 2))),
        ("a ^ b", Operation("intersect", Word("a", 0), Word("b", 4))),
        ("a intersect b", Operation("intersect", Word("a", 0), Word("b", 12))),
        ("a - b", Operation("except", Word("a", 0), Word("b", 4))),
        ("a except b", Operation("except", Word("a", 0), Word("b", 9))),
        ("a-b", Word("a-b", 0)),  # a name may hold one
        ("a -(b)", Operation("except", Word("a", 0), Word("b", 4))),
        ("f(a, b)", Call("f", (Word("a", 2), Word("b", 5)), 0)),
        ("f ( a )", Call("f", (Word("a", 4),), 0)),
        ("f()", Call("f", (), 0)),
        ("set(a b)", Call("set", (Word("a", 4), Word("b", 6)), 0)),
        ("set()", Call("set", (), 0)),
        ("(a)", Word("a", 1)),
    ],
)
def test_the_grammar(text: str, tree: Expression) -> None:
    assert parse(text) == tree


def test_operators_are_left_associative_and_of_equal_precedence() -> None:
    assert answer("a + b ^ c") == ""
    assert answer("a + (b ^ c)") == "a"
    assert answer("a - b + b") == "ab"
    assert answer("a - a + b") == "b"
    assert answer("a - (a + b)") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deps(c)", "abc"),
        ("deps(d, 1)", "cd"),
        ("deps(d, 0)", "d"),
        ("deps(d + e, 2)", "abcde"),
        ("rdeps(//..., b)", "bcde"),
        ("rdeps(//..., b, 1)", "bce"),
        ("rdeps(d, b)", "bcd"),  # only what the universe needs
        ("rdeps(f, b)", ""),
        ("//... - rdeps(//..., a)", "f"),
        ("set(a b c) ^ deps(b)", "ab"),
        ("set()", ""),
        ("deps(set())", ""),
        ("deps('d', '1')", "cd"),
    ],
)
def test_what_expressions_answer(text: str, expected: str) -> None:
    assert answer(text) == expected


def test_a_ring_of_cells_is_walked_once() -> None:
    ring = graph_of({"a": "b", "b": "a"})
    found = evaluate(parse("deps(a)"), ring, lambda w: [label(w)], "")
    assert found == {label("a"), label("b")}


def test_words_are_the_patterns_in_order_and_not_the_depths() -> None:
    assert words(parse("deps(a + b, 2) - rdeps(//..., set(c d), 3) ^ e")) == [
        *("a", "b", "//...", "c", "d", "e")
    ]
    assert words(parse("deps(2024, 1)")) == ["2024"]  # a folder may be called so
    assert words(parse("unknown(1, 2)")) == ["1", "2"]


# Mistakes.


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("", "expected a target pattern, a function or '(', found the end", 0),
        ("a b", "expected an operator or the end, found 'b'", 2),
        ("a +", "expected a target pattern, a function or '(', found the end", 3),
        ("a -", "expected a target pattern, a function or '(', found the end", 3),
        ("a + + b", "expected a target pattern, a function or '(', found '+'", 4),
        ("union", "expected a target pattern, a function or '(', found 'union'", 0),
        ("^ a", "expected a target pattern, a function or '(', found '^'", 0),
        ("(a", "expected ')', found the end", 2),
        ("a)", "expected an operator or the end, found ')'", 1),
        ("f(a b)", "expected ')', found 'b'", 4),
        ("f(,)", "expected a target pattern, a function or '(', found ','", 2),
        ("set(a, b)", "expected a target pattern, a function or '(', found ','", 5),
        ("set(a + b)", "expected a target pattern, a function or '(', found '+'", 6),
        ("set(a", "expected a target pattern, a function or '(', found the end", 5),
        ("a + 'b", "a quote is never closed", 4),
        ('"a"(b)', "expected an operator or the end, found '('", 3),
        ("depz(a)", "no function 'depz'", 0),
        ("a + _x(a)", "no function '_x'", 4),
        ("deps()", "deps takes 1 to 2 arguments, not 0", 0),
        ("a + deps(a, 1, 2)", "deps takes 1 to 2 arguments, not 3", 4),
        ("rdeps(a)", "rdeps takes 2 to 3 arguments, not 1", 0),
        ("deps(a, b)", "the depth of deps is a whole number", 8),
        ("deps(a, -1)", "the depth of deps is a whole number", 8),
        ("deps(a, ²)", "the depth of deps is a whole number", 8),
        ("deps(a, 1 + 1)", "the depth of deps is a whole number", 0),
        (f"deps(a, {'9' * 5000})", "the depth of deps is a whole number", 8),
        ("(" * 200 + "a", f"expected at most {DEEPEST} levels of parentheses", DEEPEST + 1),
        ("set(" * 200, f"expected at most {DEEPEST} levels of parentheses", 4 * (DEEPEST + 1)),
    ],
)
def test_a_mistake_is_shown_with_a_caret_under_its_place(text: str, what: str, at: int) -> None:
    with pytest.raises(UsageError) as caught:
        answer(text)
    first, shown, caret = caught.value.what.split("\n")
    assert first.startswith(f"in the query: {what}")
    assert shown == f"  {text}"
    assert caret == f"  {' ' * at}^"


def test_an_unknown_function_is_told_the_nearest_or_all() -> None:
    with pytest.raises(UsageError) as caught:
        answer("depss(a)")
    assert caught.value.hint == "did you mean deps?"
    with pytest.raises(UsageError) as caught:
        answer("zzz(a)")
    assert str(caught.value.hint).startswith("there are: set, ")


def test_an_expression_of_several_lines_is_shown_on_one() -> None:
    with pytest.raises(UsageError) as caught:
        parse("a +\n\tb c\x1b[2J")
    assert caught.value.what.split("\n")[1:] == ["  a +  b c [2J", "         ^"]


@given(st.text(alphabet="ab ()+-^,'\"1 /:.", max_size=30) | st.text(max_size=20))
@example("((((")
@example("a " * 500)
def test_nothing_but_a_usage_error_comes_out_of_the_parser(text: str) -> None:
    with contextlib.suppress(UsageError):
        words(parse(text))


@given(st.lists(st.sampled_from(["a", "deps", "set", "(", ")", ",", "+", "-", "except", "1"])))
def test_nothing_but_errors_of_the_user_come_out_of_an_evaluation(pieces: list[str]) -> None:
    text = " ".join(pieces)
    with contextlib.suppress(UsageError, LabelError):
        answer(text)


def test_thousands_of_operators_meet_no_recursion_limit() -> None:
    text = " + ".join(["a", "b"] * 3000)
    assert answer(text) == "ab"
    assert len(words(parse(text))) == 6000


# Against sets.

Sets = tuple[str, frozenset[str]]
OPERATORS: dict[str, Callable[[frozenset[str], frozenset[str]], frozenset[str]]] = {
    "+": operator.or_,
    "union": operator.or_,
    "^": operator.and_,
    "intersect": operator.and_,
    "-": operator.sub,
    "except": operator.sub,
}


def below(names: frozenset[str], depth: int | None) -> frozenset[str]:
    found = names
    for _ in range(len(NEEDS) if depth is None else depth):
        found |= {b for name in found for b in NEEDS[name]}
    return found


def above(universe: frozenset[str], names: frozenset[str]) -> frozenset[str]:
    inside = below(universe, None)
    found = names & inside
    for _ in NEEDS:
        found |= {n for n in inside if set(NEEDS[n]) & found}
    return found


def combined(sets: st.SearchStrategy[Sets]) -> st.SearchStrategy[Sets]:
    depth = st.none() | st.integers(0, 3)
    return st.one_of(
        st.builds(
            lambda a, sign, b: (f"{a[0]} {sign} ({b[0]})", OPERATORS[sign](a[1], b[1])),
            sets,
            st.sampled_from(sorted(OPERATORS)),
            sets,
        ),
        st.builds(
            lambda a, d: (f"deps({a[0]}{'' if d is None else f', {d}'})", below(a[1], d)),
            sets,
            depth,
        ),
        st.builds(lambda u, a: (f"rdeps({u[0]}, {a[0]})", above(u[1], a[1])), sets, sets),
    )


LEAVES: st.SearchStrategy[Sets] = st.one_of(
    st.sampled_from(sorted(NEEDS)).map(lambda n: (n, frozenset(n))),
    st.lists(st.sampled_from(sorted(NEEDS))).map(lambda n: (f"set({' '.join(n)})", frozenset(n))),
    st.just(("//...", frozenset(EVERYTHING))),
)


@given(st.recursive(LEAVES, combined, max_leaves=8))
def test_an_expression_answers_what_sets_answer(expression: Sets) -> None:
    text, expected = expression
    assert answer(text) == "".join(sorted(expected))
