"""Why a cell runs: its provenance compared with that of the last time.

Pure. Components are compared in the order in which a person would look: what they typed first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from strata.core.action import Provenance
from strata.core.encoding import Encodable, encode

NEVER_BUILT = "never built"
LAST_RUN_FAILED = "last run failed"
NOT_CACHED = "always runs (@nocache)"
RESULT_GONE = "its result is no longer in the cache"


def first_difference(before: Provenance, now: Provenance) -> str | None:
    """The first component that changed, in a few words; None if the two are equal."""
    for component, say in _COMPONENTS.items():
        old, new = before.get(component), now.get(component)
        if not _same(old, new):
            return say(old, new)
    if not _same(before, now):
        return "the record of its last run is of another version of Strata"
    return None


def changed_names(old: Encodable, new: Encodable) -> list[str]:
    """Names whose entry differs, sorted; entries that came or went count."""
    before = old if isinstance(old, Mapping) else {}
    now = new if isinstance(new, Mapping) else {}
    common = before.keys() & now.keys()
    changed = {name for name in common if not _same(before[name], now[name])}
    return sorted(changed | (before.keys() ^ now.keys()))


def _same(old: Encodable, new: Encodable) -> bool:
    """Equal as far as a key can tell: what was stored comes back with lists for tuples."""
    return old == new or encode(old) == encode(new)


def _listed(what: str) -> Callable[[Encodable, Encodable], str]:
    def say(old: Encodable, new: Encodable) -> str:
        names = changed_names(old, new)
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return f"{what} {shown} changed"

    return say


def _inputs(old: Encodable, new: Encodable) -> str:
    # The slot of a value that a definition reads is `module.name`: people know it by its name.
    names = sorted({n.rpartition(".")[2] for n in changed_names(old, new)})
    return f"input {', '.join(names[:3])} changed"


def _definitions(old: Encodable, new: Encodable) -> str:
    before = old.get("names") if isinstance(old, Mapping) else None
    now = new.get("names") if isinstance(new, Mapping) else None
    names = changed_names(before, now)
    return f"definition of {', '.join(names[:3])} changed" if names else "a definition changed"


def _environment(old: Encodable, new: Encodable) -> str:
    before = old if isinstance(old, Mapping) else {}
    now = new if isinstance(new, Mapping) else {}
    if before.get("python") != now.get("python"):
        return f"Python {before.get('python')} → {now.get('python')}"
    for part, said in _PARTS.items():
        if before.get(part) != now.get(part):
            return f"{said} changed"
    return "environment changed"


_PARTS = {
    "lock": "uv.lock",
    "sources": "a package that is installed from a folder",
    "platform": "platform",
}


_COMPONENTS: Mapping[str, Callable[[Encodable, Encodable], str]] = {
    "source": lambda old, new: "source changed",
    # Before inputs: the slot of a value that a definition reads holds the id of its module.
    "definitions": _definitions,
    "inputs": _inputs,
    "files": _listed("file"),
    "variables": _listed("variable"),
    "environment": _environment,
    "parameters": _listed("parameter"),
    "platform": _listed("platform"),
    "rule": lambda old, new: "the meaning of its kind changed in this version of Strata",
}
