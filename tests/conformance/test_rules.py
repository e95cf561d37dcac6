"""What every rule keeps to; a module of `rules/strata_rules` joins by existing.

A rule whose cells build something is listed in `SAMPLES` with cells that use all it offers: what
changes their result must change the key, whatever else of the action it changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.analysis.analyze import Facts, action_graph
from strata.analysis.join import join
from strata.analysis.rule import RULES_GROUP, RULES_PACKAGE
from strata.analysis.scanned import scan_cell
from strata.core import extension
from strata.core.action import Action, Late, ReadyAction, first_action, make_ready
from strata.core.action_graph import ActionGraph
from strata.core.digest import digest_bytes
from strata.core.encoding import Encodable, encode
from strata.core.errors import CellError
from strata.core.label import Label
from strata.core.result import Output
from strata.loading.notebook import Notebook
from strata.loading.scope import Scan
from tests.factories import ENVIRONMENT, cell, facts, label, notebook

RULES = extension.names(RULES_PACKAGE)

TEXTS = [
    "",
    "\n\n",
    "# only a comment\n",
    "x = 1\n",
    "# @name out\n# @tags a b\nx = y + 1\nx",
    "Some prose, with *marks* and {{ braces }}.",
    "SELECT * FROM t WHERE a = :a;",
    "def broken(:\n",
    "\x00",
    "\ufeffx = 'ä€😀'\r\ny = 2\r\n",
    "((((((((((" * 50,
]

SAMPLES: dict[str, dict[str, str]] = {
    "python": {
        "lib": "import math\nSCALE = 2\nclass M:\n    def go(self, x): return helper(x) * SCALE\n"
        "def helper(x):\n    '''Doc.'''\n    return math.floor(x)",
        "stars": "from cmath import *\nm = M()\nlimit = 3",
        "read": "# @env MODE=fast\nclass Own(M):\n    def own(self): return limit\n"
        "y = m.go(sqrt(limit)) + 1\nz = Own()\ny",
    },
}
"""Kind to the cells of a notebook; the last one is looked at."""


# What holds for every rule.


def rule(name: str) -> object:
    module = extension.load(RULES_PACKAGE, name, RULES_GROUP)
    assert module is not None
    return module


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_version_and_two_functions(name: str) -> None:
    module = rule(name)
    assert type(getattr(module, "VERSION", None)) is int
    assert callable(getattr(module, "scan", None))
    assert callable(getattr(module, "analyze", None))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", RULES)
def test_scan_understands_any_text_or_says_where_it_does_not(name: str, text: str) -> None:
    scan = rule(name).scan  # type: ignore[attr-defined]
    given = cell("a", text, kind=name)
    problem = scan_cell(given).problem
    if problem is None:
        found = scan(given)
        assert isinstance(found, Scan)
        assert found == scan(given)
    else:
        assert isinstance(problem, CellError)
        assert problem.path == given.path


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", RULES)
def test_analyze_is_pure(name: str, text: str) -> None:
    """Equal twice, and it touches nothing outside (heard by the interpreter's audit hook)."""
    nb = notebook([cell("y", "y = 1"), cell("a", text, kind=name)])
    first = graph_of(nb)
    with nothing_touched():
        assert graph_of(nb) == first


@pytest.mark.parametrize("name", RULES)
def test_every_action_and_step_carries_the_label_of_its_cell(name: str) -> None:
    for text in TEXTS:
        for at, node in graph_of(notebook([cell("a", text, kind=name)])).nodes.items():
            assert first_action(node).label == at == label("a")


@pytest.mark.parametrize("name", RULES)
def test_provenance_says_the_kind_and_the_version_and_can_be_encoded(name: str) -> None:
    for text in TEXTS:
        for node in graph_of(notebook([cell("a", text, kind=name)])).nodes.values():
            action = first_action(node)
            version = rule(name).VERSION  # type: ignore[attr-defined]
            assert action.provenance["rule"] == [name, version]
            assert encode(action.provenance)
            assert encode(action.command.arguments)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_builds_something_has_a_sample(name: str) -> None:
    builds = any(graph_of(notebook([cell("a", text, kind=name)])).nodes for text in TEXTS)
    assert builds == (name in SAMPLES)


# The key.

Sample = tuple[str, Mapping[str, str]]


@pytest.fixture(params=sorted(SAMPLES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ready(kind: str, cells: Mapping[str, str], **others: object) -> ReadyAction:
    """The last cell, its inputs known: each value is what its artifact is called."""
    *before, last = cells
    made = [cell(name, cells[name], kind=kind) for name in (*before, last)]
    return ready_of(notebook(made), last, **others)


def of_file(content: str) -> Late:
    return Late({"files": {"data.csv": content}})


NOTHING_LATE = Late()


def ready_of(nb: Notebook, last: str, late: Late = NOTHING_LATE, **others: object) -> ReadyAction:
    node = graph_of(nb, **others).nodes[Label(nb.package, last)]
    action = first_action(node)
    inputs = {
        slot: Output(digest_bytes(wanted.artifacts[0].name.encode()), "json")
        for slot, wanted in action.inputs.items()
    }
    return make_ready(action, inputs, late)


def graph_of(nb: Notebook, **others: object) -> ActionGraph:
    scanned = {c.label: scan_cell(c) for c in nb.cells}
    given = facts([nb], **others)
    return action_graph(join([nb], scanned), [c.label for c in nb.cells], given)


def test_the_version_of_the_rule_is_in_the_key(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ready(kind, SAMPLES[kind]).key
    module = rule(kind)
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)  # type: ignore[attr-defined]
    assert ready(kind, SAMPLES[kind]).key != before


def test_files_environment_and_variables_are_in_the_key(kind: str) -> None:
    sample = SAMPLES[kind]
    at = list(sample)[-1]
    nb = notebook([cell(name, sample[name], kind=kind) for name in sample])
    keys = {ready_of(nb, at, late).key for late in (Late(), of_file("1"), of_file("2"))}
    for environment in (
        replace(ENVIRONMENT, python="3.12.1"),
        replace(ENVIRONMENT, platform="mac"),
        replace(ENVIRONMENT, lock=digest_bytes(b"lock")),
        replace(ENVIRONMENT, sources=digest_bytes(b"src")),
    ):
        keys.add(ready(kind, sample, environments={"nb": environment}).key)
    assert len(keys) == 7


def test_where_python_is_installed_is_not_in_the_key(kind: str) -> None:
    elsewhere = {"nb": replace(ENVIRONMENT, interpreter="/opt/python", project="x")}
    sample = SAMPLES[kind]
    assert ready(kind, sample, environments=elsewhere).key == ready(kind, sample).key


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        ("read", "+ 1", "+ 2"),  # a literal
        ("read", "+ 1", "+ 1.0"),
        ("read", "Own()\ny", "Own()\ny;"),  # nothing is shown
        ("read", "z = Own()", "z = Own(); w = 1"),  # an output
        ("read", "z = Own()", "_z = Own()"),
        ("read", "MODE=fast", "MODE=slow"),
        ("read", "MODE=fast", "MOOD=fast"),
        ("read", "MODE=fast", "MODE=fast\n# @mutates m"),  # an output, though no code says so
        ("read", "limit\ny", "limit\n\n    def more(self): pass\ny"),
        ("lib", "floor", "ceil"),  # a helper that a method of a given value calls
        ("lib", "Doc.", "Docs."),
        ("lib", "import math", "import cmath as math"),
        ("lib", "SCALE = 2", "def SCALE(): pass"),  # a value becomes a definition
        ("stars", "from cmath", "from math"),
        ("lib", "import math", "import math\nfrom numpy import *"),
        ("lib", "import math", "from __future__ import annotations\nimport math"),
    ],
)
def test_what_can_change_the_result_of_a_python_cell_changes_its_key(
    where: str, old: str, new: str
) -> None:
    sample = SAMPLES["python"]
    assert old in sample[where]
    changed = {**sample, where: sample[where].replace(old, new)}
    assert ready("python", changed).key != ready("python", sample).key


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        ("read", "z = Own()", "z = Own()  # a comment"),
        ("read", "y = m", "\n\n# moved\ny = m"),
        ("read", "sqrt(limit)", "sqrt( (limit) )"),
        ("read", "MODE=fast", "MODE=fast\n# @timeout 7\n# @retries 3\n# @nocache"),
        ("lib", "import math", "# a comment\nimport math\n\n"),
        ("lib", "class M:", "unrelated = 1\nclass M:"),
        ("stars", "limit = 3", "limit = 4"),  # its value counts, not how it was made
    ],
)
def test_what_cannot_change_the_result_of_a_python_cell_leaves_its_key(
    where: str, old: str, new: str
) -> None:
    sample = SAMPLES["python"]
    assert old in sample[where]
    changed = {**sample, where: sample[where].replace(old, new)}
    assert ready("python", changed).key == ready("python", sample).key


def test_a_copy_of_the_notebook_elsewhere_has_other_keys_for_its_folder_only() -> None:
    """The folder is the current folder of the cell, which it can see."""
    cells = {"a": "x = 1"}
    keys = {ready_of(notebook(cells, package=p), "a").key for p in ("nb", "copy/nb")}
    assert len(keys) == 2


# A rule may not forget anything: equal keys mean equal orders to the runner.

EDITS = {
    "comment": lambda text: text + "\n# a comment",
    "move": lambda text: "\n\n" + text,
    "number": lambda text: text.replace("2", "5"),
    "rename": lambda text: text.replace("helper", "aide"),
    "value": lambda text: text + "\nlimit = 3",
    "function": lambda text: text + "\ndef sqrt(x): return limit",
    "unused": lambda text: text + "\ndef unused(): return unused",
    "semicolon": lambda text: text + ";",
    "future": lambda text: "from __future__ import annotations\n" + text,
    "star": lambda text: "from math import *\n" + text,
    "mutate": lambda text: text + "\nm.x = 1",
}


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(EDITS)), st.sampled_from(["lib", "stars", "read"])),
        max_size=3,
    ),
    st.permutations(["lib", "stars"]),
    st.sampled_from(["lib", "base"]),
)
def test_equal_keys_mean_equal_orders_to_the_runner(
    edits: list[tuple[str, str]], order: list[str], name_of_lib: str
) -> None:
    cells = dict(SAMPLES["python"])
    for edit, where in edits:
        cells[where] = EDITS[edit](cells[where])
    names = {"lib": name_of_lib, "stars": "stars", "read": "read"}
    made = [cell(names[n], cells[n]) for n in (*order, "read")]
    try:
        changed = ready_of(notebook(made), "read")
    except KeyError:
        return  # the edits made nonsense
    before = ready("python", SAMPLES["python"])
    if changed.key == before.key:
        assert essence(changed.action) == essence(before.action)


def test_renaming_a_cell_whose_values_own_definitions_read_changes_the_key() -> None:
    """Instances are stored with the id of their class, which names that cell."""
    keys = {ready("python", {n: "k = 1", "b": CLASS}).key for n in ("a", "other")}
    assert len(keys) == 2
    keys = {ready("python", {n: "k = 1", "b": "y = k"}).key for n in ("a", "other")}
    assert len(keys) == 1


CLASS = "class C:\n    def f(self): return k\nc = C()"


def essence(action: Action) -> object:
    """What an executor is told, without what cannot change a result: places and comments."""
    arguments = dict(action.command.arguments)
    for name in ("file", "file_in_folder", "source"):
        del arguments[name]
    modules = arguments.pop("modules")
    assert isinstance(modules, list)
    by_id = {m["id"]: {k: v for k, v in m.items() if k != "chunks"} for m in modules}
    variables = {n: v for n, v in action.variables.items() if n not in action.secrets}
    told: dict[str, Encodable] = {"arguments": arguments, "modules": by_id, "variables": variables}
    return told, action.command.program, set(action.inputs), action.outputs, action.folder


# Nothing outside is touched.

_TOUCHING = ("open", "socket.", "subprocess.", "os.", "shutil.", "tempfile.", "time.", "_thread.")
_listening: list[str] | None = None


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _listening is None or not event.startswith(_TOUCHING):
        return
    # The compiler looks for the text of what it refuses, in a file that cannot be meant.
    if event != "open" or not str(arguments[0]).startswith("<"):
        _listening.append(f"{event} {arguments}")


sys.addaudithook(_hear)


@contextmanager
def nothing_touched() -> Iterator[None]:
    """Fails if a file, socket, process or thread is touched while inside."""
    global _listening
    heard: list[str] = []
    _listening = heard
    try:
        yield
    finally:
        _listening = None
    assert heard == []


def test_the_ear_hears() -> None:
    with pytest.raises(AssertionError), nothing_touched():
        Path(__file__).read_bytes()


def test_facts_are_all_that_analysis_sees_of_the_outside() -> None:
    assert set(Facts.__dataclass_fields__) == {
        "environments",
        "environ",
        "imported_by",
        "names_imported_by",
        "worker",
    }
