"""Definitions that cross cells: which modules they are, what ids depend on, what they need."""

from __future__ import annotations

import pytest

from strata.analysis.reached import ReachedDefinitions
from strata.analysis.rule import Closure, DefinitionModule
from strata.core.errors import GraphError
from strata.loading.notebook import Notebook
from tests.factories import action_of, actions_of, analyzed, inputs_of, joined, label, notebook


def closure_of(reader: str, *notebooks: Notebook, **cells: str) -> Closure:
    given = notebooks or (notebook(cells),)
    return ReachedDefinitions(list(joined(*given).values())).closure(label(reader))


def module(closure: Closure, name: str, cell: str | None = None) -> DefinitionModule:
    """The one module that holds the definition `name`."""
    ids = {
        id
        for ref, id in closure.module_of.items()
        if ref.name == name and cell in (None, ref.label.name)
    }
    assert len(ids) == 1, f"{name}: {ids}"
    return next(m for m in closure.modules if m.id in ids)


def uses(closure: Closure, name: str) -> dict[str, set[str]]:
    """Local name to the names of the module that it comes from."""
    by_id = {m.id: m for m in closure.modules}
    return {n: set(by_id[id].names) for n, (id, _) in module(closure, name).uses.items()}


def values(closure: Closure, name: str) -> dict[str, list[str]]:
    found = module(closure, name).values
    return {n: [str(a).removeprefix("//nb:") for a in artifacts] for n, artifacts in found.items()}


# Modules.


def test_each_definition_is_a_module_and_uses_others_by_name() -> None:
    closure = closure_of("b", a="import math\ndef f(x): return math.sqrt(g(x))\ndef g(x): 1", b="f")
    assert {m.names for m in closure.modules} == {("f",), ("g",), ("math",)}
    assert uses(closure, "f") == {"math": {"math"}, "g": {"g"}}


def test_modules_stand_after_those_they_use() -> None:
    closure = closure_of("b", a="def f(): g()\ndef g(): h()\ndef h(): pass", b="f")
    assert [m.names for m in closure.modules] == [("h",), ("g",), ("f",)]


def test_what_cannot_be_reached_is_left_out() -> None:
    closure = closure_of("b", a="def f(): pass\ndef other(): pass\nimport os", b="f")
    assert [m.names for m in closure.modules] == [("f",)]


def test_recursion_within_a_cell_is_one_module_in_the_order_of_the_text() -> None:
    text = "class Z:\n    def a(self): return A()\nclass A(Z):\n    pass"
    closure = closure_of("b", a=text, b="A")
    assert module(closure, "A") is module(closure, "Z")
    assert [c.source for c in module(closure, "A").chunks] == [
        "class Z:\n    def a(self): return A()",
        "class A(Z):\n    pass",
    ]


def test_a_function_that_calls_itself_is_a_module_alone() -> None:
    closure = closure_of("b", a="def f(n): return f(n - 1)", b="f")
    assert uses(closure, "f") == {}


def test_recursion_between_cells_is_one_module_in_the_order_of_the_cells() -> None:
    cells = notebook(
        {
            "zebra": "class Base:\n    def make(self): return Derived()",
            "ape": "class Derived(Base): pass",
            "r": "Derived()",
        }
    )
    closure = closure_of("r", cells)
    both = module(closure, "Base")
    assert both is module(closure, "Derived")
    assert [c.path for c in both.chunks] == ["nb/cells/zebra.py", "nb/cells/ape.py"]


def test_the_same_import_in_two_cells_is_no_clash_for_functions_that_call_each_other() -> None:
    closure = closure_of(
        "r",
        a="import numpy as np\ndef f(n): return np.abs(g(n))",
        b="import numpy as np\ndef g(n): return np.abs(f(n))",
        r="f(1)",
    )
    assert module(closure, "f").names == ("f", "g")
    assert uses(closure, "f") == {"np": {"np"}}


@pytest.mark.parametrize(
    ("of_a", "of_b"),
    [
        ("K = 1", "K = 2"),  # two values
        ("import numpy as K", "import scipy as K"),  # two modules
        ("def K(): f(0)", "def K(): g(0)"),  # two members of the same module
        ("K = 1", "def K(): g(0)"),
    ],
)
def test_functions_that_call_each_other_must_mean_the_same_by_a_name(of_a: str, of_b: str) -> None:
    with pytest.raises(GraphError) as caught:
        closure_of(
            "r",
            a=f"{of_a}\ndef f(n): return K, g(n)",
            b=f"{of_b}\ndef g(n): return K, f(n)",
            r="f(1)",
        )
    assert "and 'K' means different things to them" in caught.value.what
    assert caught.value.hint == "rename 'K' in one of the cells"
    assert caught.value.path is not None


def test_readers_of_values_of_a_cell_with_such_a_clash_need_it_and_are_not_broken() -> None:
    cells = {
        "a": "K = 1\ndef f(n): return K, g(n)",
        "b": "K = 2\ndef g(n): return K, f(n)",
        "c": "y = f(1)",
        "d": "z = y",
    }
    graph = analyzed(notebook(cells))
    assert set(graph.broken) == {label("a"), label("b"), label("c")}
    assert graph.needs[label("d")] == (label("c"),)


# Ids.

HELPERS = {
    "lib": "import math\ndef helper(x): return math.floor(x)\ndef alone(x): return x",
    "use": "def outer(x): return helper(x) + 1",
    "run": "y = outer(2.5)",
    "other": "z = alone(1)",
}


def ids(**changed: str) -> dict[str, str]:
    cells = {**HELPERS, **changed}
    closures = [closure_of(reader, **cells) for reader in ("run", "other")]
    return {m.names[0]: m.id for closure in closures for m in closure.modules}


@pytest.mark.parametrize(
    "lib",
    [
        HELPERS["lib"] + "\n# a comment",
        "# first\n\n" + HELPERS["lib"],
        HELPERS["lib"].replace("return math", "  return(math").replace("(x)\ndef a", "(x))\ndef a"),
        HELPERS["lib"] + "\ndef unrelated(): pass",
        HELPERS["lib"] + "\nvalue = 3",
    ],
)
def test_comments_formatting_and_other_definitions_change_no_id(lib: str) -> None:
    assert ids(lib=lib) == ids()


def test_a_changed_helper_changes_the_id_of_exactly_those_that_reach_it() -> None:
    before, now = ids(), ids(lib=HELPERS["lib"].replace("floor", "ceil"))
    assert {name for name in before if before[name] != now[name]} == {"helper", "outer"}


@pytest.mark.parametrize("change", ["'''Doc.'''; return", "return 0 +", "print('a'); return"])
def test_docstrings_literals_and_statements_count(change: str) -> None:
    assert ids(lib=HELPERS["lib"].replace("return x", f"{change} x")) != ids()


def test_the_same_text_in_two_cells_is_the_same_module() -> None:
    """So a class is the same class whichever way it came."""
    closure = closure_of("r", a="def f(): return 1", b="def f(): return 1\ng = f()", r="f()")
    other = closure_of("r", a="def f(): return 1", r="f()")
    assert module(closure, "f").id == module(other, "f").id


def test_future_imports_are_part_of_the_id() -> None:
    plain = closure_of("r", a="def f(x: int): pass", r="f")
    future = closure_of("r", a="from __future__ import annotations\ndef f(x: int): pass", r="f")
    assert module(future, "f").future == ("annotations",)
    assert module(plain, "f").id != module(future, "f").id


# Values that definitions read.


def test_a_value_read_by_a_definition_is_an_input_of_whoever_calls_it() -> None:
    actions = actions_of(a="K = 2\ndef f(): return K", b="def g(): return f()", c="y = g()")
    assert inputs_of(actions["b"]) == {"K": ["a%K"]}
    assert inputs_of(actions["c"]) == {"K": ["a%K"]}


def test_a_definition_alone_does_not_make_its_cell_run() -> None:
    graph = analyzed(notebook({"a": "x = 1\ndef f(): return 2", "b": "y = f()"}))
    assert graph.needs[label("b")] == ()


def test_a_private_value_can_be_read_by_a_definition() -> None:
    actions = actions_of(a="_K = 2\ndef f(): return _K", b="y = f()")
    assert inputs_of(actions["b"]) == {"_K": ["a%_K"]}
    assert actions["a"].outputs == ("_K",)


def test_a_private_helper_goes_with_the_function_that_calls_it() -> None:
    closure = closure_of("b", a="def _h(): return 1\ndef f(): return _h()", b="f()")
    assert uses(closure, "f") == {"_h": {"_h"}}


def test_a_value_of_an_earlier_cell_that_a_definition_reads_keeps_its_place() -> None:
    closure = closure_of("d", a="k = 1", b="def f(): return k", c="k = 2", d="f()")
    assert values(closure, "f") == {"k": ["a%k"]}


def test_a_definition_reads_a_value_as_its_cell_leaves_it() -> None:
    closure = closure_of("c", a="m = []", b="m.append(1)\ndef f(): return m", c="f()")
    assert values(closure, "f") == {"m": ["b%m"]}


def test_a_value_that_its_cell_binds_on_some_path_falls_back_for_a_definition_too() -> None:
    closure = closure_of(
        "c", z="c = 1", a="k = 1", b="if c:\n    k = 2\ndef f(): return k", c="f()"
    )
    assert values(closure, "f") == {"k": ["b%k", "a%k"]}


def test_a_definition_that_reads_a_rebound_builtin_gets_the_value() -> None:
    closure = closure_of("c", a="max = 3", b="min = 1\ndef f(): return max, min, len", c="f()")
    assert values(closure, "f") == {"max": ["a%max"], "min": ["b%min"]}


def test_values_of_definitions_from_another_notebook_are_inputs_here() -> None:
    prep = notebook({"lib": "K = 2\ndef f(): return K"}, package="prep")
    graph = analyzed(notebook({"a": "y = f()"}, inputs={"f": "//prep:f"}), prep)
    assert inputs_of(action_of(graph, "a")) == {"K": ["//prep:lib%K"]}


# Inherited: the class of a value may read values although no name shows it.


def test_what_the_class_of_a_value_reads_goes_with_the_value() -> None:
    actions = actions_of(
        a="S = 2\nclass M:\n    def go(self): return S",
        b="m = M()",
        c="y = m.go()",
    )
    assert inputs_of(actions["c"]) == {"m": ["b%m"], "S": ["a%S"]}


def test_a_class_goes_along_through_any_number_of_cells_and_functions() -> None:
    actions = actions_of(
        a="S = 2\nclass M:\n    def go(self): return S",
        b="def make(): return M()",
        c="ms = [make()]",
        d="ms2 = list(reversed(ms))",
        e="y = ms2[0].go()",
    )
    assert inputs_of(actions["e"]) == {"ms2": ["d%ms2"], "S": ["a%S"]}


def test_a_class_goes_along_that_a_function_makes_instances_of() -> None:
    actions = actions_of(
        a="S = 2",
        b="class M:\n    def go(self): return S",
        c="def make(): return M()",
        d="m = make()",
        e="y = m.go()",
    )
    assert inputs_of(actions["e"]) == {"m": ["d%m"], "S": ["a%S"]}


def test_a_class_goes_along_with_a_value_that_only_a_function_reads() -> None:
    actions = actions_of(
        a="S = 2\nclass M:\n    def go(self): return S",
        b="m = M()\ndef f(): return m.go()",
        c="y = f()",
    )
    assert inputs_of(actions["c"]) == {"m": ["b%m"], "S": ["a%S"]}


def test_a_class_that_reads_no_value_adds_no_input() -> None:
    actions = actions_of(a="class M:\n    def go(self): return 1", b="m = M()", c="y = m.go()")
    assert inputs_of(actions["c"]) == {"m": ["b%m"]}


def test_inheriting_along_a_chain_of_thousands_is_linear() -> None:
    """Guards against a walk to the start of the notebook for every cell."""
    count = 1200
    cells = {"a": "S = 1\nclass M:\n    def go(self): return S\nx = M()"}
    cells |= {f"c{i}": "x = x.go()" for i in range(count)}
    graph = analyzed(notebook(cells), wanted=[f"c{count - 1}"])
    assert len(graph.nodes) == count + 1
    assert inputs_of(action_of(graph, f"c{count - 1}"))["S"] == ["a%S"]


# Star imports.


def test_a_function_that_reads_a_star_imported_name_gets_the_star_imports() -> None:
    closure = closure_of("b", a="from math import *\ndef f(x): return sqrt(x)", b="f(2)")
    star = module(closure, "*")
    assert [c.source for c in star.chunks] == ["from math import *"]
    assert module(closure, "f").uses["sqrt"] == (star.id, "*")


def test_all_star_imports_before_a_name_are_one_module_in_order() -> None:
    closure = closure_of("c", a="from math import *", b="from cmath import *", c="sqrt(2)")
    assert [c.source for c in module(closure, "*", "b").chunks] == [
        "from math import *\nfrom cmath import *"
    ]


# Broken cells.


def test_a_definition_of_a_broken_cell_that_lacks_a_name_is_needed_from_there() -> None:
    """Its reader is skipped: it must not run into a NameError that is not its own."""
    cells = {"a": "def f(): return k\ndef g(): return 1", "b": "f()", "c": "g()"}
    graph = analyzed(notebook({**cells, "k1": "k = 1", "k2": "k = 2"}))
    assert list(graph.broken) == [label("a")]
    assert graph.needs[label("b")] == (label("a"),)
    assert graph.needs[label("c")] == ()


def test_a_definition_of_a_cell_with_a_wrong_annotation_is_as_good_as_before() -> None:
    graph = analyzed(notebook({"a": "# @timeout soon\ndef f(): return 1", "b": "f()"}))
    assert list(graph.broken) == [label("a")]
    assert graph.needs[label("b")] == ()


# Packages that several cells import.


def test_submodules_that_earlier_cells_imported_are_imported_too() -> None:
    cells = {"a": "import p.x", "b": "import p.y", "r": "p.x, p.y"}
    assert module(closure_of("r", **cells), "p").chunks[0].normalized == "import p.x\nimport p.y"


def test_a_function_that_uses_a_package_has_the_submodules_of_earlier_cells() -> None:
    cells = {"a": "import p.x", "b": "import p.y\ndef f(): return p.x", "r": "f()"}
    assert module(closure_of("r", **cells), "p").chunks[0].source == "import p.x\nimport p.y"


@pytest.mark.parametrize("between", ["p = 1", "import q as p", "from q import p", "del p\np = 2"])
def test_submodules_are_gone_when_the_name_is_bound_otherwise(between: str) -> None:
    closure = closure_of("r", a="import p.x", b=between, c="import p.y", r="p")
    assert module(closure, "p").chunks[0].normalized == "import p.y"


def test_an_import_under_another_name_brings_nothing_else() -> None:
    closure = closure_of("r", a="import p.x", b="import p.y as p", r="p")
    assert module(closure, "p").chunks[0].normalized == "import p.y as p"


def test_the_same_import_in_many_cells_is_one_module() -> None:
    cells = {"a": "import p", "b": "import p", "r": "p", "s": "import p", "t": "p"}
    assert module(closure_of("r", **cells), "p").id == module(closure_of("t", **cells), "p").id


# Annotations that are text.


def test_a_class_in_an_annotation_that_is_text_goes_along_if_a_cell_defines_it() -> None:
    cells = {"a": "class T: pass\nv = 1", "b": "def f(a: 'T', b: 'v', c: 'nobody'): pass", "r": "f"}
    assert uses(closure_of("r", **cells), "f") == {"T": {"T"}}
    assert values(closure_of("r", **cells), "f") == {}


def test_classes_that_name_each_other_in_text_are_one_module() -> None:
    text = "class A:\n    b: 'B'\nclass B:\n    a: 'A'"
    assert module(closure_of("r", a=text, r="A"), "A").names == ("A", "B")


# Registries.

REGISTRY = (
    "known = {}\ndef register(f):\n    known[f.__name__] = f\n    return f\n"
    "@register\ndef g(): pass\ndef names(): return sorted(known)\ndef other(): pass"
)


def test_what_fills_a_registry_is_one_module_that_begins_it() -> None:
    closure = closure_of("r", a=REGISTRY, r="register")
    found = module(closure, "register")
    assert (found.names, found.begun) == (("g", "register"), ("known",))
    assert found.chunks[0].normalized == "known = {}"
    assert values(closure, "register") == {"known": ["a%known"]}


def test_what_only_reads_a_registry_gets_its_value() -> None:
    closure = closure_of("r", a=REGISTRY, r="names(), other()")
    assert uses(closure, "names") == uses(closure, "other") == {}
    assert module(closure, "names").begun == ()
