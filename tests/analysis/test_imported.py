"""Local modules that a cell can reach: which count for its key, and which do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from strata.core.digest import Digest, digest_bytes
from tests.factories import action_of, analyzed, notebook


class Modules:
    """Every imported module is a local one, `X.py`; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()

    def imported_by(self, package: str, source: str) -> Mapping[str, Digest]:
        self.asked[package, source] += 1
        names = re.findall(r"import (\w+)", source)
        return {f"{package}/{name}.py": digest_bytes(name.encode()) for name in names}


def files_of(reader: str, **cells: str) -> list[str]:
    """The files in the key of a cell, without their folder."""
    graph = analyzed(notebook(cells), wanted=[reader], imported_by=Modules().imported_by)
    files = action_of(graph, reader).provenance["files"]
    assert isinstance(files, Mapping)
    return [path.removeprefix("nb/").removesuffix(".py") for path in files]


def test_what_the_cell_imports_counts_wherever_the_statement_stands() -> None:
    assert files_of("a", a="import m\ndef f():\n    import n") == ["m", "n"]


def test_what_another_cell_imports_counts_where_the_name_is_read() -> None:
    cells = {"a": "import m", "b": "m.go()", "c": "x = 1"}
    assert files_of("b", **cells) == ["m"]
    assert files_of("c", **cells) == []


def test_what_a_function_of_another_cell_imports_counts_for_who_calls_it() -> None:
    assert files_of("b", a="import m\ndef f():\n    import n\n    return m", b="f()") == ["m", "n"]


def test_what_a_producer_imports_does_not_count_for_readers_of_its_values() -> None:
    """What a value itself needs is known when it is stored: `Output.needs`."""
    cells = {"a": "import m\nx = m.X()", "b": "y = [x]", "c": "z = y[0]", "d": "z.go()"}
    assert files_of("a", **cells) == ["m"]
    assert files_of("d", **cells) == []
    assert files_of("c", a="import m\nx = m.X()", b="def f(): return x.go()", c="f()") == []


def test_what_a_class_imports_counts_where_its_methods_are_called_on_values_it_reads() -> None:
    """The class goes with the instance, as its methods read a value of its cell."""
    a = "n = 1\nclass C:\n    def f(self):\n        import m\n        return n\nc = C()"
    assert files_of("b", a=a, b="c.f()") == ["m"]


def test_a_cell_that_is_only_waited_for_does_not_count() -> None:
    assert files_of("b", a="import m", b="# @after a\nx = 1") == []


def test_values_that_go_round_end() -> None:
    cells = {"a": "import m\nx = 1\ndef f(): return m, y", "b": "y = x\nf()", "c": "f()"}
    assert files_of("c", **cells) == ["m"]


def imports_of(reader: str, **cells: str) -> tuple[str, ...]:
    """What else than local modules a cell can import."""
    return action_of(analyzed(notebook(cells), wanted=[reader]), reader).imports


def test_the_imports_of_an_action_are_those_of_its_text_and_of_definitions_it_uses() -> None:
    cells = {
        "a": "import numpy as np\nimport unused",
        "b": "from scipy.stats import norm\ndef f():\n    import joblib\n    return np, norm",
        "c": "import importlib\nf(); importlib.import_module('pandas')",
        "d": "x = 1",
        "e": "f()",
    }
    assert imports_of("c", **cells) == ("importlib", "joblib", "numpy", "pandas", "scipy")
    assert imports_of("e", **cells) == ("joblib", "numpy", "scipy")
    assert imports_of("d", **cells) == ()


def test_a_folder_that_many_distributions_share_is_no_import_of_its_own() -> None:
    source = "from google.cloud import bigquery\nimport google.auth.transport\nimport sklearn.svm"
    imports = ("google.auth.transport", "google.cloud.bigquery", "sklearn")
    assert imports_of("a", a=source) == imports


def test_names_are_as_the_facts_say_where_local_modules_import_more() -> None:
    graph = analyzed(
        notebook({"a": "import helpers"}),
        names_imported_by=lambda package, source: {"numpy.linalg"} if package == "nb" else set(),
    )
    assert action_of(graph, "a").imports == ("numpy",)


def test_values_bring_no_imports_of_their_producers() -> None:
    assert imports_of("b", a="import pandas\nx = len(pandas.DataFrame())", b="print(x)") == ()


def test_each_text_is_looked_at_once_in_a_chain_of_thousands() -> None:
    count = 1200
    modules = Modules()
    cells = {"a": "import m\nx = m.X()", **{f"c{i}": "x = x.go(m)" for i in range(count)}}
    graph = analyzed(notebook(cells), imported_by=modules.imported_by)
    assert action_of(graph, f"c{count - 1}").provenance["files"] == {
        "nb/m.py": str(digest_bytes(b"m"))
    }
    assert set(modules.asked.values()) == {1}
