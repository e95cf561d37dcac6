"""The names that every module has."""

from __future__ import annotations

import builtins

import pytest

from strata.loading.scope.names import BUILTINS, mangle


def test_the_table_has_all_builtins_of_the_running_python() -> None:
    ours = {name for name in vars(builtins) if not name.startswith("_")}
    assert ours - BUILTINS <= {"get_ipython", "display"}


@pytest.mark.parametrize(
    ("name", "class_name", "mangled"),
    [
        ("__x", "A", "_A__x"),
        ("__x", "__A", "_A__x"),
        ("__x", "__", "__x"),
        ("__x__", "A", "__x__"),
        ("_x", "A", "_x"),
        ("__x", None, "__x"),
    ],
)
def test_private_names_are_mangled_as_python_does(
    name: str, class_name: str | None, mangled: str
) -> None:
    assert mangle(name, class_name) == mangled
