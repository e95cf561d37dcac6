"""What a cell uses of imported modules: full names, and nothing that only looks like them."""

from __future__ import annotations

import pytest

from strata.loading.scope import scan
from strata.loading.scope.chance import MAIN, UNKNOWN, How, Use, imported_by, uses


def found(source: str, **imported: str) -> dict[str, list[Use]]:
    """The uses of a cell by unit."""
    units = scan(source, "cell.py").definitions
    return {unit: list(seen) for unit, seen in uses(source, units, imported).uses.items()}


def called(source: str, **imported: str) -> list[str]:
    """Full names of what a cell calls, in the order of the text."""
    everything = (use for seen in found(source, **imported).values() for use in seen)
    return [use.name for use in everything if use.how is How.CALLED]


SAME = [
    "import numpy as np\nnp.random.rand()",
    "import numpy\nnumpy.random.rand()",
    "import numpy.random\nnumpy.random.rand()",
    "import numpy.random as r\nr.rand()",
    "from numpy import random\nrandom.rand()",
    "from numpy.random import rand\nrand()",
    "from numpy.random import rand as r\nr()",
    "def f():\n    import numpy as np\n    return np.random.rand()",
    "import numpy as np\ndef f():\n    return [np.random.rand() for _ in range(3)]",
    "import numpy as np\nclass C:\n    def f(self):\n        return np.random.rand()",
    "import numpy as np\nf = lambda n=np.random.rand(): n",
    "import numpy as np\nclass C:\n    np = 1\n    def f(self):\n        return np.random.rand()",
    "import numpy as np\nasync def f(xs):\n    async for x in xs:\n        g(np.random.rand())",
    "import numpy as np\nmatch x:\n    case [np.inf, *rest]:\n        np.random.rand()",
    "import numpy as np\ntry:\n    pass\nexcept E as error:\n    print(f'{np.random.rand()}')",
]


@pytest.mark.parametrize("source", SAME)
def test_a_name_is_what_it_was_imported_as(source: str) -> None:
    assert "numpy.random.rand" in called(source)


def test_a_name_may_be_imported_by_another_cell() -> None:
    assert called("np.random.rand()", np="numpy") == ["numpy.random.rand"]
    assert called("np.random.rand()") == []


SHADOWED = [
    "import time\ntime = Clock()\ntime.time()",
    "import time\ndef f(time):\n    return time.time()",
    "import time\nf = lambda time: time.time()",
    "import time\n[time.time() for time in clocks]",
    "import time\nfor time in clocks:\n    time.time()",
    "import time\nwith clock() as time:\n    time.time()",
    "import time\ndef f():\n    time = Clock()\n    return time.time()",
    "import time\ndef f():\n    global time\n    time = Clock()\ntime.time()",
    "import time\ntry:\n    pass\nexcept E as time:\n    time.time()",
    "import time\nmatch x:\n    case {'a': time}:\n        time.time()",
    "import time\n[(time := c) for c in clocks]\ntime.time()",
    "try:\n    import time\nexcept ImportError:\n    time = None\ntime.time()",
    "try:\n    import time\nexcept ImportError:\n    import mytime as time\ntime.time()",
    "class time:\n    pass\ntime.time()",
    "class C:\n    import time\ntime.time()",
    "from . import time\ntime.time()",
    "from .clocks import time\ntime.time()",
    "import time\nself.time.time()",
    "import time\nclocks[0].time()",
    "import time\ndef f(x: time.time()): ...",
]


@pytest.mark.parametrize("source", SHADOWED)
def test_what_something_else_binds_is_no_module(source: str) -> None:
    assert "time.time" not in called(source)


def test_a_name_of_the_cell_hides_an_import_of_another() -> None:
    assert called("time = Clock()\ntime.time()", time="time") == []


def test_what_a_definition_uses_is_kept_apart() -> None:
    text = "import time\nimport random\ndef f():\n    return random.random()\nx = time.time()"
    units = {unit: [use.name for use in seen] for unit, seen in found(text).items()}
    assert units == {MAIN: ["time.time"], "f": ["random.random"]}


def test_each_unit_tells_which_names_it_looks_up_in_the_module() -> None:
    text = "def f(a):\n    b = a\n    return g(b, c)\nx = f(1)\nx.y()\nx[z] = 1"
    looked = uses(text, scan(text, "cell.py").definitions, {})
    assert looked.names == {MAIN: {"f", "x", "z"}, "f": {"g", "c"}}


def test_arguments_are_known_where_they_are_constants() -> None:
    (use,) = found("import m\nm.f(1, x, *more, seed=None, n=y)")[MAIN]
    assert use.given.positional == (1, UNKNOWN, UNKNOWN)
    assert use.given.keywords == {"seed": None, "n": UNKNOWN}
    assert use.given.more
    assert not found("import m\nm.f(1)")[MAIN][0].given.more


BEGINNINGS = [
    "m.f('http://x')",
    "m.f('http://x' + page)",
    "m.f(f'http://x/{page}')",
    "url = 'http://x'\nm.f(url)",
    "url = 'http://x'\nm.f(f'{url}/{page}')",
    "url = 'http://x'\nm.f(url + '/' + page)",
    "url = 'http://x'\ndef g():\n    m.f(url)",
]


@pytest.mark.parametrize("text", BEGINNINGS)
def test_of_a_text_the_beginning_is_enough(text: str) -> None:
    (use,) = (u for seen in found(f"import m\n{text}").values() for u in seen)
    (first,) = use.given.positional
    assert isinstance(first, str)
    assert first.startswith("http://x")


@pytest.mark.parametrize("text", ["url = 'a'\nurl = 'b'", "url = 'a'\nurl += x", "import url"])
def test_a_text_that_may_be_another_is_unknown(text: str) -> None:
    uses_of_f = [u for u in found(f"import m\n{text}\nm.f(url)")[MAIN] if u.name == "m.f"]
    assert uses_of_f[0].given.positional == (UNKNOWN,)


CHANGED = [
    "os.environ['X'] = '1'",
    "del os.environ['X']",
    "os.environ = {}",
    "os.environ |= {}",
    "os.environ['X'] += '1'",
]


@pytest.mark.parametrize("text", CHANGED)
def test_an_assignment_to_an_item_or_attribute_is_a_change(text: str) -> None:
    (use,) = found(f"import os\n{text}")[MAIN]
    assert (use.name, use.written, use.how, use.line) == (
        *("os.environ", "os.environ", How.CHANGED, 2),
    )


def test_a_method_of_interest_is_seen_on_whatever_it_is_called() -> None:
    text = "df.sample(5)\ndf.groupby('a').sample(n=1)\ndf.head()\ndf[0].sample"
    written = [(use.name, use.written, use.line) for use in found(text)[MAIN]]
    assert written == [(".sample", "df.sample", 1), (".sample", ".sample", 2)]


def test_import_statements_say_what_names_mean() -> None:
    text = "import a.b\nimport a.b as c\nfrom d import e as f\nfrom . import g\nfrom h import *"
    assert imported_by(text) == {"a": "a", "c": "a.b", "f": "d.e"}


def test_a_deeply_nested_cell_is_walked_without_recursion() -> None:
    text = f"import m\nx = {'+'.join(['m.f()'] * 400)}"
    assert len(called(text)) == 400
