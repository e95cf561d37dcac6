"""Actions: what would be run, as values; and the keys that say when two runs are the same.

    Artifact   the promise of one output of an action
    Action     inputs, outputs, command, environment, platform; it does not run itself
    Chain      actions each known only after the one before
    key        fingerprint of an action whose inputs are known by content

What a key holds is exactly `Action.provenance` plus the content of the inputs: named components,
kept with every result so that `explain` can compare them. Everything else on an action (label,
worker, timeout, retries, resources, interpreter path, the command's line numbers) MUST NOT be able
to change the result, and is not in the key. A rule that puts something observable into `command`
and forgets it in `provenance` makes stale results; `tests/conformance/test_rules.py` looks for
that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType, Protocol, TypeAlias

from blake3 import blake3

from strata.core.dataclass import dataclass, field
from strata.core.digest import Digest
from strata.core.encoding import Encodable, encode
from strata.core.label import Label
from strata.core.observation import Observed
from strata.core.result import ActionResult, Output

KEY_DOMAIN = "strata.action.v2"
OBSERVED_DOMAIN = "strata.observed.v1"

ActionKey = NewType("ActionKey", str)
"""64 lower-case hex digits."""

Provenance = Mapping[str, Encodable]
"""Component name to value; the components are listed in `docs/reference/action-key.md`."""


@dataclass(frozen=True, slots=True, order=True)
class Artifact:
    """The promise of one output variable of a cell; written `//prep:clean%df`."""

    producer: Label
    name: str

    def __hash__(self) -> int:
        return hash((self.producer.package, self.producer.name, self.name))

    def __str__(self) -> str:
        return f"{self.producer}%{self.name}"


@dataclass(frozen=True, slots=True)
class Input:
    """What an action needs under one slot: the first of `artifacts` that its producer defined.

    There are several where a producer binds the name on some paths only (`if new: model = …`): as
    in a script, the value is then the one from before. `optional` marks a value that the cell may
    not read at all (it binds the name itself on some path): without any, the action still runs.
    """

    artifacts: tuple[Artifact, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Files:
    """Workspace files that an action declares, before anybody looked which of them exist.

    They are looked up when the action becomes ready: another action may have written them just
    before. `globs` and `named` are relative to the action's folder, `//` at the front of a glob
    means the workspace root; a name that is no file then is no input. `written` are names that the
    command writes.
    """

    globs: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Names that may also be folders or patterns; what they match is an input."""
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a cell's code runs: an interpreter, and the locked distributions it can import.

    `project` is the folder (relative to the workspace root) of `pyproject.toml` and `uv.lock`, or
    None for the standard library alone. `python` is the exact version, `interpreter` the path of
    the base interpreter on this machine; the path is never in a key.
    """

    python: str
    platform: str
    interpreter: str
    project: str | None = None
    lock: Digest | None = None
    sources: Digest | None = None
    """The content of the folders that the lock installs from, where it names any."""
    narrow: bool = False
    """Of the lock, only what an action can reach is in its key; it is added when it is ready."""

    def component(self) -> Encodable:
        """What of this is in a key."""
        found: dict[str, Encodable] = {"python": self.python, "platform": self.platform}
        if self.narrow:
            return found
        lock = None if self.lock is None else str(self.lock)
        found["lock"] = lock
        if self.sources is not None:
            found["sources"] = str(self.sources)
        return found


@dataclass(frozen=True, slots=True)
class Command:
    """What an executor does: a program of `strata/runner/programs`, and its arguments."""

    program: str
    arguments: Mapping[str, Encodable]


@dataclass(frozen=True, slots=True)
class Resources:
    """What a run takes of the machine it runs on, so that only what fits runs together."""

    cpu: float = 1.0
    """Cores, more than 0."""
    memory_bytes: int = 0
    """0 where nothing is said."""
    gpus: int = 0

    @property
    def threads(self) -> int:
        """How many a numerical library may start: what runs together has as many as cores."""
        return max(1, int(self.cpu))


USUAL = Resources()
"""What an action takes that says nothing."""


@dataclass(frozen=True, slots=True)
class Action:
    """One unit of work. Immutable; equal fields mean the same work."""

    label: Label
    command: Command
    environment: Environment
    provenance: Provenance
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    after: tuple[Label, ...] = ()
    """Actions that must have ended well before; they carry no value and are not in the key."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables of the child beside the fixed base. May hold secrets: never printed."""
    secrets: tuple[str, ...] = ()
    """Names in `variables` whose values must not reach a key, a log, an event or the cache."""
    files: Files = Files()
    imports: tuple[str, ...] = ()
    """Top-level modules that the command and the definitions it uses import, sorted."""
    folder: str = ""
    """The current folder of the command, relative to the workspace root."""
    worker: str = "local"
    timeout_s: float = 300.0
    retries: int = 0
    cacheable: bool = True
    sandbox: str | None = None
    """"off" or "strict" where the cell says so; else what the build says."""
    resources: Resources = USUAL


class Chain(Protocol):
    """Actions each known only after the one before: the only way a graph grows while it runs.

    Implementations MUST be frozen values. `start` gives the first action; `after` gives the action
    that follows `result` of step `step` (from 0), or None when that result is the chain's own.
    All actions of a chain carry the chain's label.
    """

    @property
    def label(self) -> Label: ...

    def start(self) -> Action: ...

    def after(self, step: int, result: ActionResult) -> Action | None: ...


Node: TypeAlias = Action | Chain


def dependencies(action: Action) -> tuple[Label, ...]:
    """The labels whose results `action` needs before it is ready, without duplicates."""
    needed = [a.producer for i in action.inputs.values() for a in i.artifacts]
    return tuple(dict.fromkeys([*needed, *action.after]))


def first_action(node: Node) -> Action:
    """The action itself, or the first of a chain."""
    return node if isinstance(node, Action) else node.start()


@dataclass(frozen=True, slots=True)
class ReadyAction:
    """An action whose inputs are known by content: it has a key, and can be run or looked up.

    `inputs` lacks an optional slot whose producer did not define it.
    """

    action: Action
    inputs: Mapping[str, Output]
    provenance: Provenance
    key: ActionKey
    reason: str = ""
    """Why it would run, for events and records; not in the key."""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """Which artifact each of `inputs` is: of one artifact there is one object in a process."""
    named: frozenset[str] = frozenset()
    """Paths among the component `files` that the text of the action only mentions."""
    mentions: frozenset[str] = frozenset()
    """All paths that the text of the action mentions, there or not."""

    @property
    def loose(self) -> Provenance:
        """The provenance without the files that the text of the action only mentions."""
        files = _entries(self.provenance, "files") if self.named else {}
        kept = {path: digest for path, digest in files.items() if path not in self.named}
        return {**self.provenance, "files": kept} if self.named else self.provenance

    @property
    def label(self) -> Label:
        return self.action.label


@dataclass(frozen=True, slots=True)
class Late:
    """What of a key is known only when an action is ready.

    `entries`: component to entries of it: the declared files that are there by then, the
    distributions that its inputs need. `named`: files that its text only mentions, by path. Those
    are in the key as well; but if the action turns out to write one of them, what it had in it
    before does not count, and the result is found without them (`ReadyAction.loose`). `mentions`
    are the paths that its text means if it means files, there or not.
    """

    entries: Mapping[str, Mapping[str, Encodable]] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    mentions: frozenset[str] = frozenset()


NOTHING_LATE = Late()


def make_ready(
    action: Action,
    inputs: Mapping[str, Output],
    late: Late = NOTHING_LATE,
    artifacts: Mapping[str, Artifact] | None = None,
) -> ReadyAction:
    """`action` with its inputs by content, its full provenance and its key."""
    missing = [s for s, i in action.inputs.items() if not i.optional and s not in inputs]
    assert not missing, f"{action.label} is not ready: {missing}"
    by_content: dict[str, Encodable] = {
        slot: None if slot not in inputs else inputs[slot].content for slot in action.inputs
    }
    provenance = {**action.provenance, "inputs": by_content}
    for component, entries in late.entries.items():
        provenance[component] = {**_entries(provenance, component), **entries}
    loose = provenance
    if late.named:
        provenance = {**loose, "files": {**late.named, **_entries(loose, "files")}}
    return ReadyAction(
        action=action,
        inputs=inputs,
        provenance=provenance,
        key=key_of(provenance),
        artifacts=artifacts or {},
        named=frozenset(late.named.keys() - _entries(loose, "files").keys()),
        mentions=late.mentions,
    )


def _entries(provenance: Provenance, component: str) -> Mapping[str, Encodable]:
    found = provenance.get(component, {})
    assert isinstance(found, Mapping)
    return found


def observed_key(key: ActionKey, observed: Observed) -> ActionKey:
    """Where the result of `key` is kept that holds while these observations hold."""
    return ActionKey(blake3(encode([OBSERVED_DOMAIN, key, observed])).hexdigest())


def key_of(provenance: Provenance) -> ActionKey:
    """The fingerprint of these components."""
    return ActionKey(blake3(encode([KEY_DOMAIN, provenance])).hexdigest())
