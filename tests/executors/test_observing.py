"""What a run was seen to touch becomes observations: of what counts, as it is after the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from strata.core.action import Action, ReadyAction, make_ready
from strata.core.digest import digest_bytes
from strata.core.observation import ABSENT, Observed
from strata.core.signature import Signature
from strata.executors.frames import Seen
from strata.executors.observing import OVERFLOW, Observations, observations
from tests.executors.executor_bench import make_action
from tests.runner.test_observe import seen_by


def ready(**provenance: object) -> ReadyAction:
    return make_ready(make_action("", provenance={"source": "", **provenance}), {})


def signature(path: Path) -> Signature:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def digest(text: str) -> str:
    return str(digest_bytes(text.encode()))


class Workspace:
    """A workspace, and all that can be asked about it; keeps what was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.folder = root / "nb"
        self.folder.mkdir(parents=True)

    def write(self, path: str, text: str = "") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def look(self, _action: Action, names: Iterable[str]) -> Observed:
        listed = list(names)
        self.asked += listed
        return {name: self._value(name) for name in listed}

    def _value(self, name: str) -> str:
        kind, _, rest = name.partition(":")
        path = self.root / rest
        if kind in ("file", "made"):
            return digest(path.read_text()) if path.is_file() else ABSENT
        if kind == "folder":
            return ",".join(sorted(os.listdir(path))) if path.is_dir() else ABSENT
        return f"the {kind} {rest}"

    def observe(
        self,
        seen: Seen,
        files: Mapping[str, str] | None = None,
        ignored: Iterable[str] = (),
        home: Path | None = None,
        **components: object,
    ) -> Observations:
        action = ready(files=files or {}, **components)
        return observations(action, seen, self.root, list(ignored), self.look, whose, home)

    def read(self, *paths: Path | str) -> Seen:
        """That these files were read, as they are now."""
        full = [self.root / path for path in paths]
        return Seen(reads=tuple((str(p), signature(p) if p.exists() else None) for p in full))


def whose(path: str) -> str | None:
    """The distribution that a file belongs to: of the same name, unless it is nobody's."""
    first = path.partition("/")[0].removesuffix(".py")
    return None if first.startswith("_") else first


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path.resolve() / "ws")


def test_nothing_seen_is_nothing_observed_and_nothing_asked(ws: Workspace) -> None:
    assert ws.observe(Seen()) == Observations({}, ())
    assert ws.asked == []


def test_a_file_in_the_workspace_is_named_from_its_root_and_one_outside_by_its_path(
    ws: Workspace, tmp_path: Path
) -> None:
    ws.write("data/a.csv", "1")
    ws.write("../outside.csv", "2")
    outside = tmp_path.resolve() / "outside.csv"
    found = ws.observe(ws.read("data/a.csv", outside, "data/none.csv"))
    assert found == Observations(
        {
            "file:data/a.csv": digest("1"),
            f"file:{outside}": digest("2"),
            "file:data/none.csv": ABSENT,
        }
    )


def test_a_workspace_that_is_opened_through_a_link_is_the_workspace(
    ws: Workspace, tmp_path: Path
) -> None:
    ws.write("a.csv", "1")
    (tmp_path / "link").symlink_to(ws.root)
    found = ws.observe(ws.read(tmp_path / "link" / "a.csv"))
    assert list(found.observed) == ["file:a.csv"]


def test_a_link_within_the_workspace_keeps_its_name(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "a.csv").write_text("1")
    (ws.root / "data").symlink_to(tmp_path / "big")
    assert list(ws.observe(ws.read("data/a.csv")).observed) == ["file:data/a.csv"]


@pytest.mark.parametrize(
    "path",
    [
        *(".strata/cache/x", "nb/.strata/x", ".git/HEAD", "nb/__pycache__/m.pyc"),
        *(".venv/lib/x.py", ".venv", "nb/.venv/share/deep/x", "skipped/x"),
        *("../home/.cache/lib/x", "../home/.netrc", "../skipped/x", "relative/../../x"),
    ],
)
def test_what_is_no_input_of_anybodys_is_left_out(ws: Workspace, path: str) -> None:
    ws.write(".venv/pyvenv.cfg")
    ws.write("nb/.venv/pyvenv.cfg")
    home = ws.root.parent / "home"
    ignored = [str(ws.root / "skipped"), str(ws.root.parent / "skipped")]
    full = path if path.startswith("relative") else os.path.normpath(ws.root / path)
    seen = Seen(reads=((full, None),), folders=(full,), writes=(full,))
    assert ws.observe(seen, ignored=ignored, home=home) == Observations({}, ())


@pytest.mark.parametrize(
    "path", ["/usr/share/zoneinfo/UTC", "/etc", "/etc/hosts", "/proc/self/maps", "/lib64/x"]
)
def test_the_system_is_left_out(ws: Workspace, path: str) -> None:
    assert ws.observe(Seen(reads=((path, None),), folders=(path,))) == Observations({}, ())


def test_what_only_looks_like_it_counts(ws: Workspace) -> None:
    home = ws.root.parent / "home"
    (home / "data").mkdir(parents=True)
    paths = ("/etcetera/x", str(home / "data" / ".x"), str(ws.root / "gitlog" / "x.strata"))
    found = ws.observe(Seen(reads=tuple((p, None) for p in paths)), home=home)
    assert len(found.observed) == 3


def test_a_workspace_within_an_ignored_folder_is_not_ignored(ws: Workspace) -> None:
    ws.write("a.csv", "1")
    found = ws.observe(ws.read("a.csv"), ignored=[str(ws.root.parent), str(ws.root), ""])
    assert list(found.observed) == ["file:a.csv"]


def test_a_declared_file_is_in_the_key_and_not_observed(ws: Workspace) -> None:
    ws.write("a.csv", "1")
    assert ws.observe(ws.read("a.csv"), files={"a.csv": digest("1")}) == Observations({}, ())


def test_a_declared_file_that_is_not_what_the_key_says_is_moving(ws: Workspace) -> None:
    """Whether or not the cell was seen to read it, and if the cell itself wrote it."""
    path = ws.write("a.csv", "2")
    declared = {"a.csv": digest("1"), "gone.csv": digest("1")}
    assert ws.observe(Seen(), files=declared) == Observations({}, ("a.csv", "gone.csv"))
    found = ws.observe(Seen(writes=(str(path),)), files={"a.csv": digest("1")})
    assert found == Observations({"made:a.csv": digest("2")}, ("a.csv",))


def test_a_declared_file_that_is_written_as_it_was_is_observed(ws: Workspace) -> None:
    path = ws.write("a.csv", "1")
    found = ws.observe(Seen(writes=(str(path),)), files={"a.csv": digest("1")})
    assert found == Observations({"made:a.csv": digest("1")}, ())


@pytest.mark.parametrize("change", ["other text", "same size", "gone", "replaced"])
def test_a_file_that_changed_after_it_was_read_is_moving(ws: Workspace, change: str) -> None:
    path = ws.write("a.csv", "1")
    seen = ws.read("a.csv")
    if change == "other text":
        path.write_text("22")
    elif change == "gone":
        path.unlink()
    elif change == "replaced":
        ws.write("b.csv", "1").replace(path)
    else:
        stamp = path.stat()
        path.write_text("2")
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    assert ws.observe(seen).moving == ("a.csv",)


def test_a_file_that_appeared_after_it_was_looked_for_is_moving(ws: Workspace) -> None:
    seen = ws.read("a.csv")
    ws.write("a.csv", "1")
    assert ws.observe(seen).moving == ("a.csv",)


@pytest.mark.parametrize("before", ["1", None])
def test_a_file_that_the_cell_read_and_then_wrote_is_observed_as_it_is_now(
    ws: Workspace, before: str | None
) -> None:
    if before is not None:
        ws.write("a.csv", before)
    reads = ws.read("a.csv").reads
    path = ws.write("a.csv", "22")
    found = ws.observe(Seen(reads=reads, writes=(str(path),)))
    assert found == Observations({"made:a.csv": digest("22")}, ())


def test_the_same_where_one_of_the_two_went_through_a_link(ws: Workspace) -> None:
    ws.write("data/a.csv", "1")
    (ws.root / "link").symlink_to("data")
    reads = ws.read("link/a.csv").reads
    path = ws.write("data/a.csv", "22")
    assert ws.observe(Seen(reads=reads, writes=(str(path),))).moving == ()


def test_a_file_that_the_cell_removed_is_observed_as_absent(ws: Workspace) -> None:
    seen = Seen(writes=(str(ws.root / "old.csv"),))
    assert ws.observe(seen) == Observations({"made:old.csv": ABSENT}, ())


def test_folders_are_observed_with_their_listing_after_the_run(ws: Workspace) -> None:
    ws.write("data/a.csv")
    seen = Seen(folders=(str(ws.root / "data"), str(ws.root), str(ws.root / "none")))
    expected = {"folder:.": "data,nb", "folder:data": "a.csv", "folder:none": ABSENT}
    assert ws.observe(seen).observed == expected


def test_distributions_that_are_not_in_the_key_are_observed_and_modules_that_are_missing(
    ws: Workspace,
) -> None:
    seen = Seen(
        modules=("numpy/__init__.py", "six.py", "_virtualenv.py"), missing_modules=("torch",)
    )
    found = ws.observe(seen, environment={"python": "3.11.7", "distributions": {"numpy": "2.0"}})
    assert found.observed == {"dist:six": "the dist six", "module:torch": "the module torch"}


def test_beside_the_whole_lock_only_missing_modules_are_observed(ws: Workspace) -> None:
    seen = Seen(modules=("six.py",), missing_modules=("torch",))
    environment = {"python": "3.11.7", "lock": "ab"}
    expected = Observations({"module:torch": "the module torch"}, ())
    assert ws.observe(seen, environment=environment) == expected


def test_what_could_not_be_told_is_moving(ws: Workspace) -> None:
    assert ws.observe(Seen(overflow=True)).moving == (OVERFLOW,)


CELLS: list[tuple[str, set[str]]] = [
    ("import os\nn = 'a'\nx = open(n + '.csv').read()", {"file:nb/a.csv"}),
    ("import os\nx = sorted(os.listdir('..'))", {"folder:."}),
    ("open('out.csv', 'w').write('3')\nx = open('out.csv').read()", {"made:nb/out.csv"}),
    ("x = open('a.csv').read()\nopen('a.csv', 'w').write(x + '!')", {"made:nb/a.csv"}),
    ("import helpers\nx = helpers.x", {"file:nb/helpers.py"}),
    ("import sys, json, tempfile\nx = tempfile.TemporaryFile()", set()),
]


@pytest.mark.parametrize(("source", "expected"), CELLS)
def test_what_a_real_cell_touches_is_observed(
    ws: Workspace, source: str, expected: set[str]
) -> None:
    ws.write("nb/a.csv", "1")
    ws.write("nb/helpers.py", "x = 1")
    found = ws.observe(seen_by(ws.root, source, folder="nb"))
    assert (set(found.observed), found.moving) == (expected, ())


def test_a_file_that_a_child_process_changed_after_it_was_read_is_moving(ws: Workspace) -> None:
    ws.write("nb/a.csv", "1")
    source = "import subprocess\nopen('a.csv').read()\nsubprocess.run('echo 2 > a.csv', shell=True)"
    assert ws.observe(seen_by(ws.root, source, folder="nb")).moving == ("nb/a.csv",)


Touch = Callable[[Workspace], None]
CHANGES: list[tuple[str, Touch]] = [
    ("open('a' + '.csv')", lambda ws: ws.write("nb/a.csv", "2") and None),
    ("import os; os.listdir()", lambda ws: ws.write("nb/new") and None),
    ("open('o' + 'ut', 'w')", lambda ws: (ws.folder / "out").unlink()),
]


@pytest.mark.parametrize(("source", "change"), CHANGES)
def test_what_was_observed_holds_until_somebody_changes_it(
    ws: Workspace, source: str, change: Touch
) -> None:
    ws.write("nb/a.csv", "1")
    found = ws.observe(seen_by(ws.root, source, folder="nb"))
    action = make_action("")
    assert ws.look(action, found.observed) == found.observed
    change(ws)
    assert ws.look(action, found.observed) != found.observed
