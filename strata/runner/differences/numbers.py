"""How the numbers of an array or a column moved: statistics of both, taken piece by piece."""

from __future__ import annotations

from .plain import finite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIECE = 1 << 20
"""Elements looked at at once: what is needed beside two mapped arrays stays small."""


class Statistics:
    """Mean, standard deviation (of the population) and range of numbers that arrive in pieces.

    Merged as Chan, Golub and LeVeque do (1979), so that no sum of squares loses its digits.
    """

    def __init__(self) -> None:
        self.count = 0
        self.missing = 0
        self._mean = 0.0
        self._squares = 0.0
        self._least = float("inf")
        self._most = float("-inf")

    def add(self, np: Any, piece: Any) -> None:
        """`piece` is an array of float64; NaN counts as missing, and so do infinities."""
        there = piece[np.isfinite(piece)]
        self.missing += int(piece.size - there.size)
        if not there.size:
            return
        count, mean = int(there.size), float(there.mean())
        apart = mean - self._mean
        total = self.count + count
        self._squares += float(((there - mean) ** 2).sum()) + apart**2 * self.count * count / total
        self._mean += apart * count / total
        self.count = total
        self._least = min(self._least, float(there.min()))
        self._most = max(self._most, float(there.max()))

    def values(self) -> dict[str, Any]:
        """By name; None where there are no numbers."""
        known = self.count > 0
        return {
            "mean": finite(self._mean) if known else None,
            "std": finite((self._squares / self.count) ** 0.5) if known else None,
            "min": finite(self._least) if known else None,
            "max": finite(self._most) if known else None,
            "missing": self.missing,
        }


class Drift:
    """Two `Statistics`, and how far apart elements in the same place are."""

    def __init__(self, np: Any) -> None:
        self._np = np
        self._old, self._new = Statistics(), Statistics()
        self._largest = 0.0
        self._sum = 0.0
        self._pairs = 0

    def add(self, old: Any, new: Any, paired: bool) -> None:
        """Two pieces of float64; `paired`: of equal length, element beside element."""
        np = self._np
        with np.errstate(all="ignore"):
            self._old.add(np, old)
            self._new.add(np, new)
            if paired and old.size:
                apart = np.abs(new - old)
                apart = apart[np.isfinite(apart)]
                self._pairs += int(apart.size)
                self._sum += float(apart.sum())
                self._largest = max(self._largest, float(apart.max(initial=0.0)))

    def values(self) -> dict[str, Any]:
        """`[old, new]` by the name of each statistic; distances of pairs, None without pairs."""
        old, new = self._old.values(), self._new.values()
        found: dict[str, Any] = {name: [old[name], new[name]] for name in old}
        found["max_difference"] = finite(self._largest) if self._pairs else None
        found["mean_difference"] = finite(self._sum / self._pairs) if self._pairs else None
        return found
