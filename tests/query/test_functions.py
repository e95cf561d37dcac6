"""What each function that needs only the graph answers, corner by corner.

`BAZEL` is the graph that `bazel query` 4.2.3 was asked about, and what it answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from strata.analysis.graph import Attribute, CellGraph, Edge, GraphCell
from strata.core.errors import UsageError
from strata.core.label import parse_label
from strata.query.graph import QueryGraph
from strata.query.nodes import Node
from tests.query.toys import Known, answer, cells_of, graph_of, query_graph

BAZEL = graph_of({"a": "", "b": "a", "c": "ab", "d": "c", "e": "b", "f": ""})


def cell(
    text: str,
    edges: Mapping[str, Sequence[str]] | None = None,
    *,
    kind: str = "python",
    tags: tuple[str, ...] = (),
    worker: str = "local",
    defines: tuple[str, ...] = (),
    said: Mapping[str, Attribute] | None = None,
    file: str | None = None,
) -> GraphCell:
    """A cell that reads these names of others."""
    own = parse_label(text)
    found = tuple(Edge(own, parse_label(p), tuple(n)) for p, n in (edges or {}).items())
    path = f"{own.package}/cells/{file or own.name + '.py'}"
    return GraphCell(own, kind, path, found, tags, worker, None, defines, attributes=said or {})


def graph(*cells: GraphCell, variables: bool = False, known: Known | None = None) -> QueryGraph:
    return query_graph(CellGraph({c.label: c for c in cells}), variables=variables, known=known)


PREP_AND_TRAIN = (
    cell("//prep:load", defines=("df", "n"), file="read.py"),
    cell("//prep:clean", {"//prep:load": ["df"]}, defines=("df",), tags=("slow", "io")),
    cell(
        "//train:model",
        {"//prep:clean": ["df"], "//prep:load": ["n"]},
        defines=("model",),
        worker="gpu",
        said={"timeout": "3600", "input": ("a.csv", "b.csv"), "mutates": ("df",)},
    ),
    cell("//train:test_model", {"//train:model": ["model"]}),
    cell("//train:text", kind="markdown", said={"name": "About"}),
    cell(
        "//train:plot", {"//train:model": ["model"], "//train:text": []}, said={"after": ("text",)}
    ),
)

TRAIN = [f"//train:{name}" for name in ("model", "test_model", "text", "plot")]


# Walks.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("somepath(d, d)", "d"),
        ("somepath(set(), d)", ""),
        ("somepath(d, set())", ""),
        ("somepath(a, d)", ""),
        ("somepath(d, a)", "acd"),
        ("somepath(d + e, a + b)", "be"),
        ("allpaths(d, d)", "d"),
        ("allpaths(d, a)", "abcd"),
        ("allpaths(a, d)", ""),
        ("allpaths(d + a, b + d)", "bcd"),
        ("some(d + e)", "d"),
        ("rdeps(//..., a, 0)", "a"),
        ("rdeps(e, a, 1)", "ab"),
        ("same_pkg_direct_rdeps(b)", "ce"),
        ("same_pkg_direct_rdeps(a + b)", "bce"),
    ],
)
def test_it_is_what_bazel_answers(text: str, expected: str) -> None:
    assert "".join(answer(text, BAZEL)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deps(e, 0)", "e"),
        ("deps(e, 999999999)", "abe"),
        ("rdeps(set(), a)", ""),
        ("rdeps(//..., set())", ""),
        ("rdeps(e, d)", ""),
        ("allrdeps(b)", "bcde"),
        ("allrdeps(b, 1)", "bce"),
        ("allrdeps(b, 0)", "b"),
        ("allpaths(set(), a)", ""),
        ("allpaths(d, f)", ""),
        ("some(//..., 3)", "abc"),
        ("some(e + d, 9)", "de"),
    ],
)
def test_corners_of_walks(text: str, expected: str) -> None:
    assert "".join(answer(text, BAZEL)) == expected


def test_of_several_shortest_ways_it_is_the_first_in_the_order_of_definition() -> None:
    """Whatever the order of the edges is."""
    for above in ("bc", "cb"):
        diamond = graph_of({"a": "", "b": "a", "c": "a", "d": above})
        assert answer("somepath(d, a)", diamond) == ["a", "b", "d"]
    assert answer("somepath(//..., a)", BAZEL) == ["a"]
    assert answer("somepath(c + e, a)", graph_of({"a": "", "b": "a", "c": "b", "e": "b"})) == [
        *("a", "b", "c")
    ]


def test_the_shortest_way_counts_edges_and_not_order() -> None:
    assert answer("somepath(e, a)", graph_of({"a": "", "b": "a", "c": "b", "e": "ca"})) == [
        "a",
        "e",
    ]


def test_with_variables_the_ways_lead_through_them() -> None:
    shown = graph_of({"a": "", "b": "a", "c": "-b"}, variables=True)
    assert answer("somepath(b, a)", shown) == ["a", "a%a", "b"]
    assert answer("allpaths(c, a)", shown) == ["a", "a%a", "b", "c"]
    assert answer("deps(b, 1)", shown) == ["a%a", "b"]
    assert answer("somepath(c, a%a)", shown) == ["a%a", "b", "c"]


def test_what_is_not_shown_is_an_end_of_ways_that_is_not_answered() -> None:
    known = Known(files={cell.label: ["x.csv"] for cell in cells_of({"a": ""}).cells.values()})
    hidden = graph_of({"a": "", "b": "a", "c": "-b"}, known=known)
    assert answer("somepath(c, x.csv)", hidden) == ["a", "b", "c"]
    assert answer("allpaths(c, x.csv)", hidden) == ["a", "b", "c"]
    assert answer("somepath(c, a%a)", hidden) == ["b", "c"]
    assert answer("allpaths(c, a%a)", hidden) == ["b", "c"]
    assert answer("rdeps(//..., x.csv, 1)", hidden) == ["a"]
    assert answer("rdeps(b, a%a)", hidden) == ["b"]
    assert answer("deps(a%a)", hidden) == ["a"]
    assert answer("x.csv", hidden) == ["x.csv"]


def test_what_is_loaded_decides_what_all_is() -> None:
    assert answer("allrdeps(//prep:load)", graph(*PREP_AND_TRAIN)) == [
        *("//prep:load", "//prep:clean", "//train:model", "//train:test_model", "//train:plot")
    ]


class Counting(QueryGraph):
    """How often each node was asked what it needs, and what reads it."""

    def count(self) -> Counter[Node]:
        self.counted: Counter[Node] = Counter()
        return self.counted

    def needs(self, node: Node) -> Sequence[Node]:
        self.counted[node] += 1
        return super().needs(node)

    def readers(self, node: Node) -> Sequence[Node]:
        self.counted[node] += 1
        return super().readers(node)


@pytest.mark.parametrize("function", ["somepath", "allpaths"])
def test_ways_are_found_in_linear_time(function: str) -> None:
    """Each node is asked for its neighbours at most once in each direction, though there are more
    ways than could be followed: 3 to the 300th."""
    cells = {}
    for layer in range(300):
        for place in "abc":
            below = [f"//nb:{one}{layer - 1}" for one in "abc"] if layer else []
            one = cell(f"//nb:{place}{layer}", {label: ["x"] for label in below})
            cells[one.label] = one
    known = Known()
    counting = Counting(CellGraph(cells), known, known, known)
    counted = counting.count()
    found = answer(f"{function}(a299, c0)", counting)
    assert len(found) == {"somepath": 300, "allpaths": 298 * 3 + 2}[function]
    assert max(counted.values()) <= 2


@pytest.mark.parametrize("function", ["deps(x9999)", "somepath(x9999, x0)", "allpaths(x9999, x0)"])
def test_no_depth_of_a_graph_meets_a_limit(function: str) -> None:
    chain = {f"x{n}": {f"//nb:x{n - 1}": ["x"]} if n else {} for n in range(10_000)}
    deep = graph(*(cell(f"//nb:{name}", edges) for name, edges in chain.items()))
    assert len(answer(function, deep)) == 10_000


# Choices.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind(mark, //train)", ["//train:text"]),
        ("kind('^own', //train)", []),
        ("kind(variable, vars(//train) + //train)", ["//train:model%model"]),
        ("filter('^//prep', //...)", ["//prep:load", "//prep:clean"]),
        ("filter('(?i)MODEL$', //...)", ["//train:model", "//train:test_model"]),
        ("filter(%n, vars(//...))", ["//prep:load%n"]),
        ("tag('^io$', //...)", ["//prep:clean"]),
        ("tag('^slow io$', //...)", []),
        ("worker(gpu, //...)", ["//train:model"]),
        ("worker(gp, //...)", []),
        ("worker(local, //prep)", ["//prep:load", "//prep:clean"]),
        (
            "siblings(//train:plot)",
            TRAIN,
        ),
        ("siblings(//prep:load%df)", ["//prep:load", "//prep:clean"]),
        ("same_pkg_direct_rdeps(//prep:load)", ["//prep:clean"]),
        ("same_pkg_direct_rdeps(//prep:load%df)", ["//prep:clean"]),
        ("same_pkg_direct_rdeps(//prep:load%n)", []),
        ("vars(//prep)", ["//prep:load%df", "//prep:load%n", "//prep:clean%df"]),
        ("vars(//train:text)", []),
    ],
)
def test_what_is_chosen(text: str, expected: list[str]) -> None:
    assert answer(text, graph(*PREP_AND_TRAIN)) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("test_a a_test test a_testing", ["test_a", "a_test"]),
        ("tests Test_a testing", []),
    ],
)
def test_tests_are_what_is_called_so(cells: str, expected: list[str]) -> None:
    assert answer("tests(//...)", graph(*(cell(f"//nb:{n}") for n in cells.split()))) == expected


def test_tests_are_what_is_tagged_so() -> None:
    tagged = graph(cell("//nb:a", tags=("slow", "test")), cell("//nb:b", tags=("testing",)))
    assert answer("tests(//...)", tagged) == ["a"]


def test_a_file_is_in_the_nearest_notebook_above_it() -> None:
    packages = ("a", "a/b", "ab", "c")
    files = {
        parse_label("//c:x"): ["a/x.csv", "a/b/data/x.csv", "ab/x.csv", "other/x.csv", "/a/x.csv"]
    }
    several = graph(*(cell(f"//{p}:x") for p in packages), known=Known(files=files))
    assert answer("siblings(a/x.csv)", several) == ["//a:x"]
    assert answer("siblings(a/b/data/x.csv)", several) == ["//a/b:x"]
    assert answer("siblings(ab/x.csv)", several) == ["//ab:x"]
    assert answer("siblings(other/x.csv + /a/x.csv)", several) == []
    assert answer("same_pkg_direct_rdeps(a/x.csv)", several) == []


def test_a_notebook_at_the_root_has_the_files_that_no_other_has() -> None:
    files = {parse_label("//a:x"): ["x.csv", "b/x.csv", "a/x.csv"]}
    rooted = graph(cell("//:y"), cell("//a:x"), known=Known(files=files))
    assert answer("siblings(x.csv)", rooted) == ["//:y"]
    assert answer("siblings(b/x.csv)", rooted) == ["//:y"]
    assert answer("siblings(a/x.csv)", rooted) == ["//a:x"]


# Where a variable comes from.


def test_the_producer_is_what_the_reader_reads_from() -> None:
    seen = graph(*PREP_AND_TRAIN)
    assert answer("producer(df, //train:model)", seen) == ["//prep:clean"]
    assert answer("producer(df, //...)", seen) == ["//prep:load", "//prep:clean"]
    assert answer("producer(n, //train)", seen) == ["//prep:load"]
    assert answer("producer(n, set())", seen) == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("producer(dff, //train:model)", "did you mean df?"),
        ("producer(zzz, //train:model)", "there are: df, n"),
        ("producer(model, //train:model)", "//train:model defines it"),
        ("producer(df, //train:text)", "they read nothing"),
    ],
)
def test_who_reads_it_is_told_where_nobody_does(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        answer(text, graph(*PREP_AND_TRAIN))
    assert caught.value.hint == hint
