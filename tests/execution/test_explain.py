"""Why a cell runs: what changed and what is said, and what led to it through the journal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.core.action import ActionKey
from strata.core.encoding import Encodable
from strata.core.errors import StoreUnreachable
from strata.core.result import ActionResult
from strata.execution.differences import Difference, changed_names, diff
from strata.execution.explain import differences, first_difference, nearest, unchanged
from strata.execution.explanation import Explanation, builds_of, in_build, newest
from strata.stores.base import Run
from strata.stores.memory import MemoryJournal
from tests.execution.toy import World, cell, chain, constant, edited, failing, report_of, statuses
from tests.factories import label

BEFORE: dict[str, Encodable] = {
    "rule": ["python", 1],
    "source": "x = 1",
    "inputs": {"df": "json:aa/1", "0123456789abcdef.SCALE": "json:bb/1", "maybe": None},
    "definitions": {"names": {"f": {"module": "1", "name": "f"}}, "sources": {"1": ["f"]}},
    "files": {"a.csv": "cc/1", "b.csv": "dd/1"},
    "variables": {"MODE": "fast", "KEY": {"secret": True}},
    "environment": {"python": "3.11.7", "platform": "linux", "lock": "ee/1"},
    "parameters": {"outputs": ["x"], "shows_last": False},
    "platform": {},
}


WHOLE_LOCK = "what counts of uv.lock changed: all of it, or what the cell reaches"


def changed(**components: Encodable) -> dict[str, Encodable]:
    now = dict(BEFORE)
    for name, value in components.items():
        old = now[name]
        both = isinstance(old, dict) and isinstance(value, dict)
        now[name] = {**old, **value} if both else value  # type: ignore[dict-item]
    return now


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"source": "x = 2"}, "source changed"),
        ({"inputs": {"df": "json:zz/1"}}, "input df changed"),
        ({"inputs": {"df": "pickle:aa/1"}}, "input df changed"),
        ({"inputs": {"maybe": "json:aa/1"}}, "input maybe changed"),
        ({"inputs": {"new": None}}, "input new changed"),
        ({"inputs": {"0123456789abcdef.SCALE": "json:cc/1"}}, "input SCALE changed"),
        ({"inputs": {"df": "a", "y": "b", "x": "c"}}, "input df, x, y changed"),
        (
            {"definitions": {"names": {"f": {"module": "2", "name": "f"}}}},
            "definition of f changed",
        ),
        ({"definitions": {"sources": {"2": ["g"]}}}, "a definition changed"),
        ({"files": {"a.csv": "zz/1"}}, "file a.csv changed"),
        (
            {"files": {"a.csv": "z", "b.csv": "z", "c.csv": "z", "d.csv": "z"}},
            "file a.csv, b.csv, c.csv and 1 more changed",
        ),
        ({"variables": {"MODE": "slow"}}, "variable MODE changed"),
        ({"variables": {"MODE": None}}, "variable MODE changed"),
        ({"environment": {"python": "3.12.1"}}, "Python 3.11.7 → 3.12.1"),
        ({"environment": {"lock": "ff/1"}}, "uv.lock changed"),
        ({"environment": {"sources": "ff/1"}}, "a package that is installed from a folder changed"),
        ({"environment": {"platform": "mac"}}, "platform linux → mac"),
        ({"environment": {"libc": "musl"}}, "environment changed"),
        ({"files": {"new.csv": "zz/1"}}, "file new.csv added"),
        ({"environment": {"distributions": {"b": "2"}}}, WHOLE_LOCK),
        ({"parameters": {"shows_last": True}}, "parameter shows_last changed"),
        ({"platform": {"gpu": "h100"}}, "platform gpu changed"),
        ({"rule": ["python", 2]}, "the meaning of its kind changed in this version of Strata"),
        # What people look at first is said first.
        ({"rule": ["python", 2], "files": {"a.csv": "z"}, "source": "y"}, "source changed"),
        ({"rule": ["python", 2], "files": {"a.csv": "z"}}, "file a.csv changed"),
    ],
)
def test_the_first_component_that_changed_is_named(
    components: dict[str, Encodable], said: str
) -> None:
    assert first_difference(BEFORE, changed(**components)) == said


def test_nothing_changed_is_no_difference() -> None:
    assert first_difference(BEFORE, changed()) is None


def test_what_was_stored_and_read_back_is_no_difference() -> None:
    now = changed(rule=("python", 1), parameters={"outputs": ("x",)})
    assert first_difference(json.loads(json.dumps(BEFORE)), now) is None


@pytest.mark.parametrize("old", [{}, {"rule": ["python", 1]}])
def test_an_older_record_lacks_components_and_breaks_nothing(old: dict[str, Encodable]) -> None:
    assert first_difference(old, BEFORE) == "source changed"


def test_a_component_that_this_version_does_not_know_is_a_difference() -> None:
    said = first_difference({**BEFORE, "moon": "full"}, BEFORE)
    assert said == "the record of its last run is of another version of Strata"


def test_names_that_came_and_went_count_as_changed() -> None:
    assert changed_names({"a": 1, "b": None}, {"a": 1, "c": 2}) == ["b", "c"]
    assert changed_names("odd", None) == []


def environment(**distributions: str) -> dict[str, Encodable]:
    return {"environment": {"python": "3.11.7", "distributions": distributions}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"numpy": "1", "pandas": "1.5"}, {"numpy": "1", "pandas": "1.6"}, "pandas 1.5 → 1.6"),
        ({}, {"polars": "1.0"}, "polars added to what it reaches"),
        ({"polars": "1.0"}, {}, "polars gone from what it reaches"),
        (
            {"a": "1", "b": "1", "c": "1", "d": "1"},
            {"a": "2", "b": "2", "c": "2", "d": "2"},
            "a 1 → 2, b 1 → 2 and 2 more",
        ),
    ],
)
def test_distributions_are_told_by_their_versions(
    old: dict[str, str], new: dict[str, str], said: str
) -> None:
    assert first_difference(environment(**old), environment(**new)) == said


def texts(found: list[Difference]) -> list[str]:
    return [difference.text for difference in found]


def test_every_component_that_differs_is_listed_first_things_first() -> None:
    now = changed(
        rule=["python", 2],
        files={"a.csv": f"{'ab' * 32}/12", "b.csv": "dd/1"},
        variables={"MODE": "slow", "NEW": None},
        source="x = 2",
    )
    assert texts(differences(BEFORE, now)) == [
        "source changed",
        "a.csv changed (1 bytes, cc → 12 bytes, abababab)",
        "MODE: fast → slow",
        "NEW is declared now",
        "the meaning of its kind changed in this version of Strata",
    ]


def test_a_source_is_told_by_its_lines() -> None:
    old = "\n".join(f"a{i} = {i}" for i in range(30))
    found = differences({"source": old}, {"source": old.replace("a7 = 7", "a7 = 8")})
    assert diff(found[0]) == (" a5 = 5", " a6 = 6", "-a7 = 7", "+a7 = 8", " a8 = 8", " a9 = 9")


def definitions(names: dict[str, str], **sources: list[str]) -> dict[str, Encodable]:
    bound = {name: {"module": module, "name": name} for name, module in names.items()}
    return {"definitions": {"names": bound, "sources": sources, "own": {}}}


def test_a_definition_is_named_by_what_changed_and_not_by_what_uses_it() -> None:
    """The id of a module changes with all that it reaches; its text does not."""
    fit = "def fit(x):\n    return scale(x)"
    old = definitions({"fit": "m1"}, m1=[fit], m0=["def scale(x):\n    return x"])
    new = definitions({"fit": "m2"}, m2=[fit], m3=["def scale(x):\n    return -x"])
    (found,) = differences(old, new, {"scale": "prep/cells/scale.py"})
    assert (found.text, found.place) == ("definition of scale changed", "prep/cells/scale.py")
    assert diff(found) == (" def scale(x):", "-    return x", "+    return -x")


def test_values_of_a_definition_that_changed_are_not_new_for_that() -> None:
    old = definitions({"f": "m1"}, m1=["def f(): return A"]) | {"inputs": {"m1.A": "json:aa/1"}}
    new = definitions({"f": "m2"}, m2=["def f(): return -A"]) | {"inputs": {"m2.A": "json:aa/1"}}
    assert texts(differences(old, new)) == ["definition of f changed"]
    new["inputs"] = {"m2.A": "json:bb/1"}
    assert texts(differences(old, new)) == ["definition of f changed", "input A has another value"]


def test_a_secret_is_told_by_its_name() -> None:
    found = differences(BEFORE, changed(variables={"KEY": "open now"}))
    assert texts(found) == ["KEY: (secret) → open now"]


def test_what_did_not_change_is_one_line() -> None:
    now = changed(source="x = 2", inputs={"df": "json:zz/1"})
    assert unchanged(BEFORE, now) == [
        "definitions",
        "inputs SCALE, maybe",
        "2 files",
        "variables KEY, MODE",
        "environment",
    ]


def test_the_nearest_run_has_the_fewest_differences_and_is_the_newest_of_those() -> None:
    def run(name: str, **components: Encodable) -> Run:
        return Run(ActionKey(name), "ran", "", ActionResult(provenance=changed(**components)))

    runs = [run("far", source="z", files={"a.csv": "z"}), run("near", source="y"), run("older")]
    found = nearest(runs[:2], BEFORE)
    assert found is not None
    assert found.key == "near"
    assert nearest([*runs, run("oldest")], BEFORE) is runs[2]
    assert nearest([Run(None, "failed", "", ActionResult())], BEFORE) is None


# What led to a run, in a small world.


def explained(world: World, name: str, back: int | None = None) -> Explanation:
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    if back is not None:
        return in_build(label(name), builds_of(label(name), journal)[back], journal)
    found = newest(label(name), journal)
    assert found is not None
    return found


def steps(found: Explanation) -> list[str]:
    """Each step as `cell: differences`."""
    return [f"{s.label.name}: {', '.join(texts(s.differences))}" for s in found.steps]


def test_a_new_value_is_followed_to_the_edit_that_made_it() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("b"), other=cell(), d=cell("c", "other"))
    world.build()
    edited(world, a="2")
    world.build()
    found = explained(world, "d")
    assert (found.status, found.reason) == ("ran", "input c changed")
    assert steps(found) == [
        "d: input c has another value",
        "c: input b has another value",
        "b: input a has another value",
        "a: source changed",
    ]
    assert [step.causes[0].step for step in found.steps[:3]] == [1, 2, 3]
    assert found.steps[0].causes[0].artifact == "//nb:c%c"
    assert found.steps[0].unchanged == ["source", "input other"]


def test_all_that_differs_is_told_not_the_first_alone() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    edited(world, a="2", b="2")
    world.build()
    assert steps(explained(world, "b")) == [
        "b: source changed, input a has another value",
        "a: source changed",
    ]


def test_two_ways_to_one_cause_share_its_step() -> None:
    world = World(a=cell(), b=cell("a"), c=cell("a"), d=cell("b", "c"))
    world.build()
    edited(world, a="2")
    world.build()
    found = explained(world, "d")
    assert [s.label.name for s in found.steps] == ["d", "b", "c", "a"]
    assert found.steps[1].causes[0].step == found.steps[2].causes[0].step == 3


def test_the_cause_is_the_run_since_which_the_value_is_there() -> None:
    world = World(a=cell(do=constant(a="x")), b=cell("a"))
    world.build()
    world.cells["a"].do = constant(a="y")
    edited(world, a="2")
    world.build("a")
    edited(world, a="3")
    world.build("a")  # the same value for another reason
    world.build()
    found = explained(world, "b")
    assert found.steps[1].run.result.provenance["source"] == "2"


def test_a_value_that_changed_without_a_reason_is_told_as_that() -> None:
    world = World(a=cell(do=constant(a="x"), cacheable=False), b=cell("a"))
    world.build()
    world.cells["a"].do = constant(a="y")
    world.build()
    found = explained(world, "b")
    assert steps(found) == ["b: input a has another value", "a: "]
    assert found.steps[1].run.reason == "always runs (@nocache)"
    assert found.steps[1].against is not None


def test_a_cell_that_went_back_to_an_earlier_result_is_a_cause_too() -> None:
    world = World(a=cell(), b=cell("a", cacheable=False))
    world.build()
    edited(world, a="2")
    world.build()
    edited(world, a="3")
    world.build()
    edited(world, a="2")
    world.build()
    found = explained(world, "b")
    assert found.status == "ran"
    assert found.steps[0].against is not None
    # It is compared with the run that was most like it: nothing differs from that.
    assert steps(found) == ["b: "]


def test_a_hit_says_which_run_made_it_and_in_which_build() -> None:
    world = World(a=cell())
    world.build()
    edited(world, a="2")
    world.build()
    edited(world, a="1")
    world.build()
    found = explained(world, "a")
    assert (found.status, found.reason, found.steps) == ("cached", "", ())
    assert found.made is not None
    assert found.made.build == explained(world, "a", 2).build.id  # type: ignore[union-attr]
    assert found.made.reason == "never built"


def test_earlier_builds_answer_as_they_did_then() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    world.build()
    edited(world, a="2")
    world.build()
    world.build("a")
    assert [explained(world, "a", back).status for back in range(4)] == [
        *("cached", "ran", "cached", "ran"),
    ]
    assert explained(world, "a", 2).run == explained(world, "a", 3).run
    assert explained(world, "b", 0).reason == "input a changed"
    assert len(builds_of(label("b"), world.journal)) == 3  # type: ignore[arg-type]


def test_what_failed_and_what_was_skipped_for_it() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    world.cells["a"].do = failing
    edited(world, a="2")
    world.build()
    failed, skipped = explained(world, "a"), explained(world, "b")
    assert (failed.status, failed.reason, steps(failed)) == (
        *("failed", "source changed"),
        ["a: source changed"],
    )
    assert (skipped.status, skipped.run) == ("skipped", None)
    assert skipped.reason == "needs //nb:a, which failed"


def test_a_run_of_a_build_that_was_killed_is_told_without_a_build() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    edited(world, a="2")
    world.after["b"] = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.build()
    found = explained(world, "a")
    assert (found.status, found.build) == ("ran", None)
    assert explained(world, "b").status == "ran"


def test_what_was_found_when_it_ran_is_compared_too() -> None:
    world = World(a=cell(touches=("file:data/y.csv", "dist:polars")))
    world.outside = {"file:data/y.csv": f"{'ab' * 32}/9", "dist:polars": "1.0"}
    world.build()
    world.outside["file:data/y.csv"] = f"{'cd' * 32}/9"
    planned = world.build(dry_run=True)
    report = world.build()
    said = "data/y.csv changed (found when it last ran)"
    assert report_of(planned, "a").reason == report_of(report, "a").reason == said
    assert steps(explained(world, "a")) == ["a: data/y.csv changed"]
    world.outside["dist:polars"] = "1.1"
    world.cells["a"].do = failing  # it will not get to make observations
    world.build()
    assert world.reasons == {"a": "polars 1.0 → 1.1 (found when it last ran)"}
    assert steps(explained(world, "a")) == ["a: polars 1.0 → 1.1"]


def test_a_reason_compares_with_the_run_that_was_most_like_it() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    edited(world, a="2", b="2")
    world.build()
    edited(world, a="1", b="3")
    world.build()
    assert world.reasons == {"b": "source changed"}
    edited(world, b="1")
    world.lose("1(1())")
    world.build()
    assert world.reasons == {"b": "its result is no longer in the cache"}


def test_a_build_that_finds_all_up_to_date_writes_nothing_per_cell() -> None:
    world = World(a=cell(), b=cell("a"))
    world.build()
    runs = [world.journal.history(label(n)) for n in "ab"]
    world.build()
    assert [world.journal.history(label(n)) for n in "ab"] == runs
    build = explained(world, "a").build
    assert build is not None
    assert (build.settled, build.counts, build.cells) == ({}, {"cached": 2}, ("//nb:a", "//nb:b"))


def test_a_dry_run_of_a_journal_that_cannot_be_read_still_plans() -> None:
    class Broken(MemoryJournal):
        def add_build(self, build: object) -> None:
            raise StoreUnreachable("the disk is full")

    world = World(a=cell())
    world.journal = Broken()
    world.build()
    assert world.notices() == ["what happens is not being remembered: the disk is full"]
    world.build()
    assert world.notices() == [], "nothing was to be remembered of any cell"


def test_thousands_of_cells_below_each_other_are_followed() -> None:
    """No recursion."""
    count = 3000
    world = World(c0=cell(), **{f"c{i}": cell(f"c{i - 1}", do=short) for i in range(1, count)})
    world.build()
    edited(world, c0="2")
    world.build()
    found = explained(world, f"c{count - 1}")
    assert len(found.steps) == count
    assert steps(found)[-1] == "c0: source changed"


def short(values: object) -> dict[str, str]:
    """A value that is as long as the one before."""
    (((name, value),),) = (values.items(),)  # type: ignore[attr-defined]
    return {f"c{int(name[1:]) + 1}": value}


def test_an_accepted_hit_is_nothing_to_compare_with() -> None:
    """Its result was made from something else; when that is revoked, the edit is the reason."""
    world = World(a=cell())
    world.build()
    made = world.last("a")
    edited(world, a="2")
    planned = world.build(dry_run=True)
    accepted = replace(
        made,
        key=ActionKey("of the edit"),
        status="cached",
        result=replace(
            made.result, accepted="only a message", provenance={**made.result.provenance}
        ),
    )
    accepted.result.provenance["source"] = "2"  # type: ignore[index]
    world.journal.append(label("a"), accepted)
    assert report_of(world.build(dry_run=True), "a").reason == "source changed"
    assert report_of(planned, "a").reason == "source changed"
    world.build()
    assert steps(explained(world, "a")) == ["a: source changed"]


def test_a_result_that_was_not_kept_because_a_file_moved_says_so() -> None:
    world = World(a=cell(moving=("data.csv",)))
    world.build()
    world.build()
    assert world.reasons == {"a": "a file changed while it last ran"}


def test_outputs_without_canonical_bytes_are_named() -> None:
    world = World(a=cell())
    world.build()
    run = world.last("a")
    output = replace(run.result.outputs["a"], unstable="a set of objects")  # type: ignore[arg-type]
    changed_run = replace(run, build="later", result=replace(run.result, outputs={"a": output}))
    world.journal.append(label("a"), replace(changed_run, at=run.at + 99))
    assert explained(world, "a").unstable == (("a", "a set of objects"),)


# What a dry run says is what the next build does.

SHAPE = {
    "a": (),
    "b": ("a",),
    "c": ("a", "b"),
    "d": (),
    "e": ("c", "d"),
    "it": (),
}
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("source"), st.sampled_from([*SHAPE]), st.sampled_from("123")),
        st.tuples(st.just("outside"), st.sampled_from("de"), st.sampled_from("123")),
        st.tuples(st.just("fail"), st.sampled_from("abcde"), st.booleans()),
        st.tuples(st.just("nocache"), st.sampled_from("abcde"), st.booleans()),
        st.tuples(st.just("coarse"), st.sampled_from("abc"), st.booleans()),
    ),
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=6))
def test_what_a_dry_run_says_is_what_the_next_build_does(
    rounds: list[list[tuple[str, str, object]]],
) -> None:
    cells = {name: cell(*reads) for name, reads in SHAPE.items()}
    for name in "de":
        cells[name].touches = (f"file:{name}",)
    cells["it"] = chain("it", 3)
    world = World(**cells)
    for edits in rounds:
        for kind, name, value in edits:
            make(world, kind, name, value)
        before = [world.journal.history(label(n)) for n in SHAPE]
        planned = world.build(dry_run=True)
        assert before == [world.journal.history(label(n)) for n in SHAPE]
        report = world.build()
        became, ran = statuses(report), {name.partition("@")[0] for name in world.ran}
        for name, said in statuses(planned).items():
            if said == "cached":
                assert became[name] == "cached"
                assert name not in ran
            elif said == "would_run":
                assert name in ran
                assert report_of(planned, name).reason == report_of(report, name).reason
            else:
                assert said == "unknown"


def make(world: World, kind: str, name: str, value: object) -> None:
    """One random edit."""
    match kind:
        case "source":
            edited(world, **{name: str(value)})
        case "outside":
            world.outside[f"file:{name}"] = str(value)
        case "fail":
            world.cells[name].do = failing if value else None
            edited(world, **{name: f"{'bad' if value else 'good'}"})
        case "nocache":
            world.cells[name].cacheable = not value
        case "coarse":
            world.cells[name].do = constant(**{name: "same"}) if value else None
            edited(world, **{name: f"coarse {value}"})
