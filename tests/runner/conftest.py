"""What the tests of the runner share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.harness import Outcome, cell, run


@pytest.fixture
def run_cell(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs one cell, given as text: `run_cell(source, outputs, inputs, **arguments)`."""

    def run_source(source, outputs=(), inputs=None, *, by_path=False, options=(), **more):
        arguments = cell(source, outputs, **more)
        return run(arguments, inputs, folder=tmp_path, by_path=by_path, options=options)

    return run_source
