"""What a run that ended without a word is reported as: pure, from how it ended to a failure."""

from __future__ import annotations

import signal

from strata.core.result import CellFailure, FailureKind
from strata.executors.process import Exit

_NATIVE = "native code did this (a C extension, ctypes); run the cell with `python -X faulthandler`"
_SIGNALS: dict[int, tuple[str, str | None]] = {
    signal.SIGSEGV: ("the interpreter crashed: segmentation fault", _NATIVE),
    signal.SIGBUS: (
        "the interpreter crashed: bus error",
        "a file that was mapped into memory became shorter, or its disk is full",
    ),
    signal.SIGILL: (
        "the interpreter crashed: illegal instruction",
        "a package was compiled for another processor than this one",
    ),
    signal.SIGFPE: ("the interpreter crashed: arithmetic fault", _NATIVE),
    signal.SIGABRT: ("the interpreter aborted (SIGABRT)", "stderr may say why: " + _NATIVE),
    signal.SIGKILL: (
        "killed: probably out of memory (OOM)",
        "nobody here sent SIGKILL; use less memory, or fewer jobs at once (`-j 1`)",
    ),
    signal.SIGXCPU: ("killed: the limit of processor time is used up (SIGXCPU)", None),
    signal.SIGXFSZ: ("killed: a file grew larger than the limit (SIGXFSZ)", None),
}


def crash(ended: Exit) -> CellFailure:
    """The failure of a process that ended as `ended` and never said how the cell went."""
    if ended.signal is not None:
        name = _signal_name(ended.signal)
        message, hint = _SIGNALS.get(ended.signal, (f"killed by {name}", None))
        return CellFailure(FailureKind.CRASH, name, message, hint=hint)
    message = f"the cell ended the interpreter with exit code {ended.code} (os._exit?)"
    hint = "let the cell run to its end, or raise an exception: its outputs are lost this way"
    return CellFailure(FailureKind.CRASH, "exit", message, hint=hint)


def garbled(what: str) -> CellFailure:
    """The failure of a runner whose messages cannot be believed."""
    message = f"the cell's process sent something that is not a report: {what}"
    hint = "does the cell write to a file descriptor that it did not open?"
    return CellFailure(FailureKind.CRASH, "protocol", message, hint=hint)


def timed_out(timeout_s: float) -> CellFailure:
    """The failure of a cell that was ended after `timeout_s` seconds."""
    message = f"ran longer than {timeout_s:g} s"
    hint = f"allow it more with `# @timeout {2 * timeout_s:g}`"
    return CellFailure(FailureKind.TIMEOUT, "timeout", message, hint=hint)


def cancelled() -> CellFailure:
    """The failure of a cell that was running when the build was stopped."""
    return CellFailure(FailureKind.CANCELLED, "cancelled", "the build was stopped")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
