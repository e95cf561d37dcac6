"""Imports modules ahead of the cells that import them, and finds out whether that may be done.

It may where a cell's process, had it imported them itself, would be in the same state: nothing of
what happened may depend on where the process was, when, and who it was. That cannot be proved of
any module; what is looked at is what is known to go wrong. Whoever fails is `unfit`, and cells
that import it do so themselves, which is always right.
"""

from __future__ import annotations

import os
import sys

from . import local_imports, observe, process
from .afresh import MENDED, generators

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

OUR_OWN = ("programs.cell", "codecs.json", "summaries")
"""What each cell's process needs of the runner, and that brings nothing else along."""


_LONGEST_SEED = 64
"""Bits of a seed that somebody has chosen."""


class Unfit(Exception):
    """The modules cannot be imported ahead; the message says why. `lasting`: nor another time."""

    def __init__(self, reason: str, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


def prepare(imports: list[str], place: str, probe: bool) -> dict[str, Any]:
    """Imports them; the frame `ready`, or the frame `unfit`, which says why they cannot be.

    `place` is an empty folder that nobody else knows; its name occurs nowhere. With `probe`, what
    was imported is tried in a child.
    """
    _get_ready()
    try:
        found = _load(imports, place) if imports else {"names": [], "reads": [], "absent": []}
        _forget_folders()
        if probe and imports:
            from . import probes

            wrong = probes.run()
            if wrong is not None:
                raise Unfit(wrong)
        process.freeze()
    except Unfit as problem:
        return {"type": "unfit", "reason": str(problem), "lasting": problem.lasting}
    return {"type": "ready", "memory_bytes": process.memory_bytes(), **found}


def _get_ready() -> None:
    """What each cell's process needs first is there; all that a cell could see of it is time."""
    for name in OUR_OWN:
        __import__(f"{__package__}.{name}")
    for name in ("_ast", "atexit", "fcntl", "reprlib"):
        process.take_out(name)
    for name in ("prctl", "fflush"):
        process.c_function(name)
    only_ast = 0x0400  # ast.PyCF_ONLY_AST
    compile(compile("print(0)", "", "exec", only_ast), "", "exec")  # makes the classes of nodes


def _load(imports: list[str], place: str) -> dict[str, Any]:
    fds = set(os.listdir("/proc/self/fd"))
    pid, before = os.getpid(), frozenset(sys.modules)
    os.chdir(place)
    os.environ["TMPDIR"] = place
    sys.argv[:] = [f"{place}/cell.py"]
    main = sys.modules["__main__"] = process.make_main()
    main.__file__ = sys.argv[0]
    sys.path.insert(0, place)
    watch, unfound, modules = observe.begin_ahead(place)
    for name in imports:
        _import(name)
    watch.paused = True
    if sys.path.pop(0) != place or os.getcwd() != place or os.environ.get("TMPDIR") != place:
        raise Unfit("they change where modules or files are looked for")
    new = {n: m for n, m in list(sys.modules.items()) if n not in before}
    _check_process(fds)
    _check_modules(new, place, pid, main)
    reads, absent = _check_files(watch, place)
    process.ahead.append(main)
    modules.take_stock()
    os.chdir("/")
    del os.environ["TMPDIR"]
    ours = f"{__package__}."
    names = {name.partition(".")[0] for name in new if not name.startswith(ours)}
    names |= set(unfound.names)
    return {"names": sorted(names - {*sys.builtin_module_names}), "reads": reads, "absent": absent}


def _forget_folders() -> None:
    """Folders that may have changed when a cell imports from them are listed anew then."""
    prefixes = _real_prefixes()
    for path in list(sys.path_importer_cache):
        if os.path.realpath(path).startswith(prefixes):
            local_imports.installed.add(path)
        else:
            del sys.path_importer_cache[path]


def _real_prefixes() -> tuple[str, ...]:
    return tuple(os.path.join(os.path.realpath(p), "") for p in observe.interpreter())


def _import(name: str) -> None:
    """Of `a:b`, what `from a import b` would import."""
    package, _, part = name.partition(":")
    try:
        __import__(package, None, None, [part] if part else [])
    except BaseException as problem:  # noqa: BLE001 - the cell will meet it, and fail
        raise Unfit(f"{name}: {type(problem).__name__}: {problem}"[:300]) from None


def _check_process(fds: set[str]) -> None:
    """Nothing was started that a fork would not have."""
    if process.take_out("_thread")._count():
        raise Unfit("they start threads")
    if set(os.listdir("/proc/self/fd")) - fds:
        raise Unfit("they keep a file or a connection open")
    try:
        if os.waitpid(-1, os.WNOHANG) == (0, 0):
            raise Unfit("they start a process")
    except ChildProcessError:
        return


def _check_files(watch: observe.Watch, place: str) -> tuple[list[list[Any]], list[str]]:
    """What was read, and how it looked; and what was looked for in the current folder, in vain."""
    seen: dict[str, Any] = watch.report()
    if seen["overflow"]:
        raise Unfit("they read more files than can be told")
    if seen["writes"] or seen["appends"] or watch.has_made_folders():
        raise Unfit("they write files", lasting=False)
    above, inside = f"{os.path.dirname(place)}/", f"{place}/"
    reads, absent = [], []
    for path, *signature in seen["reads"]:
        if path.startswith(inside) and not signature:
            absent.append(path[len(inside) :])
        elif path.startswith(above) or path == place:
            raise Unfit("they look around in the folder where they are")
        else:
            reads.append([path, *signature])
    for path in seen["folders"]:
        if f"{path}/".startswith(above):
            raise Unfit("they look around in the folder where they are")
        status = os.stat(path)
        looks = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        reads.append([path, *looks])
    return reads, absent


def _check_modules(new: dict[str, ModuleType], place: str, pid: int, main: ModuleType) -> None:
    """They are installed, and none of them remembers who imported it."""
    prefixes = _real_prefixes()
    ours, token = f"{__package__}.", os.path.basename(place)
    for name, module in new.items():
        if name.startswith(ours) or module is main:
            continue
        has = getattr(module, "__dict__", {})
        for path in _places(has):
            if not os.path.realpath(path).startswith(prefixes):
                raise Unfit(f"{name} is not installed where packages are")
        for attribute, value in list(has.items()):
            if f"{name}.{attribute}" in MENDED:
                continue
            if type(value) is int and value == pid:
                raise Unfit(f"{name}.{attribute} says which process this is")
            if type(value) is str and token in value:
                raise Unfit(f"{name}.{attribute} says where this process is")
    _check_generators()


def _places(has: dict[str, Any]) -> Iterator[str]:
    """Where the module says that it came from."""
    file = has.get("__file__")
    if isinstance(file, str):
        yield file
    elif "__path__" in has and not isinstance(has["__path__"], str):
        try:
            yield from map(str, has["__path__"])
        except Exception:  # noqa: BLE001 - a package of its own kind
            return


def _check_generators() -> None:
    """No random numbers would be the same in each cell; `afresh` seeds those of NumPy that were
    not seeded with a number, which would be the same in fresh processes too."""
    random: Any = sys.modules.get("random")
    numpy: Any = sys.modules.get("numpy.random.bit_generator")
    tempfile: Any = sys.modules.get("tempfile")
    if random is None and numpy is None:
        return
    things = process.take_out("gc").get_objects()
    if random is not None:
        known = [random._inst]
        if tempfile is not None:  # these look which process it is
            names = tempfile._RandomNameSequence
            known += [getattr(thing, "_rng", None) for thing in things if type(thing) is names]
        if any(_is_generator(thing, random) and not _is_in(thing, known) for thing in things):
            raise Unfit("they have random numbers of their own")
    if numpy is not None:
        found = [thing for thing in things if issubclass(type(thing), numpy.BitGenerator)]
        generators.extend(one for one in found if _is_seeded_by_chance(one))


def _is_generator(thing: object, random: Any) -> bool:
    kind = type(thing)
    return issubclass(kind, random.Random) and not issubclass(kind, random.SystemRandom)


def _is_in(thing: object, things: list[object]) -> bool:
    return any(thing is one for one in things)


def _is_seeded_by_chance(generator: Any) -> bool:
    """Whether NumPy asked the system for the seed: a number of 128 bits."""
    seed = getattr(generator, "seed_seq", None) or getattr(generator, "_seed_seq", None)
    entropy = getattr(seed, "entropy", None)
    return isinstance(entropy, int) and entropy >> _LONGEST_SEED != 0
