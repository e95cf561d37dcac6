"""The examples build, and after an edit exactly what the edit concerns is run.

Every example is built once for the module. A test gets a copy of it, with its own copy of the
cache, at another path; only the environment with scikit-learn in it is shared, which is slow to
make. So each test also says that a result is found wherever the notebook is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.workspaces import STRATA, Ended

EXAMPLES = Path(__file__).parents[2] / "examples"

HELLO, WORDS = "hello", "words"
IRIS = pytest.param("iris", marks=pytest.mark.slow)
PIPELINE = pytest.param("pipeline", marks=pytest.mark.slow)
ALL = [HELLO, WORDS, IRIS, PIPELINE]


@dataclass(frozen=True)
class Example:
    """An example in a folder of its own, and the cache it is built with."""

    folder: Path
    cache: Path

    def build(self) -> Ended:
        """`strata build --json`, which must succeed."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_")}
        ended = subprocess.run(
            [STRATA, "build", "--json"],
            cwd=self.folder,
            env=inherited | {"STRATA_CACHE_DIR": str(self.cache)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def rebuild(self) -> set[str]:
        """The cells that a build runs now."""
        return _ran(self.build())

    def edit(self, path: str, old: str, new: str) -> None:
        """One passage of a file is another one."""
        file = self.folder / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), "utf-8")

    def copy_to(self, target: Path) -> Example:
        """The example and all that it remembers, elsewhere. Environments stay where they are."""
        shutil.copytree(self.folder, target / "example")
        shutil.copytree(self.cache, target / "cache", symlinks=True)
        return Example(target / "example", target / "cache")


@dataclass(frozen=True)
class Built:
    """An example as it is after its first build, and what that build said."""

    example: Example
    first: Ended


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the environments; the processes of pytest-xdist have it in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "environments"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def built(environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """An example by its name, built once."""
    known: dict[str, Built] = {}

    def build(name: str) -> Built:
        if name not in known:
            base = tmp_path_factory.mktemp(name)
            cache = base / "cache"
            cache.mkdir()
            (cache / "envs").symlink_to(environments)
            state = shutil.ignore_patterns(".strata", ".venv", "__pycache__")
            shutil.copytree(EXAMPLES / name, base / "example", ignore=state)
            example = Example(base / "example", cache)
            known[name] = Built(example, example.build())
        return known[name]

    return build


@pytest.fixture
def copy_of(built: Callable[[str], Built], tmp_path: Path) -> Callable[[str], Example]:
    """A built example, copied for one test."""
    return lambda name: built(name).example.copy_to(tmp_path)


def _ran(ended: Ended) -> set[str]:
    """The labels of what ran, the shortest way: `plot` in a lone notebook, else `report:plot`."""
    return {label.removeprefix("//").removeprefix(":") for label in ended.ran}


def _cells(folder: Path, suffix: str = "") -> dict[str, Path]:
    """Label (the shortest way) to file, of every cell below `folder` whose file ends so."""
    found = {}
    for notebook in sorted(folder.rglob("notebook.toml")):
        package = notebook.parent.relative_to(folder).as_posix().removeprefix(".")
        for cell in tomllib.loads(notebook.read_text())["cells"]:
            if cell["file"].endswith(suffix):
                label = f"{package}:{cell['id']}".removeprefix(":")
                found[label] = notebook.parent / "cells" / cell["file"]
    return found


@pytest.mark.parametrize("name", ALL)
def test_an_example_builds(built: Callable[[str], Built], name: str) -> None:
    """All its Python cells run, and nothing else."""
    cells = set(_cells(EXAMPLES / name, ".py"))
    first = built(name).first
    assert _ran(first) == cells
    assert first.report["success"] is True
    assert first.report["summary"] == {"ran": len(cells), "cached": 0, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("name", ALL)
def test_a_second_build_runs_nothing(copy_of: Callable[[str], Example], name: str) -> None:
    """Neither where the first was, nor at another path."""
    summary = copy_of(name).build().report["summary"]
    count = len(_cells(EXAMPLES / name, ".py"))
    assert summary == {"ran": 0, "cached": count, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("name", ALL)
def test_building_changes_no_source(built: Callable[[str], Built], name: str) -> None:
    """What is in the folder is what was there before, and `.strata`."""
    folder = built(name).example.folder
    listed = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}
    sources = {p for p in listed if p.parts[0] != ".strata"}
    original = EXAMPLES / name
    assert sources == {p for p in sources if (original / p).is_file()}
    assert all((folder / p).read_bytes() == (original / p).read_bytes() for p in sources)


@pytest.mark.parametrize("name", ALL)
def test_a_comment_runs_nothing(copy_of: Callable[[str], Example], name: str) -> None:
    """In whichever cells it stands; nor does prose."""
    example = copy_of(name)
    for file in _cells(example.folder, ".py").values():
        text = file.read_text("utf-8")
        file.write_text(f"{text}\n\n# A remark, and some blank lines.\n", "utf-8")
    for file in _cells(example.folder, ".md").values():
        file.write_text("# Another title\n", "utf-8")
    assert example.rebuild() == set()


@pytest.mark.slow
@pytest.mark.parametrize("cell", sorted(_cells(EXAMPLES / "iris", ".py")))
def test_a_comment_in_one_cell_of_iris_runs_nothing(
    copy_of: Callable[[str], Example], cell: str
) -> None:
    """Above the code too, which moves every line of it."""
    example = copy_of("iris")
    file = _cells(example.folder)[cell]
    file.write_text(f"# A remark.\n\n{file.read_text('utf-8')}", "utf-8")
    assert example.rebuild() == set()


@pytest.mark.slow
def test_the_title_of_the_plot_concerns_the_plot_alone(copy_of: Callable[[str], Example]) -> None:
    """And once it is back, the plot is known."""
    example = copy_of("iris")
    example.edit("cells/plot.py", "Petals give irises away", "Look at the petals")
    assert example.rebuild() == {"plot"}
    example.edit("cells/plot.py", "Look at the petals", "Petals give irises away")
    assert example.rebuild() == set()


@pytest.mark.slow
def test_the_model_concerns_what_asks_it(copy_of: Callable[[str], Example]) -> None:
    """A stump knows two species: what was split and loaded before stays."""
    example = copy_of("iris")
    example.edit("cells/train.py", "max_depth=2", "max_depth=1")
    assert example.rebuild() == {"train", "evaluate", "plot", "guess"}


@pytest.mark.slow
def test_a_function_concerns_the_cells_that_call_it(copy_of: Callable[[str], Example]) -> None:
    """`guess` calls what `features` defines; the features are the same bytes, so it is the only
    other one."""
    example = copy_of("iris")
    swapped = "flowers.petal_width * flowers.petal_length"
    example.edit("cells/features.py", "flowers.petal_length * flowers.petal_width", swapped)
    assert example.rebuild() == {"features", "guess"}


def test_a_text_concerns_everything_that_is_counted_in_it(
    copy_of: Callable[[str], Example],
) -> None:
    """An `@input` file that says more reruns its reader, and all that reads the words."""
    example = copy_of("words")
    added = "The whale! The whale! Up helm! The white whale, the white whale!"
    text = (example.folder / "text/moby-dick.txt").read_text("utf-8")
    (example.folder / "text/moby-dick.txt").write_text(f"{text}\n{added}\n", "utf-8")
    assert example.rebuild() == set(_cells(example.folder, ".py"))


def test_an_edit_that_changes_no_word_is_cut_off(copy_of: Callable[[str], Example]) -> None:
    """Blank lines change the text, not its words: the counts are not made again."""
    example = copy_of("words")
    text = (example.folder / "text/alice.txt").read_text("utf-8")
    (example.folder / "text/alice.txt").write_text(f"{text}\n\n\n", "utf-8")
    assert example.rebuild() == {"read", "tokens"}


def test_a_new_text_takes_part(copy_of: Callable[[str], Example]) -> None:
    """It matches the pattern of `@input`, although no cell names it."""
    example = copy_of("words")
    opening = "Of arms and the man I sing, who first from the shores of Troy came to Italy."
    (example.folder / "text/aeneid.txt").write_text(opening, "utf-8")
    assert example.rebuild() == set(_cells(example.folder, ".py"))


def test_a_file_named_in_a_cell_concerns_that_cell(copy_of: Callable[[str], Example]) -> None:
    """And what uses its words: here also through the function `telling`."""
    example = copy_of("words")
    with (example.folder / "stopwords.txt").open("a", encoding="utf-8") as file:
        file.write("alice cats\n")
    assert example.rebuild() == {"counts", "collocations", "report"}


def test_an_instance_is_of_the_class_that_the_next_cell_knows(
    copy_of: Callable[[str], Example],
) -> None:
    """Another property of `Book` is another `Book`: its instances are made again, and counted."""
    example = copy_of("words")
    example.edit("cells/tokens.py", "for word in sentence]", "for word in sentence if word]")
    assert example.rebuild() == set(_cells(example.folder, ".py")) - {"read"}


@pytest.mark.slow
def test_preparing_otherwise_concerns_what_reads_it_in_other_notebooks(
    copy_of: Callable[[str], Example],
) -> None:
    """`summary` and `wines` read the raw data, `compare` only defines a function."""
    example = copy_of("pipeline")
    example.edit("prep/cells/clean.py", "wine.drop(", "wine.head(150).drop(")
    trained = {"train:linear", "train:forest", "train:importance"}
    reported = {"report:table", "report:plot", "report:conclusion"}
    assert example.rebuild() == {"prep:clean"} | trained | reported


@pytest.mark.slow
def test_a_summary_concerns_no_model(copy_of: Callable[[str], Example]) -> None:
    """It is read by the report alone."""
    example = copy_of("pipeline")
    example.edit("prep/cells/summary.py", '("hue", "mean")', '("hue", "median")')
    assert example.rebuild() == {"prep:summary", "report:wines", "report:conclusion"}


@pytest.mark.slow
def test_one_model_does_not_concern_the_other(copy_of: Callable[[str], Example]) -> None:
    """Nor what was prepared. The scores of the linear model are compared again."""
    example = copy_of("pipeline")
    example.edit("train/cells/linear.py", "LogisticRegression()", "LogisticRegression(C=1e-4)")
    assert example.rebuild() == {"train:linear", "report:table", "report:conclusion"}
