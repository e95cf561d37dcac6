"""The journal on the disk: it outlives processes, is bounded, and may be damaged."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import pytest

from strata.core.action import ActionKey
from strata.core.label import Label
from strata.core.result import ActionResult, to_json
from strata.stores._sealed import seal_text, unseal_text
from strata.stores.base import BuildRecord, Run
from strata.stores.journal import LmdbJournal, open_journal
from tests.stores.store_workers import spoil

LABEL = Label("train", "model")


def run(number: int) -> Run:
    return Run(ActionKey("ab" * 32), "ran", f"reason {number}", ActionResult())


def reasons(journal: LmdbJournal) -> list[str]:
    return [found.reason for found in journal.history(LABEL)]


def test_runs_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    for number in range(3):
        journal = open_journal(tmp_path)
        journal.append(LABEL, run(number))
        journal.close()
    journal = open_journal(tmp_path)
    assert reasons(journal) == ["reason 2", "reason 1", "reason 0"]
    journal.close()


def test_no_more_is_kept_than_the_history(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for number in range(150):
        journal.append(LABEL, run(number))
    assert len(keys_of_runs(journal)) == 64
    assert reasons(journal)[0] == "reason 149"
    journal.close()


def keys_of_runs(journal: LmdbJournal) -> list[bytes]:
    """In order, so the newest run of a label is the first of its own."""
    journal._database.commit()
    keys = journal._database.read(lambda txn: [bytes(key) for key, _ in txn.cursor()])  # type: ignore[attr-defined]
    return [key for key in keys if len(key) == 24]


def count(cursor: object) -> int:
    return sum(1 for _ in cursor)  # type: ignore[call-overload]


def test_threads_append_without_losing_a_run(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    threads = [
        threading.Thread(
            target=lambda n=n: [journal.append(LABEL, run(n * 10 + i)) for i in range(10)]
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reasons(journal)) == sorted(f"reason {n}" for n in range(40))
    journal.close()


def test_a_damaged_run_is_left_out(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for number in range(3):
        journal.append(LABEL, run(number))
    newest = keys_of_runs(journal)[0]
    journal._database.write(lambda txn: txn.put(newest, b"garbage"))
    last = journal.last(LABEL)
    assert last is not None
    assert last.reason == "reason 1"
    journal.append(LABEL, run(3))
    assert reasons(journal) == ["reason 3", "reason 1", "reason 0"]
    journal.close()


def test_a_damaged_journal_is_never_an_error(tmp_path: Path) -> None:
    chance = random.Random(3)
    for number in range(8):
        journal = open_journal(tmp_path)
        journal.append(LABEL, run(number))
        assert reasons(journal)[0] == f"reason {number}"
        journal.close()
        spoil(tmp_path / "data.mdb", chance)


def test_the_current_folder_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal = open_journal(Path("journal"))
    monkeypatch.chdir("/")
    journal.append(LABEL, run(1))
    journal.close()
    assert (tmp_path / "journal" / "data.mdb").exists()


def record(number: int, *cells: str) -> BuildRecord:
    return BuildRecord(f"{number:08x}", float(number), 0.5, ("//...",), cells, {}, {})


def test_builds_of_the_same_cells_share_one_list_which_goes_with_the_last(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.add_build(record(0, "//a:x", "//a:y"))
    assert journal._database.read(lambda txn: count(txn.cursor())) == 2
    for number in range(1, 300):
        journal.add_build(record(number, "//a:x"))
    assert journal._database.read(lambda txn: count(txn.cursor())) == 256 + 1
    journal.close()


def test_a_damaged_build_is_left_out(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.add_build(record(0, "//a:x"))
    journal.add_build(record(1, "//a:x"))
    keys = journal._database.read(lambda txn: [bytes(key) for key, _ in txn.cursor()])  # type: ignore[attr-defined]
    newest = min(key for key in keys if len(key) == 40)
    journal._database.write(lambda txn: txn.put(newest, b"garbage"))
    assert journal.builds() == [record(0, "//a:x")]
    journal.add_build(record(2, "//a:x"))
    assert journal.builds() == [record(2, "//a:x"), record(0, "//a:x")]
    journal.close()


def test_a_run_of_an_older_version_is_read(tmp_path: Path) -> None:
    """Fields came by addition."""
    journal = open_journal(tmp_path)
    journal.append(LABEL, run(1))
    (key,) = keys_of_runs(journal)
    value = journal._database.read(lambda txn: bytes(txn.get(key) or b""))
    text = unseal_text(key, value)
    assert text is not None
    fields = ("schema", "key", "status", "reason")
    old = {name: json.loads(text)[name] for name in fields}
    old["result"] = to_json(run(1).result).decode()  # it was a text in the text
    sealed = seal_text(key, json.dumps(old).encode())
    journal._database.write(lambda txn: txn.put(key, sealed))
    assert journal.last(LABEL) == run(1)
    journal.close()
