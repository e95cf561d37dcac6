"""`accepted.toml`: read strictly, written without losing what is there."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strata.core.action import ActionKey
from strata.core.errors import NotebookError
from strata.core.label import Label
from strata.loading.acceptances import (
    Accepted,
    add_accepted,
    read_accepted,
    revoke_accepted,
)

NOW = datetime(2026, 11, 22, 19, 12, 45, tzinfo=UTC)
KEY, OLD = ActionKey("a" * 64), ActionKey("b" * 64)


def entry(cell: str = "fit", reason: str = "renamed a variable") -> Accepted:
    return Accepted(Label("nb", cell), KEY, OLD, reason, "ada", NOW)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "notebook.toml").write_text("")
    return tmp_path


def file(root: Path) -> Path:
    return root / "nb" / "accepted.toml"


def read(root: Path) -> list[Accepted]:
    return list(read_accepted(root, ["nb"]).entries)


def test_without_a_file_nothing_is_accepted(root: Path) -> None:
    assert read(root) == []


@pytest.mark.parametrize("reason", ["plain", 'a "quoted" \\ one', "two\nlines", "naïve 🙂", "]["])
def test_what_is_written_is_what_is_read(root: Path, reason: str) -> None:
    assert add_accepted(root, entry(reason=reason)) == "nb/accepted.toml"
    assert read(root) == [entry(reason=reason)]


def test_entries_are_added_at_the_end(root: Path) -> None:
    for cell in ("c", "a", "b"):
        add_accepted(root, entry(cell))
    assert [e.label.name for e in read(root)] == ["c", "a", "b"]


def test_a_notebook_at_the_root(tmp_path: Path) -> None:
    one = Accepted(Label("", "fit"), KEY, OLD, "same", "ada", NOW)
    assert add_accepted(tmp_path, one) == "accepted.toml"
    assert list(read_accepted(tmp_path, [""]).entries) == [one]


def test_revoking_marks_every_entry_of_the_cell_and_removes_none(root: Path) -> None:
    for cell in ("fit", "other", "fit"):
        add_accepted(root, entry(cell))
    assert revoke_accepted(root, Label("nb", "fit"), "bob", NOW) == 2
    assert [e.revoked for e in read(root)] == [True, False, True]
    assert read(root)[0].revoked_by == "bob"
    assert read(root)[0].revoked_at == NOW
    assert revoke_accepted(root, Label("nb", "fit"), "eve", NOW) == 0
    assert read(root)[0].revoked_by == "bob"


def test_revoking_without_a_file_makes_none(root: Path) -> None:
    assert revoke_accepted(root, Label("nb", "fit"), "bob", NOW) == 0
    assert not file(root).exists()


def test_comments_unknown_keys_and_order_survive(root: Path) -> None:
    add_accepted(root, entry())
    text = file(root).read_text().replace('reason = "', 'ticket = 12  # see there\nreason = "')
    file(root).write_text(f"# ours\nowner = 'ada'\n{text}# the end\n")
    add_accepted(root, entry("other"))
    revoke_accepted(root, Label("nb", "fit"), "bob", NOW)
    now = file(root).read_text()
    assert now.startswith("# ours\nowner = 'ada'\n")
    assert "ticket = 12  # see there\n" in now
    assert "# the end\n" in now
    assert [e.label.name for e in read(root)] == ["fit", "other"]


def test_an_inline_list_is_added_to_as_well(root: Path) -> None:
    file(root).write_text("accepted = []\n")
    add_accepted(root, entry())
    add_accepted(root, entry("other"))
    assert [e.label.name for e in read(root)] == ["fit", "other"]


def test_it_is_as_readable_as_the_notebook_and_nothing_else_is_left(root: Path) -> None:
    (root / "nb" / "notebook.toml").chmod(0o640)
    add_accepted(root, entry())
    assert stat.S_IMODE(file(root).stat().st_mode) == 0o640
    assert {p.name for p in (root / "nb").iterdir()} == {"notebook.toml", "accepted.toml"}


def test_a_link_stays_a_link(root: Path) -> None:
    (root / "real.toml").write_text("")
    file(root).symlink_to("../real.toml")
    add_accepted(root, entry())
    assert file(root).is_symlink()
    assert "fit" in (root / "real.toml").read_text()


GOOD = f"""\
[[accepted]]
cell = "fit"
key = "{KEY}"
instead_of = "{OLD}"
reason = "same"
by = "ada"
at = 2026-11-22T19:12:45Z
"""


@pytest.mark.parametrize(
    ("wrong", "line", "what"),
    [
        (GOOD + "[[accepted", 8, "not valid TOML"),
        ("<<<<<<< HEAD\n" + GOOD, 1, "not valid TOML"),
        ("accepted = 3\n", 1, "'accepted' must be a list"),
        ("accepted = [3]\n", 1, "'accepted' number 1 must be a table"),
        (GOOD.replace('cell = "fit"\n', ""), 1, "has no 'cell'"),
        (GOOD + GOOD.replace('reason = "same"\n', ""), 8, "has no 'reason'"),
        (GOOD.replace('"same"', '""'), 5, "'reason' is empty"),
        (GOOD.replace(str(KEY), "abc"), 3, "'key' cannot be"),
        (GOOD.replace(str(OLD), "B" * 64), 4, "'instead_of' cannot be"),
        (GOOD.replace("2026-11-22T19:12:45Z", '"yesterday"'), 7, "'at' must be a date"),
        (GOOD.replace("19:12:45Z", "19:12:45"), 7, "'at' must be a date"),
        (GOOD + 'revoked = "yes"\n', 8, "'revoked' must be true or false"),
    ],
)
def test_a_wrong_file_is_one_error_with_its_place(
    root: Path, wrong: str, line: int, what: str
) -> None:
    file(root).write_text(wrong)
    for attempt in (
        lambda: read_accepted(root, ["nb"]),
        lambda: add_accepted(root, entry()),
    ):
        with pytest.raises(NotebookError) as raised:
            attempt()
        assert what in raised.value.what
        assert raised.value.place == f"nb/accepted.toml:{line}"
        assert raised.value.hint
    assert file(root).read_text() == wrong


def test_a_folder_in_its_place_is_an_error(root: Path) -> None:
    file(root).mkdir()
    with pytest.raises(NotebookError, match="is a folder"):
        read_accepted(root, ["nb"])


def test_a_misspelt_key_is_a_warning(root: Path) -> None:
    file(root).write_text(GOOD + "revokd = true\n")
    (warning,) = read_accepted(root, ["nb"]).warnings
    assert warning.startswith("nb/accepted.toml:8: unknown key 'revokd'")
    assert "did you mean 'revoked'?" in warning
