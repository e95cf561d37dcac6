"""Which actions are confined, to what, and what a refusal is told as."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from strata.core.action import Files, make_ready
from strata.core.errors import UsageError
from strata.core.result import ActionResult, CellFailure, FailureKind
from strata.executors import sandbox
from strata.executors.refusals import advised_lines, annotation, explained, swallowed
from strata.executors.sandbox import UNCONFINED, Confinement, Policy, check, confinement, frame
from tests.executors.executor_bench import Bench, make_action
from tests.executors.test_local_with_runner import Cells

STRICT = Policy(strict=True)


@pytest.fixture
def ground(tmp_path: Path) -> Confinement:
    """A notebook `nb` that declares `data/x.csv` and `out.csv`."""
    root = tmp_path.resolve() / "ws"
    for name in ("nb/data/x.csv", "nb/data/y.csv", "nb/my data.csv", "other/z.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / ".strata").mkdir()
    read, write = str(root / "nb/data/x.csv"), str(root / "nb/out.csv")
    return Confinement(root, root / "nb", (read,), (write,), (str(root / ".strata"),))


def failure(message: str, traceback: str = "", type: str = "OSError") -> CellFailure:
    return CellFailure(FailureKind.EXCEPTION, type, message, traceback=traceback)


def hint_of(told: CellFailure, ground: Confinement, console: bytes | None = None) -> str:
    found = explained(told, STRICT, ground, console)
    assert found.kind is FailureKind.SANDBOX, found
    assert found.hint is not None
    return found.hint


def test_a_cells_own_word_wins_over_the_build() -> None:
    plain, strict, off = (make_action("", sandbox=word) for word in (None, "strict", "off"))
    assert [STRICT.confines(a) for a in (plain, strict, off)] == [True, True, False]
    assert [UNCONFINED.confines(a) for a in (plain, strict, off)] == [False, True, False]


def test_a_result_counts_where_it_was_made_as_strictly() -> None:
    ready = make_ready(make_action(""), {})
    free, confined = ActionResult(), ActionResult(sandboxed=True)
    assert [STRICT.accepts(ready, r) for r in (free, confined)] == [False, True]
    assert [UNCONFINED.accepts(ready, r) for r in (free, confined)] == [True, True]


def test_an_action_may_reach_what_it_declares(tmp_path: Path) -> None:
    (tmp_path / "nb/out").mkdir(parents=True)
    (tmp_path / "nb/out/a.csv").write_text("")
    written = ("out/*.csv", "//top.csv", "new/", "../../outside.csv", "/etc/passwd")
    files = {"nb/x.csv": "digest"}
    action = make_action("", files=Files(written=written), provenance={"files": files})
    confined = confinement(STRICT, make_ready(action, {}), tmp_path, tmp_path / "scratch", None)
    assert confined is not None
    assert confined.read == (str(tmp_path / "nb/x.csv"),)
    written = ("nb/out/*.csv", "nb/out/a.csv", "top.csv", "nb/new")
    assert confined.write == tuple(str(tmp_path / name) for name in written)
    assert (tmp_path / "nb/new").is_dir()
    assert confined.open == (str(tmp_path / "scratch"),)
    sent = frame(STRICT, confined, ["/blob"])
    assert sent == {
        "read": [*confined.read, "/blob"],
        "write": list(confined.write),
        "network": True,
    }


def test_nothing_is_sent_where_nothing_is_asked() -> None:
    assert frame(UNCONFINED, None, []) is None
    assert frame(Policy(network=False), None, []) == {"read": None, "write": [], "network": False}


def test_a_machine_without_landlock_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    free = make_action("", sandbox="off")
    check(STRICT, [free])
    check(UNCONFINED, [make_action("")])
    with pytest.raises(UsageError) as caught:
        check(STRICT, [free, make_action("")])
    assert caught.value.message == "cells cannot be confined here: the sandbox needs Linux"
    assert "--sandbox=off" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        check(UNCONFINED, [make_action("", sandbox="strict")])
    assert caught.value.message.startswith("//nb:cell: cells cannot be confined here")
    with pytest.raises(UsageError) as caught:
        check(Policy(network=False), [])
    assert caught.value.message == "the network cannot be taken from cells here: that needs Linux"


def test_a_kernel_that_does_not_know_landlock_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for a system call that no kernel has, it says what one without Landlock says."""
    monkeypatch.setattr(sandbox, "_CREATE_RULESET", 5000)
    assert sandbox.no_landlock() == "the kernel has no Landlock (function not implemented)"


def test_this_machine_can_confine_cells() -> None:
    assert sandbox.no_landlock() is None
    assert sandbox.no_private_network() is None


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("read {ws}/nb/data/y.csv", "# @input data/y.csv"),
        ("read {ws}/other/z.csv", "# @input //other/z.csv"),
        ("read {ws}/nb/my data.csv", '# @input "my data.csv"'),
        ("read {ws}/nb/it's.csv", '# @input "it\'s.csv"'),
        ("read {ws}/nb/a[1]*.csv", "# @input a[[]1][*].csv"),
        ("read {ws}/nb/a,", '# @input "a,"'),
        ("write {ws}/nb/new.csv", "# @writes new.csv"),
        ("mkdir {ws}/nb/res", "# @writes res/"),
    ],
)
def test_what_python_was_refused_names_the_line(ground: Confinement, said: str, line: str) -> None:
    told = replace(failure(said.format(ws=ground.root)), kind=FailureKind.SANDBOX)
    assert hint_of(told, ground) == f"add the line `{line}` at the top of the cell"
    assert advised_lines(explained(told, STRICT, ground, None)) == (line,)


def test_a_name_that_no_line_can_hold_gets_other_advice(ground: Confinement) -> None:
    told = replace(failure(f"read {ground.root}/nb/a\nb"), kind=FailureKind.SANDBOX)
    assert hint_of(told, ground) == "give it a plainer name"
    assert annotation("input", f"{ground.root}/nb/a`b", ground) is None


def test_reading_back_an_output_gets_other_advice(ground: Confinement) -> None:
    """The line is there already."""
    told = replace(failure(f"write {ground.root}/nb/out.csv"), kind=FailureKind.SANDBOX)
    found = explained(told, STRICT, ground, None)
    assert (
        found.message == "the sandbox refused to read back 'out.csv', which the cell wrote itself"
    )
    assert advised_lines(found) == ()


NATIVE = [
    'IO Error: Cannot open file "{ws}/nb/data/y.csv": Permission denied',
    "[Errno 13] Failed to open local file 'data/y.csv'. Detail: [errno 13] Permission denied",
    "Permission denied (os error 13): data/y.csv",
    "Permission denied (os error 13): {ws}/nb/data/y.csv",
    "unable to open file: name = 'data/y.csv', errno = 13, error message = 'Permission denied'",
]


@pytest.mark.parametrize("said", NATIVE)
def test_what_native_readers_say_is_understood(ground: Confinement, said: str) -> None:
    told = failure(said.format(ws=ground.root), type="IOException")
    assert "`# @input data/y.csv`" in hint_of(told, ground)


def test_what_child_processes_say_is_understood(ground: Confinement) -> None:
    told = failure("Command '['cat', 'data/y.csv']' returned non-zero exit status 1.")
    console = b'[["stdout", "hello"], ["stderr", "cat: data/y.csv: Permission denied\\n"]]'
    assert "`# @input data/y.csv`" in hint_of(told, ground, console)
    told = replace(told, type="subprocess.CalledProcessError")
    assert "`# @input data/y.csv`" in hint_of(told, ground)
    console = b'[["stderr", "sh: 1: cannot create data/new.csv: Permission denied\\n"]]'
    assert "`# @writes data/new.csv`" in hint_of(failure("failed"), ground, console)


def test_what_is_no_refusal_stays_what_it_is(ground: Confinement) -> None:
    for said in ("no rows", "Permission denied: '/etc/shadow'", "data/y.csv is not a table"):
        assert explained(failure(said), STRICT, ground, None).kind is FailureKind.EXCEPTION
    declared = failure(f"Permission denied: '{ground.root}/nb/data/x.csv'")
    assert explained(declared, STRICT, ground, None).kind is FailureKind.EXCEPTION
    timeout = CellFailure(FailureKind.TIMEOUT, "timeout", "data/y.csv: Permission denied")
    assert explained(timeout, STRICT, ground, None) == timeout
    plain = failure("data/y.csv: Permission denied")
    assert explained(plain, UNCONFINED, None, None) == plain


def test_a_refusal_that_names_no_file_gets_advice(ground: Confinement) -> None:
    told = explained(failure("Permission denied"), STRICT, ground, None)
    assert told.kind is FailureKind.EXCEPTION
    assert told.hint is not None
    assert "the sandbox may have refused a file" in told.hint


def test_a_cell_that_misses_the_network_is_told_so(ground: Confinement) -> None:
    said = failure("<urlopen error [Errno -3] Temporary failure in name resolution>")
    told = explained(said, Policy(network=False), None, None)
    assert told.kind is FailureKind.SANDBOX
    assert told.message.startswith("the cell has no network: ")
    assert told.hint == "build with --network=on, or let the cell read a file instead"
    assert explained(said, UNCONFINED, None, None) == said


def test_what_was_refused_and_not_missed_is_named_with_its_line(ground: Confinement) -> None:
    path = f"{ground.root}/nb/data/y.csv"
    named = "data/y.csv (refused by the sandbox: add `# @input data/y.csv`)"
    assert swallowed(ground, [path]) == (named,)
    assert swallowed(None, [path]) == ()


def test_a_confined_cell_gets_its_inputs_and_nothing_else(bench: Bench) -> None:
    """Inputs that are files of the store among them; the result says how it was made."""
    (bench.root / "nb/x.csv").write_text("1")
    (bench.root / "nb/y.csv").write_text("2")
    cells = Cells(bench)
    files = {"files": {"nb/x.csv": "digest"}}
    first = cells.run("a = bytes(3_000_000)", "a", sandbox="strict", provenance=files)
    assert first.error is None, first.error
    assert first.sandboxed
    source = "b = len(a)\nc = open('x' + '.csv').read()"
    second = cells.run(source, "b", "c", given=first, sandbox="strict", provenance=files)
    assert second.error is None, second.error
    third = cells.run("open('y' + '.csv')", sandbox="strict", provenance=files)
    assert third.error is not None
    assert third.error.kind is FailureKind.SANDBOX
    assert third.error.hint == "add the line `# @input y.csv` at the top of the cell"
    free = cells.run("open('y' + '.csv').read()", provenance=files)
    assert free.error is None
    assert not free.sandboxed


def test_a_result_that_was_made_without_a_file_is_not_to_be_kept(bench: Bench) -> None:
    (bench.root / "nb/y.csv").write_text("2")
    source = "try:\n    y = open('y' + '.csv').read()\nexcept OSError:\n    y = None"
    result = Cells(bench).run(source, "y", sandbox="strict")
    assert result.error is None, result.error
    assert result.moving == ("y.csv (refused by the sandbox: add `# @input y.csv`)",)
