"""Makes another executor when the first action reaches it: a build that is all hits never does.

What runs cells needs modules (`socket`, `subprocess`) that take longer to load than a null build
may last; `tests/conformance/test_executors.py` keeps them off its path.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from strata.core.action import ReadyAction
from strata.core.result import ActionResult
from strata.executors.base import Executor


class LazyExecutor:
    """Stands for the executor that `make` gives; `make` is called at most once if it succeeds."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._made: Executor | None = None

    def run(self, ready: ReadyAction) -> ActionResult:
        """What the executor inside gives."""
        with self._making:
            if self._made is None:
                self._made = self._make()
        return self._made.run(ready)
