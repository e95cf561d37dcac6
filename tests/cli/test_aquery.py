"""`strata aquery`: the actions of cells, with the very keys that builds use."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from strata.cli.actions_seen import Watch, see_actions
from strata.cli.invocation import load_cells, open_workspace, pattern_of
from strata.core.action import Late, make_ready
from strata.core.events import unheard
from strata.core.label import parse_label
from strata.core.result import ActionResult, Output
from strata.execution.surroundings import Surroundings
from strata.executors.base import Cancellation
from strata.executors.planning import PlanningExecutor
from strata.stores.base import Run
from strata.stores.journal import open_journal
from strata.stores.memory import MemoryJournal
from tests.e2e.noticed import Watched
from tests.factories import actions_of

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "reference" / "aquery.schema.json"
SECRET = "open-sesame-1234"

PREP = {
    "raw": "# @env MODE\nimport os\nraw = [1, 2, len(os.environ.get('MODE', ''))]",
    "scale": "FACTOR = 2\ndef scale(x):\n    return FACTOR * x",
    "clean": "df = [scale(v) for v in raw]\nheight = len(df)",
}
TRAIN = {
    "fit": "# @input *.csv\n# @timeout 60\n# @retries 2\n"
    "costs = open('costs.csv').read()\nmodel = sum(df) + len(costs)",
    "report": "# @after fit\nreport = f'model {model}'",
    "show": "# @nocache\nprint(report)",
}


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return pipeline(tmp_path / "w")


def pipeline(root: Path) -> Watched:
    space = Watched(root, {"MODE": "fast"})
    space.notebook("prep", PREP)
    space.notebook("train", TRAIN, '[inputs]\ndf = "//prep:df"')
    space.write("train/costs.csv", "a,1\n")
    return space


def closed(schema: Any) -> Any:
    """The schema with nothing allowed that it does not name, so that all there is is documented."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


SCHEMA = json.loads(SCHEMA_FILE.read_text())
VALIDATOR = jsonschema.Draft202012Validator(closed(SCHEMA))


def aquery(space: Watched, *arguments: str, code: int = 0) -> str:
    ended = space.run("aquery", *arguments)
    assert ended.code == code, ended.err
    return ended.out


def as_json(space: Watched, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What is printed, held against the schema."""
    found = json.loads(aquery(space, "--json", *arguments, code=code))
    VALIDATOR.validate(found)
    return found  # type: ignore[no-any-return]


def cells_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["label"]: cell for cell in found["cells"]}


def cell_of(space: Watched, label: str, *arguments: str) -> dict[str, Any]:
    (cell,) = as_json(space, *arguments, label)["cells"]
    return cell  # type: ignore[no-any-return]


def action_of(space: Watched, label: str, *arguments: str) -> dict[str, Any]:
    (action,) = cell_of(space, label, *arguments)["actions"]
    return action  # type: ignore[no-any-return]


def keys(space: Watched, expression: str = "//...") -> dict[str, str | None]:
    cells = as_json(space, expression)["cells"]
    return {cell["label"]: cell["actions"][-1]["key"] for cell in cells if cell["actions"]}


def last_run(space: Watched, label: str) -> Run:
    with contextlib.closing(open_journal(space.root / ".strata" / "journal")) as journal:
        run = journal.last(parse_label(label))
    assert run is not None
    return run


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


class TestKeys:
    def test_they_are_those_that_a_build_records(self, space: Watched) -> None:
        space.build("//...")
        found = keys(space)
        assert len(found) == 6
        assert found == {label: last_run(space, label).key for label in found}

    def test_after_an_edit_it_is_the_key_of_the_next_build(self, space: Watched) -> None:
        space.build("//...")
        before = keys(space)
        space.cell("prep", "raw").write_text(PREP["raw"].replace("[1, 2", "[1, 3"))
        edited = keys(space)
        assert edited["//prep:raw"] not in (None, before["//prep:raw"])
        assert edited["//prep:clean"] is None
        space.build("//...")
        assert last_run(space, "//prep:raw").key == edited["//prep:raw"]
        after = keys(space)
        assert after["//prep:raw"] == edited["//prep:raw"]
        assert after["//prep:clean"] == last_run(space, "//prep:clean").key
        assert after["//prep:clean"] != before["//prep:clean"]

    def test_they_are_the_same_in_another_checkout(self, space: Watched, tmp_path: Path) -> None:
        other = pipeline(tmp_path / "far" / "away" / "v")
        space.build("//...")
        other.build("//...")
        assert keys(space) == keys(other)

    def test_every_component_has_what_tells_it_from_another(self, space: Watched) -> None:
        """What differs after an edit is the component that the edit was in."""
        space.build("//...")
        before = action_of(space, "//train:fit")["components"]
        space.write("train/costs.csv", "a,2\n")
        after = action_of(space, "//train:fit")["components"]
        assert [n for n in before if before[n]["digest"] != after[n]["digest"]] == ["files"]

    def test_nothing_is_run(self, space: Watched) -> None:
        space.cell("prep", "raw").write_text("open('made', 'w').write('x')\nraw = [1]")
        aquery(space, "//...")
        assert not list(space.root.rglob("made"))


class TestState:
    def test_where_there_is_no_state_none_is_left(self, space: Watched) -> None:
        before = sorted(space.root.rglob("*"))
        assert cell_of(space, "//prep:raw")["status"] == "would_run"
        assert sorted(space.root.rglob("*")) == before

    def test_a_cache_that_is_shared_answers_without_a_state(
        self, space: Watched, tmp_path: Path
    ) -> None:
        space.variables["STRATA_CACHE_DIR"] = str(tmp_path / "shared")
        space.build("//...")
        other = pipeline(tmp_path / "v")
        other.variables = space.variables
        assert cell_of(other, "//prep:clean")["status"] == "cached"
        assert not (other.root / ".strata").exists()

    def test_it_leaves_no_record(self, space: Watched) -> None:
        space.build("//...")
        before = last_run(space, "//prep:raw")
        space.cell("prep", "raw").write_text("raw = [7]")
        aquery(space, "//...")
        assert last_run(space, "//prep:raw") == before

    def test_it_is_never_answered_from_what_was_said_before(self, space: Watched) -> None:
        """Only the cache changes between the two; the files are as they were."""
        space.build("//prep:raw")
        assert "status: cached" in aquery(space, "//prep:raw")
        space.run("clean")
        assert "status: would run" in aquery(space, "//prep:raw")


class TestAnAction:
    def test_that_is_cached_says_what_the_cache_has(self, space: Watched) -> None:
        space.build("//...")
        cell = cell_of(space, "//train:fit")
        run = last_run(space, "//train:fit").result
        assert (cell["kind"], cell["rule"], cell["status"]) == ("action", "python", "cached")
        (action,) = cell["actions"]
        assert action["result"]["finished_at"] == run.finished_at
        assert action["result"]["machine"] == run.machine
        outputs = {o["name"]: o["content"] for o in action["outputs"]}
        assert {name: content["digest"] for name, content in outputs.items()} == digests(run)
        sizes = sum(content["size_bytes"] for content in outputs.values())
        assert action["result"]["size_bytes"] == sizes

    def test_an_input_is_the_artifact_with_the_digest_of_its_maker(self, space: Watched) -> None:
        space.build("//...")
        given, through = action_of(space, "//train:fit")["inputs"]
        assert (given["slot"], given["artifact"]) == ("df", "//prep:clean%df")
        made = digests(last_run(space, "//prep:clean").result)["df"]
        assert given["content"]["digest"] == made
        assert through["artifact"] == "//prep:scale%FACTOR"
        out = aquery(space, "//train:fit")
        assert f"    df ← //prep:clean%df  {made}  7 B, json\n" in out
        assert "    FACTOR ← //prep:scale%FACTOR  " in out

    def test_files_that_are_declared_and_named(self, space: Watched) -> None:
        space.write("train/other.csv", "b\n")
        space.cell("train", "report").write_text("report = len(open('costs.csv').read()) + model")
        space.build("//...")
        declared = action_of(space, "//train:fit")
        assert declared["declared"]["inputs"] == ["*.csv"]
        assert [f["path"] for f in declared["files"]] == ["train/costs.csv", "train/other.csv"]
        assert not any(f["mentioned"] for f in declared["files"])
        (named,) = action_of(space, "//train:report")["files"]
        assert (named["path"], named["mentioned"], named["size_bytes"]) == (
            "train/costs.csv",
            True,
            4,
        )

    def test_how_it_is_run(self, space: Watched) -> None:
        space.build("//...")
        said = action_of(space, "//train:fit")["execution"]
        assert (said["timeout_s"], said["retries"], said["worker"]) == (60, 2, "local")
        assert (said["sandbox"], said["network"], said["cacheable"]) == ("off", "on", True)
        assert action_of(space, "//train:report")["after"] == ["//train:fit"]
        assert "cached: no (@nocache)" in aquery(space, "//train:show")

    def test_the_sandbox_of_the_workspace(self, space: Watched) -> None:
        space.write("strata.toml", '[build]\nsandbox = "strict"\n')
        assert action_of(space, "//prep:raw")["execution"]["sandbox"] == "strict"

    def test_what_its_run_was_found_to_depend_on(self, space: Watched) -> None:
        space.notebook("look", {"list": "import os\nnames = os.listdir('.' + '')"})
        space.build("//look")
        observed = action_of(space, "//look:list")["result"]["observed"]
        assert "folder:look" in observed
        assert f"  folder:look {observed['folder:look']}" in aquery(space, "//look:list")

    def test_variables(self, space: Watched) -> None:
        assert action_of(space, "//prep:raw")["variables"] == {"MODE": "fast"}
        assert "    MODE=fast\n" in aquery(space, "//prep:raw")
        del space.variables["MODE"]
        assert action_of(space, "//prep:raw")["variables"] == {"MODE": None}
        assert "    MODE is not set\n" in aquery(space, "//prep:raw")

    def test_long_values_are_shown_if_they_are_asked_for(self, space: Watched) -> None:
        source = "\n".join(f"name_{i} = {i}" for i in range(60))
        space.notebook("long", {"a": source})
        short = action_of(space, "//long:a")["components"]["source"]
        whole = action_of(space, "//long:a", "-v")["components"]["source"]
        assert "value" not in short
        assert whole == {"digest": short["digest"], "value": source}
        assert "60 lines" in aquery(space, "//long:a")
        assert "name_59 = 59" not in aquery(space, "//long:a")
        assert "      name_59 = 59\n" in aquery(space, "-v", "//long:a")


def digests(result: ActionResult) -> dict[str, str]:
    outputs = result.outputs.items()
    return {name: output.digest.hex for name, output in outputs if isinstance(output, Output)}


class TestWhatIsNotKnown:
    def test_what_a_stale_cell_gives(self, space: Watched) -> None:
        """Command, artifacts and the rest of the components are told all the same."""
        cell = cell_of(space, "//prep:clean")
        assert cell["status"] == "unknown"
        assert cell["waits_for"] == ["//prep:raw", "//prep:scale"]
        (action,) = cell["actions"]
        assert (action["key"], action["result"]) == (None, None)
        assert action["command"]["program"] == "cell"
        artifacts = {given["slot"]: given["artifact"] for given in action["inputs"]}
        assert artifacts["raw"] == "//prep:raw%raw"
        assert all(given["content"] is None for given in action["inputs"])
        assert {"source", "definitions", "rule"} <= action["components"].keys()
        assert action["components"].keys().isdisjoint({"inputs", "files", "environment"})
        out = aquery(space, "//prep:clean")
        assert "  key: not known until //prep:raw and //prep:scale have results\n" in out
        assert "  cached: unknown\n" in out

    def test_a_broken_cell_and_what_needs_it(self, space: Watched) -> None:
        space.cell("prep", "raw").write_text("raw = [\n")
        found = cells_of(as_json(space, "//prep"))
        broken, above = found["//prep:raw"], found["//prep:clean"]
        assert (broken["kind"], broken["status"], broken["actions"]) == (None, "failed", [])
        assert (broken["error"]["file"], broken["error"]["line"]) == ("prep/cells/raw.py", 1)
        assert (above["status"], above["actions"][0]["key"]) == ("skipped", None)
        out = aquery(space, "//prep:raw")
        assert "  status: broken: prep/cells/raw.py:1: " in out

    def test_an_input_that_nobody_defined(self, space: Watched) -> None:
        space.cell("prep", "clean").write_text("if raw[0] > 5:\n    df = raw")
        space.build("//...", code=1)
        cell = cell_of(space, "//train:fit")
        assert (cell["status"], cell["error"]["kind"]) == ("failed", "input")
        assert cell["actions"][0]["key"] is None

    def test_a_value_that_could_not_be_stored(self, space: Watched) -> None:
        space.notebook("gen", {"g": "g = (i for i in [1])"})
        space.build("//gen")
        (output,) = action_of(space, "//gen:g")["outputs"]
        assert output["content"] is None
        assert output["unstorable"]


class TestSecrets:
    @pytest.mark.parametrize("arguments", [(), ("-v",), ("--json",), ("--json", "-v")])
    def test_their_values_are_never_shown(self, space: Watched, arguments: tuple[str, ...]) -> None:
        """Neither that of the caller's environment, nor one that is written into the source."""
        space.variables["API_TOKEN"] = SECRET
        source = f"# @env API_TOKEN\n# @env DB_PASSWORD={SECRET[::-1]}\nimport os\n"
        source += f"y = os.environ['API_TOKEN'] != '{SECRET}'\ndef ask():\n    return '{SECRET}'"
        space.notebook("s", {"a": source, "b": "z = ask()\nz == ''"})
        for built in (False, True):
            out = aquery(space, *arguments, "//s")
            assert "API_TOKEN" in out
            assert SECRET not in out
            assert SECRET[::-1] not in out
            if not built:
                space.build("//s")

    def test_short_ones_are_hidden_where_they_are_given(self, space: Watched) -> None:
        space.notebook("s", {"a": "# @env API_KEY=q7\n# @env MY_TOKEN = z9\nx = 1"})
        for arguments in ((), ("-v",), ("--json", "-v")):
            out = aquery(space, *arguments, "//s")
            assert "***" in out
            assert not [short for short in ("=q7", "= z9") if short in out]

    def test_their_names_are(self, space: Watched) -> None:
        space.notebook("s", {"a": "# @env API_TOKEN\nx = 1"})
        assert "    API_TOKEN (secret, not set)\n" in aquery(space, "//s")
        space.variables["API_TOKEN"] = SECRET
        assert "    API_TOKEN (secret)\n" in aquery(space, "//s")
        assert action_of(space, "//s:a")["secrets"] == ["API_TOKEN"]
        assert action_of(space, "//s:a")["variables"] == {}


class TestTheQuestion:
    def test_it_is_an_expression_of_strata_query(self, space: Watched) -> None:
        expected = ["//prep:raw", "//prep:scale", "//prep:clean", "//train:fit"]
        for words in (["deps(//train:fit)"], ["deps", "//train:fit"]):
            assert list(cells_of(as_json(space, *words))) == expected
        assert list(cells_of(as_json(space, "//prep - //prep:raw"))) == expected[1:3]

    def test_a_variable_means_the_cell_that_makes_it(self, space: Watched) -> None:
        assert cell_of(space, "//prep:clean%df")["label"] == "//prep:clean"

    def test_prose_has_no_action(self, space: Watched) -> None:
        space.write("prep/cells/intro.md", "# Hello\n")
        with (space.root / "prep" / "notebook.toml").open("a") as file:
            file.write(
                '[[cells]]\nid = "intro"\nfile = "intro.md"\nlanguage = "markdown"\norder = 9\n'
            )
        found = as_json(space, "//prep")
        assert found["without_action"] == ["//prep:intro"]
        assert "//prep:intro" not in cells_of(found)
        ended = space.run("aquery", "//prep:intro")
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == "note: no actions: //prep:intro builds nothing\n"
        assert as_json(space, "//prep:intro")["cells"] == []

    def test_what_is_no_cell_has_none_either(self, space: Watched) -> None:
        ended = space.run("aquery", "file(train/costs.csv)")
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == "note: no actions: no cell is in the answer\n"

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["dep(//prep)"], "did you mean deps?"),
            (["//prep:rwa"], "no cell or variable 'rwa' in //prep"),
            (["//pep"], "no notebook //pep"),
            (["--output", "xml", "//prep"], "'xml' is not one of"),
            ([], "Missing argument 'EXPRESSION...'"),
        ],
    )
    def test_what_is_wrong_is_an_error(self, space: Watched, words: list[str], says: str) -> None:
        ended = space.run("aquery", *words)
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err

    def test_with_keep_going_the_rest_is_answered(self, space: Watched) -> None:
        found = as_json(space, "-k", "//pep + //prep:raw", code=3)
        assert list(cells_of(found)) == ["//prep:raw"]

    def test_two_runs_say_the_same(self, space: Watched) -> None:
        space.build("//...")
        for form in ("text", "json"):
            once = aquery(space, "--output", form, "//...")
            assert aquery(space, "--output", form, "//...") == once


RULE = '''
"""Cells that run several times, each time with what the time before gave as `x`."""
import re
from dataclasses import dataclass, replace

from strata.core.action import Action, Artifact, Command, Input
from strata_rules import python

VERSION = 1
scan = python.scan

def analyze(ctx):
    count = int(re.search(r"# (\\d+) steps", ctx.cell.source)[1])
    return Steps(python.analyze(ctx), count)

@dataclass(frozen=True)
class Steps:
    first: Action
    count: int

    @property
    def label(self):
        return self.first.label

    def start(self):
        return self.step(0)

    def after(self, step, result):
        return self.step(step + 1) if step + 1 < self.count else None

    def step(self, number):
        first = self.first
        parameters = {**first.provenance["parameters"], "step": number}
        action = replace(first, provenance={**first.provenance, "parameters": parameters})
        if number == 0:
            return action
        bindings = {**first.command.arguments["bindings"], "x": {"slot": "x"}}
        return replace(
            action,
            command=Command("cell", {**first.command.arguments, "bindings": bindings}),
            inputs={**first.inputs, "x": Input((Artifact(self.label, "x"),))},
        )
'''
STEPS = "# {} steps\nx = globals().get('x', -1) + 1"


@pytest.fixture
def chained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A workspace with a cell of a kind that somebody else has a rule for: a chain."""
    lib = tmp_path / "lib"
    info = lib / "toy_steps-1.dist-info"
    info.mkdir(parents=True)
    (lib / "toy_steps.py").write_text(RULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-steps\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[strata.rules]\nsteps = toy_steps\n")
    monkeypatch.syspath_prepend(str(lib))
    space = Watched(tmp_path / "w")
    space.notebook("c", {"loop": STEPS.format(3), "end": "y = x + 10"})
    text = (space.root / "c" / "notebook.toml").read_text()
    changed = text.replace('file = "loop.py"', 'file = "loop.py"\nlanguage = "steps"')
    (space.root / "c" / "notebook.toml").write_text(changed)
    return space


class TestChains:
    def test_every_step_is_shown(self, chained: Watched) -> None:
        built = chained.build("//c")
        assert built.ran == ["//c:end", "//c:loop"]
        cell = cell_of(chained, "//c:loop")
        assert (cell["kind"], cell["status"], cell["rule"]) == ("chain", "cached", "steps")
        assert [action["step"] for action in cell["actions"]] == [0, 1, 2]
        assert len({action["key"] for action in cell["actions"]}) == 3
        assert all(action["result"] for action in cell["actions"])
        assert cell["actions"][-1]["key"] == last_run(chained, "//c:loop").key
        carried = [[i["artifact"] for i in action["inputs"]] for action in cell["actions"]]
        assert carried == [[], ["//c:loop%x"], ["//c:loop%x"]]
        assert "status: cached; 3 steps cached\n" in aquery(chained, "//c:loop")

    def test_where_it_would_go_on(self, chained: Watched) -> None:
        """Five steps of which three are known: the fourth would run, the fifth nobody knows."""
        chained.build("//c")
        chained.cell("c", "loop").write_text(STEPS.format(5))
        found = cells_of(as_json(chained, "//c"))
        loop = found["//c:loop"]
        assert loop["status"] == "would_run"
        assert [bool(a["result"]) for a in loop["actions"]] == [True, True, True, False]
        assert found["//c:end"]["waits_for"] == ["//c:loop"]
        assert "; 3 steps cached, it would go on with step 3\n" in aquery(chained, "//c:loop")
        keys = [action["key"] for action in loop["actions"]]
        chained.build("//c")
        after = cell_of(chained, "//c:loop")["actions"]
        assert [action["key"] for action in after][:4] == keys
        assert len(after) == 5

    def test_before_the_first_step_has_run_nobody_knows_the_others(self, chained: Watched) -> None:
        cell = cell_of(chained, "//c:loop")
        assert [action["step"] for action in cell["actions"]] == [0]
        assert cell["actions"][0]["key"]
        assert "status: would run: never built; 0 steps cached" in aquery(chained, "//c:loop")


def test_a_wish_to_stop_is_heard(space: Watched) -> None:
    opened = open_workspace(space.root, unheard, space.environ())
    cells = load_cells(opened, [pattern_of(opened, "//...")])
    labels = list(cells.graph.cells)
    assert not see_actions(opened, cells, labels).interrupted
    opened.cancellation.request()
    assert see_actions(opened, cells, labels).interrupted


def test_an_action_that_is_asked_for_again_is_shown_as_it_is_now() -> None:
    """A file was changed while the engine waited for room: there is one action, not a chain."""
    action = actions_of(a="x = 1")["a"]
    watch = Watch({action.label})
    around = watch(
        Surroundings(PlanningExecutor(), MemoryJournal(), unheard, Cancellation(), lambda: 0.0)
    )
    before, now = (make_ready(action, {}, Late({"files": {"a.csv": d}})) for d in ("1", "2"))
    assert around.answer(before) is None
    assert around.answer(now) is None
    (seen,) = watch.actions(action.label)
    assert seen.ready is now
