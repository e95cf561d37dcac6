"""The bench that the tests of executors run actions on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.executors.executor_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    root = tmp_path / "ws"
    (root / "nb").mkdir(parents=True)
    return Bench(root.resolve(), tmp_path / "scratch")
