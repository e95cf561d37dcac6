"""Equal values have equal bytes, however they were made; different ones do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runner.harness import Outcome, cell, module, run

PRELUDE = """
import collections, dataclasses, datetime, decimal, enum, pathlib, uuid
import numpy as np, pandas as pd, pyarrow as pa
def fresh(text):
    return "".join(list(text))
class Colour(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Data:
    a: str
    b: list
class Named(collections.namedtuple("Named", "x y")):
    __slots__ = ()
class Bag(set):
    pass
def grown(texts):
    bag = set(map(str, range(500)))
    bag.update(texts)
    bag.difference_update(map(str, range(500)))
    return bag
d, t, day = decimal.Decimal("1.5"), (1, "x y"), datetime.date(2020, 1, 1)
f8, one, unique = np.dtype("f8"), np.float64(1), uuid.UUID(int=5)
words = ["x y", "z"] * 50
missing = pd.array([1, 9, 3], dtype="Int64")
missing[1] = None
frame = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5], "c": [3, 4]})
column_by_column = pd.DataFrame({"a": [1, 2]})
column_by_column["b"] = [1.5, 2.5]
column_by_column["c"] = [3, 4]
joined = pd.concat([frame[["b"]], frame[["a", "c"]]], axis=1)[["a", "b", "c"]]
looked_at = frame.copy()
looked_at["a"].sum(), looked_at.index.is_unique, looked_at.describe(), looked_at.to_numpy()
without_arrow = pd.StringDtype("python", na_value=np.nan)
texts = pd.Series(["a", "bb", None, "c"] * 3)
read_only = np.arange(300)
read_only.setflags(write=False)
point, red = Named(1, "x y"), Colour.RED
"""

EQUAL = {
    "texts": ("['x y', 'x y']", "['x y', fresh('x y')]", "[fresh('x y'), fresh('x y'), ][:2]"),
    "keys": ("({'x y': 1}, {'x y': 2})", "({fresh('x y'): 1}, {fresh('x y'): 2})"),
    "tuples": ("[t, t]", "[(1, 'x y'), (int('1'), fresh('x y'))]"),
    "nested_tuples": ("((t, 2), (t, 2))", "(((1, fresh('x y')), 2), (t, 2))"),
    "dates": ("[day, day]", "[day, datetime.date(2020, 1, 1)]"),
    "decimals": ("(d, d)", "(d, decimal.Decimal('1.5'))"),
    "uuids": ("(unique, unique)", "(unique, uuid.UUID(int=5))"),
    "paths": ("[pathlib.PurePosixPath('a')] * 2", "[pathlib.PurePosixPath('a') for _ in 'ab']"),
    "sets": ("set(words)", "set(words[::-1])", "grown(words)"),
    "many": (
        "set(map(str, range(99)))",
        "grown(map(str, range(98, -1, -1))) | set(map(str, range(99)))",
    ),
    "frozensets": ("{frozenset('abcdef'), 1}", "{1, frozenset(reversed('abcdef'))}"),
    "set_of_tuples": ("{(1, 'x y'), (2, 'x y'), None}", "{None, (2, fresh('x y')), t}"),
    "set_of_classes": ("{int, str, Colour, Data}", "{Data, str, Colour, int}"),
    "bags": ("Bag(words)", "Bag(words[::-1])"),
    "counters": ("collections.Counter(words)", "collections.Counter(map(fresh, words))"),
    "instances": ("Data('x y', ['x y'])", "Data(fresh('x y'), [fresh('x y')])"),
    "enums": ("[red, red]", "[Colour(1), Colour['RED']]"),
    "named": ("[point, point]", "[point, Named(1, fresh('x y'))]"),
    "scalars": ("[one, one]", "[one, np.float64(1)]"),
    "dtypes": ("[f8, np.dtype(f8.descr[0][1])]", "[f8, f8]"),
    "strided": ("np.arange(0, 600, 2)", "np.arange(600)[::2]", "np.arange(598, -1, -2)[::-1]"),
    "strided_within": ("[np.arange(0, 600, 2)]", "[np.arange(600)[::2]]"),
    "read_only": ("np.arange(300)", "read_only"),
    "read_only_within": ("[np.arange(300)]", "[read_only]"),
    "object_arrays": (
        "np.array(['x y', 'x y', None], dtype=object)",
        "np.array(['x y', 1, fresh('x y'), 1, None], dtype=object)[::2]",
    ),
    "long_doubles": ("np.ones(5, 'g')", "np.array([1] * 5, 'g')", "np.ones((5, 2), 'g')[:, 1]"),
    "blocks": ("frame", "column_by_column", "joined", "looked_at"),
    "blocks_of_an_array": (
        "pd.DataFrame({'a': [0, 2, 4], 'b': [1, 3, 5]})",
        "pd.DataFrame(np.arange(6).reshape(3, 2), columns=['a', 'b'])",
    ),
    "filtered": ("frame[['a']]", "frame[frame.a > 0][['a']]", "frame.drop(columns=['b', 'c'])"),
    "text_columns": (
        "pd.Series(['c', 'a', 'bb', None])",
        "texts[3:7].reset_index(drop=True)",
        "pd.concat([texts[3:5], texts[5:7]], ignore_index=True)",
    ),
    "text_objects": (
        "pd.Series(['x y', 'x y'], dtype=object)",
        "pd.Series(['x y', fresh('x y')], dtype=object)",
    ),
    "text_indexes": ("pd.Index(['p', 'q'])", "pd.Index(['p', 'q', 'r'])[:2]"),
    "texts_without_arrow": (
        "pd.Index(['p', 'q'], dtype=without_arrow)",
        "pd.Index(['p', 'q', 'r'], dtype=without_arrow)[:2]",
        "pd.Index(['p', fresh('q')], dtype=without_arrow)",
    ),
    "times": ("pd.to_datetime(['2020', '2021'])", "pd.to_datetime(['2020', '2021', '2022'])[:2]"),
    "masked": ("pd.array([1, None, 3], dtype='Int64')", "missing"),
    "masked_columns": (
        "pd.DataFrame({'a': pd.array([1, None, 3], dtype='Int64')})",
        "pd.DataFrame({'a': missing})",
    ),
    "tables": (
        "pa.table({'a': ['x', None, 'z'], 'b': [1, None, 2]})",
        "pa.table({'a': ['u', 'x', None, 'z'], 'b': [7, 1, None, 2]}).slice(1)",
        "pa.concat_tables([pa.table({'a': ['x', None], 'b': [1, None]}),"
        " pa.table({'a': ['z'], 'b': [2]})])",
    ),
    "columns": ("pa.array([None, 3])", "pa.array([1, None, 3, 4])[1:3]"),
    "chunks": ("pa.chunked_array([[1, 2, 3]])", "pa.chunked_array([[1], [2, 3]])"),
}
DIFFERENT = {
    "one list twice": ("(lambda x: [x, x])([1])", "[[1], [1]]"),
    "one list in a tuple twice": ("(lambda x: (x, x))([1])", "([1], [1])"),
    "one instance twice": ("(lambda x: [x, x])(Data('a', []))", "[Data('a', []), Data('a', [])]"),
    "numbers": ("(1, 2)", "(True, 2)"),
    "numbers of other classes": ("(1,)", "(1.0,)"),
    "zeros": ("(0.0,)", "(-0.0,)"),
    "order of dicts": ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    "elements of sets": ("{1}", "{True}"),
    "order of arrays": ("np.ones((2, 3))", "np.asfortranarray(np.ones((2, 3)))"),
    "classes": ("(1, 'x y')", "Named(1, 'x y')"),
    "names of columns": ("frame", "frame.rename(columns={'a': 'A'})"),
    "not a number": (
        "np.array([0x7FF8000000000000], 'u8').view('f8')",
        "np.array([0x7FF8000000000001], 'u8').view('f8')",
    ),
}
IDS = {"Colour": "aa" * 16, "Data": "bb" * 16, "Named": "cc" * 16, "Bag": "dd" * 16}


def _specs() -> list[dict]:
    source = PRELUDE[: PRELUDE.index("def grown")]
    return [module(i, source, [name]) for name, i in IDS.items()]


def _store(texts: dict[str, str], folder: Path) -> Outcome:
    source = PRELUDE + "".join(f"{name} = {text}\n" for name, text in texts.items())
    outcome = run(cell(source, list(texts), own=IDS, modules=_specs()), folder=folder)
    assert outcome.failure is None, outcome.failure["traceback"]
    assert outcome.unstorable == {}
    return outcome


@pytest.fixture(scope="module")
def equal(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    texts = {f"{n}_{i}": t for n, way in EQUAL.items() for i, t in enumerate(way)}
    return _store(texts, tmp_path_factory.mktemp("equal"))


@pytest.mark.parametrize("case", EQUAL)
def test_equal_values_have_equal_bytes_however_they_were_made(equal: Outcome, case: str):
    stored = [equal.outputs[f"{case}_{i}"] for i in range(len(EQUAL[case]))]
    assert all((one.codec, one.data) == (stored[0].codec, stored[0].data) for one in stored)
    assert [one.unstable for one in stored] == [""] * len(stored)


def test_a_value_that_was_loaded_is_stored_as_it_was(equal: Outcome, tmp_path: Path):
    """Not because nothing changed it: a copy in another container is stored anew."""
    names = [f"{case}_0" for case in EQUAL]
    source = "".join(f"{n}_again = [{n}, 1]\n{n}_first = [{n}, 2]\n" for n in names)
    source += "".join(f"{n}_first[1] = 1\n" for n in names)
    wanted = _store({f"{case}_0_again": f"[{EQUAL[case][0]}, 1]" for case in EQUAL}, tmp_path)
    outcome = run(
        cell(source, [f"{n}_again" for n in names], bindings={n: {"slot": n} for n in names}),
        {n: equal.outputs[n] for n in names},
        folder=tmp_path,
        by_path=True,
    )
    assert outcome.failure is None, outcome.failure["traceback"]
    different = [n for n, s in wanted.outputs.items() if outcome.outputs[n].data != s.data]
    assert different == []


def test_different_values_have_different_bytes(tmp_path: Path):
    texts = {f"v{n}_{i}": t for n, two in enumerate(DIFFERENT.values()) for i, t in enumerate(two)}
    stored = _store(texts, tmp_path).outputs
    same = [
        case
        for number, case in enumerate(DIFFERENT)
        if stored[f"v{number}_0"].data == stored[f"v{number}_1"].data
    ]
    assert same == []


def test_values_that_hold_themselves_come_back_as_they_were(run_cell):
    source = """
class Node: pass
a, b = Node(), Node()
a.others, b.others = {b, a}, {a}
x = []
x.append((x, [x]))
y = {}
y["y"] = ({1: y}, frozenset([a, b]), a)
"""
    more = {"own": {"Node": "aa" * 16}}
    more["modules"] = [module("aa" * 16, "class Node: pass\n", ["Node"])]
    made = run_cell(source, ["x", "y"], **more)
    assert made.unstorable == {}
    check = """
m, s, a = y["y"]
b = next(one for one in s if one is not a)
answer = [x[0][0] is x, x[0][1][0] is x, m[1] is y, a.others == {a, b} == s, b.others == {a}]
"""
    bindings = {"x": {"slot": "x"}, "y": {"slot": "y"}}
    outcome = run_cell(check, ["answer"], made.outputs, bindings=bindings)
    assert outcome.failure is None, outcome.failure["traceback"]
    assert json.loads(outcome.outputs["answer"].data) == [True] * 5


UNSTABLE = {
    "list(range(300_000))": "",
    "[str(i) for i in range(200_000)]": "",
    "[(i % 9, 'a') for i in range(200_000)]": "too large to be brought into one form",
    "set(map(str, range(400_000)))": "too large to be brought into one form",
    "{object(), object()}": "a set holds objects that have no order",
    "{1, 'a', (2, None)}": "",
}


@pytest.mark.parametrize("text", UNSTABLE)
def test_where_bytes_may_differ_the_reason_is_told(run_cell, text: str):
    assert run_cell(f"v = {text}", ["v"]).outputs["v"].unstable == UNSTABLE[text]


NEEDS = {
    "[1, 'a']": [],
    "(1, decimal.Decimal(1))": [],
    "[Data('a', [])]": [],
    "np.arange(3)": ["numpy"],
    "(np.arange(3), 1)": ["numpy"],
    "np.add": ["numpy"],
    "pa.table({'a': [1]})": ["pyarrow"],
    "pd.Series([1, 2])": ["numpy", "pandas"],
    "[pd.DataFrame]": ["pandas"],
    "[pa.array([1])]": ["pyarrow"],
    "pd.Timestamp(0)": ["pandas"],
    "[json.dumps, collections.OrderedDict]": [],
    "np": ["numpy"],
}


def test_what_loading_a_value_imports_is_told(tmp_path: Path):
    source = "import json\n" + PRELUDE
    source += "".join(f"v{n} = {text}\n" for n, text in enumerate(NEEDS))
    names = [f"v{n}" for n in range(len(NEEDS))]
    outcome = run(cell(source, names, own=IDS, modules=_specs()), folder=tmp_path)
    assert outcome.failure is None, outcome.failure["traceback"]
    found = dict(zip(NEEDS, (list(outcome.outputs[n].needs) for n in names), strict=True))
    assert {t: [n for n in found[t] if n != "pyarrow" or "pa." in t] for t in found} == NEEDS


def test_of_a_local_package_the_very_module_is_told(run_cell, tmp_path: Path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text("class C:\n    pass\n\ndef f():\n    pass\n")
    (tmp_path / "single.py").write_text("from pkg.deep import C\nclass D(C):\n    pass\n")
    source = "import pkg.deep, single, numpy as np\n"
    source += "a, b, c = pkg.deep.C(), [single.D(), np.add], pkg.deep.f"
    outputs = run_cell(source, ["a", "b", "c"]).outputs
    needs = {name: list(stored.needs) for name, stored in outputs.items()}
    assert needs == {"a": ["pkg.deep"], "b": ["numpy", "single"], "c": ["pkg.deep"]}


def test_the_address_that_a_vectorizer_remembers_is_not_stored(run_cell, tmp_path: Path):
    package = tmp_path / "sklearn" / "feature_extraction"
    package.mkdir(parents=True)
    (package / "text.py").write_text(
        "class CountVectorizer:\n"
        "    def __init__(self):\n"
        "        self.stop_words = ['the']\n"
        "        self._stop_words_id = id(self.stop_words)\n"
    )
    source = "from sklearn.feature_extraction.text import CountVectorizer\n"
    source += "a, b = CountVectorizer(), CountVectorizer()\n"
    stored = run_cell(source, ["a", "b"]).outputs
    assert stored["a"].data == stored["b"].data
    assert b"_stop_words_id" not in stored["a"].data


def test_a_light_cell_imports_nothing_for_its_values(run_cell):
    source = (
        "import atexit, sys\n"
        "names = ['pickle', '_pickle', 'gc', '_strata_runner.canonical',\n"
        "         '_strata_runner.sharing', '_strata_runner.changes',\n"
        "         '_strata_runner.codecs.pickle']\n"
        "atexit.register(lambda: print([n for n in names if n in sys.modules]))\n"
        "y = x + 1"
    )
    given = run_cell("x = 1\nname = 'a'", ["x", "name"]).outputs
    bindings = {"x": {"slot": "x"}, "name": {"slot": "name"}}
    outcome = run_cell(source, ["y", "x"], given, bindings=bindings, options=["-S"])
    assert outcome.stdout == "[]\n"
