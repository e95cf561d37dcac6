"""Values between cells: none is changed on its way, and equal ones are the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, plain
from tests.e2e.workspaces import Ended


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


# -- early cutoff: the same value, made in another way ------------------------------------------

SAME = {
    "a sum for a literal": ("x = 3", "x = 1 + 2"),
    "another variable beside it": ("x = 3", "z = 0\nx = 3"),
    "a list built by appending": ("x = [0, 1, 2]", "x = []\nfor i in range(3):\n    x.append(i)"),
    "a set in another order": ("x = {'a', 'b', 'c'}", "x = set()\nfor c in 'cba':\n    x.add(c)"),
    "a frozen set": ("x = frozenset('abc')", "x = frozenset(['c', 'b', 'a'])"),
    "a set with removed elements": ("x = {1, 9}", "x = set(range(99))\nx &= {1, 9}"),
    "a dict in the same order": ("x = {'a': 1, 'b': 2}", "x = dict([('a', 1)])\nx['b'] = 2"),
    "a joined string": ("x = 'abc'", "x = ''.join(['a', 'bc'])"),
    "one string twice or two equal ones": (
        "s = 'ab c'\nx = (s, s)",
        "x = ('ab c', ''.join(['ab', ' c']))",
    ),
    "strings as keys of many dicts": (
        "x = ({'some key': 1}, {'some key': 2})",
        "x = ({'some key': 1}, {' '.join(['some', 'key']): 2})",
    ),
    "tuples in a set": ("x = {(1, 'a'), (2, 'b')}", "x = {(2, 'b')} | {(1, 'a')}"),
    "an equal large int": ("x = (10 ** 30, 10 ** 30)", "n = 10 ** 30\nx = (n, n)"),
    "bytes": ("x = b'ab'", "x = bytes([97, 98])"),
    "equal dates": (
        "from datetime import date\nx = [date(2026, 1, 2)] * 2",
        "from datetime import date\nx = [date(2026, 1, 2), date(2026, 1, 2)]",
    ),
    "an attribute set later": (
        "class C:\n    def __init__(self): self.a, self.b = 1, 2\nx = C()",
        "class C:\n    def __init__(self): self.a, self.b = 1, 2\nx = C()\nx.__dict__['a'] = 1",
    ),
    "the names of attributes": (
        "class C: pass\nx = C()\nx.__dict__.update({'some_name': 1})",
        "class C: pass\nx = C()\nsetattr(x, ''.join(['some_', 'name']), 1)",
    ),
    "a deque, a counter, a path": (
        "import collections, pathlib\n"
        "x = [collections.deque([1, 2]), collections.Counter('ab'), pathlib.Path('a/b')]",
        "import collections, pathlib\nq = collections.deque([2])\nq.appendleft(1)\n"
        "x = [q, collections.Counter(['a', 'b']), pathlib.Path('a') / 'b']",
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=list(SAME))
def test_an_equal_value_made_otherwise_reruns_nothing_below(
    space: Watched, one: str, other: str
) -> None:
    space.cells({"makes": one, "reads": "y = repr(x)"})
    space.ran()
    space.edit("makes", other)
    assert space.ran() == ["makes"]


DIFFERENT = {
    "1 and True": ("x = 1", "x = True"),
    "1 and 1.0": ("x = 1", "x = 1.0"),
    "0.0 and -0.0": ("x = 0.0", "x = -0.0"),
    "a list and a tuple": ("x = [1]", "x = (1,)"),
    "a dict in another order": ("x = {'a': 1, 'b': 2}", "x = {'b': 2, 'a': 1}"),
    "a shared list and two equal ones": ("s = [1]\nx = [s, s]", "x = [[1], [1]]"),
    "text and bytes": ("x = 'a'", "x = b'a'"),
    "a subclass": ("from collections import OrderedDict\nx = OrderedDict(a=1)", "x = dict(a=1)"),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=list(DIFFERENT))
def test_what_can_be_told_apart_reruns_its_readers(space: Watched, one: str, other: str) -> None:
    space.cells({"makes": one, "reads": "y = repr(x)"})
    space.ran()
    space.edit("makes", other)
    assert space.ran() == ["makes", "reads"]


# -- values that arrive as they were ------------------------------------------------------------

KEPT = {
    "containers": (
        "from collections import Counter, OrderedDict, defaultdict, deque\n"
        "a = [Counter('aab'), defaultdict(list, k=[1]), OrderedDict(b=1, a=2), deque([1], 3)]",
        "x = [type(v).__name__ for v in a] + [a[1]['new'], a[3].maxlen, a[0]['a']]",
    ),
    "subclasses and enums": (
        "import enum\nclass S(str):\n    def loud(self): return self + '!'\n"
        "class N(enum.IntEnum):\n    ONE = 1\na = (S('s'), N.ONE)",
        "x = [a[0].loud(), a[1] is N.ONE, a[1].name]",
    ),
    "bytes and their like": ("a = [bytearray(b'x'), b'y']", "x = [type(v).__name__ for v in a]"),
    "large numbers and odd text": (
        "import math\na = math.factorial(25)\nb = '\\ud800'\nc = float('nan')\nd = 2 ** 64",
        "x = [a, b, c != c, d]",
    ),
    "keys that are not text": ("a = {1: 'a', (2, 3): 'b', None: 'c'}", "x = list(a.items())"),
    "times, decimals, paths, patterns": (
        "import datetime, decimal, fractions, pathlib, re, uuid\n"
        "a = [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), decimal.Decimal('1.10'),"
        " fractions.Fraction(1, 3), pathlib.PurePosixPath('a'), re.compile('a+', re.I),"
        " uuid.UUID(int=7), 1 + 2j, range(3)]",
        "x = [[type(v).__name__ for v in a[:5]], list(map(str, a))]",
    ),
    "exceptions with their notes": (
        "try:\n    raise ValueError('no', 7)\nexcept ValueError as problem:\n    kept = problem",
        "x = [type(kept).__name__, kept.args]",
    ),
    "a cycle": ("a = [1]\na.append(a)", "x = [a[0], a[1] is a]"),
    "deep nesting": (
        "a = []\nfor _ in range(900):\n    a = [a]",
        "x = 0\nwhile a:\n    a, x = a[0], x + 1",
    ),
}


@pytest.mark.parametrize(("makes", "reads"), KEPT.values(), ids=list(KEPT))
def test_a_value_arrives_as_it_was(space: Watched, makes: str, reads: str) -> None:
    cells = {"makes": makes, "reads": reads}
    space.cells(cells)
    space.ran()
    expected = plain(cells, "x")["x"]
    assert space.text("x").replace("\\ud800", "?") == repr(expected).replace("\\ud800", "?")
    assert space.ran() == []


UNSTORABLE = {
    "a generator": "v = (i for i in range(3))",
    "a lock": "import threading\nv = threading.Lock()",
    "a connection": "import sqlite3\nv = sqlite3.connect(':memory:')",
    "an open file": "v = open('f.txt', 'w')",
    "a context variable": "import contextvars\nv = contextvars.ContextVar('v')",
    "a weak reference": "import weakref\nclass C: pass\nc = C()\nv = weakref.ref(c)",
    "a lambda in a list": "v = [lambda: 1]",
}


@pytest.mark.parametrize("makes", UNSTORABLE.values(), ids=list(UNSTORABLE))
def test_what_cannot_be_stored_is_an_error_of_who_reads_it_alone(
    space: Watched, makes: str
) -> None:
    cells = {"makes": makes + "\nok = 1", "uses": "x = ok"}
    space.cells(cells)
    assert space.ran() == ["makes", "uses"]
    assert space.ran() == []
    space.cells(cells | {"reads": "y = v"})
    said = space.hint("reads")
    assert "'v'" in said
    assert "cannot be stored" in said


# -- damaged and missing ------------------------------------------------------------------------


def garbage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"[27]".ljust(path.stat().st_size, b" "))


@pytest.mark.parametrize("damage", [Path.unlink, garbage])
@pytest.mark.parametrize("size", [3, 300_000])
def test_a_blob_that_is_gone_or_garbage_is_made_again_and_never_used(
    space: Watched, damage: Callable[[Path], None], size: int
) -> None:
    space.cells({"makes": f"x = [1, 2, 3, 4] * {size}", "adds": "y = sum(x)"})
    space.ran()
    for path in (space.root / ".strata/cache/cas").rglob("*"):
        if path.is_file():
            damage(path)
    space.edit("adds", "y = sum(x) + 1")
    assert "adds" in space.ran()
    assert space.value("y") == 10 * size + 1
    assert space.ran() == []


def test_without_any_cache_everything_is_made_again(space: Watched) -> None:
    space.cells({"makes": "x = 1", "adds": "y = x + 1"})
    space.ran()
    shutil.rmtree(space.root / ".strata")
    assert space.ran() == ["adds", "makes"]


def test_of_two_builds_at_once_both_are_right_and_agree(space: Watched) -> None:
    space.cells({f"c{i}": f"import time\ntime.sleep(0.05)\nx{i} = {i}" for i in range(4)})
    both = [space.start("build", "--json") for _ in range(2)]
    ended = [Ended(one.wait(60), *one.communicate()) for one in both]
    assert [one.code for one in ended] == [0, 0]
    assert ended[0].digests == ended[1].digests
    assert space.ran() == []
