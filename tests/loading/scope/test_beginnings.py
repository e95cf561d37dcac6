"""Values that the making of definitions changes, and where making them again is sound."""

from __future__ import annotations

import pytest

from strata.loading.scope import Beginning, scan

REGISTER = "def register(f):\n    known[f.__name__] = f\n    return f\n"
G = "@register\ndef g(): pass\n"


def found(source: str) -> dict[str, Beginning]:
    return dict(scan(source, "cell.py").beginnings)


def test_a_registry_begins_with_its_statement_and_goes_with_what_fills_it() -> None:
    begun = found(f"# Why.\nknown = {{}}  # all\n{REGISTER}{G}")["known"]
    assert begun.makers == ("g",)
    assert begun.readers == ("register",)
    assert (begun.definition.source, begun.definition.line) == ("known = {}", 2)
    assert begun.definition.reads == ("known",)


@pytest.mark.parametrize(
    "beginning",
    [
        *("known = {}", "known: dict[str, int] = {}", "known = {'a': 1}", "known = dict()"),
        *("known = Registry()", "known = m.Registry(__name__)", "known = defaultdict(list)"),
    ],
)
def test_what_costs_nothing_can_be_made_again(beginning: str) -> None:
    assert list(found(f"{beginning}\n{REGISTER}{G}")) == ["known"]


@pytest.mark.parametrize(
    "beginning",
    [
        *("known = load()", "known = Registry(load())", "known = 5", "known = other"),
        *("known = {'a': f()}", "rows = [1]\nknown = Registry(rows)", "known, b = {}, 1"),
        *("if c:\n    known = {}", "known = {}\nknown = {}", "known = {}\ndel known"),
        *("known = a = {}", "for known in x: pass", "known = {}\nprint(known)"),
    ],
)
def test_what_may_cost_something_or_is_something_else_is_not(beginning: str) -> None:
    assert found(f"{beginning}\n{REGISTER}{G}") == {}


@pytest.mark.parametrize("between", ["register(str)", "for i in x:\n    register(i)", "y = known"])
def test_what_a_statement_may_change_before_the_last_definition_is_not(between: str) -> None:
    assert found(f"known = {{}}\n{REGISTER}{between}\n{G}") == {}


MAKING = {
    "@register\ndef g(): pass": True,
    "@register('name')\ndef g(): pass": True,
    "@known.register\ndef g(): pass": True,
    "class A(metaclass=register): pass": True,
    "class A(register): pass": True,
    "class A:\n    x = register(1)": True,
    "class A:\n    @register\n    def f(self): pass": True,
    "def g(x=register(1)): pass": True,
    "def g(x=known): pass": False,
    "def g(): return register(1)": False,
    "class A:\n    def f(self): return register(1)": False,
    "g = lambda: register(1)": False,
    "@other\ndef g(): pass": False,
}


@pytest.mark.parametrize("definition", MAKING)
def test_only_what_runs_when_it_is_made_makes_it_a_beginning(definition: str) -> None:
    begun = found(f"known = {{}}\n{REGISTER}{definition}\n")
    assert bool(begun) is MAKING[definition]


def test_what_a_statement_does_after_the_last_definition_does_not_matter() -> None:
    assert list(found(f"known = {{}}\n{REGISTER}{G}known['x'] = 1\nprint(known)")) == ["known"]
