"""Programs that the tests of the stores run as processes of their own: `store_workers.py NAME ...`.

Each ends with status 0 if what it asserts held; a crash of LMDB is then a failed test, not the end
of the test run.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from strata.core.action import ActionKey
from strata.core.digest import digest_bytes
from strata.core.errors import BlobDamaged, BlobMissing, StoreUnreachable
from strata.core.result import ActionResult, Output
from strata.stores import _environment
from strata.stores.base import Blob
from strata.stores.lmdb import LmdbStore, open_store

PROGRAM = Path(__file__)


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(PROGRAM), name, *map(str, arguments)]


def run(name: str, *arguments: object, prefix: tuple[str, ...] = ()) -> None:
    """Runs a program below to its end, and fails if it failed."""
    done = subprocess.run(
        [*prefix, *command(name, *arguments)], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stderr}"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def key_of(number: int) -> ActionKey:
    return ActionKey(blake3(b"key %d" % number).hexdigest())


def value_of(number: int) -> bytes:
    """Blobs of every form: inline, compressed, and as a file."""
    if number % 11 == 0:
        return b"%d," % number * 3000
    size_bytes = (10, 300, 3000, 9000, 150_000)[number % 5]
    return blake3(b"value %d" % number).digest(size_bytes)


def read(blob: Blob) -> bytes:
    return blob if isinstance(blob, bytes) else blob.read_bytes()


def wait_for_blob(folder: str, text: str) -> None:
    """Another process finds it, at once or soon."""
    store = open_store(Path(folder))
    deadline = time.monotonic() + 10
    while store.missing([digest_bytes(text.encode())]):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    store.close()


def build(store: LmdbStore, count: int) -> list[int]:
    """Builds `count` toy actions through the cache, and returns those that had to run.

    Asserts that every value is right, wherever it came from.
    """
    ran: list[int] = []
    for number in range(count):
        if not is_cached(store, number):
            ran.append(number)
            perform(store, number)
    return ran


def is_cached(store: LmdbStore, number: int) -> bool:
    result = store.lookup(key_of(number))
    if result is None:
        return False
    try:
        output = result.outputs["x"]
        assert isinstance(output, Output)
        assert read(store.get(output.digest)) == value_of(number), f"wrong value of {number}"
    except (BlobMissing, BlobDamaged):
        return False
    return True


def perform(store: LmdbStore, number: int) -> None:
    digest = store.put(value_of(number))
    store.record(key_of(number), ActionResult(outputs={"x": Output(digest, "raw")}))
    assert read(store.get(digest)) == value_of(number), f"a put did not heal {number}"


def build_in(folder: Path, count: int) -> list[int]:
    store = open_store(folder)
    try:
        return build(store, count)
    finally:
        store.close()


def flip_bits(folder: str, seed: str, count: str) -> None:
    """Whatever is done to data.mdb between two builds, the later one is right."""
    chance = random.Random(int(seed))
    data = Path(folder, "index", "data.mdb")
    build_in(Path(folder), 25)
    for _ in range(int(count)):
        spoil(data, chance)
        build_in(Path(folder), 25)
        assert build_in(Path(folder), 25) == [], "a build after the repair ran something"


def spoil(path: Path, chance: random.Random) -> None:
    size_bytes = path.stat().st_size
    # The first 256 bytes of each of the first two pages say where everything is.
    vital = chance.randrange(2) * 4096 + chance.randrange(256)
    place = chance.choice((vital, chance.randrange(size_bytes), chance.randrange(size_bytes)))
    with path.open("r+b") as file:
        match chance.randrange(10):
            case 0:
                file.truncate(place)
            case 1:
                file.seek(place // 4096 * 4096)
                file.write(bytes(4096))
            case _:
                file.seek(place)
                (byte,) = file.read(1) or b"\0"
                file.seek(place)
                file.write(bytes([byte ^ 1 << chance.randrange(8)]))


def damage_while_open(folder: str) -> None:
    """LMDB meets pages that are none in a file that it has open."""
    store = open_store(Path(folder))
    build(store, 25)
    data = Path(folder, "index", "data.mdb")
    with data.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(data.stat().st_size - 2 * 4096))
    assert build(store, 25), "the damage was not met"
    store.close()
    assert build_in(Path(folder), 25) == []


def outgrow_the_map(folder: str) -> None:
    """A map that is too small is said; one that another process outgrew is adopted."""
    _environment._MAP_SIZES_BYTES = (1 << 20,)
    store = open_store(Path(folder))
    refusals = 0
    for number in range(400):
        try:
            perform(store, number)
        except StoreUnreachable as problem:
            refusals += "strata clean" in (problem.hint or "")
    assert refusals
    run("build_all", folder, 400)
    assert all(is_cached(store, number) for number in range(400))
    store.close()
    _environment._MAP_SIZES_BYTES = (1 << 40,)
    assert build_in(Path(folder), 400) == []


def build_all(folder: str, count: str) -> None:
    """One of several builds at once: everything it sees is right."""
    build_in(Path(folder), int(count))


def build_backwards(folder: str, count: str) -> None:
    """The same from the other end, so that two builds meet in the middle."""
    store = open_store(Path(folder))
    for number in reversed(range(int(count))):
        if not is_cached(store, number):
            perform(store, number)
    store.close()


def read_until(folder: str, count: str) -> None:
    """Reads while others write, until everything is there."""
    store = open_store(Path(folder))
    while not all(is_cached(store, number) for number in range(int(count))):
        pass
    store.close()


def record_forever(folder: str, first: str) -> None:
    """Records, and says so after each; until killed."""
    store = open_store(Path(folder))
    number = int(first)
    while True:
        perform(store, number)
        os.write(1, b"%d\n" % number)
        number += 1


def fork_with_open_store(folder: str) -> None:
    """A child that inherits a store may not use it, and does no harm by ending."""
    store = open_store(Path(folder))
    assert build(store, 10) == list(range(10))
    child = os.fork()
    if child == 0:
        refused = 0
        for attempt in (
            lambda: store.put(b"x"),
            lambda: store.lookup(key_of(1)),
            lambda: open_store(Path(folder)),
        ):
            try:
                attempt()
            except StoreUnreachable:
                refused += 1
        store.close()
        del store
        sys.exit(0 if refused == 3 else 1)  # not os._exit: what an interpreter cleans up counts
    assert os.waitpid(child, 0)[1] == 0
    assert build(store, 20) == list(range(10, 20))
    store.close()
    assert build_in(Path(folder), 20) == []


def pool_of_forks(folder: str) -> None:
    """Children that open the store themselves are fine, if their parent has not."""
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=build_all, args=(folder, "30")) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]


def limited_files(folder: str) -> None:
    """A limit on the size of files is met like a full disk: in the index, and in a large blob."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    fill(Path(folder))


def full_disk(folder: str) -> None:
    """To be run where `folder` is on a small file system of its own."""
    fill(Path(folder))


def fill(folder: Path) -> None:
    store = open_store(folder)
    kept = list(range(20))
    assert build(store, 20) == kept
    refusals = 0
    for number in range(20, 2000):
        try:
            perform(store, number)
            kept.append(number)
        except StoreUnreachable:
            refusals += 1
            if refusals == 20:
                break
    assert refusals == 20, "the file system was never full"
    assert_refused(lambda: store.put(bytes(8 << 20)))
    assert list((folder / "tmp").iterdir()) == []
    assert all(is_cached(store, number) for number in kept)
    store.close()
    store = open_store(folder)
    assert all(is_cached(store, number) for number in kept)
    store.close()


def read_only(folder: str) -> None:
    """To be run where `folder` may be read and not written."""
    store = open_store(Path(folder))
    assert store.read_only
    assert all(is_cached(store, number) for number in range(25))
    absent: list[Callable[[], object]] = [
        lambda: store.put(b"new"),
        lambda: store.put(bytes(2 << 20)),
        lambda: store.record(key_of(99), ActionResult()),
    ]
    for attempt in absent:
        assert_refused(attempt)
    assert store.lookup(key_of(99)) is None
    store.close()


def read_only_and_refused(folder: str) -> None:
    """What cannot be opened without writing is refused, not crashed on."""
    assert_refused(lambda: open_store(Path(folder)))


def assert_refused(attempt: Callable[[], object]) -> None:
    hint = None
    try:
        attempt()
    except StoreUnreachable as problem:
        hint = problem.hint
    assert hint, "went through, or gave no advice"


def little_memory(folder: str) -> None:
    """With little address space a smaller map must do."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    build_in(Path(folder), 50)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
