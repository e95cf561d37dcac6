"""What a cell touches is told when it is done: by the real runner, to the real reader of frames."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from strata.executors.frames import DoneSent, FailedSent, FrameReader, Malformed, Seen
from strata.runner.observe import MOST_NAMES
from tests.runner.harness import RUNNER, cell
from tests.runner.test_versions import INTERPRETERS


def start(
    root: Path, source: str, *, folder: str = "", python: str = sys.executable, **header: Any
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A cell of the notebook `folder`, running; `header` replaces parts of the `run` frame."""
    scratch = root.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [python, "-s", str(RUNNER), str(theirs.fileno())],
            cwd=root / folder,
            env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "TMPDIR": str(scratch)},
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
        )
    asked = {"type": "run", "program": "cell", "arguments": cell(source), "inputs": []}
    asked |= {"scratch": str(scratch), "root": str(root), **header}
    text = json.dumps(asked).encode()
    ours.sendall(struct.pack(">IQ", len(text), 0) + text)
    return child, ours


def seen_by(root: Path, source: str, **header: Any) -> Seen:
    """What the cell was seen to touch; it must end well."""
    child, ours = start(root, source, **header)
    reader = FrameReader()
    messages: list[object] = []
    with ours:
        while data := ours.recv(1 << 16):
            messages += reader.feed(data)
    child.wait()
    assert not isinstance(messages[-1], FailedSent), messages[-1].failure.traceback
    assert isinstance(messages[-1], DoneSent)
    return messages[-1].seen


def paths(seen: Seen, root: Path) -> list[str]:
    """What was read, in order, relative to `root` where it is below; absent ones with a `!`."""
    return [("" if s else "!") + _relative(path, root) for path, s in seen.reads]


def names(found: Iterable[str], root: Path) -> list[str]:
    return [_relative(path, root) for path in found]


def _relative(path: str, root: Path) -> str:
    return os.path.relpath(path, root) if path.startswith(str(root)) else path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "ws"
    (root / "nb").mkdir(parents=True)
    (root / "nb" / "a.txt").write_text("a")
    (root / "b.txt").write_text("b")
    return root


def test_a_cell_that_touches_nothing_is_seen_to_touch_nothing(root: Path):
    assert seen_by(root, "x = sum(range(3))\nprint(x)") == Seen()


def test_importing_the_standard_library_is_nothing(root: Path):
    assert seen_by(root, "import json, sqlite3, decimal, asyncio, copy, pickle, platform") == Seen()


def test_our_own_reads_of_inputs_and_writes_of_outputs_are_nothing(root: Path, tmp_path: Path):
    (tmp_path / "blob").write_text('"' + "s" * 199_998 + '"')
    given = {"slot": "s", "codec": "json", "path": str(tmp_path / "blob"), "size": 200_000}
    given |= {"artifact": "//up:cell%s", "part": None, "joint": None}
    arguments = cell("y = s.encode() * 20", ["y"], bindings={"s": {"slot": "s"}})
    assert seen_by(root, "", arguments=arguments, inputs=[given]) == Seen()


def test_a_file_is_told_with_how_it_looked_when_it_was_opened(root: Path):
    seen = seen_by(root, "open('nb/a.txt').read()")
    status = (root / "nb" / "a.txt").stat()
    looked = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    assert seen == Seen(reads=((str(root / "nb" / "a.txt"), looked),))


def test_what_it_looked_like_first_counts(root: Path):
    size = "import os\nfor n in (1, 2):\n    open('a').read()\n    os.system('echo more >> a')"
    (root / "a").write_text("12")
    assert [s[0] for _, s in seen_by(root, size).reads if s] == [2]
    assert (root / "a").stat().st_size == 12


@pytest.mark.parametrize(
    "opening",
    [
        "open('../b.txt')",
        "open(b'../b.txt')",
        "open(pathlib.Path('..', 'b.txt'))",
        "pathlib.Path('../b.txt').read_text()",
        "os.open('../b.txt', os.O_RDONLY)",
        "io.open_code(os.path.abspath('../b.txt'))",
        "codecs.open('../b.txt')",
        "os.chdir('..'); open('b.txt')",
        "open('.././/b.txt')",
        "open(Own())",
        "os.link('../b.txt', 'c.txt')",
        "os.rename('../b.txt', 'c.txt')",
        "shutil.copy('../b.txt', 'c.txt')",
        "import threading; t = threading.Thread(target=open, args=['../b.txt']); t.start()",
    ],
)
def test_every_way_to_open_a_file_is_heard(root: Path, opening: str):
    source = (
        "import os, io, codecs, pathlib, shutil\n"
        "class Own:\n    def __fspath__(self): return '../b.txt'\n"
    )
    found = paths(seen_by(root, source + opening, folder="nb"), root)
    assert [path for path in found if not path.startswith("!")] == ["b.txt"]


def test_descriptors_are_no_files(root: Path):
    source = "import os\nr, w = os.pipe()\nos.fdopen(w, 'w').close()\nopen(r).read()"
    assert seen_by(root, source) == Seen()


def test_a_file_that_is_not_there_is_told_as_such(root: Path):
    source = (
        "for n in ('c.txt', 'no/c.txt', 'a\\0b', ''):\n"
        "    try: open(n)\n    except (OSError, ValueError): pass"
    )
    assert paths(seen_by(root, source), root) == ["!c.txt", "!no/c.txt"]


@pytest.mark.parametrize(
    "question",
    [
        "os.path.exists('{}')",
        "os.path.isfile('{}')",
        "os.stat('{}') if 0 else os.path.isdir('{}')",
        "pathlib.Path('{}').exists()",
        "pathlib.Path('{}').is_file()",
        "shutil.which('{}', path='.')",
    ],
)
def test_asking_whether_a_file_is_there_is_reading_it(root: Path, question: str):
    source = f"import os, pathlib, shutil\n{question}"
    assert paths(seen_by(root, source.replace("{}", "b.txt")), root) == ["b.txt"]
    assert "!none" in [
        p.replace("./", "") for p in paths(seen_by(root, source.replace("{}", "none")), root)
    ]


def test_shutil_still_knows_what_stat_can_do(root: Path):
    source = "import os, shutil\nassert shutil._use_fd_functions\nos.mkdir('d')\nshutil.rmtree('d')"
    assert seen_by(root, source) == Seen()


def test_links_are_followed_where_two_dots_would_be_taken_for_their_folder(root: Path):
    (root / "far" / "deep").mkdir(parents=True)
    (root / "far" / "x").write_text("1")
    (root / "link").symlink_to("far/deep")
    assert paths(seen_by(root, "open('link/../x')"), root) == ["far/x"]
    (root / "other").symlink_to("far/x")
    assert paths(seen_by(root, "open('other')"), root) == ["other"]


@pytest.mark.parametrize("mode", ["w", "x", "wb", "w+", "r+"])
def test_a_file_that_is_written_is_not_read_afterwards(root: Path, mode: str):
    if mode == "r+":
        (root / "out").touch()
    seen = seen_by(root, f"open('out', {mode!r}).close()\nopen('out').read()")
    assert (paths(seen, root), names(seen.writes, root)) == ([], ["out"])


def test_a_file_that_is_read_first_and_then_written_is_both(root: Path):
    seen = seen_by(root, "t = open('b.txt').read()\nopen('b.txt', 'w').write(t + '!')")
    assert (paths(seen, root), names(seen.writes, root)) == (["b.txt"], ["b.txt"])


def test_a_log_that_is_only_appended_to_is_told_as_that(root: Path):
    source = "import os\nopen('log', 'a').write('x')\nos.open('log', os.O_WRONLY | os.O_APPEND)"
    assert seen_by(root, source) == Seen(appends=(str(root / "log"),))


def test_a_file_that_is_moved_into_place_is_written_and_its_first_name_was_nothing(root: Path):
    source = "import os\nopen('out.tmp', 'w').close()\nos.replace('out.tmp', 'out')\nopen('out')"
    assert names(seen_by(root, source).writes, root) == ["out"]
    assert names(seen_by(root, "import tempfile, shutil\n" + MOVED).writes, root) == ["moved"]


MOVED = "f = tempfile.mkstemp()[1]\nshutil.move(f, 'moved')\nopen('moved')"


def test_a_folder_that_is_moved_takes_what_was_written_in_it_along(root: Path):
    source = (
        "import os\nos.mkdir('t')\nopen('t/a', 'w').close()\nos.rename('t', 'out')\n"
        "open('out/a').read()\nos.listdir('out')"
    )
    seen = seen_by(root, source)
    assert (paths(seen, root), seen.folders, names(seen.writes, root)) == ([], (), ["out/a"])


def test_what_is_made_and_removed_again_leaves_no_trace(root: Path):
    source = (
        "import os, shutil\nos.makedirs('t/u')\nopen('t/u/a', 'w').close()\nshutil.rmtree('t')\n"
        "open('lock', 'x').close()\nos.remove('lock')\nopen('lock', 'x').close()\nos.remove('lock')"
    )
    assert seen_by(root, source).writes == ()


def test_what_others_made_and_the_cell_removed_is_written(root: Path):
    assert names(seen_by(root, "import os\nos.remove('b.txt')").writes, root) == ["b.txt"]


def test_links_and_cuts_are_written(root: Path):
    source = (
        "import os\nos.symlink('b.txt', 's')\nos.truncate('b.txt', 0)\nos.link('nb/a.txt', 'l')"
    )
    assert names(seen_by(root, source).writes, root) == ["s", "b.txt", "l"]


@pytest.mark.parametrize(
    ("listing", "folder"),
    [
        ("os.listdir()", "nb"),
        ("os.listdir('..')", "."),
        ("os.listdir(b'.')", "nb"),
        ("list(os.scandir())", "nb"),
        ("list(os.walk('.'))", "nb"),
        ("list(pathlib.Path().glob('*.txt'))", "nb"),
        ("list(pathlib.Path().iterdir())", "nb"),
        ("glob.glob('*.txt')", "nb"),
        ("glob.glob('../*.txt')", "."),
    ],
)
def test_every_way_to_list_a_folder_is_heard(root: Path, listing: str, folder: str):
    seen = seen_by(root, f"import os, glob, pathlib\n{listing}", folder="nb")
    assert names(seen.folders, root) == [folder]


def test_looking_for_a_module_is_no_listing(root: Path):
    (root / "nb" / "helpers.py").write_text(
        "import importlib.metadata as m\nlist(m.distributions())"
    )
    seen = seen_by(root, "import helpers, json", folder="nb")
    assert (paths(seen, root), seen.folders) == (["nb/helpers.py"], ())


def test_a_folder_that_the_cell_made_is_its_own(root: Path):
    source = (
        "import os\nfor n in ('new', 'nb'):\n    os.makedirs(n, exist_ok=True)\n    os.listdir(n)"
    )
    assert names(seen_by(root, source).folders, root) == ["nb"]


def test_a_database_is_read_and_is_written_when_sqlite_changes_it(root: Path):
    read = "import sqlite3\nc = sqlite3.connect({!r}, uri=True)\nc.execute('select * from t')"
    write = (
        "import sqlite3\nc = sqlite3.connect('d.db')\n"
        "c.execute('create table if not exists t (x)')\n"
    )
    assert names(seen_by(root, write).writes, root) == ["d.db"]
    seen = seen_by(root, read.format("file:d.db?mode=ro"))
    assert (paths(seen, root), seen.writes) == (["d.db"], ())
    seen = seen_by(root, write + "c.execute('insert into t values (1)')\nc.commit()")
    assert (paths(seen, root), names(seen.writes, root)) == (["d.db"], ["d.db"])
    assert seen_by(root, "import sqlite3\nsqlite3.connect(':memory:')") == Seen()


def test_a_compiled_module_counts_as_its_source(root: Path, tmp_path: Path):
    outside = tmp_path / "library"
    outside.mkdir()
    (outside / "lib.py").write_text("x = 1")
    source = f"import sys\nsys.path.append({str(outside)!r})\nimport lib"
    for _ in range(2):  # the first one compiles
        seen = seen_by(root, source)
        assert (paths(seen, root), seen.writes) == ([str(outside / "lib.py")], ())
    assert list(outside.glob("__pycache__/*.pyc"))


def test_modules_that_nobody_found_are_told(root: Path):
    source = (
        "import importlib, sys, types\n"
        "for n in ('no_such', 'no_other.sub', 'json.nothing', 'winreg', 'nb', 'late'):\n"
        "    try: importlib.import_module(n)\n"
        "    except ImportError: pass\n"
        "try: import no_third\nexcept ImportError: sys.modules['late'] = types.ModuleType('late')"
    )
    found = set(seen_by(root, source).missing_modules) - {"winreg"}  # Python 3.9 cannot tell
    assert found == {"no_such", "no_other", "no_third"}


@pytest.fixture
def installed(root: Path) -> str:
    """Source that puts a folder of installed packages on `sys.path`."""
    site = root.parent / "env" / "site-packages"
    for path in (
        "pkg/__init__.py",
        "pkg/sub/__init__.py",
        "single.py",
        "ns/one/__init__.py",
        "ns/one/deep.py",
        "ns/two.py",
        "unused.py",
    ):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).touch()
    return f"import sys\nsys.path.append({str(site)!r})\n"


def test_of_a_package_its_first_file_is_told_and_of_a_namespace_those_of_its_parts(
    root: Path, installed: str
):
    seen = seen_by(root, installed + "import pkg.sub, single, ns.one.deep, ns.two")
    assert seen.modules == ("ns/one/__init__.py", "ns/two.py", "pkg/__init__.py", "single.py")


def test_telling_of_modules_loads_no_lazy_one(root: Path, installed: str):
    (root / "lazy.py").write_text("open('b.txt')")
    source = (
        "import importlib.util as u\nspec = u.find_spec('lazy')\n"
        "spec.loader = u.LazyLoader(spec.loader)\n"
        "sys.modules['lazy'] = m = u.module_from_spec(spec)\nspec.loader.exec_module(m)\n"
        "sys.modules['none'] = None\nsys.modules['odd'] = 5"
    )
    assert seen_by(root, installed + source) == Seen()


def test_a_workspace_below_the_prefix_of_python_is_seen_all_the_same(root: Path):
    source = "import sys, json\nopen('b.txt')"
    python = root.parent / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(python)], check=True)
    inner = python / "src"
    inner.mkdir()
    (inner / "b.txt").touch()
    seen = seen_by(inner, source, python=str(python / "bin" / "python"))
    assert paths(seen, inner) == ["b.txt"]


def test_names_that_are_not_utf8_are_not_told_but_that_there_were_some_is(root: Path):
    seen = seen_by(root, "open(b'\\xff', 'w').close()\nopen('b.txt')")
    assert (paths(seen, root), seen.writes, seen.overflow) == (["b.txt"], (), True)


def test_more_files_than_can_be_told_are_said_to_be_more(root: Path):
    source = f"for n in range({MOST_NAMES} + 1):\n    try: open(f'{{n}}')\n    except OSError: pass"
    seen = seen_by(root, source)
    assert (len(seen.reads), seen.overflow) == (MOST_NAMES, True)
    assert not seen_by(root, source.replace("+ 1", "")).overflow


def test_a_very_long_list_of_long_names_still_fits_into_a_frame(root: Path):
    source = "for n in range(1000):\n    try: open('é' * 4000 + f'{n}')\n    except OSError: pass"
    seen = seen_by(root, source)
    assert seen.overflow
    assert 700 < len(seen.reads) < 760


def test_nothing_goes_wrong_at_the_depth_where_nothing_can_be_called(root: Path):
    source = (
        "import os, sys\nsys.setrecursionlimit(300)\n"
        "def f(n):\n    try: open('b.txt').close()\n    except RecursionError: pass\n    f(n + 1)\n"
        "try: f(0)\nexcept RecursionError: pass\nopen('nb/a.txt')"
    )
    assert paths(seen_by(root, source), root) == ["b.txt", "nb/a.txt"]


def test_what_a_forked_child_does_is_its_own(root: Path):
    source = (
        "import os\npid = os.fork()\n"
        "if not pid:\n    open('b.txt')\n    os._exit(0)\nos.waitpid(pid, 0)"
    )
    assert seen_by(root, source) == Seen()


def test_a_module_of_the_workspace_is_never_loaded_from_bytecode(root: Path):
    """Of one beside the notebook, and of one in another folder of the workspace."""
    shared = root / "shared"
    shared.mkdir()
    source = (
        "import sys, os\nsys.path.append(os.path.abspath('../shared'))\n"
        "import m, s\nassert (m.x, s.x) == (2, 2)"
    )
    for module in (root / "nb" / "m.py", shared / "s.py"):
        module.write_text("x = 1")
        stamp = module.stat()
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(module)], check=True)
        module.write_text("x = 2")
        os.utime(module, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert paths(seen_by(root, source, folder="nb"), root) == ["nb/m.py", "shared/s.py"]


def test_an_environment_in_the_workspace_is_loaded_from_bytecode(root: Path):
    site = root / "nb" / "env" / "lib"
    site.mkdir(parents=True)
    (root / "nb" / "env" / "pyvenv.cfg").touch()
    (site / "m.py").write_text("x = 1")
    source = (
        "import sys\nsys.path.append('env/lib')\nimport m, os\nassert os.path.exists(m.__cached__)"
    )
    assert paths(seen_by(root, source, folder="nb"), root) == ["nb/env/lib/m.py"]


def test_a_module_without_source_can_be_imported(root: Path):
    (root / "nb" / "m.py").write_text("x = 1")
    code = "import py_compile; py_compile.compile('m.py', 'm.pyc')"
    subprocess.run([sys.executable, "-c", code], cwd=root / "nb", check=True)
    (root / "nb" / "m.py").unlink()
    assert paths(seen_by(root, "import m", folder="nb"), root) == ["nb/m.pyc"]


@pytest.mark.parametrize("version", INTERPRETERS)
def test_each_python_is_watched_alike(version: str, root: Path):
    source = (
        "import os, pathlib\npathlib.Path('b.txt').read_text()\nos.listdir('nb')\n"
        "pathlib.Path('out').write_text('')\nos.environ.get('HIDDEN')\n"
        "try: import no_such\nexcept ImportError: pass"
    )
    seen = seen_by(root, source, python=INTERPRETERS[version], hidden_variables=["HIDDEN"])
    assert paths(seen, root) == ["b.txt"]
    assert names(seen.folders, root) == ["nb"]
    assert names(seen.writes, root) == ["out"]
    assert (seen.missing_modules, seen.variables) == (("no_such",), ("HIDDEN",))


def told(seen: object) -> Sequence[object]:
    text = json.dumps({"type": "done", "seen": seen}).encode()
    return list(FrameReader().feed(struct.pack(">IQ", len(text), 0) + text))


def test_whether_that_is_all_must_be_said_plainly():
    assert told({"overflow": True}) == [DoneSent(seen=Seen(overflow=True))]
    assert told({}) == [DoneSent()]
    for wrong in ({"overflow": 1}, {"overflow": "yes"}, {"overflow": None}):
        with pytest.raises(Malformed):
            told(wrong)


def test_installed_packages_are_told_by_their_name_alone(root: Path):
    numpy = Path(sysconfig.get_path("purelib")) / "numpy"
    if not numpy.is_dir():
        pytest.skip("there is no numpy here")
    seen = seen_by(root, "import numpy.linalg")
    assert (seen.modules, seen.reads, seen.folders) == (("numpy/__init__.py",), (), ())
