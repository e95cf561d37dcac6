"""What a confined process can reach: asked of the real kernel, in processes of their own.

Where the kernel has no Landlock these tests fail: a sandbox that nobody tried is none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]

_ENTER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from strata.runner.sandbox import Sandbox, leave_network
asked = json.loads(sys.argv[2])
os.chdir(asked["folder"])

def tell(**values):
    sys.__stdout__.write(json.dumps(values) + chr(10))

def attempt(call):
    try:
        return call()
    except OSError as problem:
        return sandbox.refused(problem) or type(problem).__name__
"""


@dataclass
class Ground:
    """A workspace `ws` with a notebook `nb`, beside a folder that is not of the workspace."""

    base: Path

    def __post_init__(self) -> None:
        for name in ("ws/nb/data/x.csv", "ws/nb/data/y.csv", "ws/other/z.csv", "outside/o.csv"):
            path = self.base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        (self.base / "ws/scratch").mkdir()

    def path(self, name: str) -> str:
        return str(self.base / name)

    def run(
        self, code: str, read: Sequence[str] = (), write: Sequence[str] = (), before: str = ""
    ) -> dict[str, Any]:
        """What `code` tells, confined to files of the workspace that are named from the base."""
        asked = {
            "folder": self.path("ws/nb"),
            "root": self.path("ws"),
            "scratch": self.path("ws/scratch"),
            "read": [self.path(name) for name in read],
            "write": [self.path(name) for name in write],
        }
        enter = (
            'sandbox = Sandbox(asked["root"], asked["scratch"], asked["read"], asked["write"])\n'
            "sandbox.enter()\n"
        )
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                f"{_ENTER}{before}\n{enter}{code}",
                REPOSITORY,
                json.dumps(asked),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        told: dict[str, Any] = json.loads(ended.stdout)
        return told


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path.resolve())


def test_only_declared_files_of_the_workspace_can_be_read(ground: Ground) -> None:
    code = (
        "tell(declared=attempt(open('data/x.csv').read),\n"
        "     undeclared=attempt(lambda: open('data/y.csv').read()),\n"
        "     absolute=attempt(lambda: open(os.path.abspath('../other/z.csv')).read()))\n"
    )
    assert ground.run(code, read=["ws/nb/data/x.csv"]) == {
        "declared": "ws/nb/data/x.csv",
        "undeclared": f"read {ground.path('ws/nb/data/y.csv')}",
        "absolute": f"read {ground.path('ws/other/z.csv')}",
    }


def test_what_lies_outside_the_workspace_can_be_read_and_written(ground: Ground) -> None:
    code = (
        "import tempfile\n"
        "outside = '../../outside/'\n"
        "open(outside + 'new.csv', 'w').write('n')\n"
        "open(os.devnull, 'w').write('n')\n"
        "tell(o=open(outside + 'o.csv').read(), n=open(outside + 'new.csv').read(),\n"
        "     listed=sorted(os.listdir(outside)), hosts=os.path.exists('/etc/passwd'))\n"
    )
    told = ground.run(code)
    assert told == {
        "o": "outside/o.csv",
        "n": "n",
        "listed": ["new.csv", "o.csv"],
        "hosts": True,
    }


def test_names_in_the_workspace_can_be_listed_and_what_they_hold_not_be_read(
    ground: Ground,
) -> None:
    """Else `glob` would find nothing, say nothing, and a cell would go on with nothing."""
    code = (
        "import glob\n"
        "found = sorted(glob.glob('d*/*.csv'))\n"
        "tell(found=found, first=attempt(lambda: open(found[0]).read()))\n"
    )
    assert ground.run(code) == {
        "found": ["data/x.csv", "data/y.csv"],
        "first": f"read {ground.path('ws/nb/data/x.csv')}",
    }


def test_a_child_process_is_confined_too(ground: Ground) -> None:
    code = (
        "import subprocess\n"
        "cat = lambda name: subprocess.run(['cat', name], capture_output=True, text=True)\n"
        "tell(x=cat('data/x.csv').stdout, y=[cat('data/y.csv').stdout, cat('data/y.csv').stderr])\n"
    )
    told = ground.run(code, read=["ws/nb/data/x.csv"])
    assert told["x"] == "ws/nb/data/x.csv"
    assert told["y"][0] == ""
    assert "denied" in told["y"][1]


def test_a_link_counts_where_it_leads(ground: Ground) -> None:
    (ground.base / "ws/nb/in.csv").symlink_to(ground.path("ws/nb/data/y.csv"))
    (ground.base / "ws/nb/out.csv").symlink_to(ground.path("outside/o.csv"))
    (ground.base / "back").symlink_to(ground.path("ws/nb"))
    code = (
        "tell(inside=attempt(lambda: open('in.csv').read()), outside=open('out.csv').read(),\n"
        "     back=attempt(lambda: open('../../back/data/y.csv').read()),\n"
        "     proc=attempt(lambda: open('/proc/self/cwd/data/y.csv').read()))\n"
    )
    assert ground.run(code) == {
        "inside": f"read {ground.path('ws/nb/in.csv')}",
        "outside": "outside/o.csv",
        "back": f"read {ground.path('back/data/y.csv')}",
        "proc": "read /proc/self/cwd/data/y.csv",
    }
    assert ground.run("tell(x=open('in.csv').read())", read=["ws/nb/in.csv"])["x"]


def test_only_declared_files_can_be_written(ground: Ground) -> None:
    code = (
        "tell(undeclared=attempt(lambda: open('new.csv', 'w')),\n"
        "     existing=attempt(lambda: open('data/x.csv', 'w')),\n"
        "     removed=attempt(lambda: os.remove('data/x.csv')),\n"
        "     renamed=attempt(lambda: os.rename('data/x.csv', 'data/w.csv')),\n"
        "     made=attempt(lambda: os.mkdir('folder')))\n"
    )
    assert ground.run(code, read=["ws/nb/data/x.csv"]) == {
        "undeclared": f"write {ground.path('ws/nb/new.csv')}",
        "existing": f"write {ground.path('ws/nb/data/x.csv')}",
        "removed": f"write {ground.path('ws/nb/data/x.csv')}",
        "renamed": f"write {ground.path('ws/nb/data/w.csv')}",
        "made": f"mkdir {ground.path('ws/nb/folder')}",
    }
    assert Path(ground.path("ws/nb/data/x.csv")).exists()


def test_a_declared_file_can_be_made_replaced_and_removed(ground: Ground) -> None:
    code = (
        "open('out/a.csv', 'w').write('1')\n"
        "open('out/a.csv.tmp', 'w').write('2')\n"
        "os.replace('out/a.csv.tmp', 'out/a.csv')\n"
        "open('out/b.csv', 'w').write('3')\n"
        "os.remove('out/b.csv')\n"
        "tell(beside=attempt(lambda: open('new.csv', 'w')))\n"
    )
    (ground.base / "ws/nb/out").mkdir()
    told = ground.run(code, write=["ws/nb/out/a.csv"])
    assert told == {"beside": f"write {ground.path('ws/nb/new.csv')}"}
    assert [p.name for p in (ground.base / "ws/nb/out").iterdir()] == ["a.csv"]
    assert (ground.base / "ws/nb/out/a.csv").read_text() == "2"


def test_the_folders_of_a_declared_file_can_be_made(ground: Ground) -> None:
    code = (
        "os.makedirs('out/deep')\n"
        "open('out/deep/a.csv', 'w').write('1')\n"
        "tell(back=attempt(lambda: open('out/deep/a.csv').read()))\n"
    )
    told = ground.run(code, write=["ws/nb/out/deep/a.csv"])
    assert (ground.base / "ws/nb/out/deep/a.csv").read_text() == "1"
    assert told["back"].startswith("write ")  # refused: the file was not there to be allowed


def test_an_output_that_is_there_can_be_read(ground: Ground) -> None:
    code = "open('data/x.csv', 'a').write('!')\ntell(x=open('data/x.csv').read())\n"
    assert ground.run(code, write=["ws/nb/data/x.csv"]) == {"x": "ws/nb/data/x.csv!"}


def test_a_declared_folder_is_the_cells_own(ground: Ground) -> None:
    code = (
        "os.mkdir('data/deep')\n"
        "open('data/deep/a.csv', 'w').write('1')\n"
        "tell(a=open('data/deep/a.csv').read(), x=open('data/x.csv').read())\n"
    )
    assert ground.run(code, write=["ws/nb/data"]) == {"a": "1", "x": "ws/nb/data/x.csv"}


def test_scratch_is_the_cells_own(ground: Ground) -> None:
    code = (
        "os.mkdir('../scratch/d')\n"
        "open('../scratch/d/a', 'w').write('1')\n"
        "os.rename('../scratch/d/a', '../scratch/b')\n"
        "tell(b=open('../scratch/b').read(),\n"
        "     inside=attempt(lambda: os.rename('../scratch/b', 'b')))\n"
    )
    told = ground.run(code)
    assert told == {"b": "1", "inside": f"write {ground.path('ws/nb/b')}"}


def test_modules_can_be_imported_that_are_declared(ground: Ground) -> None:
    (ground.base / "ws/nb/mine.py").write_text("V = 1")
    (ground.base / "ws/nb/yours.py").write_text("V = 2")
    code = (
        "sys.path.insert(0, os.getcwd())\n"
        "import mine, colorsys, sqlite3\n"
        "tell(mine=mine.V, yours=attempt(lambda: __import__('yours')))\n"
    )
    assert ground.run(code, read=["ws/nb/mine.py"]) == {
        "mine": 1,
        "yours": f"read {ground.path('ws/nb/yours.py')}",
    }


def test_a_refusal_is_found_behind_other_exceptions(ground: Ground) -> None:
    code = (
        "def wrapped():\n"
        "    try:\n"
        "        open('data/x.csv')\n"
        "    except OSError as problem:\n"
        "        raise ValueError('no table') from None\n"
        "try:\n"
        "    wrapped()\n"
        "except ValueError as problem:\n"
        "    tell(refused=sandbox.refused(problem))\n"
    )
    assert ground.run(code) == {"refused": f"read {ground.path('ws/nb/data/x.csv')}"}


def test_a_refusal_of_sqlite_names_the_database(ground: Ground) -> None:
    code = (
        "import sqlite3\n"
        "try:\n"
        "    sqlite3.connect('data/x.csv').execute('select 1 from t')\n"
        "except sqlite3.Error as problem:\n"
        "    tell(refused=sandbox.refused(problem))\n"
    )
    assert ground.run(code) == {"refused": f"read {ground.path('ws/nb/data/x.csv')}"}


def test_an_error_that_is_no_refusal_is_none(ground: Ground) -> None:
    code = (
        "tell(missing=attempt(lambda: open('nowhere.csv')), \n"
        "     outside=attempt(lambda: open('../../outside/none.csv')),\n"
        "     folder=attempt(lambda: open('data')))\n"
    )
    assert ground.run(code) == {
        "missing": "FileNotFoundError",
        "outside": "FileNotFoundError",
        "folder": "IsADirectoryError",
    }


def test_folders_above_the_workspace_can_be_neither_listed_nor_added_to(ground: Ground) -> None:
    code = (
        "tell(listed=attempt(lambda: os.listdir('../..')),\n"
        "     made=attempt(lambda: open('../../new.txt', 'w')))\n"
    )
    assert ground.run(code) == {
        "listed": f"above {ground.base}",
        "made": f"above {ground.path('new.txt')}",
    }


def test_reads_that_were_refused_are_told_apart(ground: Ground) -> None:
    """What a cell was refused and went on without."""
    names = ["ws/nb/data/x.csv", "ws/nb/data/y.csv", "outside/o.csv", "ws/nb/none"]
    paths = [ground.path(name) for name in names]
    told = ground.run(f"tell(refused=sandbox.refused_reads({paths!r}))", read=["ws/nb/data/x.csv"])
    assert told == {"refused": [ground.path("ws/nb/data/y.csv")]}


_CONNECT = (
    "import socket, errno\n"
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "loopback = socket.create_connection(server.getsockname(), timeout=5)\n"
    "try:\n"
    "    socket.create_connection(('192.0.2.1', 9), timeout=0.01)\n"
    "except OSError as problem:\n"
    "    tell(error=errno.errorcode.get(problem.errno, 'timeout'), uid=os.getuid())\n"
)


def test_without_the_network_only_the_process_itself_can_be_reached(ground: Ground) -> None:
    told = ground.run(
        _CONNECT, before="uid = os.getuid(); leave_network(); assert uid == os.getuid()"
    )
    assert told["error"] == "ENETUNREACH"


def test_one_who_is_not_root_is_confined_as_well() -> None:
    """And can leave the network: by a user namespace."""
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o755)  # pytest's own folders are closed to others
        ground = Ground(Path(base).resolve())
        # Loaded first: nobody may read the interpreter where it is root's own.
        before = (
            "import _ctypes, _socket, fcntl\n"
            "from strata.runner.process import c_function\n"
            "os.setgid(65534)\nos.setuid(65534)\n"
            "c_function('prctl')(4, 1, 0, 0, 0)  # dumpable, as after exec: /proc/self is its own\n"
        )
        code = (
            "tell(x=open('data/x.csv').read(),\n"
            "     y=attempt(lambda: open('data/y.csv').read()), uid=os.getuid())\n"
        )
        before = f"{before if os.getuid() == 0 else ''}leave_network()"
        told = ground.run(code, read=["ws/nb/data/x.csv"], before=before)
        assert told == {
            "x": "ws/nb/data/x.csv",
            "y": f"read {ground.path('ws/nb/data/y.csv')}",
            "uid": os.getuid() or 65534,
        }
