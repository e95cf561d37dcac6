"""The runner's process: its streams, its life, its end. Knows nothing of cells."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType
    from typing import Any, Callable

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_STDERR = 2


def die_with_parent(die: bool = True) -> None:
    """On Linux: the kernel kills this process when the thread that started it ends; or no more.

    A parent that is gone before this is called is noticed when the channel is read.
    """
    if sys.platform == "linux":
        prctl = c_function("prctl")
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, _SIGKILL if die else 0)


_functions: dict[str, Callable[..., object]] = {}


def c_function(name: str) -> Callable[..., object] | None:
    """The function `name` of the C library, or None. Its arguments are ints or None.

    Made from `_ctypes`: importing `ctypes` takes 5 ms, and this is on every cell's path.
    """
    if name in _functions:
        return _functions[name]
    try:
        import _ctypes

        prototype = type("_Function", (_ctypes.CFuncPtr,), {"_flags_": _ctypes.FUNCFLAG_CDECL})
        _functions[name] = prototype(_ctypes.dlsym(_ctypes.dlopen(None, 0), name))  # type: ignore[arg-type]
        return _functions[name]
    except (ImportError, AttributeError, OSError, TypeError):
        return None


def close_others(kept: Collection[int]) -> None:
    """No descriptor is open but these and the standard ones."""
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > _STDERR and fd not in kept:
            try:
                os.close(fd)
            except OSError:  # the folder's own, closed by now
                continue


_taken: dict[str, Any] = {}


def take_out(name: str) -> Any:
    """The module `name`, which is not left among those that the process has imported.

    A cell may mean another by that name, or look what is there.
    """
    if name not in _taken:
        had = sys.modules.get(name)
        _taken[name] = had or __import__(name)
        if had is None:
            del sys.modules[name]
    return _taken[name]


def freeze() -> None:
    """What there is now is left alone by the garbage collector: its pages stay shared."""
    gc = take_out("gc")
    gc.collect()
    gc.freeze()


ahead: list[ModuleType] = []
"""The module that is to be `__main__`, where others have been imported that may refer to it."""


def make_main() -> ModuleType:
    """A module `__main__`, empty; not yet among the modules."""
    return ahead.pop() if ahead else type(sys)("__main__")


def leave_streams() -> None:
    """What is printed from here on goes nowhere."""
    fd = os.open("/dev/null", os.O_RDWR)
    for stream in (1, _STDERR):
        os.dup2(fd, stream)
    os.close(fd)


def open_streams() -> None:
    """`sys.stdout` and `sys.stderr` are UTF-8, line buffered, and write any text."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]


def add_site_builtins() -> None:
    """`exit`, `quit`, `help` and the like exist, as `site` makes them, even under `-S`."""
    if sys.flags.no_site:
        import site

        site.setquit()
        site.setcopyright()
        site.sethelper()


def flush_streams() -> None:
    """What Python and C code have printed is written."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:  # noqa: BLE001 - a cell may have closed or replaced it
            continue
    flush_c = c_function("fflush")
    if flush_c is not None:
        flush_c(None)


def wait_for_threads() -> None:
    """Threads that are not daemons have ended, as at the end of a script.

    Pools that were not shut down are asked to end first, by the functions that they registered
    with `threading` for this; else waiting for their idle threads would take for ever.
    `threading._shutdown` is not used: after it, no pool could be made by what runs later.
    """
    threading = sys.modules.get("threading")
    if threading is None:
        return
    for end_pool in reversed(getattr(threading, "_threading_atexits", [])):
        end_pool()
    current = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not current and not thread.daemon:
            thread.join()


def run_exit_handlers() -> None:
    """Everything registered with `atexit` has run; what a handler raises is printed by Python."""
    take_out("atexit")._run_exitfuncs()


def finish_open_files() -> None:
    """Files that Python code left open have their data written, as at the end of a script.

    First what the cell's variables hold is let go, so that archives and compressed files are
    closed in the right order; then what is left is flushed. Cycles are not collected: that closes
    what lies below a text file before the text is written. Done only where some file is open for
    writing: looking through all objects takes 20 ms once pandas is loaded.
    """
    if not _has_file_open_for_writing():
        return
    import gc
    from _io import _IOBase

    vars(sys.modules["__main__"]).clear()
    for thing in gc.get_objects():
        if issubclass(type(thing), _IOBase):
            try:
                if not thing.closed:
                    thing.flush()
            except Exception:  # noqa: BLE001 - a file of the user's own making
                continue


def peak_memory_bytes() -> int | None:
    """The most memory that this process had resident, or None where it cannot be told.

    Of Linux's own account of this program: what `wait4` says counts the process that started it.
    """
    try:
        with open("/proc/self/status", "rb") as status:
            lines = [line.split() for line in status if line.startswith(b"VmHWM:")]
        return int(lines[0][1]) * 1024
    except (OSError, IndexError, ValueError):
        return None


def memory_bytes() -> int:
    """What this process has resident now; 0 where it cannot be told."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _has_file_open_for_writing() -> bool:
    for name in os.listdir("/dev/fd"):
        try:
            if _is_file_open_for_writing(int(name)):
                return True
        except OSError:  # the folder's own descriptor, closed by now
            continue
    return False


def _is_file_open_for_writing(fd: int) -> bool:
    if fd <= _STDERR or os.fstat(fd).st_mode & 0o170000 != 0o100000:
        return False
    fcntl = take_out("fcntl")
    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY)
