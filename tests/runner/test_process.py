"""The process around a cell: its streams, its children, its end."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.runner.harness import RUNNER, cell, run


def test_all_that_is_printed_arrives(run_cell):
    outcome = run_cell(
        "import sys, os, subprocess\nprint('é\\ud800')\nprint('err', file=sys.stderr)\n"
        "os.write(1, b'raw\\n')\nsubprocess.run(['echo', 'child'])\nsys.stdout.write('no newline')"
    )
    assert outcome.done
    assert outcome.stdout == "é\\ud800\nraw\nchild\nno newline"
    assert outcome.stderr == "err\n"


def test_what_c_code_prints_arrives(run_cell):
    outcome = run_cell("import ctypes\nctypes.CDLL(None).printf(b'from c')")
    assert (outcome.done, outcome.stdout) == (True, "from c")


def test_huge_output_arrives(run_cell):
    outcome = run_cell("for i in range(1000):\n    print('x' * 10_000)")
    assert len(outcome.stdout) == 10_001_000


def test_a_cell_may_replace_or_close_its_streams(run_cell):
    assert run_cell("import sys, io\nsys.stdout = io.StringIO()\nprint(1)").done
    assert run_cell("import sys\nsys.stdout.close()\nsys.stderr = None").done
    assert run_cell("import os\nos.close(1)\nos.close(2)").done


def test_exit_handlers_and_unflushed_files_come_before_done(tmp_path: Path, run_cell):
    outcome = run_cell(
        "import atexit\natexit.register(print, 'bye')\nf = open('left-open.txt', 'w')\n"
        "f.write('data')\nx = 1",
        ["x"],
    )
    assert outcome.done
    assert outcome.stdout == "bye\n"
    assert (tmp_path / "left-open.txt").read_text() == "data"


def test_archives_that_are_left_open_are_complete(tmp_path: Path, run_cell):
    outcome = run_cell(
        "import gzip, zipfile\nz = zipfile.ZipFile('z.zip', 'w')\nz.writestr('a', 'data')\n"
        "g = gzip.open('g.gz', 'wt')\ng.write('data')\n"
        "class Cycle: pass\nc = Cycle()\nc.me, c.file = c, open('c.txt', 'w')\n"
        "c.file.write('data')",
    )
    assert outcome.done
    assert outcome.stderr == ""
    assert zipfile.ZipFile(tmp_path / "z.zip").read("a") == b"data"
    assert gzip.decompress((tmp_path / "g.gz").read_bytes()) == b"data"
    assert (tmp_path / "c.txt").read_text() == "data"


def test_a_forked_child_that_runs_on_is_silent(run_cell):
    outcome = run_cell(
        "import os\nx = 1\npid = os.fork()\nif pid:\n    status = os.waitpid(pid, 0)[1]\n"
        "else:\n    x = 2\n    display('child')",
        ["x", "status"],
    )
    assert outcome.done
    assert {n: s.data for n, s in outcome.outputs.items()} == {"x": b"1", "status": b"0"}
    assert outcome.displays == []


def test_a_forked_child_that_fails_says_so_on_its_stderr_only(run_cell):
    outcome = run_cell(
        "import os\npid = os.fork()\nif not pid:\n    1/0\nstatus = os.waitpid(pid, 0)[1] >> 8",
        ["status"],
    )
    assert outcome.done
    assert outcome.outputs["status"].data == b"1"
    assert outcome.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("call", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_process_that_ends_by_itself_says_nothing(run_cell, call: str):
    outcome = run_cell(f"import os\nx = 1\n{call}", ["x"])
    assert not outcome.done
    assert outcome.failure is None
    assert outcome.outputs == {}


def test_children_do_not_get_the_socket(run_cell):
    outcome = run_cell(
        "import subprocess, sys\n"
        "code = 'import os; print([f for f in os.listdir(\"/dev/fd\") if int(f) > 3])'\n"
        "fds = subprocess.run([sys.executable, '-c', code], close_fds=False,"
        " capture_output=True, text=True).stdout",
        ["fds"],
    )
    assert json.loads(outcome.outputs["fds"].data) == "[]\n"


def test_large_outputs_are_files_in_scratch(run_cell):
    outcome = run_cell(
        "a = 'x' * 127 * 1024\nb = b'y' * 200_000\nc = b'z' * 3_000_000", ["a", "b", "c"]
    )
    sizes = [len(stored.data) for stored in outcome.outputs.values()]
    assert sizes[0] == 127 * 1024 + 2
    assert 200_000 < sizes[1] < 201_000
    assert 3_000_000 < sizes[2] < 3_001_000


def test_an_unknown_program_is_no_fault_of_a_cell(tmp_path: Path):
    outcome = run(cell("1"), folder=tmp_path, program="no_such_program")
    assert outcome.failure["kind"] == "infrastructure"


def start(tmp_path: Path, source: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, "-s", str(RUNNER), str(theirs.fileno())],
            cwd=tmp_path,
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    header = {"type": "run", "program": "cell", "inputs": [], "scratch": str(tmp_path)}
    text = json.dumps({**header, "arguments": cell(source)}).encode()
    ours.sendall(struct.pack(">IQ", len(text), 0) + text)
    return child, ours


def test_a_runner_whose_parent_closes_the_socket_ends_quietly(tmp_path: Path):
    child, ours = start(tmp_path, "import sys\nprint('started')\nsys.stdin.read()")
    assert child.stdout is not None
    with child.stdout:
        ours.close()
        assert child.wait(timeout=20) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="a service of Linux")
def test_a_runner_dies_with_its_parent(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(RUNNER.parents[2])!r})\n"
        "from tests.runner.test_process import start\n"
        "child, _ = start(Path(sys.argv[1]), 'import time\\nprint(1)\\ntime.sleep(60)')\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, script, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
        assert time.monotonic() < deadline, "the runner outlived its parent"
        os.sched_yield()


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
