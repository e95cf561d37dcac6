"""What the disk says about an action when it is ready, and about what a result depended on."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.core.action import Action, Command, Files
from strata.core.observation import ABSENT
from strata.loading.disk import Disk
from strata.loading.index import FileIndex
from strata.loading.modules import LocalModules
from tests.factories import ENVIRONMENT, label


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.disk = self.looked_at_anew()
        self.write("nb/notebook.toml", "")

    def looked_at_anew(self) -> Disk:
        index = FileIndex(self.root / ".strata")
        return Disk(self.root, index, LocalModules(self.root, index), lambda environment: None)

    def write(self, path: str, text: str = "1") -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def files(self, **declared: tuple[str, ...]) -> list[str]:
        late = self.disk.late(self.action(**declared), {})
        return sorted({**late.entries.get("files", {}), **late.named})

    def action(self, **declared: tuple[str, ...]) -> Action:
        files = Files(**declared)
        return Action(label("a"), Command("toy", {}), ENVIRONMENT, {}, files=files, folder="nb")

    def look(self, name: str) -> str:
        return self.disk.look(self.action(), [name])[name]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "workspace")


def test_a_named_file_counts_as_soon_as_it_is_there(world: World) -> None:
    assert world.files(named=("data.csv",)) == []
    world.write("nb/data.csv")
    assert world.files(named=("data.csv", "other.csv")) == ["nb/data.csv"]


def test_names_that_lead_out_or_into_state_folders_are_no_inputs(world: World) -> None:
    world.write("nb/.strata/x")
    world.write(".git/config")
    world.write("../outside.csv")
    named = ("../../outside.csv", ".strata/x", "../.git/config", "", "a\0b")
    assert [path for path in world.files(named=named) if ".strata" not in path] == []


def test_a_name_that_is_only_a_word_is_no_folder(world: World) -> None:
    world.write("nb/data/a.csv")
    assert world.files(named=("data",)) == []


def test_a_folder_that_is_read_counts_with_all_below_it(world: World) -> None:
    world.write("nb/data/a.csv")
    world.write("nb/data/deep/b.csv")
    assert world.files(places=("data",)) == ["nb/data/a.csv", "nb/data/deep/b.csv"]
    assert world.files(places=("data/*.csv",)) == ["nb/data/a.csv"]
    assert world.files(places=("data/**/*.csv",)) == ["nb/data/a.csv", "nb/data/deep/b.csv"]


def test_the_notebook_itself_is_never_read_as_a_folder(world: World) -> None:
    assert world.files(places=(".", "../nb", "..")) == []


def test_an_address_is_no_pattern(world: World) -> None:
    assert world.files(places=("https://example.com/a?b=*", "s3://bucket/*.csv")) == []


def test_a_link_that_leads_to_itself_is_no_file(world: World) -> None:
    (world.root / "nb" / "loop").symlink_to("loop")
    assert world.files(named=("loop",), places=("loop",)) == []


def test_a_file_is_worth_its_content_wherever_it_is(world: World) -> None:
    world.write("nb/a", "1")
    world.write("nb/b", "1")
    assert world.look("file:nb/a") == world.look("file:nb/b") != ABSENT
    world.write("nb/b", "22")
    assert world.look("file:nb/a") != world.look("file:nb/b")
    assert world.look("file:nb/none") == ABSENT
    assert world.look("file:nb") == "folder"
    world.write("../outside.txt", "1")
    assert world.look(f"file:{world.root.parent / 'outside.txt'}") == world.look("file:nb/a")


def test_a_folder_is_worth_its_names_and_what_is_in_its_files(world: World) -> None:
    world.write("nb/data/a", "1")
    seen = [world.look("folder:nb/data")]
    world.write("nb/data/b", "1")
    seen.append(world.look("folder:nb/data"))
    world.write("nb/data/b", "22")
    seen.append(world.look("folder:nb/data"))
    world.write("nb/data/deep/c", "1")
    seen.append(world.look("folder:nb/data"))
    assert len(set(seen)) == 4
    world.write("nb/data/deep/c", "22")  # who lists that folder too has it among what it read
    assert world.look("folder:nb/data") == seen[-1]
    assert world.look("folder:nb/none") == ABSENT


def test_the_folder_of_a_notebook_is_worth_its_names_alone(world: World) -> None:
    before = world.look("folder:nb")
    world.write("nb/notebook.toml", "name = 'edited'")
    assert world.look("folder:nb") == before
    world.write("nb/new.csv")
    assert world.look("folder:nb") != before


def test_a_module_that_was_not_found_is_noticed_when_it_comes(world: World) -> None:
    assert world.look("module:helpers") == ABSENT
    world.write("nb/helpers.py", "x = 1")
    found = world.looked_at_anew().look(world.action(), ["module:helpers"])
    assert found["module:helpers"] != ABSENT
