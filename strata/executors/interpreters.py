"""Which Python a notebook gets: the one that Strata itself was made from, unless it may not be.

Asks uv, and another interpreter for its version, only when nothing cheaper is conclusive; the
answers are kept below the cache, so that a null build starts no process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path

from strata.core.action import Environment
from strata.core.dataclass import dataclass
from strata.core.digest import Digest
from strata.core.errors import EnvironmentFailed
from strata.executors.uv import Uv

_ANSWERS = "interpreters.json"
_CLAUSE = re.compile(r"(>=|<=|<|>|==|!=|~=)\s*(\d+(?:\.\d+){0,2})(\.\*)?")
_PLAIN_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_RELEASE = re.compile(r"\d+\.\d+\.\d+")
_ASK = (
    "import sys, sysconfig; "
    "t = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''; "
    "n = sys.implementation.name; "
    "v = '.'.join(map(str, sys.version_info[:3])); "
    "l, s = sys.version_info[3:]; "
    "v += '' if l == 'final' else {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}[l] + str(s); "
    "print(getattr(sys, '_base_executable', None) or sys.executable); "
    "print(('' if n == 'cpython' else n + '-') + v + t)"
)


@dataclass(frozen=True, slots=True)
class Python:
    """A base interpreter (never one of a virtual environment) and its exact version."""

    path: str
    version: str


def platform_tag() -> str:
    """The machine as it enters a key, for instance `linux-x86_64`."""
    return f"{sys.platform}-{os.uname().machine.lower()}"


def environment_for(
    python: Python,
    project: str | None = None,
    lock: Digest | None = None,
    sources: Digest | None = None,
) -> Environment:
    """The environment of cells that use `python` and the locked `project`, or no project.

    `project` is relative to the workspace root; `lock` is the digest of its whole `uv.lock`, and
    `sources` that of the folders it installs from.
    """
    assert (project is None) == (lock is None), "a project has a lock, and only a project"
    return Environment(python.version, platform_tag(), python.path, project, lock, sources)


def choose_interpreter(
    requires_python: str | None, pin: str | None, *, cache: Path, uv: Uv
) -> Python:
    """The interpreter for a project with this `requires-python` and `.python-version`.

    The running one's base if both allow it, else what `uv python find` says. Raises
    `EnvironmentFailed` when there is none.
    """
    ours = _our_python()
    if _allows(ours.version, requires_python, pin):
        return ours
    request = pin.strip() if pin and pin.strip() else str(requires_python)
    answers = _Answers(cache / _ANSWERS)
    found = answers.get(request)
    if found is None:
        found = _ask_uv(request, cache, uv)
        answers.put(request, found)
    return found


def _our_python() -> Python:
    """The base of the running interpreter: never Strata's own virtual environment."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    major, minor, micro, level, serial = sys.version_info
    version = f"{major}.{minor}.{micro}"
    if level != "final":
        version += {"alpha": "a", "beta": "b", "candidate": "rc"}[level] + str(serial)
    if sys.implementation.name != "cpython":
        version = f"{sys.implementation.name}-{version}"
    if "t" in getattr(sys, "abiflags", ""):
        version += "t"
    return Python(os.path.realpath(base), version)


def _allows(version: str, requires_python: str | None, pin: str | None) -> bool:
    """Whether this version surely satisfies both; False also when only uv can tell."""
    plain = _RELEASE.fullmatch(version) is not None
    if pin is not None and pin.strip() and not (plain and _matches_pin(version, pin.strip())):
        return False
    if requires_python is None or not requires_python.strip():
        return True
    return plain and all(satisfies(version, c.strip()) for c in requires_python.split(","))


def _matches_pin(version: str, pin: str) -> bool:
    return bool(_PLAIN_VERSION.fullmatch(pin)) and f"{version}.".startswith(f"{pin}.")


def satisfies(version: str, clause: str) -> bool | None:
    """Whether the release `version` (`X.Y.Z`) satisfies one clause of a version specifier.

    The forms that `requires-python` is written in (PEP 440); None for any other.
    """
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        return None
    operator, text, wildcard = match.groups()
    have, want = _numbers(version), _numbers(text)
    if wildcard:
        equal = have[: len(want)] == want
        return {"==": equal, "!=": not equal}.get(operator)
    padded = want + (0,) * (3 - len(want))
    match operator:
        case ">=":
            return have >= padded
        case "<=":
            return have <= padded
        case ">":
            return have > padded
        case "<":
            return have < padded
        case "==":
            return have == padded
        case "!=":
            return have != padded
        case _:  # ~= X.Y[.Z]: at least that, and alike up to the last but one
            prefix = want[:-1]
            return None if not prefix else have >= padded and have[: len(prefix)] == prefix


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _ask_uv(request: str, cache: Path, uv: Uv) -> Python:
    cache.mkdir(parents=True, exist_ok=True)
    # `--system`: an environment that happens to be active or near is not a base interpreter.
    ask = ["python", "find", "--no-project", "--system", "--no-python-downloads", request]
    # Ours need not be on the caller's path; uv may judge it where we could not.
    folders = [str(Path(_our_python().path).parent), uv.variables.get("PATH", os.defpath)]
    found = uv.run(ask, cache, {"PATH": os.pathsep.join(folders)})
    if found.code != 0:
        raise EnvironmentFailed(
            f"no Python for '{request}': {found.words}",
            hint=f"install one: `uv python install '{request}'`",
        )
    path = found.stdout.strip().splitlines()[-1]
    return _ask_python(path)


def _ask_python(path: str) -> Python:
    import subprocess  # not for a null build

    try:
        asked = subprocess.run(
            [path, "-I", "-S", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        base, version = asked.stdout.splitlines()
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        raise EnvironmentFailed(f"{path}: does not work as a Python: {problem}") from problem
    return Python(os.path.realpath(base), version)


class _Answers:
    """Request to interpreter, in a file; an answer holds while the interpreter's file is the same.

    So the choice is stable: a newer Python that appears changes no key until the old one goes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, request: str) -> Python | None:
        entry = self._read().get(request)
        match entry:
            case {"path": str(path), "version": str(version), "signature": signature}:
                return Python(path, version) if _signature(path) == signature else None
        return None

    def put(self, request: str, python: Python) -> None:
        answer = {
            "path": python.path,
            "version": python.version,
            "signature": _signature(python.path),
        }
        answers = {**self._read(), request: answer}
        import tempfile  # not for a null build

        # Lost without harm: two writers at once, a full disk.
        with contextlib.suppress(OSError):
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".interpreters-")
            with os.fdopen(handle, "w") as file:
                json.dump(answers, file)
            Path(temporary).replace(self._path)

    def _read(self) -> dict[str, object]:
        try:
            answers = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return answers if isinstance(answers, dict) else {}


def _signature(path: str) -> list[int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ino]
