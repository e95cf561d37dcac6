"""Who would see that a cell has changed the state of a definition, or of a local module."""

from __future__ import annotations

import re
from collections.abc import Mapping

from strata.core.action_graph import ActionGraph
from strata.core.digest import Digest, digest_bytes
from tests.factories import action_of, analyzed, label, notebook


def module_id(graph: ActionGraph, reader: str, name: str) -> str:
    """The definitions module from which a cell has a name."""
    bindings = action_of(graph, reader).command.arguments["bindings"]
    assert isinstance(bindings, Mapping)
    bound = bindings[name]
    assert isinstance(bound, Mapping)
    return str(bound["module"])


def users(graph: ActionGraph, owner: str, changer: str) -> list[str]:
    return [one.name for one in graph.users_of(owner, label(changer)).labels]


def test_all_cells_that_can_reach_a_definition_use_it_also_those_that_are_not_built() -> None:
    cells = {
        "a": "class C:\n    xs = []\nother = 1",
        "b": "C.xs.append(1)",
        "c": "def f(): return C",
        "d": "x = f()",
        "e": "y = other",
    }
    graph = analyzed(notebook(cells), wanted=["b"])
    owner = module_id(graph, "b", "C")
    assert users(graph, owner, "b") == ["b", "c", "d"]
    assert graph.users_of(owner, label("b")).defined_in == {"C": label("a")}


def test_who_gets_the_change_with_a_definition_of_the_changer_is_left_out() -> None:
    cells = {
        "a": "class Base:\n    known = []",
        "b": "class S(Base): pass",
        "c": "x = Base.known",
        "d": "x = [S(), Base.known]",
    }
    graph = analyzed(notebook(cells))
    assert users(graph, module_id(graph, "c", "Base"), "b") == ["c"]


def imported_by(package: str, source: str) -> Mapping[str, Digest]:
    names = re.findall(r"import (\w+)", source)
    return {f"{package}/{name}.py": digest_bytes(name.encode()) for name in names}


def test_all_cells_that_can_import_a_local_module_use_it() -> None:
    cells = {
        "a": "import helper",
        "b": "helper.n = 5\n@helper.register\ndef g(): pass",
        "c": "x = helper.n",
        "d": "y = g()",
        "e": "z = 1",
    }
    graph = analyzed(notebook(cells), imported_by=imported_by)
    assert users(graph, "file:nb/helper.py", "b") == ["a", "c"]
    assert users(graph, "file:nb/other.py", "b") == []


def test_a_cell_whose_definitions_cannot_be_made_uses_nothing() -> None:
    cells = {"a": "class C: pass", "b": "C.x()", "c": "x = (", "d": "y = C"}
    graph = analyzed(notebook(cells))
    assert users(graph, module_id(graph, "d", "C"), "b") == ["b", "d"]
