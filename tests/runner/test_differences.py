"""Two values of one variable: what is said to differ, and that it is bounded and always JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque, namedtuple
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from strata.runner.differences import compare, text
from strata.runner.differences.walk import MOST_CHANGES
from tests.runner.harness import Outcome, Stored, run

Point = namedtuple("Point", "x y")


class Colour(Enum):
    RED = 1
    BLUE = 2


class Model:
    """A class with attributes, as estimators are."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x


class Stubborn:
    """A class whose own code helps nobody."""

    def __init__(self, said: str = "same") -> None:
        self.said = said

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Stubborn {self.said}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("no")


class Tensor:
    """What another library might call an array."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = numbers

    shape = property(lambda self: (len(self.numbers),))

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        return np.array(self.numbers)


def difference(old: object, new: object) -> dict[str, Any]:
    """The difference, which must be plain JSON and have lines."""
    found: dict[str, Any] = compare.difference(old, new)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert bool(text.lines(found)) == bool(found["changes"])
    return found


def changes(old: object, new: object) -> list[tuple[str, str, str]]:
    """(path, change, kind) of all."""
    return [(c["path"], c["change"], c["kind"]) for c in difference(old, new)["changes"]]


def only(old: object, new: object) -> dict[str, Any]:
    """The one change that there is."""
    found: list[dict[str, Any]] = difference(old, new)["changes"]
    assert len(found) == 1, found
    return found[0]


def lines(old: object, new: object) -> list[str]:
    return text.lines(difference(old, new))


EQUAL: list[Callable[[], object]] = [
    lambda: 3,
    lambda: float("nan"),
    lambda: "text",
    lambda: [1, [2, {"a": (3, None)}]],
    lambda: {1, 2},
    lambda: np.array([1.0, np.nan]),
    lambda: np.array(["x", None, 2], dtype=object),
    lambda: pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]}),
    lambda: pd.Series([1, 2], index=["a", "b"]),
    lambda: pa.table({"x": [1, None], "y": [float("nan"), 2.0]}),
    lambda: Model(weights=np.zeros(3), inner=Model(a=1)),
    lambda: Slotted(1),
    lambda: Colour.RED,
    lambda: range(5),
    lambda: ValueError("x"),
]


@pytest.mark.parametrize("make", EQUAL)
def test_equal_values_have_no_difference(make: Callable[[], object]) -> None:
    assert changes(make(), make()) == []


class TestPlainValues:
    def test_numbers_say_how_far_they_are_apart(self) -> None:
        change = only(4, 5)
        assert (change["old"], change["new"]) == ("4", "5")
        assert (change["difference"], change["relative"]) == (1.0, 0.25)
        assert lines(4, 5) == ["4 → 5 (+1, +25%)"]

    @pytest.mark.parametrize(
        ("old", "new"),
        [(0, 1), (float("nan"), 1.0), (1.0, float("inf")), (1j, 2j), (10**400, 2), (True, False)],
    )
    def test_what_is_not_finite_is_left_out(self, old: complex, new: complex) -> None:
        assert only(old, new)["relative"] is None

    @pytest.mark.parametrize(
        ("old", "new"), [(Decimal("1"), Decimal("2")), (Fraction(1), Fraction(2))]
    )
    def test_exact_numbers_are_numbers(self, old: object, new: object) -> None:
        assert only(old, new)["difference"] == 1.0

    def test_an_integer_that_became_a_float_is_a_difference(self) -> None:
        assert only(1, 1.0)["new_type"] == "float"
        assert only(np.float64(1), 1.0)["old_type"] == "numpy.float64"

    def test_a_zero_that_lost_its_sign_is_a_difference(self) -> None:
        assert only(0.0, -0.0)["kind"] == "number"

    def test_short_text_is_shown_whole(self) -> None:
        assert lines("a", "b") == ["'a' → 'b'"]

    def test_text_of_many_lines_is_a_unified_diff(self) -> None:
        diff = only("a\nb\nc\n", "a\nB\nc\n")["diff"]
        assert diff == ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]

    @pytest.mark.parametrize("size", [5_000, 300_000])
    def test_of_a_long_line_the_place_of_the_difference_is_shown(self, size: int) -> None:
        diff = only("x" * size + "old", "x" * size + "new")["diff"]
        assert "old" in diff[1]
        assert "new" in diff[2]
        assert max(map(len, diff)) < 400

    def test_a_diff_of_much_text_is_cut(self) -> None:
        diff = only("a\n" * 5000, "b\n" * 5000)["diff"]
        assert len(diff) < 100
        assert diff[-1].startswith("... ")

    def test_line_ends_are_a_difference(self) -> None:
        assert only("a\nb\n", "a\r\nb\r\n")["diff"][0] == "@@ line ends @@"

    def test_bytes_say_where_they_begin_to_differ(self) -> None:
        assert only(b"x" * 1000 + b"a", b"x" * 1000 + b"b")["offset"] == 1000

    def test_dates_say_how_far_they_are_apart(self) -> None:
        assert only(date(2020, 1, 1), date(2020, 1, 3))["difference"] == "2 days, 0:00:00"

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (range(3), range(4)),
            (Colour.RED, Colour.BLUE),
            (PurePosixPath("a"), PurePosixPath("b")),
            (np.datetime64("2020"), np.datetime64("2021")),
            (len, max),
            (int, str),
        ],
    )
    def test_values_without_parts_are_shown(self, old: object, new: object) -> None:
        assert only(old, new)["kind"] == "value"

    def test_another_type_is_said_with_both_values(self) -> None:
        change = only([1], (1,))
        assert (change["old_type"], change["new_type"]) == ("list", "tuple")
        assert lines([1], (1,)) == ["type list → tuple", "- [1]", "+ (1,)"]


class TestContainers:
    def test_every_part_has_its_path(self) -> None:
        old = {"a": [1, {"b": 2}], "gone": 0}
        new = {"a": [1, {"b": 3}], "new": 0}
        assert changes(old, new) == [
            ("['gone']", "removed", "part"),
            ("['new']", "added", "part"),
            ("['a'][1]['b']", "changed", "number"),
        ]

    def test_an_element_more_at_the_front_is_one_difference(self) -> None:
        assert changes([1, 2, 3], [0, 1, 2, 3]) == [("[0]", "added", "part")]
        assert lines([1, 2, 3], [0, 1, 2, 3]) == ["elements: 3 → 4", "+ [0]: 0"]

    def test_what_prints_alike_is_looked_into_all_the_same(self) -> None:
        long = [list(range(100)), 5]
        other = [[*range(99), -1], 5]
        assert changes(long, other) == [("[0][99]", "changed", "number")]

    def test_long_lists_are_compared_by_place(self) -> None:
        found = difference(list(range(5000)), [*range(4000), -1, *range(4001, 5002)])
        assert found["counts"] == {"added": 2, "removed": 0, "changed": 1}
        assert found["lengths"] == [5000, 5002]

    def test_all_are_counted_and_some_are_shown(self) -> None:
        found = difference([0] * 5000, [1] * 5000)
        assert len(found["changes"]) == MOST_CHANGES
        assert found["counts"]["changed"] == 5000
        assert text.lines(found)[-1] == "... and 4,950 more (5,000 changed in all)"

    def test_a_value_of_too_many_parts_is_compared_in_part(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("strata.runner.differences.walk.MOST_PAIRS", 100)
        found = difference([0] * 5000, [1] * 5000)
        assert not found["complete"]
        assert "not compared" in text.lines(found)[-1]

    def test_the_order_of_keys_is_a_difference(self) -> None:
        assert only({"a": 1, "b": 2}, {"b": 2, "a": 1})["kind"] == "order"

    def test_sets_say_what_came_and_went(self) -> None:
        assert changes({1, 2}, {2, 3}) == [("", "removed", "part"), ("", "added", "part")]

    @pytest.mark.parametrize(
        ("old", "new", "path"),
        [
            (Point(1, 2), Point(1, 3), ".y"),
            (deque([1, 2]), deque([1, 3]), "[1]"),
            (defaultdict(int, a=1), defaultdict(int, a=2), "['a']"),
            (Counter("aab"), Counter("abbaa"), "['a']"),
        ],
    )
    def test_kinds_of_containers_are_containers(self, old: Any, new: Any, path: str) -> None:
        assert path in [found for found, _, _ in changes(old, new)]

    def test_values_that_hold_themselves_end(self) -> None:
        old: list[object] = [1]
        new: list[object] = [2]
        old.append(old)
        new.append(new)
        assert changes(old, new) == [("[0]", "changed", "number")]

    def test_deep_values_need_no_stack(self) -> None:
        old: list[object] = [1]
        new: list[object] = [2]
        for _ in range(20_000):
            old, new = [old], [new]
        assert difference(old, new)["counts"]["changed"] == 1


class TestObjects:
    def test_attributes_are_compared(self) -> None:
        old = Model(name="m", inner=Model(a=1), gone=0)
        new = Model(name="m", inner=Model(a=2), more=0)
        assert changes(old, new) == [
            (".gone", "removed", "part"),
            (".more", "added", "part"),
            (".inner.a", "changed", "number"),
        ]

    def test_slots_and_arguments_are_compared(self) -> None:
        assert only(Slotted(1), Slotted(2))["path"] == ".x"
        assert only(ValueError("a"), ValueError("b"))["path"] == ".__args__[0]"

    def test_an_array_in_an_object_is_an_array(self) -> None:
        change = only(Model(w=np.zeros(3)), Model(w=np.array([0.0, 1.0, 0.0])))
        assert (change["path"], change["kind"], change["changed"]) == (".w", "array", 1)

    def test_what_cannot_be_taken_apart_is_shown_as_it_prints(self) -> None:
        assert only(Stubborn("a"), Stubborn("b"))["kind"] == "value"
        assert only(Stubborn(), Stubborn())["kind"] == "opaque"
        assert changes([Stubborn("a"), 1], [Stubborn("b"), 1]) == [("[0]", "changed", "value")]

    def test_what_can_be_seen_as_an_array_is(self) -> None:
        assert only(Tensor(1, 2), Tensor(1, 3))["examples"] == [[[1], "2", "3"]]


class TestArrays:
    def test_elements_and_drift(self) -> None:
        old = np.arange(6.0).reshape(2, 3)
        new = old.copy()
        new[1, 2] = 15.0
        change = only(old, new)
        assert (change["changed"], change["compared"]) == (1, 6)
        assert change["examples"] == [[[1, 2], "5.0", "15.0"]]
        drift = change["drift"]
        assert drift["mean"] == pytest.approx([old.mean(), new.mean()])
        assert drift["std"] == pytest.approx([old.std(), new.std()])
        assert drift["max"] == [5.0, 15.0]
        assert drift["max_difference"] == 10.0

    def test_statistics_do_not_depend_on_the_pieces(self, monkeypatch: Any) -> None:
        generator = np.random.default_rng(1)
        old = generator.normal(1e6, 1.0, (7, 331))
        new = old + generator.normal(0.0, 0.1, old.shape)
        whole = only(old, new)
        monkeypatch.setattr("strata.runner.differences.arrays.PIECE", 50)
        pieces = only(old, np.asfortranarray(new))
        for name in ("mean", "std", "min", "max", "mean_difference"):
            assert pieces["drift"][name] == pytest.approx(whole["drift"][name], rel=1e-9)
        assert pieces["changed"] == whole["changed"] == old.size

    def test_what_became_missing_is_counted(self) -> None:
        change = only(np.array([1.0, np.nan, np.nan]), np.array([np.nan, np.nan, 3.0]))
        assert (change["nan_added"], change["nan_removed"], change["changed"]) == (1, 1, 2)

    def test_rows_that_both_have_are_compared(self) -> None:
        change = only(np.zeros((3, 2)), np.ones((5, 2)))
        assert change["shape"] == [[3, 2], [5, 2]]
        assert (change["changed"], change["compared"]) == (6, 6)

    def test_arrays_of_other_shapes_have_no_elements_in_common(self) -> None:
        assert "compared" not in only(np.zeros((3, 2)), np.zeros((2, 3)))

    def test_another_dtype_is_a_difference(self) -> None:
        change = only(np.zeros(3), np.zeros(3, "f4"))
        assert (change["dtype"], change["changed"]) == (["float64", "float32"], 0)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (np.array(1), np.array(2)),
            (np.array(["a", "b"]), np.array(["a", "c"])),
            (np.array(["1"]), np.array([1])),
            (np.array([True]), np.array([False])),
            (np.array([1j]), np.array([2j])),
            (np.array([1, "a", [1]], object), np.array([1, "b", [1]], object)),
            (np.array([Stubborn("a")]), np.array([Stubborn("b")])),
            (np.array(["2020", "NaT"], "M8[D]"), np.array(["2021", "NaT"], "M8[D]")),
            (np.array([1], "u8"), np.array([2**64 - 1], "u8")),
        ],
    )
    def test_every_kind_of_element_can_differ(self, old: Any, new: Any) -> None:
        assert only(old, new)["changed"] == 1

    def test_records_are_compared_by_field(self) -> None:
        kind = [("x", int), ("y", float)]
        assert only(np.array([(1, 2.0)], kind), np.array([(1, 3.0)], kind))["path"] == "['y']"

    def test_masks_are_compared(self) -> None:
        old: Any = np.ma.array([1, 2], mask=[0, 1])
        new: Any = np.ma.array([1, 2], mask=[0, 0])
        assert only(old, new)["path"] == ".mask"

    def test_empty_arrays_can_differ_in_shape(self) -> None:
        assert only(np.zeros((0, 2)), np.zeros((0, 3)))["shape"] == [[0, 2], [0, 3]]


FRAME = pd.DataFrame({"a": [1, 2, 3, 4], "b": list("wxyz"), "c": [1.0, 2.0, None, 4.0]})


class TestFrames:
    def test_columns_that_came_went_and_changed_type(self) -> None:
        new = FRAME.drop(columns="b").assign(d=1).astype({"a": float})
        columns = only(FRAME, new)["columns"]
        assert columns["added"] == [{"name": "d", "type": "int64"}]
        assert [c["name"] for c in columns["removed"]] == ["b"]
        assert columns["retyped"] == [{"name": "a", "old": "int64", "new": "float64"}]

    def test_cells_and_drift(self) -> None:
        (cell,) = only(FRAME, FRAME.assign(a=[1, 2, 30, 4]))["cells"]
        assert (cell["column"], cell["changed"], cell["compared"]) == ("a", 1, 4)
        assert cell["examples"] == [["2", "3", "30"]]
        assert cell["drift"]["mean"] == [2.5, 9.25]
        assert cell["drift"]["std"][0] == pytest.approx(FRAME["a"].std(ddof=0))

    def test_rows_belong_together_by_a_unique_index(self) -> None:
        old = FRAME.set_index("b")
        change = only(old, old.iloc[[3, 1, 2]].rename(index={"x": "new"}))
        rows = change["rows"]
        assert rows["matched_by"] == "index"
        assert (rows["added_rows"], rows["removed_rows"]) == (["'new'"], ["'w'", "'x'"])
        assert rows["reordered"]
        assert change["changed_cells"] == 0

    def test_a_row_taken_from_the_middle_is_one_row_less(self) -> None:
        change = only(FRAME, FRAME.drop(1).reset_index(drop=True))
        assert change["rows"]["matched_by"] == "content"
        assert (change["rows"]["removed"], change["rows"]["removed_rows"]) == (1, ["1"])
        assert change["changed_cells"] == 0

    def test_a_row_more_and_a_cell_changed_are_that(self) -> None:
        new = pd.concat([FRAME.assign(a=[1, 9, 3, 4]), FRAME.head(1)], ignore_index=True)
        change = only(FRAME, new)
        assert (change["rows"]["matched_by"], change["rows"]["added"]) == ("place", 1)
        assert change["changed_cells"] == 1

    def test_rows_in_another_order_are_the_same_rows(self) -> None:
        change = only(FRAME, FRAME.iloc[::-1].reset_index(drop=True))
        assert change["rows"]["reordered"]
        assert change["cells"] == []

    def test_values_that_moved_on_are_changed_values(self) -> None:
        assert only(FRAME["a"], FRAME["a"] + 1)["changed_cells"] == 4

    def test_duplicates_in_the_index_are_matched_by_content(self) -> None:
        old = FRAME.assign(b="same").set_index("b")
        assert only(old, old.iloc[1:])["rows"]["removed"] == 1

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (pd.Series([1, None], dtype="Int64"), pd.Series([2, None], dtype="Int64")),
            (pd.Series(["a", "b"], dtype="category"), pd.Series(["a", "c"], dtype="category")),
            (pd.Series([[1], [2]]), pd.Series([[1], [3]])),
            (pd.Series([np.zeros(2), None]), pd.Series([np.ones(2), None])),
            (pd.Series([True, False]), pd.Series([True, True])),
            (pd.Series(["x", None]), pd.Series(["y", None])),
            (pd.Series([1.0, None]), pd.Series([1.0, 2.0])),
            (
                pd.Series(pd.to_datetime(["2020", None], utc=True)),
                pd.Series(pd.to_datetime(["2021", None], utc=True)),
            ),
        ],
    )
    def test_every_kind_of_column_can_differ(self, old: Any, new: Any) -> None:
        assert [c["changed_cells"] for c in difference(old, new)["changes"]] == [1]

    def test_series_have_names_and_indexes_have_values(self) -> None:
        assert only(FRAME["a"], FRAME["a"].rename("z"))["path"] == ".name"
        assert only(pd.Index([1, 2]), pd.Index([1, 5]))["changed_cells"] == 1

    def test_an_index_of_another_kind_is_a_difference(self) -> None:
        named = FRAME.rename_axis("row")
        assert only(FRAME, named)["index"] == {"old": "int64", "new": "int64 row"}

    def test_attributes_are_compared(self) -> None:
        new = FRAME.copy()
        new.attrs["unit"] = "m"
        assert only(FRAME, new)["path"] == ".attrs['unit']"

    def test_wide_frames_are_bounded(self) -> None:
        change = only(pd.DataFrame(np.zeros((2, 300))), pd.DataFrame(np.ones((2, 300))))
        assert len(change["cells"]) < 100
        assert change["changed_columns"] == 300

    def test_columns_of_one_name_do_no_harm(self) -> None:
        old = pd.DataFrame([[1, 2]], columns=["a", "a"])
        assert [c["column"] for c in only(old, old + 1)["cells"]] == ["a", "a (2)"]

    def test_the_lines_say_it_all(self) -> None:
        new = FRAME.drop(3).assign(d=1, a=[1, 2, 6])
        assert lines(FRAME, new)[:3] == [
            "4 → 3 rows × 3 → 4 columns",
            "+ column d (int64)",
            "- 1 row removed (at the end, at 3)",
        ]


class TestTables:
    def test_columns_rows_and_cells(self) -> None:
        old = pa.table({"x": [1, 2, None], "s": ["a", "b", "c"], "l": [[1], [2], [3]]})
        new = pa.table({"x": [1, 5, 3, 4], "s": list("abdd"), "l": [[1], [2], [4], []]})
        change = only(old, new)
        assert change["rows_count"] == [3, 4]
        assert change["rows"]["added"] == 1
        assert {c["column"]: c["changed"] for c in change["cells"]} == {"x": 2, "s": 1, "l": 1}
        assert change["cells"][0]["examples"] == [["1", "2", "5"], ["2", "None", "3"]]

    def test_schemas_are_compared(self) -> None:
        old = pa.table({"x": pa.array([1], pa.int64())})
        assert only(old, old.cast(pa.schema([("x", pa.int32())])))["columns"]["retyped"]
        assert only(old, old.append_column("y", [[1]]))["columns"]["added"][0]["name"] == "y"

    def test_batches_and_arrays_are_compared_too(self) -> None:
        assert only(pa.array([1, 2]), pa.array([1, 3]))["changed_cells"] == 1
        batches = [pa.RecordBatch.from_pydict({"x": [n]}) for n in (1, 2)]
        assert only(*batches)["changed_cells"] == 1


def made(folder: Path, source: str, name: str) -> Stored:
    """The value that a cell gives to `name`."""
    from tests.runner.harness import cell

    return run(cell(source, [name]), folder=folder).outputs[name]


def asked(folder: Path, old: Stored, new: Stored) -> dict[str, Any]:
    """What the program answers about two stored values."""
    pairs = {"pairs": [{"name": "v", "old": "old.v", "new": "new.v"}]}
    outcome: Outcome = run(pairs, {"old.v": old, "new.v": new}, folder=folder, program="diff")
    assert outcome.done, outcome.failure
    answer: dict[str, Any] = json.loads(outcome.outputs["v"].data)
    return answer


class TestProgram:
    def test_it_decodes_both_values(self, tmp_path: Path) -> None:
        old = made(tmp_path, "import numpy\nv = {'w': numpy.zeros(3)}", "v")
        new = made(tmp_path, "import numpy\nv = {'w': numpy.ones(3)}", "v")
        answer = asked(tmp_path, old, new)
        assert answer["difference"]["changes"][0]["changed"] == 3
        assert answer["lines"][0] == "['w']: array of 3, float64"

    def test_a_value_that_cannot_be_loaded_is_an_answer(self, tmp_path: Path) -> None:
        (tmp_path / "helper.py").write_text("class Thing:\n    x = 1")
        thing = made(tmp_path, "import helper\nv = helper.Thing()", "v")
        (tmp_path / "helper.py").write_text("")
        answer = asked(tmp_path, thing, Stored("json", b"1"))
        assert answer["unread"].startswith("the old value cannot be loaded: AttributeError: ")

    def test_lone_surrogates_arrive(self, tmp_path: Path) -> None:
        old, new = (made(tmp_path, f"v = {{chr(0xD800): {n}}}", "v") for n in (1, 2))
        assert asked(tmp_path, old, new)["difference"]["counts"]["changed"] == 1
