"""Why a cell runs: its provenance compared with that of an earlier time. Pure.

Components are compared in the order in which a person would look: what they typed first. The
reason in a build's output is made from the first component that differs; `strata explain` shows
them all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from strata.core.action import Provenance
from strata.core.dataclass import replace
from strata.core.encoding import Encodable
from strata.core.observation import ABSENT, DIST, FILE, FOLDER, LOG, MADE, MODULE, Observed
from strata.execution.differences import (
    ADDED,
    CHANGED,
    GONE,
    Difference,
    content,
    entries,
    listed,
    mapping,
    same,
    shown,
)
from strata.stores.base import Run

NEVER_BUILT = "never built"
LAST_RUN_FAILED = "last run failed"
FAILED_BEFORE = "it failed when it last ran like this"
NOT_CACHED = "always runs (@nocache)"
RESULT_GONE = "its result is no longer in the cache"
NOT_CONFINED = "its result was made without the sandbox"
MOVING = "a file changed while it last ran"
FORCED = "forced"

OBSERVED = "observed"
"""The component of what was found only when the cell ran: it is in no key."""

_SOURCES = "sources"


def first_difference(before: Provenance, now: Provenance) -> str | None:
    """The first component that changed, in a few words; None if the two are equal."""
    found = differences(before, now)
    return reason_of(found) if found else None


def differences(
    before: Provenance, now: Provenance, definers: Mapping[str, str] | None = None
) -> list[Difference]:
    """Everything that changed, in the order of the components. `definers` says in which files
    definitions are."""
    found: list[Difference] = []
    for component, compare in _COMPONENTS.items():
        old, new = before.get(component), now.get(component)
        if not same(old, new):
            here = list(compare(old, new))
            found += here or ([] if component == "inputs" else [_whole(component)])
    others = {n for n in before.keys() | now.keys() if n not in _COMPONENTS}
    if any(not same(before.get(n), now.get(n)) for n in others) or (
        not found and not same(before, now)
    ):
        text = "the record of its last run is of another version of Strata"
        found.append(Difference("", "", CHANGED, text))
    places = definers or {}
    return [_placed(d, places) if d.component == "definitions" else d for d in found]


def reason_of(found: Sequence[Difference]) -> str:
    """The first component of these differences, in a few words."""
    component = found[0].component
    here = [d for d in found if d.component == component]
    names = [d.name for d in here]
    match component:
        case "definitions":
            named = [n for n in names if n]
            return f"definition of {listed(named)} changed" if named else here[0].text
        case "inputs" | "files" | "variables" | "parameters" | "platform":
            word = _SINGULAR[component]
            # What came or went is said only where nothing else happened.
            changes = {d.change for d in here} if component == "files" else {CHANGED}
            change = changes.pop() if len(changes) == 1 else CHANGED
            return f"{word} {listed(sorted(set(names)))} {change}"
        case "environment":
            texts = [d.text for d in here]
            return listed(texts, most=2)
        case "observed":
            return f"{listed([d.text for d in here], most=2)} (found when it last ran)"
        case _:
            return here[0].text


_SINGULAR = {
    "inputs": "input",
    "files": "file",
    "variables": "variable",
    "parameters": "parameter",
    "platform": "platform",
}


def observed_differences(before: Observed, now: Observed) -> list[Difference]:
    """Which of the observations that both have differ."""
    return [
        _observation(name, before[name], now[name])
        for name in sorted(before.keys() & now.keys())
        if before[name] != now[name]
    ]


def nearest(runs: Iterable[Run], provenance: Provenance) -> Run | None:
    """The run with the fewest components that differ from `provenance`; the first of those.

    A hit that was accepted is none: its result was made from something else.
    """
    best, fewest = None, 0
    for run in runs:
        old = run.result.provenance
        if old and not run.result.accepted:
            names = old.keys() | provenance.keys()
            count = sum(not same(old.get(name), provenance.get(name)) for name in names)
            if best is None or count < fewest:
                best, fewest = run, count
            if count == 0:
                break
    return best


def unchanged(before: Provenance, now: Provenance) -> list[str]:
    """What is as it was, in a few words each: `source`, `inputs x, y`, `3 files`."""
    said: list[str] = []
    for component in _COMPONENTS:
        old, new = before.get(component), now.get(component)
        if component in ("inputs", "files", "variables"):
            said += _kept(component, mapping(old), mapping(new))
        elif component in ("source", "definitions", "environment") and same(old, new):
            there = mapping(new).get(_SOURCES) if component == "definitions" else new
            said += [component] if there else []
    return said


def _kept(
    component: str, before: Mapping[str, Encodable], now: Mapping[str, Encodable]
) -> list[str]:
    """The entries of a component that are as they were, in a few words."""
    kept = sorted({bare(n) for n, v in now.items() if n in before and same(before[n], v)})
    if component == "files":
        kept = [n for n, v in now.items() if n in before and same(before[n], v)]
        return [] if not kept else ["1 file" if len(kept) == 1 else f"{len(kept)} files"]
    word = _SINGULAR[component] + ("s" if len(kept) > 1 else "")
    return [f"{word} {listed(kept, most=5)}"] if kept else []


def bare(slot: str) -> str:
    """The slot of a value that a definition reads is `module.name`: people know it by its name."""
    return slot.rpartition(".")[2]


# How each component is compared.


def _source(old: Encodable, new: Encodable) -> Iterator[Difference]:
    sources = (old if isinstance(old, str) else "", new if isinstance(new, str) else "")
    yield Difference("source", "", CHANGED, "source changed", sources=sources)


def _definitions(old: Encodable, new: Encodable) -> Iterator[Difference]:
    """By their text: the id of a module changes with everything that the module reaches."""
    before, now = mapping(old), mapping(new)
    gone, came = _apart(_chunks(before), _chunks(now))
    named = {_defined(text): text for text in gone if _defined(text)}
    for text in came:
        name = _defined(text)
        if name:
            yield _definition(name, named.pop(name, None), text)
    for name, text in named.items():
        yield _definition(name, text, None)
    if not gone and not came:
        for entry in entries(before.get("names"), now.get("names")):
            text = f"definition of {entry.name} changed"
            yield Difference("definitions", entry.name, entry.change, text)


def _definition(name: str, old: str | None, new: str | None) -> Difference:
    change = ADDED if old is None else GONE if new is None else CHANGED
    said = {ADDED: "is used now", GONE: "is used no more", CHANGED: "changed"}[change]
    text = f"definition of {name} {said}"
    return Difference("definitions", name, change, text, sources=(old or "", new or ""))


def _chunks(definitions: Mapping[str, Encodable]) -> list[str]:
    found = []
    for chunks in mapping(definitions.get(_SOURCES)).values():
        if isinstance(chunks, (list, tuple)):
            found += [chunk for chunk in chunks if isinstance(chunk, str)]
    return found


def _apart(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    before, now = Counter(old), Counter(new)
    return list((before - now).elements()), list((now - before).elements())


_DEFINES = re.compile(r"^(?:async )?(?:def|class) +(\w+)|^(\w+) *(?::[^=]+)?=", re.MULTILINE)


def _defined(text: str) -> str:
    """The name that a piece of normalized source defines, or an empty text."""
    found = _DEFINES.search(text)
    return "" if found is None else found[1] or found[2]


def _inputs(old: Encodable, new: Encodable) -> Iterator[Difference]:
    before, now = mapping(old), mapping(new)
    # A definition that changed has its values under another slot: the same ones are no difference.
    moved = {bare(s): v for s, v in before.items() if "." in s and s not in now}
    for entry in entries(old, new):
        name, value = bare(entry.name), entry.old
        if (
            entry.change == GONE
            and name in moved
            and any(bare(s) == name and s not in before for s in now)
        ):
            continue
        if entry.change == ADDED and "." in entry.name and name in moved:
            value = moved[name]
            if same(value, entry.new):
                continue
        change = CHANGED if value is not None and entry.new is not None else entry.change
        yield Difference(
            "inputs",
            name,
            change,
            f"input {name} {_of_input(change, value, entry.new)}",
            content(value),
            content(entry.new),
            slot=entry.name,
        )


def _of_input(change: str, old: Encodable, new: Encodable) -> str:
    if change == ADDED:
        return "is read now"
    if change == GONE:
        return "is read no more"
    if old is None or new is None:
        return "has a value now" if old is None else "has no value now"
    return "has another value"


def _files(old: Encodable, new: Encodable) -> Iterator[Difference]:
    for entry in entries(old, new):
        sizes = f" ({content(entry.old)} → {content(entry.new)})" if entry.change == CHANGED else ""
        text = f"{entry.name} {entry.change}{sizes}"
        old_, new_ = content(entry.old), content(entry.new)
        yield Difference("files", entry.name, entry.change, text, old_, new_)


def _variables(old: Encodable, new: Encodable) -> Iterator[Difference]:
    """A secret is in a key by its name alone, so no value of one can come here."""
    for entry in entries(old, new):
        before, now = (_variable(v, entry.change) for v in (entry.old, entry.new))
        if entry.change == CHANGED:
            text = f"{entry.name}: {before} → {now}"
        else:
            said = "declared now" if entry.change == ADDED else "declared no more"
            text = f"{entry.name} is {said}"
        yield Difference("variables", entry.name, entry.change, text, before, now)


def _variable(value: Encodable, change: str) -> str:
    if isinstance(value, Mapping):
        return "(secret)"
    if value is None:
        return "(not set)" if change == CHANGED else ""
    return shown(value) or "(empty)"


def _environment(old: Encodable, new: Encodable) -> Iterator[Difference]:
    before, now = mapping(old), mapping(new)
    for part, word in (("python", "Python"), ("platform", "platform")):
        if not same(before.get(part), now.get(part)):
            versions = shown(before.get(part)), shown(now.get(part))
            text = f"{word} {versions[0]} → {versions[1]}"
            yield Difference("environment", part, CHANGED, text, *versions)
    if ("distributions" in before) is not ("distributions" in now) and "lock" in {*before, *now}:
        text = "what counts of uv.lock changed: all of it, or what the cell reaches"
        yield Difference("environment", "lock", CHANGED, text)
        return
    yield from _distributions(before.get("distributions"), now.get("distributions"))
    for part, said in _PARTS.items():
        if not same(before.get(part), now.get(part)):
            old_, new_ = content(before.get(part)), content(now.get(part))
            yield Difference("environment", part, CHANGED, f"{said} changed", old_, new_)


_PARTS = {"lock": "uv.lock", "sources": "a package that is installed from a folder"}


def _distributions(old: Encodable, new: Encodable) -> Iterator[Difference]:
    for entry in entries(old, new):
        before, now = shown(entry.old), shown(entry.new)
        yield Difference(
            "environment",
            entry.name,
            entry.change,
            _versions(entry.name, entry.change, before, now),
            before,
            now,
        )


def _versions(name: str, change: str, old: str, new: str) -> str:
    if change == ADDED:
        return f"{name} added to what it reaches"
    if change == GONE:
        return f"{name} gone from what it reaches"
    return f"{name} {old} → {new}"


def _named(component: str) -> Callable[[Encodable, Encodable], Iterator[Difference]]:
    def compare(old: Encodable, new: Encodable) -> Iterator[Difference]:
        for entry in entries(old, new):
            before, now = shown(entry.old), shown(entry.new)
            said = f"{before or 'nothing'} → {now or 'nothing'}"
            text = f"{_SINGULAR[component]} {entry.name}: {said}"
            yield Difference(component, entry.name, entry.change, text, before, now)

    return compare


def _rule(old: Encodable, new: Encodable) -> Iterator[Difference]:
    kinds = [v[0] if isinstance(v, (list, tuple)) and v else None for v in (old, new)]
    if None not in kinds and kinds[0] != kinds[1]:
        text = f"its kind was {shown(kinds[0])} and is {shown(kinds[1])}"
    else:
        text = "the meaning of its kind changed in this version of Strata"
    yield Difference("rule", "", CHANGED, text, shown(old), shown(new))


def _whole(component: str) -> Difference:
    word = {"definitions": "a definition"}.get(component, component)
    return Difference(component, "", CHANGED, f"{word} changed")


def _placed(difference: Difference, definers: Mapping[str, str]) -> Difference:
    return replace(difference, place=definers.get(difference.name, ""))


def _observation(name: str, old: str, new: str) -> Difference:
    change = ADDED if old == ABSENT else GONE if new == ABSENT else CHANGED
    kind, rest = name.partition(":")[0] + ":", name.partition(":")[2]
    if kind == FILE:
        text = f"{rest} {change}"
    elif kind in (MADE, LOG):
        text = f"{rest}, which it wrote, {'is gone' if new == ABSENT else change}"
    elif kind == FOLDER:
        text = f"what is in {rest or '.'} changed" if change == CHANGED else f"{rest} {change}"
    elif kind == DIST:
        text = _versions(rest, change, old, new)
    else:
        assert kind == MODULE, name
        text = f"module {rest} is {'not there' if new == ABSENT else 'there'} now"
        text = f"module {rest} comes from elsewhere now" if change == CHANGED else text
    return Difference(OBSERVED, name, change, text, content(old), content(new))


_COMPONENTS: Mapping[str, Callable[[Encodable, Encodable], Iterable[Difference]]] = {
    "source": _source,
    # Before inputs: the slot of a value that a definition reads holds the id of its module.
    "definitions": _definitions,
    "inputs": _inputs,
    "files": _files,
    "variables": _variables,
    "environment": _environment,
    "parameters": _named("parameters"),
    "platform": _named("platform"),
    "rule": _rule,
}
