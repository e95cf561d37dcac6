"""What the local executor gives a cell, and what it makes of how the cell ends."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strata.core.action import Resources
from strata.core.errors import BlobMissing, ExecutorError
from strata.core.events import CellOutput, CellStarted
from strata.core.result import FailureKind, Output, Unstorable
from strata.executors.local import THREADS
from strata.executors.venv import Interpreter
from tests.executors.executor_bench import Bench, runs, wait_for


def scratch_is_empty(bench: Bench) -> bool:
    return not [p for p in bench.scratch.glob("room-*/*") if p.name != "lock"]


def test_outputs_inline_and_by_file_are_stored_and_scratch_is_gone(bench: Bench) -> None:
    result = bench.run("output('a', b'small', summary='five'); output_file('b', b'x' * 3_000_000)")
    assert result.error is None
    assert bench.output(result, "a") == b"small"
    assert bench.output(result, "b") == b"x" * 3_000_000
    found = result.outputs["a"]
    assert isinstance(found, Output)
    assert (found.codec, found.type_name, found.summary) == ("bytes", "bytes", "five")
    assert not bench.store.missing(result.blobs())
    assert scratch_is_empty(bench)


def test_inputs_arrive_inline_or_by_path(bench: Bench, tmp_path: Path) -> None:
    big = tmp_path / "blob"
    big.write_bytes(b"from a file")
    ready = bench.ready("output('a', inputs['x'] + inputs['y'])", {"x": b"1" * 500_000, "y": b"?"})
    plain_get = bench.store.get
    digest = ready.inputs["y"].digest
    bench.store.get = lambda d: big if d == digest else plain_get(d)  # type: ignore[method-assign, assignment]
    result = bench.executor().run(ready)
    bench.store.get = plain_get  # type: ignore[method-assign]
    assert result.error is None, result.error
    assert bench.output(result, "a") == b"1" * 500_000 + b"from a file"


def test_an_input_blob_that_is_gone_is_raised(bench: Bench) -> None:
    ready = bench.ready("pass", {"x": b"abc"})
    bench.store._blobs.clear()
    with pytest.raises(BlobMissing):
        bench.executor().run(ready)


def test_displays_keep_their_order_and_their_bytes(bench: Bench) -> None:
    result = bench.run(
        "display(text_plain=b'1', text_html=b'<b>1</b>'); display(image_png=b'\\x89')"
    )
    shown = [{m: bench.bytes_of(d) for m, d in b.items()} for b in result.displays]
    assert shown == [{"text/plain": b"1", "text/html": b"<b>1</b>"}, {"image/png": b"\x89"}]


def test_a_result_carries_what_is_needed_to_explain_it(bench: Bench) -> None:
    before = time.time()
    ready = bench.ready("x = bytearray(50_000_000)", worker="here")
    result = bench.executor().run(ready)
    assert result.provenance == ready.provenance
    assert result.worker == "here"
    assert before <= result.finished_at <= time.time()
    assert 0 < result.duration_s < 10
    assert result.peak_memory_bytes > 50_000_000
    started = [e for e in bench.events if isinstance(e, CellStarted)]
    assert started == [CellStarted(ready.label, "here", "")]


def test_waiting_for_a_cell_takes_no_processor_time(bench: Bench) -> None:
    before = time.thread_time()
    bench.run("import time; time.sleep(.5)")
    assert time.thread_time() - before < 0.1


def test_unstorable_values_are_named(bench: Bench) -> None:
    result = bench.run(
        "send({'type': 'unstorable', 'name': 'f', 'type_name': 'file', 'reason': 'open'})"
    )
    assert result.outputs == {"f": Unstorable("file", "open")}


def test_a_cell_that_raises_is_a_failure_with_its_place_console_and_displays(bench: Bench) -> None:
    result = bench.run("display(text_plain=b'seen'); print('so far'); 1 / 0")
    assert result.error is not None
    assert result.error.kind is FailureKind.EXCEPTION
    assert result.error.type == "ZeroDivisionError"
    assert (result.error.file, result.error.line) == ("cells/a.py", 1)
    assert "1 / 0" in result.error.traceback or "division" in result.error.traceback
    assert bench.console(result) == [["stdout", "so far\n"]]
    assert len(result.displays) == 1
    assert result.outputs == {}


# -- its surroundings ---------------------------------------------------------------------------


def test_a_cell_gets_the_fixed_variables_and_no_others(bench: Bench) -> None:
    bench.base |= {"HOME": "/h", "PYTHONPATH": "/evil", "PYTHONDONTWRITEBYTECODE": "1"}
    source = "import os, json; output('e', json.dumps(dict(os.environ)).encode())"
    result = bench.run(source, variables={"MINE": "1", "LANG": "de"})
    variables = json.loads(bench.output(result, "e"))
    scratch = variables.pop("TMPDIR")
    assert scratch.startswith(str(bench.scratch))
    assert variables == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/h",
        "MINE": "1",
        "STRATA": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        **dict.fromkeys(THREADS, "1"),
    }


def test_numerical_libraries_start_as_many_threads_as_the_cell_says_it_has_cores(
    bench: Bench,
) -> None:
    """Where it says nothing that is one; and what it sets itself counts."""
    source = (
        "import os; names = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS');"
        "output('e', repr([os.environ.get(name) for name in names]).encode())"
    )

    def found(**changes: object) -> object:
        return eval(bench.output(bench.run(source, **changes), "e"))

    assert found() == ["1", "1", "1"]
    assert found(resources=Resources(cpu=0.5)) == ["1", "1", "1"]
    three = Resources(cpu=3.5)
    assert found(resources=three) == ["3", "3", "3"]
    own = {"OMP_NUM_THREADS": "1"}
    assert found(resources=three, variables=own) == ["1", "3", "3"]


def test_a_venv_is_first_on_the_path(bench: Bench) -> None:
    folder = bench.root / "venv" / "bin"
    bench.environments = lambda e: Interpreter((e.interpreter, "-S"), folder, is_venv=True)
    source = (
        "import os; output('e', (os.environ['PATH'] + '|' + os.environ['VIRTUAL_ENV']).encode())"
    )
    found = bench.output(bench.run(source), "e").decode()
    assert found == f"{folder}:/usr/bin:/bin|{folder.parent}"


def test_a_cell_runs_in_its_folder_in_a_group_of_its_own_with_empty_stdin(bench: Bench) -> None:
    source = (
        "import os, sys; output('e', repr((os.getcwd(), os.getpgid(0) == os.getpid(),"
        " sys.stdin.read())).encode())"
    )
    assert bench.output(bench.run(source), "e").decode() == repr((str(bench.root / "nb"), True, ""))


@pytest.mark.parametrize("package", ["click", "blake3", "strata", "pytest", "uv"])
def test_a_cell_without_a_project_never_sees_stratas_packages(bench: Bench, package: str) -> None:
    failure = bench.failure(f"import {package}")
    assert failure.type == "ModuleNotFoundError"


def test_a_cell_inherits_no_descriptor_but_its_own(bench: Bench) -> None:
    with (bench.root / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        source = "import os; output('n', repr(sorted(os.listdir('/proc/self/fd'))).encode())"
        fds = eval(bench.output(bench.run(source), "n"))
    assert len(fds) <= 5  # the three standard ones, the socket, and the listing itself


def test_a_missing_folder_and_a_missing_interpreter_say_so(bench: Bench) -> None:
    (bench.root / "nb").rmdir()
    with pytest.raises(ExecutorError, match="folder is not there"):
        bench.run("pass")
    (bench.root / "nb").mkdir()
    for program, words in (
        ("/no/python", "is not there"),
        (str(bench.root), "may not be executed"),
    ):
        bench.environments = lambda _, program=program: Interpreter((program,))  # type: ignore[misc]
        with pytest.raises(ExecutorError, match=words):
            bench.run("pass")
    wrong = bench.root / "python"
    wrong.write_bytes(b"\x7fELF nonsense")
    wrong.chmod(0o755)
    bench.environments = lambda _: Interpreter((str(wrong),))
    with pytest.raises(ExecutorError, match="exec format"):
        bench.run("pass")
    assert scratch_is_empty(bench)


def test_without_descriptors_left_it_says_so(bench: Bench) -> None:
    import resource

    executor, ready = bench.executor(), bench.ready("pass")
    assert executor.run(ready).error is None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = os.listdir("/proc/self/fd")
    complaints = []
    for limit in range(3, soft):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            executor.run(ready)
            break
        except ExecutorError as problem:
            complaints.append(str(problem))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(complaints) > 4
    assert all("Too many open files" in c for c in complaints)
    assert os.listdir("/proc/self/fd") == before


# -- how it ends --------------------------------------------------------------------------------

CRASHES = [
    ("import ctypes; ctypes.string_at(0)", "SIGSEGV", "segmentation fault"),
    ("import os; os.abort()", "SIGABRT", "aborted"),
    ("import os; os.kill(os.getpid(), 9)", "SIGKILL", "out of memory"),
    ("import os; os.kill(os.getpid(), 15)", "SIGTERM", "killed by SIGTERM"),
    ("import os; os._exit(3)", "exit", "exit code 3 (os._exit?)"),
    ("import os; os._exit(0)", "exit", "exit code 0 (os._exit?)"),
    ("channel.close(); import os; os._exit(7)", "exit", "exit code 7"),
]


@pytest.mark.parametrize(("source", "kind", "words"), CRASHES)
def test_a_crash_is_reported_as_what_it_is(
    bench: Bench, source: str, kind: str, words: str
) -> None:
    result = bench.run(f"print('before', flush=True); output('a', b'lost')\n{source}")
    assert result.error is not None
    assert result.error.kind is FailureKind.CRASH
    assert result.error.type == kind
    assert words in result.error.message
    assert result.outputs == {}
    assert bench.console(result)[0] == ["stdout", "before\n"]


def test_sys_exit_is_not_a_crash(bench: Bench) -> None:
    assert bench.failure("raise SystemExit(2)").kind is FailureKind.EXIT


GARBLED = [
    "channel.sendall(b'\\xff' * 64)",
    "channel.sendall(b'\\0\\0\\0\\2' + b'\\0' * 8 + b'[]')",
    "channel.sendall(b'\\0\\0\\0\\2' + b'\\0' * 8 + b'{,')",
    "send({'type': 'nonsense'})",
    "send({'type': 'output', 'name': 3})",
    "send({'type': 'failed', 'kind': 'odd'})",
    "output('a', b'abc', size=2)",
    "output('a', b'abc', size=-1)",
    "send({'type': 'display', 'items': [{'mime': 'text/plain', 'size': 99}]}, b'x')",
    "output('a', b'', path='/etc/passwd', size=1)",
    "output('a', b'', path=scratch + '/../x', size=1)",
    "output('a', b'', path=scratch + '/none', size=1)",
    "output_file('a', b'abc', size=4)",
    "import os; os.symlink('/etc/passwd', scratch + '/s'); output('a', b'', path=scratch + '/s')",
    "import os; os.mkdir(scratch + '/d'); output('a', b'', path=scratch + '/d')",
    "output_file('a', b'abc'); import os; os.link(scratch + '/a', 'kept')",
]


def test_an_output_that_is_an_input_has_its_digest(bench: Bench) -> None:
    result = bench.run(
        "record = {'type': 'output', 'name': 'y', 'codec': 'bytes', 'type_name': 'bytes'}\n"
        "send({**record, 'summary': 's', 'path': None, 'size': 5, 'same_as': 'x'})",
        {"x": b"given"},
    )
    assert result.error is None, result.error
    assert bench.output(result, "y") == b"given"


@pytest.mark.parametrize("claim", [{"same_as": "z"}, {"size": 4}, {"codec": "json"}])
def test_an_output_that_is_no_input_is_not_believed(bench: Bench, claim: dict[str, object]) -> None:
    record = {"type": "output", "name": "y", "codec": "bytes", "type_name": "bytes"}
    record |= {"summary": "s", "path": None, "size": 5, "same_as": "x", **claim}
    result = bench.run(f"send({record})", {"x": b"given"})
    assert result.error is not None
    assert (result.error.kind, result.error.type) == (FailureKind.CRASH, "protocol")


@pytest.mark.parametrize("source", GARBLED)
def test_nothing_that_the_cells_process_says_is_believed_unseen(bench: Bench, source: str) -> None:
    result = bench.run(source)
    assert result.error is not None
    assert (result.error.kind, result.error.type) == (FailureKind.CRASH, "protocol")
    assert result.outputs == {}
    assert scratch_is_empty(bench)


def test_a_timeout_ends_the_whole_group_and_names_the_annotation(bench: Bench) -> None:
    source = (
        "import os, time\n"
        "pid = os.fork()\n"
        "if pid: print(pid, os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )
    result = bench.run(source, timeout_s=0.5)
    assert result.error is not None
    assert result.error.kind is FailureKind.TIMEOUT
    assert result.error.message == "ran longer than 0.5 s"
    assert "# @timeout" in (result.error.hint or "")
    assert 0.5 <= result.duration_s < 2
    for pid in bench.shown().split():
        wait_for(lambda pid=pid: not runs(int(pid)))  # type: ignore[misc]


def test_a_cell_that_ignores_sigterm_is_killed_after_the_grace(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strata.executors.supervise.TIMEOUT_GRACE_S", 0.2)
    source = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    result = bench.run(source, timeout_s=0.5)
    assert result.error is not None
    assert result.error.kind is FailureKind.TIMEOUT
    assert result.duration_s < 30  # not the sixty that its sleepers take


STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN);print('on', flush=True); time.sleep(60)"
)


@pytest.mark.parametrize(("source", "requests"), [
    ("import time; print('on', flush=True); time.sleep(60)", 1),
    (STUBBORN, 2),
    (STUBBORN, 1),
])  # fmt: skip
def test_cancelling_ends_a_cell_soon_and_twice_at_once(
    bench: Bench, source: str, requests: int
) -> None:
    """Long before it would have ended by itself, whatever it does about the signal."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, source)
        wait_for(lambda: "on" in bench.shown())
        for _ in range(requests):
            bench.cancellation.request()
        error = running.result(timeout=20).error
    assert error is not None
    assert error.kind is FailureKind.CANCELLED
    assert scratch_is_empty(bench)


def test_nothing_starts_once_cancelled(bench: Bench) -> None:
    bench.cancellation.request()
    assert bench.failure("pass").kind is FailureKind.CANCELLED
    assert bench.events == []


def test_a_cell_that_is_done_when_it_is_cancelled_is_done(bench: Bench) -> None:
    source = (
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(.2), print('on', flush=True), time.sleep(60)))"
        ".start()\n"
        "output('a', b'kept')"
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, source)
        wait_for(lambda: "on" in bench.shown())
        bench.cancellation.request()
        result = running.result(timeout=10)
    assert result.error is None
    assert bench.output(result, "a") == b"kept"


def test_a_thread_that_never_ends_holds_a_finished_cell_up_only_a_moment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strata.executors.supervise.LINGER_S", 0.2)
    source = "import threading; threading.Thread(target=threading.Event().wait).start()"
    result = bench.run(source)
    assert result.error is None
    assert result.duration_s < 2


def test_children_left_behind_are_gone_and_hold_nobody_up(bench: Bench) -> None:
    source = (
        "import os, time, subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "pid = os.fork()\n"
        "if not pid: time.sleep(60)\n"
        "print(pid, p.pid, flush=True)"
    )
    result = bench.run(source)
    assert result.error is None
    assert result.duration_s < 30  # not the sixty that its sleepers take
    for pid in bench.shown().split():
        wait_for(lambda pid=pid: not runs(int(pid)))  # type: ignore[misc]


def test_a_grandchild_that_escaped_with_the_pipes_holds_nobody_up(bench: Bench) -> None:
    source = (
        "import os, time\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    channel.close()\n"
        "    print('escaped', os.getpid(), flush=True)\n"
        "    while True:\n"
        "        os.write(1, b'.' * 65536)\n"
        "time.sleep(.1)"
    )
    try:
        result = bench.run(source)
        assert result.error is None
        assert result.duration_s < 30  # not the sixty that its sleepers take
    finally:
        words = bench.shown().split()
        os.kill(int(words[words.index("escaped") + 1].rstrip(".")), 9)


def test_no_zombie_and_no_descriptor_is_left(bench: Bench) -> None:
    executor = bench.executor()
    executor.run(bench.ready("pass"))
    before = set(os.listdir("/proc/self/fd"))
    for source in ("pass", "1 / 0", "import os; os._exit(1)", "channel.sendall(b'x' * 99)"):
        executor.run(bench.ready(source))
    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_process_that_holds_the_pipes_open_holds_nobody_up(bench: Bench) -> None:
    """The end of the cell's own process counts, not the end of its output."""
    source = (
        "import os, time\n"
        "if not os.fork():\n"
        "    os.setsid(); print('pid', os.getpid(), flush=True); time.sleep(600)\n"
        "send({'type': 'done'})\n"
        "time.sleep(.05)\n"
        "os._exit(0)"
    )
    result = bench.run(source)
    holder = int(bench.shown().split()[1])
    os.kill(holder, 0)  # it is still there: nobody waited for it
    os.kill(holder, 9)
    assert result.error is None


def test_without_pidfd_it_polls_and_says_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strata.executors.process.open_pidfd", lambda pid: None)
    monkeypatch.delattr(os, "waitid")
    assert bench.run("output('a', b'1')").error is None
    assert bench.failure("import os; os._exit(4)").type == "exit"
    assert bench.failure("import time; time.sleep(60)", timeout_s=0.3).kind is FailureKind.TIMEOUT


# -- its output ---------------------------------------------------------------------------------


def test_output_is_streamed_while_the_cell_runs(bench: Bench) -> None:
    source = (
        "import os, time\n"
        "print('first', flush=True)\n"
        "while not os.path.exists('go'): time.sleep(.005)\n"
        "print('second')"
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, source)
        wait_for(lambda: bench.shown() == "first\n")
        (bench.root / "nb" / "go").touch()
        result = running.result(timeout=10)
    assert bench.console(result) == [["stdout", "first\nsecond\n"]]


def test_streams_are_kept_apart_and_any_bytes_are_text(bench: Bench) -> None:
    source = (
        "import os, time\n"
        "os.write(1, 'grü'.encode()[:-1]); time.sleep(.02)\n"
        "os.write(1, 'grü'.encode()[-1:] + b'\\n')\n"
        "time.sleep(.02); os.write(2, b'\\xff\\x00bin')"
    )
    result = bench.run(source)
    assert bench.console(result) == [["stdout", "grü\n"], ["stderr", "\\xff\x00bin"]]
    assert bench.shown() == "grü\n"


def test_a_silent_cell_has_no_console(bench: Bench) -> None:
    assert bench.run("pass").console is None


def test_a_flood_of_output_is_bounded_in_memory_and_never_blocks(bench: Bench) -> None:
    import tracemalloc

    source = (
        "import os\n"
        "os.write(1, b'BEGIN')\n"
        "for _ in range(300): os.write(1, b'x' * (1 << 20))\n"
        "os.write(1, b'END')"
    )
    tracemalloc.start()
    try:
        result = bench.run(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.error is None
    assert peak < 40 << 20
    kept = "".join(text for _, text in bench.console(result))
    assert len(kept) < 1100 * 1024
    assert kept.startswith("BEGINx")
    assert kept.endswith("xEND")
    assert f"{300 * (1 << 20) + 8 - (1 << 20):,} characters left out" in kept
    assert 4 << 20 <= len(bench.shown()) < 5 << 20
    assert len([n for n in bench.notices() if "not shown" in n]) == 1


def test_secrets_appear_nowhere(bench: Bench) -> None:
    secret = "hunter2-s3cret"
    source = (
        "import os, time\n"
        "s = os.environ['API_KEY']\n"
        "os.write(1, s[:5].encode()); time.sleep(.02); os.write(1, s[5:].encode() + b'!')\n"
        "os.write(2, s[:5].encode())\n"
        "display(text_plain=b'<' + s.encode() + b'>')\n"
        "output('a', b'1', summary='key ' + s)\n"
        "send({'type': 'unstorable', 'name': 'f', 'type_name': 'T', 'reason': s})\n"
        "if not os.path.exists('well'): raise ValueError('bad key ' + s)"
    )
    changes = {"variables": {"API_KEY": secret}, "secrets": ("API_KEY",)}
    failed = bench.run(source, **changes)  # type: ignore[arg-type]
    (bench.root / "nb" / "well").touch()
    well = bench.run(source, **changes)  # type: ignore[arg-type]
    assert failed.error is not None
    assert failed.error.message == "bad key ***"
    assert ["stdout", "***!"] in bench.console(well)
    assert ["stderr", secret[:5]] in bench.console(well)
    found = well.outputs["a"]
    assert isinstance(found, Output)
    assert found.summary == "key ***"
    everything = repr((failed, well, bench.events)) + repr(bench.store._blobs)
    assert secret not in everything


# -- what a cell may break ----------------------------------------------------------------------


@pytest.mark.parametrize("source", [
    "import shutil; shutil.rmtree(scratch)",
    "import shutil, os; shutil.rmtree(os.path.dirname(scratch))",
    "import shutil, os; shutil.rmtree(os.getcwd())",
    "import os; p = scratch + '/d'; os.mkdir(p); open(p + '/f', 'w').close(); os.chmod(p, 0)",
    "import os\nos.chdir(scratch)\nfor _ in range(1200): os.mkdir('deeper'); os.chdir('deeper')",
    "import os; os.mkfifo(scratch + '/fifo'); os.symlink('/', scratch + '/root')",
])  # fmt: skip
def test_scratch_goes_away_whatever_was_done_to_it(bench: Bench, source: str) -> None:
    executor = bench.executor()
    result = executor.run(bench.ready(source))
    assert result.error is None, result.error
    assert scratch_is_empty(bench)
    (bench.root / "nb").mkdir(exist_ok=True)
    assert executor.run(bench.ready("output_file('a', b'1')")).error is None


def test_a_full_disk_is_the_cells_failure(bench: Bench) -> None:
    source = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "output_file('a', b'x' * 10_000)"
    )
    failure = bench.failure(source)
    assert (failure.kind, failure.type) == (FailureKind.EXCEPTION, "OSError")


def test_scratch_of_a_killed_build_is_removed_and_that_of_a_living_one_is_not(bench: Bench) -> None:
    other = bench.executor()
    other.run(bench.ready("pass"))
    (living,) = bench.scratch.glob("room-*")
    dead = bench.scratch / "room-dead"
    (dead / "left").mkdir(parents=True)
    (dead / "lock").touch()
    bench.executor().run(bench.ready("pass"))
    assert living.exists()
    assert not dead.exists()


def test_scratch_is_left_with_its_owner(bench: Bench) -> None:
    executor = bench.executor()
    executor.run(bench.ready("pass"))
    del executor
    assert list(bench.scratch.iterdir()) == []


def test_many_at_once_do_not_disturb_each_other(bench: Bench) -> None:
    executor = bench.executor()
    with ThreadPoolExecutor(8) as pool:
        sources = [f"print({i}); output('a', b'{i}')" for i in range(24)]
        results = list(pool.map(lambda s: executor.run(bench.ready(s)), sources))
    assert [bench.output(r, "a") for r in results] == [str(i).encode() for i in range(24)]
    assert [bench.console(r) for r in results] == [[["stdout", f"{i}\n"]] for i in range(24)]


def test_requests_from_a_signal_handler_and_other_threads_race_safely_with_the_end(
    bench: Bench,
) -> None:
    executor = bench.executor()
    done = threading.Event()

    def nag() -> None:
        while not done.is_set():
            for callback in list(bench.cancellation._callbacks.values()):
                callback(False)

    nagger = threading.Thread(target=nag)
    nagger.start()
    try:
        for _ in range(5):
            assert executor.run(bench.ready("pass")).error is None
    finally:
        done.set()
        nagger.join()


def test_an_emit_that_raises_leaves_nothing_running(bench: Bench) -> None:
    class Broken(Exception):
        pass

    class BrokenList(list):  # type: ignore[type-arg]
        def append(self, event: object) -> None:
            super().append(event)
            if isinstance(event, CellOutput):
                raise Broken

    bench.events = BrokenList()
    with pytest.raises(Broken):
        bench.run("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    pid = int(bench.shown())
    assert not runs(pid)
    assert scratch_is_empty(bench)
