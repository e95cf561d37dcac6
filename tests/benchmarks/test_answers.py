"""What Strata and Bazel are asked alike: worlds written for both, and expressions spelled for both.

Bazel itself is not here: its files are read as what they are, calls of Python.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.answers.expressions import (
    FUNCTIONS,
    OPERATORS,
    OUTER,
    Agreement,
    Case,
    Expressions,
    Spelled,
)
from benchmarks.answers.worlds import Cell, World, world, write, write_repositories
from benchmarks.bazel_answers import Answer, Compared, agree, table
from strata.query.parsing import parse
from tests.e2e.workspaces import Workspace

SEEDS = range(12)
CHAIN = World(
    (
        Cell("p", "a", (), (), False),
        Cell("p", "b", ("slow",), ("//p:a",), False),
        Cell("", "c", (), ("//p:a", "//p:b"), False),
        Cell("q/r", "d", (), (), True),
    )
)


def cases(seed: int) -> list[Case]:
    rng = random.Random(seed)
    generated = Expressions(rng, world(rng))
    return [generated.case(outer) for outer in OUTER]


def rules_of(folder: Path) -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Rule, needs and tags of every target that BUILD files define."""
    found = {}
    for build in folder.rglob("BUILD"):
        package = str(build.parent.relative_to(folder)).removeprefix(".")

        def rule(kind: str, package: str = package) -> object:
            def define(name: str, srcs: tuple[str, ...] = (), tags: tuple[str, ...] = ()) -> None:
                found[f"//{package}:{name}"] = (kind, tuple(srcs), tuple(tags))

            return define

        kinds = {kind: rule(kind) for kind in ("filegroup", "sh_test", "page")}
        exec(build.read_text(), {**kinds, "load": lambda *_: None})
    return found


@pytest.mark.parametrize("seed", range(3))
def test_both_are_told_of_the_same_cells_edges_and_tags(seed: int, tmp_path: Path) -> None:
    about = world(random.Random(seed))
    write(about, tmp_path)
    rules = rules_of(tmp_path)
    assert {label: rule[1] for label, rule in rules.items()} == about.needs
    found = Workspace(tmp_path).run("query", "--output=json", "//...")
    assert found.code == 0, found.err
    cells = {cell["label"]: cell for cell in found.report["cells"]}
    assert {label: set(cell["needs"]) for label, cell in cells.items()} == {
        label: set(needs) for label, needs in about.needs.items()
    }
    assert {label: tuple(cell["tags"]) for label, cell in cells.items()} == {
        label: rule[2] for label, rule in rules.items()
    }
    prose = {label for label, cell in cells.items() if cell["kind"] == "markdown"}
    assert prose == {label for label, rule in rules.items() if rule[0] == "page"}


def test_a_test_is_one_for_both(tmp_path: Path) -> None:
    about = world(random.Random(1))
    write(about, tmp_path)
    tests = {label for label, rule in rules_of(tmp_path).items() if rule[0] == "sh_test"}
    assert tests
    found = Workspace(tmp_path).run("query", "tests(//...)")
    assert set(found.out.split()) == tests


def test_a_world_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    write(world(random.Random(1)), tmp_path)
    write(CHAIN, tmp_path)
    assert set(rules_of(tmp_path)) == set(CHAIN.labels)


def test_what_bazel_would_download_is_written(tmp_path: Path) -> None:
    options = write_repositories(tmp_path)
    folders = [Path(option.rpartition("=")[2]) for option in options]
    assert all((folder / "WORKSPACE").exists() for folder in folders)


def test_ways_are_counted_and_recognized() -> None:
    assert CHAIN.ways("//:c", "//p:a") == 2
    assert CHAIN.ways("//p:a", "//:c") == 0
    assert CHAIN.ways("//p:a", "//p:a") == 1
    assert CHAIN.ends_of_way(frozenset({"//:c", "//p:b", "//p:a"})) == ("//:c", "//p:a")
    assert CHAIN.ends_of_way(frozenset({"//:c", "//q/r:d"})) is None
    assert CHAIN.ends_of_way(frozenset({"//:c", "//nowhere:d"})) is None


def test_everything_of_the_language_is_asked_often() -> None:
    uses = Counter(use for seed in SEEDS for case in cases(seed) for use in case.asked.uses)
    assert {use for use in (*FUNCTIONS, *OPERATORS, "let") if uses[use] < 12} == set()
    assert {
        use for use in ("//...", "//p", "//p:all", "//p:*", "//p/...") if not uses[use]
    } == set()


def test_only_mistakes_are_mistakes() -> None:
    for seed in SEEDS:
        for case in cases(seed):
            if "a mistake" not in case.asked.uses:
                parse(case.asked.ours)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_no_mistake_is_answered(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    about = world(rng)
    write(about, tmp_path)
    generated = Expressions(rng, about)
    for outer in ("siblings", "labels", "kind", "attr", "filter", "a pattern", "union", "set"):
        asked = generated.case(outer).asked
        if "some" in asked.uses:
            continue
        found = Workspace(tmp_path).run("query", asked.ours)
        assert found.code == 0, (asked.ours, found.err)
        assert set(found.out.split()) <= set(about.labels)


def test_what_differs_on_purpose_is_translated() -> None:
    spelled = [case.asked for seed in SEEDS for case in cases(seed)]
    for one in spelled:
        assert ":*" not in one.theirs
        assert one.theirs.count("siblings(") == one.theirs.count("kind(rule, siblings(")
        assert "needs" not in one.theirs


def test_a_pattern_means_for_bazel_what_it_means_for_strata() -> None:
    """`//p` would be the target `//p:p`."""
    form = re.compile(r"""(['"]?)//([\w/]*:\w+|([\w/]+/)?\.\.\.)\1""")
    for seed in SEEDS:
        rng = random.Random(seed)
        generated = Expressions(rng, world(rng))
        for _ in range(20):
            asked = generated.case("a pattern").asked
            assert form.fullmatch(asked.theirs), asked


@pytest.mark.parametrize(
    ("agreement", "ours", "theirs", "agreed"),
    [
        (Agreement.SAME, {"//p:a"}, {"//p:a"}, True),
        (Agreement.SAME, {"//p:a"}, {"//p:a", "//p:b"}, False),
        (Agreement.SAME, None, None, True),
        (Agreement.SAME, set(), None, False),
        (Agreement.SAME, None, set(), False),
        (Agreement.A_WAY, {"//:c", "//p:a"}, {"//:c", "//p:b", "//p:a"}, True),
        (Agreement.A_WAY, {"//:c", "//p:b", "//p:a"}, {"//:c", "//p:a"}, False),
        (Agreement.A_WAY, {"//:c"}, {"//:c", "//p:a"}, False),
        (Agreement.A_WAY, set(), {"//:c", "//p:a"}, False),
        (Agreement.A_WAY, set(), set(), True),
        (Agreement.ONE_OF, {"//p:a"}, {"//p:b"}, True),
        (Agreement.ONE_OF, {"//:c"}, {"//p:b"}, False),
        (Agreement.ONE_OF, {"//p:a", "//p:b"}, {"//p:b"}, False),
    ],
)
def test_answers_agree_only_as_they_should(
    agreement: Agreement, ours: set[str] | None, theirs: set[str] | None, agreed: bool
) -> None:
    ends = (frozenset({"//:c"}), frozenset({"//p:a"}))
    case = Case(Spelled("x", "x"), agreement, ends=ends)
    assert agree(case, CHAIN, answer(ours), answer(theirs), answer({"//p:a", "//p:b"})) == agreed


def answer(cells: set[str] | None) -> Answer:
    return Answer(None if cells is None else frozenset(cells))


def test_what_did_not_agree_is_counted() -> None:
    case = Case(Spelled("deps(//p:a)", "deps(//p:a)", frozenset({"deps"})))
    same, other = answer({"//p:a"}), answer(set())
    found = table([Compared(case, same, same, True), Compared(case, same, other, False)])
    assert found.rows == (("all", "2", "1", "2", "0"), ("deps", "2", "1", "2", "0"))
