"""On code that nobody wrote for us, scan agrees with Python's own symbol table."""

from __future__ import annotations

import ast
import symtable
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from strata.loading.scope import scan
from strata.loading.scope.names import BUILTINS, IMPLICIT

STDLIB = Path(sysconfig.get_path("stdlib"))
FILES = sorted(path for path in STDLIB.glob("*.py") if path.stat().st_size < 60_000)[::2]


@dataclass
class Table:
    """What symtable says about the names of a module."""

    bound: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    read_in_class: set[str] = field(default_factory=set)


def table_of(source: str) -> Table:
    found = Table()
    top = symtable.symtable(source, "module", "exec")
    stack = [top]
    while stack:
        table = stack.pop()
        stack += table.get_children()
        # symtable takes any function called `top` for the module (CPython, Symbol.is_global).
        ours = table.get_name() != "top" or table is top
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if table is top or (ours and symbol.is_global()):
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    found.bound.add(name)
                if symbol.is_referenced():
                    found.read.add(name)
            elif table.get_type() == "class" and symbol.is_referenced():
                found.read_in_class.add(name)
    return found


def deleted(tree: ast.Module) -> set[str]:
    """Names that are deleted or augmented: looked up without being `referenced`."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_names_agree_with_the_symbol_table(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    found, table, tree = scan(source, path.name), table_of(source), ast.parse(source)
    outside = {*found.reads, *found.may_read, *found.builtin_reads}
    assert set(found.binds) <= table.bound
    assert outside <= table.read | table.read_in_class | deleted(tree)
    never_bound = table.read - table.bound - BUILTINS - IMPLICIT
    if "annotations" not in found.future_imports:
        assert never_bound <= set(found.reads)
    assert set(found.reads).isdisjoint(found.may_read)
    assert set(found.may_bind) <= set(found.binds)
    assert set(found.mutates) <= {*found.reads, *found.may_read}
    if not any(line.startswith("# ") for line in found.normalized.split("\n")):
        again = ast.parse(found.normalized)
        assert ast.dump(again) == ast.dump(tree).replace(", kind='u'", "")


@pytest.mark.parametrize("path", FILES[::4], ids=lambda path: path.stem)
def test_a_definition_is_the_text_of_its_statement(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for definition in scan(source, path.name).definitions.values():
        again = scan(definition.source, path.name)
        assert again.normalized == definition.normalized
        assert set(again.reads) - {definition.name} <= set(definition.reads)
