"""Which distributions an import name may mean, from names alone: nothing need be installed.

By the normalized name (PEP 503) and by the table of `strata.loading.import_names`. The answer may
be too much, where a distribution merely has the name; what it misses is found by running the cell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

from strata.core.distribution import normalized
from strata.loading.import_names import NAMESPACES, TABLE


@cache
def table() -> Mapping[str, tuple[str, ...]]:
    """Import name, dotted below a shared folder, to the distributions that it may mean."""
    lines = (line.split() for line in TABLE.splitlines() if line and not line.startswith("#"))
    return {module: tuple(names) for module, *names in lines}


def significant(names: Iterable[str]) -> tuple[str, ...]:
    """What of absolute import names says which distributions are meant, sorted.

    The top-level name; below a shared folder (`google.cloud.storage`) the whole name, and not also
    those that only lead there.
    """
    found = set()
    dotted = set()
    for name in names:
        top = name.partition(".")[0]
        if top in NAMESPACES:
            dotted.add(name)
        else:
            found.add(top)
    found |= dotted - {above for name in dotted for above in _above(name)}
    return tuple(sorted(found))


def providers(module: str, known: Collection[str]) -> tuple[str, ...]:
    """Those of the `known` distributions that the import name `module` may mean, sorted.

    Below a shared folder the longest part of the name that means something decides, and a name
    that only leads there means everything below it.
    """
    candidates = [module, *_above(module)]
    if module.partition(".")[0] not in NAMESPACES:
        return tuple(sorted({d for name in candidates for d in _exactly(name, known)}))
    for name in candidates:
        found = set(_exactly(name, known))
        if not found or "." not in name:
            # A shared folder itself means nothing unless it was asked for.
            found |= _below(name, known) if name == module else set()
        if found:
            return tuple(sorted(found))
    return ()


def _exactly(name: str, known: Collection[str]) -> Iterator[str]:
    meant = (normalized(name), *table().get(name, ()))
    return (distribution for distribution in meant if distribution in known)


def _below(name: str, known: Collection[str]) -> set[str]:
    prefix = f"{normalized(name)}-"
    found = {distribution for distribution in known if distribution.startswith(prefix)}
    listed = (names for module, names in table().items() if module.startswith(f"{name}."))
    return found | {d for names in listed for d in names if d in known}


def _above(name: str) -> Iterator[str]:
    """`a.b`, then `a`, for `a.b.c`."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
