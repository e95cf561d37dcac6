"""Strata's `dataclass` does what the standard library's does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import strata
from strata.core import dataclass as cheap
from strata.core.digest import Digest
from strata.core.label import Label

# The module's names are those of the standard library to a type checker; here they are compared.
OURS: Any = cheap
THEIRS: Any = dataclasses


def point(by: Any, **arguments: bool) -> Any:
    class Point:
        """A class with every sort of field."""

        x: int
        y: int = 2
        names: list[str] = by.field(default_factory=list)
        hidden: str = by.field(default="secret", repr=False)
        note: str = by.field(default="", compare=False)

        def total(self) -> int:
            return self.x + self.y

    return by.dataclass(**arguments)(Point)


FORMS = [
    {},
    {"frozen": True},
    {"slots": True},
    {"eq": False},
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "order": True},
]


def outcome(act: Callable[[], Any]) -> Any:
    """What `act` gives, or the type of what it raises."""
    try:
        return act()
    except Exception as problem:  # noqa: BLE001 (whatever it is, the other must raise it, too)
        return type(problem)


def same_hash(one: Any, other: Any) -> bool:
    return hash(one) == hash(other)


ACTS: list[Callable[[Any, Any], Any]] = [
    lambda by, kind: repr(kind(1)),
    lambda by, kind: repr(kind(1, 5, names=["a"])),
    lambda by, kind: repr(kind(y=4, x=3)),
    lambda by, kind: kind(),
    lambda by, kind: kind(1, 2, [], "s", "n", 6),
    lambda by, kind: kind(1, x=1),
    lambda by, kind: kind(1, z=1),
    lambda by, kind: kind(1) == kind(1),
    lambda by, kind: kind(1) == kind(2),
    lambda by, kind: kind(1, note="a") == kind(1, note="b"),
    lambda by, kind: same_hash(kind(1, 2, (), note="a"), kind(1, 2, (), note="b")),
    lambda by, kind: kind(1) == 1,
    lambda by, kind: kind(1) != kind(1),
    lambda by, kind: kind(1) < kind(2),
    lambda by, kind: kind(1) >= kind(2),
    lambda by, kind: kind(1, 2, ()) < 1,
    lambda by, kind: same_hash(kind(1, 2, ()), kind(1, 2, ())),
    lambda by, kind: type(hash(kind(1))),
    lambda by, kind: kind(1).names is kind(1).names,
    lambda by, kind: setattr(kind(1), "x", 2),
    lambda by, kind: delattr(kind(1), "x"),
    lambda by, kind: repr(by.replace(kind(1), y=7)),
    lambda by, kind: by.replace(kind(1), z=7),
    lambda by, kind: repr(copy.copy(kind(1))),
    lambda by, kind: repr(copy.deepcopy(kind(1, names=["a"]))),
    lambda by, kind: kind.__match_args__,
    lambda by, kind: dataclasses.is_dataclass(kind),
    lambda by, kind: repr(dataclasses.replace(kind(1), y=7)),
    lambda by, kind: kind(1).total(),
    lambda by, kind: hasattr(kind(1), "__dict__"),
    lambda by, kind: (kind.__name__, kind.__doc__, kind.__module__),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("number", range(len(ACTS)))
def test_it_does_what_the_standard_library_does(form: dict[str, bool], number: int) -> None:
    act = ACTS[number]
    ours, theirs = point(OURS, **form), point(THEIRS, **form)
    expected = outcome(lambda: act(THEIRS, theirs))
    assert outcome(lambda: act(OURS, ours)) == expected


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("number", range(len(ACTS)))
def test_it_still_does_when_many_instances_were_made(form: dict[str, bool], number: int) -> None:
    act = ACTS[number]
    ours, theirs = point(OURS, **form), point(THEIRS, **form)
    first = ours.__init__
    for _ in range(OURS._MANY):
        ours(1)
    assert ours.__init__ is not first
    assert outcome(lambda: act(OURS, ours)) == outcome(lambda: act(THEIRS, theirs))


def test_a_field_that_init_does_not_take_is_set_later() -> None:
    for by in (OURS, THEIRS):

        @by.dataclass(slots=True)
        class Later:
            given: int
            made: dict[str, int] = by.field(init=False, default_factory=dict)
            set: int = by.field(init=False)

            def __post_init__(self) -> None:
                self.set = self.given + 1

        assert repr(Later(1)).endswith("Later(given=1, made={}, set=2)")
        assert repr(by.replace(Later(1), given=2)).endswith("(given=2, made={}, set=3)")
        with pytest.raises(ValueError, match="init=False"):
            by.replace(Later(1), set=2)


def test_a_class_below_has_the_fields_of_those_above_first() -> None:
    for by in (OURS, THEIRS):

        @by.dataclass(frozen=True, slots=True)
        class Above:
            a: int
            b: int = 2

        @by.dataclass(frozen=True, slots=True)
        class Below(Above):
            b: int = 3
            c: int = 4

        assert repr(Below(1)).endswith("Below(a=1, b=3, c=4)")
        assert Below(1) != Above(1, 3)
        assert not hasattr(Below(1), "__dict__")


def test_methods_that_a_class_writes_itself_are_kept() -> None:
    for by in (OURS, THEIRS):

        @by.dataclass(frozen=True, slots=True)
        class Own:
            a: int

            def __eq__(self, other: object) -> bool:
                return True

            def __hash__(self) -> int:
                return 7

            def __repr__(self) -> str:
                return "own"

        assert (Own(1) == Own(2), hash(Own(1)), repr(Own(1))) == (True, 7, "own")


def test_a_default_that_all_instances_would_share_is_refused() -> None:
    for by in (OURS, THEIRS):
        with pytest.raises(ValueError, match="mutable default"):

            @by.dataclass
            class Shared:
                a: list[int] = []  # noqa: RUF012 (that is the point)


def test_values_are_matched_by_position_and_by_name() -> None:
    match Label("a", "b"):
        case Label(package, name=name):
            assert (package, name) == ("a", "b")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_values_survive_pickling(protocol: int) -> None:
    for value in (Label("a", "b"), Digest("0" * 64, 3)):
        assert pickle.loads(pickle.dumps(value, protocol)) == value


def test_no_module_defines_its_classes_with_the_standard_library() -> None:
    """It costs a millisecond a class at every start."""
    folders = [Path(strata.__file__).parent, Path(strata.__file__).parent.parent / "rules"]
    files = [p for folder in folders for p in folder.rglob("*.py") if "runner" not in p.parts]
    using = [p.name for p in files if "\nfrom dataclasses import" in p.read_text()]
    assert using == []


def test_nothing_of_the_standard_librarys_dataclasses_is_loaded() -> None:
    program = "import sys, strata.core.label; assert 'dataclasses' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
