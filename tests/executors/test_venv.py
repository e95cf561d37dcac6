"""Environments: made once, whole or not at all, of the lock and nothing else; without a network."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strata.core.action import Environment
from strata.core.digest import digest_bytes
from strata.core.errors import EnvironmentFailed, Interrupted
from strata.core.events import Event, Notice
from strata.executors import interpreters, venv
from strata.executors.base import Cancellation
from strata.executors.installed import MAPPING
from strata.executors.interpreters import (
    Python,
    choose_interpreter,
    environment_for,
    platform_tag,
    satisfies,
)
from strata.executors.uv import Uv
from strata.executors.venv import (
    STAMP,
    Environments,
    Interpreter,
    distribution_of,
    is_complete,
    lock_project,
    source_folders,
)
from strata.loading.lock import read_lock
from tests.executors.executor_bench import Bench, wait_for

OURS = interpreters._our_python()


@pytest.fixture(scope="session")
def uv_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What uv gets: its own cache, no index."""
    cache = tmp_path_factory.mktemp("uv-cache")
    kept = {n: os.environ[n] for n in ("PATH", "HOME") if n in os.environ}
    return {**kept, "UV_CACHE_DIR": str(cache), "UV_NO_INDEX": "1"}


def make_wheel(folder: Path, name: str, text: str) -> Path:
    """A wheel of one module, by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{n},,\n" for n in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(member, content)
    return path


class Case:
    """A workspace with the project `train`, that may depend on wheels made by hand."""

    def __init__(self, root: Path, variables: dict[str, str]) -> None:
        self.root = root
        self.cache = root / ".strata" / "cache"
        self.project = root / "train"
        self.project.mkdir(parents=True)
        self.variables = variables
        self.events: list[Event] = []
        self.cancellation = Cancellation()
        self.uv = Uv(variables, self.cancellation)

    def depend(self, *names: str) -> Case:
        sources = ""
        for name in names:
            make_wheel(self.project / "wheels", name, f"value = {name!r}\n")
            sources += f'{name} = {{ path = "wheels/{name}-1.0-py3-none-any.whl" }}\n'
        (self.project / "pyproject.toml").write_text(
            '[project]\nname = "train"\nversion = "0"\nrequires-python = ">=3.9"\n'
            f"dependencies = {json.dumps(names)}\n[tool.uv.sources]\n{sources}"
        )
        lock_project(self.project, self.events.append, self.uv)
        return self

    def environment(self, project: str = "train") -> Environment:
        lock = digest_bytes((self.root / project / "uv.lock").read_bytes())
        return environment_for(OURS, project, lock)

    def environments(self) -> Environments:
        return Environments(
            self.root, self.cache, self.events.append, self.cancellation, self.variables
        )

    def make(self) -> Interpreter:
        return self.environments()(self.environment())

    def notices(self, words: str) -> list[str]:
        found = [e.message for e in self.events if isinstance(e, Notice)]
        return [m for m in found if words in m]


@pytest.fixture
def case(tmp_path: Path, uv_variables: dict[str, str]) -> Case:
    return Case((tmp_path / "ws").resolve(), uv_variables)


def python_says(interpreter: Interpreter, code: str) -> str:
    ended = subprocess.run(
        [*interpreter.argv, "-s", "-c", code], capture_output=True, text=True, cwd="/"
    )
    return ended.stdout.strip() or ended.stderr.strip().splitlines()[-1]


def test_without_a_project_it_is_the_base_interpreter_and_the_standard_library_alone(
    case: Case,
) -> None:
    bare = case.environments()(environment_for(OURS))
    assert bare == Interpreter((OURS.path, "-S"))
    assert "No module named 'click'" in python_says(bare, "import click")
    assert python_says(bare, "import sqlite3, ctypes; print(1)") == "1"


def test_a_project_has_what_its_lock_lists_and_nothing_else(case: Case) -> None:
    made = case.depend("alpha", "beta").make()
    assert python_says(made, "import alpha, beta; print(alpha.value + beta.value)") == "alphabeta"
    for name in ("click", "strata", "pytest", "pip"):
        assert "No module named" in python_says(made, f"import {name}")
    assert made.is_venv
    assert made.bin == Path(made.argv[0]).parent
    assert case.notices("making the environment") == ["making the environment of //train with uv"]
    compiled = list(made.bin.parent.glob("lib/python*/site-packages/__pycache__/alpha.*.pyc"))
    assert len(compiled) == 1


def test_the_lock_and_the_environment_made_from_it_name_the_same_distributions(case: Case) -> None:
    made = case.depend("alpha", "beta").make()
    assert made.bin is not None
    owners = {n: distribution_of(made.bin.parent, f"{n}.py") for n in ("alpha", "beta", "gamma")}
    assert owners == {"alpha": "alpha", "beta": "beta", "gamma": None}
    path = case.project / "uv.lock"
    lock = read_lock(path, digest_bytes(path.read_bytes()), None)
    (identity,) = lock.closure(["alpha"]).values()
    assert re.fullmatch(r"1\.0 from wheels/alpha-1\.0-py3-none-any\.whl sha256:\w{64}", identity)
    assert lock.identity("train") is None
    (made.bin.parent / MAPPING).unlink()
    assert distribution_of(made.bin.parent, "beta.py") == "beta"


def test_the_files_of_a_folder_dependency_are_known_by_its_name(case: Case) -> None:
    (case.root / "lib" / "src").mkdir(parents=True)
    (case.root / "lib" / "src" / "lib.py").touch()
    source = '[[package]]\nname = "lib"\nsource = { directory = "../lib" }\n'
    (case.project / "uv.lock").write_text(source)
    files = [case.root / "lib" / "src" / "lib.py"]
    assert source_folders(case.project) == {"lib": files}
    assert [*itertools.chain(*source_folders(case.project).values())] == files


def test_an_environment_is_made_once_and_nothing_is_written_into_the_users_folder(
    case: Case,
) -> None:
    case.depend("alpha")
    before = sorted(p.name for p in case.project.rglob("*"))
    first = case.make()
    assert case.make() == first
    assert len(case.notices("making the environment")) == 1
    assert sorted(p.name for p in case.project.rglob("*")) == before


def test_two_projects_with_one_lock_share_an_environment(case: Case) -> None:
    case.depend("alpha")
    shutil.copytree(case.project, case.root / "other")
    environments = case.environments()
    first = environments(case.environment())
    assert environments(case.environment("other")) == first
    assert len(case.notices("making the environment")) == 1


def test_projects_whose_equal_locks_point_to_different_folders_do_not_share(case: Case) -> None:
    library = case.project / "lib"
    library.mkdir()
    (library / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "0"\n')
    lock = '[[package]]\nname = "lib"\nsource = {{ {} }}\n'
    keys = {}
    for source in ('directory = "lib"', 'virtual = "."', 'path = "a.whl"', 'editable = "."'):
        for project in ("train", "other"):
            (case.root / project).mkdir(exist_ok=True)
            (case.root / project / "uv.lock").write_text(lock.format(source))
            environment = case.environment(project)
            keys[source, project] = venv.environment_key(environment, case.root / project)
    shared = {s: keys[s, "train"] == keys[s, "other"] for s, _ in keys}
    assert shared == {
        'directory = "lib"': False,
        'virtual = "."': True,
        'path = "a.whl"': True,
        'editable = "."': True,
    }


BACKEND = """
import base64, hashlib, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "lib-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.write("lib.py")
        info = "lib-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: lib\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "lib.py,,\\n")
    return name
"""


def test_a_folder_dependency_that_changed_is_installed_as_it_is_now(case: Case) -> None:
    library = case.root / "lib"
    library.mkdir()
    (library / "backend.py").write_text(BACKEND)
    (library / "lib.py").write_text("value = 1\n")
    (library / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "lib"\nversion = "1.0"\n'
    )
    (case.project / "pyproject.toml").write_text(
        '[project]\nname = "train"\nversion = "0"\nrequires-python = ">=3.9"\n'
        'dependencies = ["lib"]\n[tool.uv.sources]\nlib = { path = "../lib" }\n'
    )
    lock_project(case.project, case.events.append, case.uv)
    first = case.make()
    assert python_says(first, "import lib; print(lib.value)") == "1"
    assert case.make() == first
    (library / "lib.py").write_text("value = 2\n")
    assert python_says(case.make(), "import lib; print(lib.value)") == "2"


def test_many_threads_make_an_environment_once(case: Case) -> None:
    case.depend("alpha")
    environments, environment = case.environments(), case.environment()
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: environments(environment), range(6)))
    assert len(set(made)) == 1
    assert len(case.notices("making the environment")) == 1


MAKER = """
import os, sys
from pathlib import Path
from strata.core.digest import Digest
from strata.core.action import Environment
from strata.executors.base import Cancellation
from strata.executors.venv import Environments
root, cache, python, version, platform, lock = sys.argv[1:]
emit = lambda e: print(e.message, flush=True)
environments = Environments(Path(root), Path(cache), emit, Cancellation(), os.environ)
environment = Environment(version, platform, python, "train", Digest.parse(lock))
print(environments(environment).argv[0], flush=True)
"""


def maker(case: Case) -> subprocess.Popen[str]:
    """Another process that makes the environment of the project."""
    environment = case.environment()
    arguments = [str(case.root), str(case.cache), environment.interpreter, environment.python]
    arguments += [environment.platform, str(environment.lock)]
    return subprocess.Popen(
        [sys.executable, "-c", MAKER, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**case.variables, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_two_processes_at_once_make_it_once(case: Case) -> None:
    case.depend("alpha")
    makers = [maker(case) for _ in range(3)]
    said = [process.communicate(timeout=30)[0].splitlines() for process in makers]
    assert [process.returncode for process in makers] == [0, 0, 0]
    assert len({lines[-1] for lines in said}) == 1
    assert sum("making" in line for lines in said for line in lines) == 1


def slow_uv(case: Case, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that makes half an environment and then waits; its pid is in the file returned."""
    pid = case.root / "uv.pid"
    program = case.root / "uv"
    program.write_text(
        "#!/bin/sh\n"
        'mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"; : > "$UV_PROJECT_ENVIRONMENT/half"\n'
        f"echo $$ > {pid}.new; mv {pid}.new {pid}\n"
        "exec sleep 60\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr("strata.executors.uv._find_uv", lambda: str(program))
    return pid


def test_after_kill_9_the_next_build_waits_for_the_orphaned_uv_and_makes_it_anew(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.depend("alpha")
    with monkeypatch.context() as patch:
        pid_file = slow_uv(case, patch)
        child = os.fork()
        if child == 0:
            try:
                case.make()
            finally:
                os._exit(0)
        wait_for(pid_file.exists)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (half,) = case.cache.glob("envs/*/half")
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(case.make)
        # The orphan still writes there: nobody may build in the same place.
        wait_for(lambda: bool(case.notices("another build makes")))
        assert half.exists()
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        assert python_says(made.result(20), "import alpha; print(alpha.value)") == "alpha"
    assert not half.exists()


def test_cancelling_kills_uv_and_a_half_made_environment_is_made_anew(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.depend("alpha")
    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as pool:
        pid_file = slow_uv(case, patch)
        making = pool.submit(case.make)
        wait_for(pid_file.exists)
        case.cancellation.request()
        with pytest.raises(Interrupted):
            making.result(5)
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)
    case.cancellation = Cancellation()
    assert python_says(case.make(), "import alpha; print(1)") == "1"


def test_a_cancelled_wait_for_an_environment_is_a_cancelled_cell(bench: Bench) -> None:
    def stopped(_: Environment) -> Interpreter:
        raise Interrupted("stopped")

    bench.environments = stopped
    assert bench.failure("pass").kind == "cancelled"


@pytest.mark.parametrize("damage", ["python", "stamp", "package", "everything", "pyvenv"])
def test_a_broken_environment_is_made_anew(case: Case, damage: str) -> None:
    case.depend("alpha")
    interpreter = case.make()
    assert interpreter.bin is not None
    folder = interpreter.bin.parent
    match damage:
        case "python":
            (folder / "bin" / "python").unlink()
        case "stamp":
            (folder / STAMP).write_text("{")
        case "package":
            shutil.rmtree(next(folder.glob("lib/python*/site-packages/alpha-1.0.dist-info")))
        case "pyvenv":
            (folder / "pyvenv.cfg").unlink()
        case _:
            shutil.rmtree(folder)
    assert not is_complete(folder)
    assert python_says(case.make(), "import alpha; print(alpha.value)") == "alpha"
    assert is_complete(folder)


def test_an_environment_that_vanishes_during_a_build_is_made_anew(case: Case) -> None:
    case.depend("alpha")
    environments, environment = case.environments(), case.environment()
    made = environments(environment)
    shutil.rmtree(Path(made.argv[0]).parents[1])
    assert environments(environment) == made
    assert python_says(made, "import alpha; print(1)") == "1"


def test_a_failing_sync_shows_uvs_words_once_tried_and_for_every_cell(case: Case) -> None:
    case.depend("alpha")
    make_wheel(case.project / "wheels", "alpha", "changed = 1\n")
    environments, environment = case.environments(), case.environment()
    for _ in range(2):
        with pytest.raises(EnvironmentFailed, match=r"(?i)hash mismatch") as raised:
            environments(environment)
        assert raised.value.path == "train/pyproject.toml"
    assert len(case.notices("making the environment")) == 1


def test_a_lock_that_changes_during_the_build_is_not_installed(case: Case) -> None:
    case.depend("alpha")
    environment = case.environment()
    with (case.project / "uv.lock").open("a") as lock:
        lock.write("\n")
    with pytest.raises(EnvironmentFailed, match="lock changed"):
        case.environments()(environment)


def test_sync_is_tried_offline_when_the_network_fails(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that cannot be reached is no matter when uv's cache has the wheel."""
    asked: list[bool] = []
    plain = Uv.run

    def flaky(self: Uv, arguments: list[str], *rest: object, **named: object) -> object:
        asked.append("--offline" in arguments)
        if "--offline" not in arguments:
            return venv.UvEnded(2, "", "error: Failed to fetch: dns error")
        return plain(self, arguments, *rest, **named)  # type: ignore[arg-type]

    case.depend("alpha")
    monkeypatch.setattr(Uv, "run", flaky)
    assert python_says(case.make(), "import alpha; print(1)") == "1"
    assert asked == [False, True]


def test_a_project_without_a_lock_gets_one_and_is_told(case: Case) -> None:
    case.depend()
    assert (case.project / "uv.lock").exists()
    assert len(case.notices("no uv.lock")) == 1
    lock_project(case.project, case.events.append, case.uv)
    assert len(case.notices("no uv.lock")) == 1
    assert python_says(case.make(), "print(1)") == "1"


def test_a_project_that_cannot_be_locked_shows_uvs_words(case: Case) -> None:
    (case.project / "pyproject.toml").write_text(
        '[project]\nname = "t"\nversion = "0"\ndependencies = ["no-such-package-at-all"]\n'
    )
    with pytest.raises(EnvironmentFailed, match="no-such-package-at-all"):
        lock_project(case.project, case.events.append, case.uv)
    (case.project / "pyproject.toml").write_text("[project\n")
    with pytest.raises(EnvironmentFailed, match="TOML"):
        lock_project(case.project, case.events.append, case.uv)


def test_the_callers_own_environment_does_not_leak_into_uv(case: Case) -> None:
    case.variables = {
        **case.variables,
        "VIRTUAL_ENV": sys.prefix,
        "UV_LOCKED": "1",
        "UV_PYTHON": "2",
    }
    assert python_says(case.depend("alpha").make(), "import alpha; print(1)") == "1"


# -- interpreters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "clause", "answer"),
    [
        ("3.11.7", ">=3.11", True),
        ("3.11.7", ">=3.11.8", False),
        ("3.9.1", ">=3.10", False),
        ("3.11.7", "<3.12", True),
        ("3.12.0", "<3.12", False),
        ("3.12.0", "> 3.11", True),
        ("3.12.0", "<=3.12", True),
        ("3.12.1", "<=3.12", False),
        ("3.11.7", "==3.11.*", True),
        ("3.11.7", "==3.11", False),
        ("3.11.0", "==3.11", True),
        ("3.11.7", "!=3.11.*", False),
        ("3.11.7", "!=3.11.6", True),
        ("3.11.7", "~=3.11", True),
        ("3.12.1", "~=3.11", True),
        ("3.12.1", "~=3.11.2", False),
        ("4.0.0", "~=3.11", False),
        ("3.11.7", "===3.11.7", None),
        ("3.11.7", ">=3.12.0rc1", None),
        ("3.11.7", "~=3", None),
        ("3.11.7", ">=3.11.*", None),
        ("3.11.7", "", None),
    ],
)
def test_clauses_of_requires_python(version: str, clause: str, answer: bool | None) -> None:
    assert satisfies(version, clause) is answer


class NoUv(Uv):
    def __init__(self) -> None:
        super().__init__({}, Cancellation())

    def run(self, *_: object, **__: object) -> venv.UvEnded:
        raise AssertionError("uv was asked")


MINOR = ".".join(OURS.version.split(".")[:2])


@pytest.mark.parametrize(
    ("requires", "pin"),
    [
        (None, None),
        (">=3.8", None),
        (f">=3.8,<4,=={MINOR}.*", MINOR),
        ("", ""),
        (None, OURS.version),
    ],
)
def test_ours_is_chosen_without_asking_anyone(
    tmp_path: Path, requires: str | None, pin: str | None
) -> None:
    assert choose_interpreter(requires, pin, cache=tmp_path, uv=NoUv()) == OURS
    assert list(tmp_path.iterdir()) == []


def test_ours_is_never_that_of_a_virtual_environment() -> None:
    assert not Path(OURS.path).resolve().is_relative_to(Path(sys.prefix).resolve()) or (
        sys.prefix == sys.base_prefix
    )
    assert platform_tag().startswith(f"{sys.platform}-")


def test_another_is_found_by_uv_asked_once_and_asked_again_when_it_is_gone(tmp_path: Path) -> None:
    fake = tmp_path / "python9"
    fake.write_text(f"#!/bin/sh\necho {fake}\necho 9.9.1\n")
    fake.chmod(0o755)
    asked: list[object] = []

    class FindsIt(NoUv):
        def run(self, *arguments: object, **__: object) -> venv.UvEnded:
            asked.append(arguments[0])
            return venv.UvEnded(0, f"{fake}\n", "")

    cache = tmp_path / "cache"
    for _ in range(2):
        found = choose_interpreter(">=9.9", None, cache=cache, uv=FindsIt())
        assert found == Python(str(fake), "9.9.1")
    assert len(asked) == 1
    fake.write_text(f"#!/bin/sh\necho {fake}\necho 9.9.2  # newer\n")
    assert choose_interpreter(">=9.9", None, cache=cache, uv=FindsIt()).version == "9.9.2"
    (cache / "interpreters.json").write_text("[garbage")
    assert choose_interpreter(">=9.9", None, cache=cache, uv=FindsIt()).version == "9.9.2"
    assert len(asked) == 3


def test_a_python_that_nobody_has_is_an_error_with_uvs_words(
    tmp_path: Path, uv_variables: dict[str, str]
) -> None:
    uv = Uv({**uv_variables, "PATH": "/nowhere"}, Cancellation())
    with pytest.raises(EnvironmentFailed, match=r"(?s)no Python for '9.9'.*9\.9") as raised:
        choose_interpreter(">=3.8", "9.9", cache=tmp_path, uv=uv)
    assert "uv python install" in (raised.value.hint or "")


def test_what_uv_finds_is_a_base_interpreter(tmp_path: Path, uv_variables: dict[str, str]) -> None:
    """Also when Strata's own virtual environment is active and first on the path."""
    variables = {
        **uv_variables,
        "VIRTUAL_ENV": sys.prefix,
        "PATH": str(Path(sys.executable).parent),
    }
    request = f"=={OURS.version}, !=3.1.dev0"  # a form that only uv can judge
    found = choose_interpreter(request, None, cache=tmp_path, uv=Uv(variables, Cancellation()))
    assert found == OURS


def test_without_uv_it_says_so(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uv.find_uv_bin", lambda: (_ for _ in ()).throw(FileNotFoundError("uv")))
    with pytest.raises(EnvironmentFailed, match="uv is not there"):
        case.uv.run(["--version"], case.root)


def test_uv_ended_by_a_cancellation_from_many_threads_leaves_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = slow_uv(case, monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            case.uv.run, [], case.root, {"UV_PROJECT_ENVIRONMENT": str(case.root / "e")}
        )
        wait_for(pid_file.exists)
        threads = [threading.Thread(target=case.cancellation.request) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with pytest.raises(Interrupted):
            running.result(5)
