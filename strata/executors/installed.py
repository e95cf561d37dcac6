"""Which distribution a file of a virtual environment belongs to.

From the `RECORD` of each distribution, once an environment: the file `strata-distributions.json`
beside its stamp says for each path below site-packages whose it is, by the shortest prefix that
tells. Where several share a folder (`google/`), it goes down as far as it must. Of a very file that
several say they have, the first by name is taken.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from strata.core.distribution import normalized

MAPPING = "strata-distributions.json"

_SCHEMA = "strata.distributions.v1"


def distribution_of(environment: Path, relative_path: str) -> str | None:
    """The normalized name of the distribution that the file is of; None if it is of none.

    `environment` is the folder of a whole virtual environment, `relative_path` a path below its
    site-packages. An environment that was made before such mappings gets one now.
    """
    made = _signature(environment)
    if made is None:
        write_mapping(environment)
        made = _signature(environment)
    owner_of = _mapping(environment, made)
    parts = relative_path.split("/")
    prefixes = ("/".join(parts[:n]) for n in range(1, len(parts) + 1))
    return next((owner_of[prefix] for prefix in prefixes if prefix in owner_of), None)


def write_mapping(environment: Path) -> None:
    """The environment has its mapping, if it can be written."""
    import tempfile  # not for a null build

    content = {"schema": _SCHEMA, "owners": _owners(_recorded(environment))}
    # Without the file it is made anew when it is needed: slower, and no other answer.
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=environment, prefix=".distributions-")
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
        os.replace(temporary, environment / MAPPING)


def _signature(environment: Path) -> tuple[int, int] | None:
    """What changes when the mapping is written anew; None without one."""
    try:
        status = os.stat(environment / MAPPING)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


@lru_cache(maxsize=16)
def _mapping(environment: Path, made: tuple[int, int] | None) -> Mapping[str, str]:
    """The mapping of the environment, as it was made then."""
    try:
        record = json.loads((environment / MAPPING).read_bytes())
        if record["schema"] == _SCHEMA:
            return {str(path): str(name) for path, name in record["owners"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return _owners(_recorded(environment))


def _recorded(environment: Path) -> Iterator[tuple[str, str]]:
    """Path below site-packages and distribution, of every file that one says it has."""
    # https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    for record in sorted(environment.glob("lib*/python*/site-packages/*.dist-info/RECORD")):
        name = normalized(record.parent.name.partition("-")[0])
        try:
            with record.open(encoding="utf-8", newline="") as file:
                paths = [row[0] for row in csv.reader(file) if row]
        except (OSError, ValueError, csv.Error):
            continue
        for path in paths:
            first = path.partition("/")[0]
            # Scripts are outside; what is in a `.dist-info` is no module.
            if first != ".." and not path.startswith("/") and not first.endswith(".dist-info"):
                yield path, name


def _owners(recorded: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The shortest prefixes of the paths that say whose they are."""
    owners: dict[str, str] = {}
    levels = [("", [(path.split("/"), name) for path, name in recorded])]
    while levels:
        above, files = levels.pop()
        groups: dict[str, list[tuple[list[str], str]]] = {}
        for (first, *rest), name in files:
            groups.setdefault(first, []).append((rest, name))
        for first, group in groups.items():
            names = sorted({name for _, name in group})
            deeper = [(rest, name) for rest, name in group if rest]
            if len(names) == 1 or not deeper:
                owners[above + first] = names[0]
            else:
                levels.append((f"{above}{first}/", deeper))
    return dict(sorted(owners.items()))
