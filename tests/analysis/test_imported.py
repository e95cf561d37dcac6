"""Local modules that a cell can reach: which count for its key, and which do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from strata.core.digest import Digest, digest_bytes
from tests.factories import action_of, analyzed, label, notebook


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


def test_what_a_producer_imports_counts_for_readers_of_its_values_any_number_of_cells_on() -> None:
    """A value may be an instance of a class of the module, and has its methods called."""
    cells = {"a": "import m\nx = m.X()", "b": "y = [x]", "c": "z = y[0]", "d": "z.go()"}
    assert files_of("d", **cells) == ["m"]


def test_a_value_that_only_a_function_reads_counts_too() -> None:
    assert files_of("c", a="import m\nx = m.X()", b="def f(): return x.go()", c="f()") == ["m"]


def test_a_cell_that_is_only_waited_for_does_not_count() -> None:
    assert files_of("b", a="import m", b="# @after a\nx = 1") == []


def test_values_that_go_round_end() -> None:
    cells = {"a": "import m\nx = 1\ndef f(): return y", "b": "y = x\nf()", "c": "f()"}
    assert files_of("c", **cells) == ["m"]


def test_declared_files_stand_beside_imported_ones() -> None:
    declared = {label("a"): {"nb/data.csv": digest_bytes(b"1")}}
    graph = analyzed(notebook({"a": "import m"}), files=declared, imported_by=Modules().imported_by)
    files = action_of(graph, "a").provenance["files"]
    assert isinstance(files, Mapping)
    assert sorted(files) == ["nb/data.csv", "nb/m.py"]


def test_each_text_is_looked_at_once_in_a_chain_of_thousands() -> None:
    count = 1200
    modules = Modules()
    cells = {"a": "import m\nx = m.X()", **{f"c{i}": "x = x.go(m)" for i in range(count)}}
    graph = analyzed(notebook(cells), imported_by=modules.imported_by)
    assert action_of(graph, f"c{count - 1}").provenance["files"] == {
        "nb/m.py": str(digest_bytes(b"m"))
    }
    assert set(modules.asked.values()) == {1}
