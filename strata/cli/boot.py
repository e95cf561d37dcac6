"""The console entry: answers from a stamp what nobody touched, else starts the command line.

A fast path and nothing more: it says what the command line would say, word for word, because a
build that went the long way wrote it down (`strata.cli.stamp`). Without this module everything is
the same and slower (`tests/e2e/test_stamps.py` takes it away). Imports next to nothing: a build
with nothing to do takes what starting Python takes, and one `stat` a file.
"""

import os
import sys
import time

from strata.cli import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

COMMANDS = ("build", "run", "status", "query")


def main() -> "NoReturn":
    """Does what the command line says and ends the process."""
    said, found = answer(sys.argv[1:])
    if said is None and found is not None:
        said = remembered(sys.argv[1:], found)
    if said is not None:
        _say(said)
    from strata.cli.main import main

    main(found=found)


def answer(argv: "list[str]") -> "tuple[str | None, stamp.Found | None]":
    """What is to be printed, if a stamp of just this command line holds; and what was found."""
    began = time.perf_counter()
    if not argv or argv[0] not in COMMANDS:
        return None, None
    try:
        found = stamp.look(stamp.asked(argv), os.environ)
    except OSError:  # the current folder is gone: the command line has words for it
        return None, None
    known = found.stamp
    if known is None or not known.complete or found.changed != []:
        return None, found
    if not known.timed:
        return known.said, found
    seconds = time.perf_counter() - began
    shown = f"{seconds:.2f} s\n" if seconds < 0.1 else f"{seconds:.1f} s\n"
    return known.said + shown, found


def remembered(argv: "list[str]", found: stamp.Found) -> "str | None":
    """What is to be printed for a plain question that is answered from the graph of cells that is
    remembered: without the command line, which takes longer to load than that."""
    if argv[0] != "query" or len(argv) < 2 or any(word.startswith("-") for word in argv):
        return None
    import gc

    gc.disable()  # nothing here makes cycles, and there are many cells
    try:
        from strata.cli.answering import remembered_answer

        return remembered_answer(argv[1:], found, os.environ)
    except KeyboardInterrupt:
        os._exit(130)
    finally:
        gc.enable()


def _say(said: str) -> "NoReturn":
    code = 0
    try:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        sys.stdout.write(said)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the reader went away, as the command line has it
    except OSError as problem:
        os.write(2, f"error: {problem.strerror}\n".encode())
        code = 4
    os._exit(code)
