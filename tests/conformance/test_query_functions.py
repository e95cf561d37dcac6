"""What every query function keeps to; a module of `strata/query/functions` joins by existing."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from strata.analysis.graph import CellGraph
from strata.core import extension
from strata.core.dataclass import replace
from strata.core.label import Label
from strata.query.arguments import Argument
from strata.query.expression import FUNCTIONS_PACKAGE, function_named, summary
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, Kind, Nodes, kind_of
from strata.query.spelling import spelled
from strata.query.world import Standing, State
from tests.factories import label
from tests.query.toys import Known, answer, cells_of

FUNCTIONS = extension.names(FUNCTIONS_PACKAGE)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "query.md"

OF_ARGUMENTS = {Argument.NODES: "c", Argument.DEPTH: "2"}
"""What is given for an argument."""
OF_NAMES = {
    "attr": "[a-c]",  # after the name of an attribute
    "bigger": "100B",
    "changed": "HEAD",
    "file": "data.csv",
    "filter": "[a-c]",
    "kind": "thon",
    "labels": "needs",
    "package": "pandas",
    "producer": "b",
    "slower": "0.5s",
    "state": "stale",
    "tag": "es",
    "worker": "local",
}
"""The word or regular expression that a function takes, by its name; it MUST be in here then."""
GIVES_ALWAYS = {"file": Kind.FILE, "package": Kind.DISTRIBUTION, "vars": Kind.VARIABLE}
"""Functions that answer with nodes of their own kind, shown or not."""

RING = {"a": "c", "b": "a", "c": "bc-d", "d": "c", "e": "-e", "f": ""}
"""With a cycle of three, one through an edge for order, and cells that need themselves."""


def function(name: str) -> ModuleType:
    found = function_named(name)
    assert found is not None
    return found


def graph(*shown: Kind, implicit: bool = True) -> QueryGraph:
    """The ring, and something known of each of its cells."""
    tagged = {one: replace(cell, tags=("test",)) for one, cell in cells_of(RING).cells.items()}
    cells = CellGraph(tagged)
    known = Known(
        files={one: ["data.csv"] for one in cells.cells},
        distributions={one: [Distribution("pandas", "2.2.0")] for one in cells.cells},
        standings={one: Standing(State.STALE, "never built") for one in cells.cells},
    )
    return QueryGraph(cells, known, known, known, {Kind.CELL, *shown}, implicit)


def words_for(name: str, module: ModuleType, optional: bool) -> list[str]:
    """What is given to it, one word an argument."""
    kinds: Sequence[Argument] = module.ARGUMENTS
    given = kinds if optional else kinds[: len(kinds) - module.OPTIONAL]
    words = [OF_ARGUMENTS.get(kind) or OF_NAMES[name] for kind in given]
    return ["name", *words[1:]] if name == "attr" else words


def called(name: str, module: ModuleType, optional: bool) -> str:
    words = words_for(name, module, optional)
    return f"{name}({', '.join(repr(word) for word in words)})"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_says_how_it_is_written_and_what_it_answers(name: str) -> None:
    """In the first line of its docstring, from which messages take it."""
    said = summary(function(name))
    assert said is not None
    assert re.match(rf"{name}\([^)]*\): \w", said), said


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_says_what_it_takes(name: str) -> None:
    module = function(name)
    kinds = module.ARGUMENTS
    assert isinstance(kinds, tuple)
    assert kinds
    assert all(isinstance(kind, Argument) for kind in kinds)
    assert 0 <= module.OPTIONAL < len(kinds)
    assert isinstance(getattr(module, "UNIVERSE", False), bool)
    signature = str(summary(module)).partition(":")[0]
    assert signature.count(",") + 1 == len(kinds)
    assert signature.count("[") == module.OPTIONAL


@pytest.mark.parametrize("name", FUNCTIONS)
def test_behind_its_last_set_it_takes_a_depth_at_most(name: str) -> None:
    """Else the words of a command line could not be told apart."""
    kinds = list(function(name).ARGUMENTS)
    if Argument.NODES in kinds:
        last = len(kinds) - kinds[::-1].index(Argument.NODES)
        assert kinds[last:] in ([], [Argument.DEPTH])
        assert Argument.DEPTH not in kinds[:last]


@pytest.mark.parametrize("optional", [True, False], ids=["all", "least"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_answers_the_same_in_words_as_in_parentheses(name: str, optional: bool) -> None:
    module = function(name)
    words = [name, *words_for(name, module, optional)]
    assert answer(spelled(words), graph()) == answer(called(name, module, optional), graph())


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("shown", [(), tuple(Kind)], ids=["cells", "all"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_ends_where_there_are_cycles(name: str, shown: Sequence[Kind], implicit: bool) -> None:
    """And answers something, so that the other tests mean something."""
    seen = graph(*shown, implicit=implicit)
    assert answer(called(name, function(name), optional=False), seen)


@pytest.mark.parametrize("optional", [True, False], ids=["all", "least"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_answers_kinds_that_are_shown_or_its_own(name: str, optional: bool) -> None:
    seen = graph()
    allowed = {Kind.CELL, GIVES_ALWAYS.get(name, Kind.CELL)}
    assert {kind_of(node) for node in asked(name, seen, optional)} <= allowed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_answers_nodes_that_are_there(name: str) -> None:
    seen = graph(*Kind)
    cells = [node for node in asked(name, seen, False) if isinstance(node, Label)]
    assert set(cells) <= seen.everything


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_changes_nothing(name: str) -> None:
    """It answers the same twice, as a frozen set, and the graph is as it was."""
    seen = graph(*Kind)
    first = asked(name, seen, True)
    assert isinstance(first, frozenset)
    assert asked(name, seen, True) == first
    assert seen.cells == graph(*Kind).cells
    assert seen.shown == set(Kind)
    assert seen.implicit


@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_nothing_it_answers_nothing(name: str) -> None:
    """Or says that there is nothing to choose from."""
    module = function(name)
    if Argument.NODES not in module.ARGUMENTS:
        assert name in GIVES_ALWAYS
        return
    texts = [f"'{word}'" for word in words_for(name, module, True)]
    given = zip(module.ARGUMENTS, texts, strict=True)
    empty = ["set()" if kind is Argument.NODES else text for kind, text in given]
    if name == "some":
        with pytest.raises(Exception, match="nothing to choose from"):
            answer(f"{name}({', '.join(empty)})", graph())
    else:
        assert answer(f"{name}({', '.join(empty)})", graph()) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_in_the_reference(name: str) -> None:
    """As it is written in its docstring, in a table."""
    signature = re.match(r"`(.*?)`", str(function(name).__doc__))
    assert signature is not None
    page = PAGE.read_text(encoding="utf-8").replace("\\|", "|")  # as it is in tables
    assert f"| `{signature[1]}` |" in page


def asked(name: str, seen: QueryGraph, optional: bool) -> Nodes:
    """What it answers as a value."""
    module = function(name)
    values: list[object] = []
    for kind, word in zip(module.ARGUMENTS, words_for(name, module, optional), strict=False):
        match kind:
            case Argument.NODES:
                values.append(frozenset({label("c")}))
            case Argument.DEPTH:
                values.append(int(word))
            case Argument.REGEX:
                values.append(re.compile(word))
            case _:
                values.append(word)
    found: Nodes = module.call(seen, *values)
    return found


# Those of third parties.

THEIRS = '''"""`{name}(x)`: x, and a cell that they think of."""

from strata.query.arguments import Argument

ARGUMENTS = (Argument.NODES,)
OPTIONAL = 0


def call(graph, start):
    return start | graph.everything
'''


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed distribution that has a function of its own, and one that Strata has, too."""
    site = tmp_path / "site"
    info = site / "theirs-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    entries = "[strata.query]\neverybody = their_everybody\ndeps = their_everybody\n"
    (info / "entry_points.txt").write_text(entries)
    (site / "their_everybody.py").write_text(THEIRS.format(name="everybody"))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "their_everybody", raising=False)
    return "everybody"


def test_a_function_of_third_parties_is_one_like_ours(theirs: str) -> None:
    assert answer(f"{theirs}(a)", graph()) == list(RING)
    assert answer(spelled([theirs, "a", "b"]), graph()) == list(RING)


def test_it_is_offered_where_its_name_is_nearly_written(theirs: str) -> None:
    with pytest.raises(Exception, match="did you mean everybody"):
        answer("everbody(a)", graph())


def test_it_does_not_take_the_place_of_ours(theirs: str) -> None:
    assert answer("deps(f)", graph()) == ["f"]
