"""Tries, in a forked process, what is known to hang there if a zygote did more than to import.

Libraries keep threads, and locks that these held are held for ever after a fork. Importing starts
none in those that are listed here, in the versions that were looked at; another version may. Each
probe is the smallest use that would meet such a lock.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

TIMEOUT_S = 20.0
_SIGKILL = 9
_TICK_S = 0.002


def run() -> str | None:
    """None where all is well in a child; else what is wrong."""
    import time

    wanted = [(name, probe) for name, probe in _PROBES.items() if name in sys.modules]
    if not wanted:
        return None
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _try(wanted, writer)
    os.close(writer)
    deadline = time.monotonic() + TIMEOUT_S
    ended, status = os.waitpid(pid, os.WNOHANG)
    while ended == 0 and time.monotonic() < deadline:
        time.sleep(_TICK_S)
        ended, status = os.waitpid(pid, os.WNOHANG)
    if ended == 0:
        os.kill(pid, _SIGKILL)
        os.waitpid(pid, 0)
    reached = os.read(reader, 1 << 12).decode().split()
    os.close(reader)
    if ended and status == 0:
        return None
    what = reached[-1] if reached else "something"
    return f"{what} {'fails' if ended else 'hangs'} in a forked process"


def _try(wanted: list[tuple[str, Callable[[Any], object]]], writer: int) -> None:
    try:
        for name, probe in wanted:
            os.write(writer, f"{name} ".encode())
            probe(sys.modules[name])
        os._exit(0)
    finally:
        os._exit(1)


def _numpy(np: Any) -> object:
    square = np.ones((256, 256))  # large enough for BLAS to use its threads
    return square @ square, np.linalg.solve(square + np.eye(256), square)


def _scipy(linalg: Any) -> object:
    import numpy as np

    return linalg.lu(np.eye(64))


def _pandas(pd: Any) -> object:
    return pd.DataFrame({"a": [1, 2, 2], "b": ["x", "y", "z"]}).groupby("a").count()


def _pyarrow(pa: Any) -> object:
    return pa.table({"a": list(range(1000))}).to_pandas() if "pandas" in sys.modules else None


def _clusters(cluster: Any) -> object:
    import numpy as np

    return cluster.KMeans(2, n_init=1, max_iter=2).fit(np.arange(1200.0).reshape(-1, 2))


def _trees(ensemble: Any) -> object:
    import numpy as np

    numbers = np.arange(120.0).reshape(-1, 2)
    return ensemble.HistGradientBoostingRegressor(max_iter=2).fit(numbers, numbers[:, 0])


def _polars(pl: Any) -> object:
    return pl.DataFrame({"a": [1, 2]}).lazy().select(pl.col("a").sum()).collect()


def _duckdb(duckdb: Any) -> object:
    return duckdb.sql("select sum(range) from range(100000)").fetchall()


def _torch(torch: Any) -> object:
    square = torch.ones((256, 256), requires_grad=True)
    return (square @ square).sum().backward()


def _xgboost(xgboost: Any) -> object:
    import numpy as np

    numbers = np.arange(120.0).reshape(-1, 2)
    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(numbers, numbers[:, 0]), 1)


def _lightgbm(lightgbm: Any) -> object:
    import numpy as np

    numbers = np.arange(120.0).reshape(-1, 2)
    data = lightgbm.Dataset(numbers, numbers[:, 0], params={"verbose": -1})
    return lightgbm.train({"verbose": -1, "num_leaves": 2}, data, 1)


def _numba(numba: Any) -> object:
    return numba.njit(lambda x: x + 1)(1)


_PROBES: dict[str, Callable[[Any], object]] = {
    "numpy": _numpy,
    "scipy.linalg": _scipy,
    "pandas": _pandas,
    "pyarrow": _pyarrow,
    "sklearn.cluster": _clusters,
    "sklearn.ensemble": _trees,
    "polars": _polars,
    "duckdb": _duckdb,
    "torch": _torch,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "numba": _numba,
}
"""Module to probe, in the order in which they are tried."""
