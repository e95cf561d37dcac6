"""Random workspaces, random edits; after each the right values, and exactly the right cells ran.

The references are in `tests/e2e/model.py`: a plain Python program for values, a memory of what was
ever built for what must run. `HYPOTHESIS_PROFILE=nightly` makes thousands of steps of it. What it
found stands as plain tests in `test_noticed_*.py`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from strata.cli.boot import answer
from strata.cli.main import run
from strata.core.label import Label
from strata.core.result import Output
from strata.stores.journal import open_journal
from tests.e2e.model import Cell, Memory, Module, Notebook, World, script

small = st.integers(0, 3)
pick = st.integers(0, 1000)
FILES = ("one.txt", "two.txt")
MODULES = ("m_one", "m_two")
VARIABLES = ("MODEL_A", "MODEL_B")


class Notebooks(RuleBasedStateMachine):
    """Two notebooks, `prep` and `train`; the second reads values of the first."""

    warm = "build"

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="strata-machine-"))
        files = dict.fromkeys(FILES, "a")
        modules = {"m_one": Module(1), "m_two": Module(2, imports="m_one")}
        plain = Notebook((Cell("p0", "value", 1),), files, modules)
        reading = replace(plain, cells=(Cell("t0", "value", 1, ("shared",)),))
        inputs = {"shared": ("prep", "v_p0")}
        notebooks = {"prep": plain, "train": replace(reading, inputs=inputs)}
        self.world = World(notebooks, settings=f'[build]\nwarm = "{self.warm}"\n')
        self.before = [self.world]
        self.memory = Memory()
        self.count = 1

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    # Edits.

    @rule(package=st.sampled_from(["prep", "train"]), which=pick, number=small, data=st.data())
    def add_a_cell(self, package: str, which: int, number: int, data: st.DataObject) -> None:
        notebook = self.world.notebooks[package]
        self.count += 1
        cell = data.draw(st.sampled_from(list(self.possible(notebook, package, number))))
        self.change(package, cells=(*notebook.cells, cell))

    @rule(package=st.sampled_from(["prep", "train"]), which=pick, number=small)
    def edit_a_number(self, package: str, which: int, number: int) -> None:
        self.edit(package, which, number=number)

    @rule(package=st.sampled_from(["prep", "train"]), which=pick, comment=small)
    def edit_a_comment(self, package: str, which: int, comment: int) -> None:
        self.edit(package, which, comment=comment)

    @rule(package=st.sampled_from(["prep", "train"]), name=st.sampled_from(FILES), size=small)
    def write_a_file(self, package: str, name: str, size: int) -> None:
        files = {**self.world.notebooks[package].files, name: "a" * (size + 1)}
        self.change(package, files=files)

    @rule(package=st.sampled_from(["prep", "train"]), there=st.booleans())
    def add_or_remove_a_file_that_a_pattern_matches(self, package: str, there: bool) -> None:
        files = dict(self.world.notebooks[package].files)
        files.pop("one.txt.more", None)
        self.change(package, files=files | ({"one.txt.more": "bb"} if there else {}))

    @rule(package=st.sampled_from(["prep", "train"]), name=st.sampled_from(MODULES), number=small)
    def edit_a_module(self, package: str, name: str, number: int) -> None:
        modules = self.world.notebooks[package].modules
        self.change(package, modules={**modules, name: replace(modules[name], number=number)})

    @rule(name=st.sampled_from(VARIABLES), value=st.sampled_from(["", "x", "yy"]))
    def set_a_variable(self, name: str, value: str) -> None:
        environ = {k: v for k, v in self.world.environ.items() if k != name}
        self.become(replace(self.world, environ=environ | ({name: value} if value else {})))

    @precondition(lambda self: len(self.before) > 2)
    @rule(which=pick)
    def go_back(self, which: int) -> None:
        self.become(self.before[which % len(self.before)])

    @rule()
    def touch_everything(self) -> None:
        for path in self.root.rglob("*.py"):
            os.utime(path)

    # What must hold after each.

    @invariant()
    def builds_are_right(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.write(self.root)
        told = script(self.world, self.root)
        expected = self.memory.must_run(self.world, told)
        self.look_at_the_build(expected)
        assert self.values() == told.values

    def look_at_the_build(self, expected: list[str]) -> None:
        """Builds; what ran is what must run, and what `-n` foresaw."""
        planned = self.strata("build", "-n", "--json")
        built = self.strata("build", "--json", "-j1")
        ran = sorted(c["label"] for c in built["cells"] if c["status"] == "ran")
        assert built["success"], built
        assert ran == expected, f"ran {ran}, must run {expected}"
        foreseen = {c["label"]: c["status"] for c in planned["cells"]}
        for cell in built["cells"]:
            wrong = {"ran": "cached", "cached": "would_run"}[cell["status"]]
            assert foreseen[cell["label"]] != wrong, f"-n said otherwise of {cell['label']}"

    def build(self) -> tuple[list[str], str]:
        """Builds as a user does, by the console entry; which cells ran, and all that was said."""
        argv = ["build", "-j1"]
        with self.inside() as out:
            said, found = answer(argv)
            code = 0 if said is not None else run(argv, found)
            print(said or "", end="")
        assert code == 0, out.getvalue()
        lines = out.getvalue().splitlines()
        return sorted(line.split()[1] for line in lines if line.startswith("ran ")), lines[-1]

    # How.

    def possible(self, notebook: Notebook, package: str, number: int) -> Iterator[Cell]:
        """Every cell that could come next, by kind."""
        made = f"{package[0]}{self.count}"
        numbers = [f"v_{c.id}" for c in notebook.cells if f"v_{c.id} =" in c.text]
        numbers += list(notebook.inputs)
        lists = [f"l_{c.id}" for c in notebook.cells if c.kind == "list"]
        instances = [f"o_{c.id}" for c in notebook.cells if c.kind == "instance"]
        functions = [c.defines for c in notebook.cells if c.kind == "function"]
        classes = [c.defines for c in notebook.cells if c.kind == "class"]
        last = tuple(numbers[-1:])
        yield Cell(made, "value", number, tuple(numbers[-2:]))
        yield Cell(made, "parity", number, last)
        yield Cell(made, "list", number, last)
        yield Cell(made, "function", number, (), tuple(functions[-1:]))
        yield Cell(made, "function", number, last, ())
        yield Cell(made, "class", number, (), tuple(functions[-1:]))
        yield Cell(made, "class", number, last, ())
        yield Cell(made, "literal", number, file="one.txt")
        yield Cell(made, "declared", number, file="one.txt")
        yield Cell(made, "computed", number, file="two.txt")
        yield Cell(made, "module", number, module=MODULES[number % 2])
        yield Cell(made, "variable", number, variable=VARIABLES[number % 2])
        for some in lists[-1:]:
            yield Cell(made, "append", number, (some,))
            yield Cell(made, "length", number, (some,))
        for some in functions[-1:]:
            yield Cell(made, "call", number, last, (some,))
        for some in classes[-1:]:
            yield Cell(made, "instance", number, last, (some,))
        for some in instances[-1:]:
            yield Cell(made, "method", number, (some,))

    def edit(self, package: str, which: int, **changes: int) -> None:
        cells = list(self.world.notebooks[package].cells)
        place = which % len(cells)
        cells[place] = replace(cells[place], **changes)  # type: ignore[arg-type]
        self.change(package, cells=tuple(cells))

    def change(self, package: str, **changes: object) -> None:
        notebook = replace(self.world.notebooks[package], **changes)  # type: ignore[arg-type]
        self.become(self.world.with_notebook(package, notebook))

    def become(self, world: World) -> None:
        self.world = world
        self.before.append(world)

    def strata(self, *arguments: str) -> dict[str, object]:
        """The program, run in this process: what `--json` printed."""
        with self.inside() as out:
            run([*arguments])
        return json.loads(out.getvalue())  # type: ignore[no-any-return]

    @contextlib.contextmanager
    def inside(self) -> Iterator[io.StringIO]:
        """The process is in the workspace, with its variables; what it prints is collected."""
        with (
            contextlib.chdir(self.root),
            _environ(self.world),
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
        ):
            yield out
        assert out.getvalue(), err.getvalue()

    def values(self) -> dict[str, dict[str, str]]:
        """What the last build gave, as the store describes it."""
        found: dict[str, dict[str, str]] = {}
        with contextlib.closing(open_journal(self.root / ".strata" / "journal")) as journal:
            for package, notebook in self.world.notebooks.items():
                values = found[package] = {}
                for cell in notebook.cells:
                    last = journal.last(Label(package, cell.id))
                    assert last is not None
                    for name, output in last.result.outputs.items():
                        assert isinstance(output, Output)
                        values[name] = output.summary.rpartition("\n")[2]
        return found


@contextlib.contextmanager
def _environ(world: World) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(world.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Stamped(Notebooks):
    """The same, built as a user does: what nobody touched is answered from stamps, and of what was
    touched only the notebooks concerned are looked at."""

    def look_at_the_build(self, expected: list[str]) -> None:
        ran, closing = self.build()
        assert ran == expected, f"ran {ran}, must run {expected}"
        cells = sum(len(notebook.cells) for notebook in self.world.notebooks.values())
        for _ in range(2):
            ran, again = self.build()
            assert ran == [], f"{ran} ran again"
            assert again.startswith(f"{cells} cell"), (closing, again)


class Fresh(Notebooks):
    """The same, with a new process for each cell."""

    warm = "off"


class StampedFresh(Stamped):
    """Stamps, and a new process for each cell."""

    warm = "off"


NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def _settings(examples: int) -> settings:
    return settings(
        max_examples=200 if NIGHTLY else examples,
        stateful_step_count=40 if NIGHTLY else 25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


TestNotebooks, TestStamped = Notebooks.TestCase, Stamped.TestCase
TestFresh, TestStampedFresh = Fresh.TestCase, StampedFresh.TestCase
TestNotebooks.settings, TestStamped.settings = _settings(8), _settings(6)
TestFresh.settings, TestStampedFresh.settings = _settings(3), _settings(3)
