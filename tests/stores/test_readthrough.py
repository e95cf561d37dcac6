"""A near store before a far one."""

from __future__ import annotations

import pytest

from strata.core.action import ActionKey
from strata.core.digest import digest_bytes
from strata.core.errors import BlobMissing
from strata.core.result import ActionResult, Output
from strata.stores.memory import MemoryStore
from strata.stores.readthrough import ReadThrough

KEY = ActionKey("ab" * 32)


class Far(MemoryStore):
    """Keeps a log of what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def get(self, digest):
        self.log.append("get")
        return super().get(digest)

    def lookup(self, key):
        self.log.append("lookup")
        return super().lookup(key)


def test_a_far_blob_is_fetched_once() -> None:
    far = Far()
    digest = far.put(b"far")
    store = ReadThrough(MemoryStore(), far)
    assert store.missing([digest]) == set()
    assert [store.get(digest) for _ in range(3)] == [b"far"] * 3
    assert far.log == ["get"]


def test_what_is_near_is_not_asked_for() -> None:
    far = Far()
    store = ReadThrough(MemoryStore(), far)
    digest = store.put(b"near")
    store.record(KEY, ActionResult(outputs={"x": Output(digest, "json")}))
    assert store.lookup(KEY) is not None
    assert store.get(digest) == b"near"
    assert far.log == []
    assert far.missing([digest]) == {digest}


def test_a_far_result_comes_with_its_blobs_and_stays() -> None:
    far = Far()
    result = ActionResult(outputs={"x": Output(far.put(b"x"), "json")}, console=far.put(b"[]"))
    far.record(KEY, result)
    near = MemoryStore()
    store = ReadThrough(near, far)
    assert store.lookup(KEY) == result.answered_by("remote")
    assert near.lookup(KEY) == result
    assert far.log == ["lookup", "get", "get"]


def test_a_far_result_that_is_not_whole_is_a_miss() -> None:
    class Forgetful(Far):
        def lookup(self, key):
            return ActionResult(outputs={"x": Output(digest_bytes(b"gone"), "json")})

    near = MemoryStore()
    assert ReadThrough(near, Forgetful()).lookup(KEY) is None
    assert near.lookup(KEY) is None


def test_what_neither_has_is_missing() -> None:
    store = ReadThrough(MemoryStore(), MemoryStore())
    with pytest.raises(BlobMissing):
        store.get(digest_bytes(b"nowhere"))
