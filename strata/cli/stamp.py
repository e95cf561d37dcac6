"""Stamps: what a build that found everything up to date looked at, and what it said.

A stamp belongs to one command line in one folder. It can only say "nothing that was looked at has
changed since": how every file looked, which folders had which entries, what was not there, which
variables had which values, which engine it was. It is written by the build that proved it
(`strata.cli.stamping`), and read by `strata.cli.boot` before anything else is imported. So this
module imports next to nothing; what it knows of the disk is `stat`.

A file is known by size, mtime, ctime and inode: ctime cannot be put back, and a build does not
write stamps for files that changed within a tick of its clock (`strata.loading.index` has why).
"""

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Signature = tuple[int, ...]
    Asked = tuple[tuple[str, ...], str, bool, bool]

MAGIC = b"strata.stamp.v1\n"
STATE = ".strata"
FOLDER = "stamps"
MOST_STAMPS = 64

EXACT, LINK, SAME = range(3)
"""What of a path counts: how it looks, and that nothing is there where it looks like None; how the
link itself looks; which inode it is."""

TERMINAL = ("TERM", "CI", "NO_COLOR")
"""Variables that decide how a build is shown."""


class Stamp:
    """What is read back.

    `said` ends before the duration where `timed`. `paths` below the root of the workspace are
    relative to it. The first `checked` of them tell about the others: these were not there, in
    folders that are among the first. `rest` is for the command line.
    """

    __slots__ = (
        *("complete", "said", "timed", "variables"),
        *("checked", "paths", "kinds", "signatures", "rest"),
    )

    def __init__(
        self,
        complete: bool,
        said: str,
        timed: bool,
        variables: "Mapping[str, str | None]",
        checked: int,
        paths: "tuple[str, ...]",
        kinds: bytes,
        signatures: "tuple[Signature | None, ...]",
        rest: bytes,
    ) -> None:
        self.complete = complete
        self.said = said
        self.timed = timed
        self.variables = variables
        self.checked = checked
        self.paths = paths
        self.kinds = kinds
        self.signatures = signatures
        self.rest = rest


class Found:
    """What was found for a command line: a stamp, if there is one, and which of its paths look
    otherwise now; None where a variable has another value."""

    __slots__ = ("asked", "changed", "root", "stamp")

    def __init__(
        self, asked: "Asked", stamp: "Stamp | None", root: str, changed: "list[int] | None"
    ) -> None:
        self.asked = asked
        self.stamp = stamp
        self.root = root
        self.changed = changed


def look(asked_for: "Asked", environ: "Mapping[str, str]") -> Found:
    """The stamp for it, held against the disk. Raises nothing."""
    import gc

    was_enabled = gc.isenabled()
    gc.disable()  # nothing here makes cycles, and looking for them takes a third of the time
    try:
        stamp, root = find(asked_for)
        now = None if stamp is None else changed(stamp, root, environ)
        return Found(asked_for, stamp, root, now)
    finally:
        if was_enabled:
            gc.enable()


def asked(argv: "Iterable[str]") -> "Asked":
    """What a stamp is for: the command line, the current folder, where the answer is shown."""
    return tuple(argv), os.getcwd(), sys.stdout.isatty(), sys.stderr.isatty()


def engine() -> "tuple[str, ...]":
    """Which Strata this is, on which Python."""
    from strata import __version__

    return __version__, sys.version, sys.executable, sys.platform


def place(asked_for: "Asked") -> str:
    """The file name of its stamp; two may fall together, so a stamp says itself what it is for."""
    # The hash of a tuple of small ints is the same in every process of one Python.
    return f"{hash(tuple(repr(asked_for).encode())) & (1 << 64) - 1:016x}"


def find(asked_for: "Asked") -> "tuple[Stamp | None, str]":
    """The stamp for it in the workspace around the current folder, and that folder; or None."""
    name, folder = place(asked_for), asked_for[1]
    while True:
        try:
            with open(f"{folder}/{STATE}/{FOLDER}/{name}", "rb") as file:
                # A folder above may be anybody's, and what a stranger wrote is not unmarshalled.
                ours = os.fstat(file.fileno()).st_uid == os.getuid()
                return _read(file.read(), asked_for) if ours else None, folder or "/"
        except OSError:
            pass
        if not folder.strip("/"):
            return None, "/"
        folder = folder.rpartition("/")[0]


def _read(data: bytes, asked_for: "Asked") -> "Stamp | None":
    from zlib import crc32

    head = len(MAGIC) + 4
    # marshal trusts its input, so bytes that are not what was written must not reach it.
    if data[:head] != MAGIC + crc32(data[head:]).to_bytes(4, "big"):
        return None
    try:
        known_asked, known_engine, *fields = marshal.loads(memoryview(data)[head:])
        if known_asked == asked_for and known_engine == engine():
            return Stamp(*fields)
    except (ValueError, EOFError, TypeError):  # written by another Python
        pass
    return None


def write(folder: str, asked_for: "Asked", stamp: Stamp) -> None:
    """Keeps `stamp` in the state folder `folder`, in place of an earlier one. Raises `OSError`."""
    from zlib import crc32

    fields = [getattr(stamp, name) for name in Stamp.__slots__]
    body = marshal.dumps((asked_for, engine(), *fields))
    stamps = f"{folder}/{FOLDER}"
    os.makedirs(stamps, exist_ok=True)
    _forget_oldest(stamps)
    target = f"{stamps}/{place(asked_for)}"
    temporary = f"{target}.{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(MAGIC + crc32(body).to_bytes(4, "big") + body)
        os.replace(temporary, target)
    except OSError:
        remove(temporary)
        raise


def remove(path: str) -> None:
    """Nothing is there any more, if that can be had."""
    try:  # noqa: SIM105 - contextlib takes longer to import than all else here
        os.unlink(path)
    except OSError:
        pass


def _forget_oldest(stamps: str) -> None:
    names = os.listdir(stamps)
    if len(names) >= MOST_STAMPS:
        age = {name: os.stat(f"{stamps}/{name}").st_mtime_ns for name in names}
        for name in sorted(names, key=age.__getitem__)[: len(names) - MOST_STAMPS + 1]:
            remove(f"{stamps}/{name}")


def changed(stamp: Stamp, root: str, environ: "Mapping[str, str]") -> "list[int] | None":
    """Which of the stamp's paths look otherwise now; None where a variable has another value."""
    for name, value in stamp.variables.items():
        if environ.get(name) != value:
            return None
    found = changed_among(stamp, root, range(stamp.checked))
    # What was not there is still not there if its folder looks as it did.
    last = range(stamp.checked, len(stamp.paths))
    return found + changed_among(stamp, root, last) if found else []


def changed_among(stamp: Stamp, root: str, indexes: "Iterable[int]") -> "list[int]":
    """Which of the stamp's paths at `indexes` look otherwise now."""
    before = os.getcwd()
    os.chdir(root)  # the kernel takes an eighth less time for the shorter paths
    try:
        return _changed(stamp, indexes)
    finally:
        os.chdir(before)


def _changed(stamp: Stamp, indexes: "Iterable[int]") -> "list[int]":
    stat, lstat, paths, kinds, known = os.stat, os.lstat, stamp.paths, stamp.kinds, stamp.signatures
    found = []
    for index in indexes:
        kind = kinds[index]
        try:
            seen = lstat(paths[index]) if kind == LINK else stat(paths[index])
        except (OSError, ValueError):
            now = None
        else:
            now = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
        if now != known[index] and not (kind == SAME and now and now[3:] == known[index]):
            found.append(index)
    return found


def signature(status: os.stat_result) -> "Signature":
    """How a file looks."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
