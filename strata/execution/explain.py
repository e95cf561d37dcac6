"""Why a cell runs: its provenance compared with that of the last time.

Pure. Components are compared in the order in which a person would look: what they typed first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from strata.core.action import Provenance
from strata.core.encoding import Encodable

NEVER_BUILT = "never built"
LAST_RUN_FAILED = "last run failed"
NOT_CACHED = "always runs (@nocache)"
RESULT_GONE = "its result is no longer in the cache"


def first_difference(before: Provenance, now: Provenance) -> str | None:
    """The first component that changed, in a few words; None if the two are equal."""
    for component, say in _COMPONENTS.items():
        old, new = before.get(component), now.get(component)
        if old != new:
            return say(old, new)
    if dict(before) != dict(now):
        return "the record of its last run is of another version of Strata"
    return None


def changed_names(old: Encodable, new: Encodable) -> list[str]:
    """Names whose entry differs, sorted; entries that came or went count."""
    before = old if isinstance(old, Mapping) else {}
    now = new if isinstance(new, Mapping) else {}
    return sorted(n for n in {*before, *now} if before.get(n, _ABSENT) != now.get(n, _ABSENT))


_ABSENT = object()


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
    return "uv.lock changed" if before.get("lock") != now.get("lock") else "platform changed"


_COMPONENTS: Mapping[str, Callable[[Encodable, Encodable], str]] = {
    "source": lambda old, new: "source changed",
    "inputs": _inputs,
    "definitions": _definitions,
    "files": _listed("file"),
    "variables": _listed("variable"),
    "environment": _environment,
    "parameters": _listed("parameter"),
    "platform": _listed("platform"),
    "rule": lambda old, new: "the meaning of its kind changed in this version of Strata",
}
