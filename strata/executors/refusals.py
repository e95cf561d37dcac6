"""What the sandbox refused, told as one error: the file, and the line of the cell that allows it.

The runner says which path Python was refused (`VERB PATH`). Native readers and child processes say
it in words of their own: every word of theirs that is a path of the workspace, and that the cell
does not declare, is taken for what they were refused. Pure but for looking what is there.
"""

from __future__ import annotations

import glob
import json
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from strata.core.dataclass import replace
from strata.core.result import CellFailure, FailureKind
from strata.executors.sandbox import Confinement, Policy

_DENIED = re.compile(
    r"permission denied|\berrno:? ?13\b|\bos error 13\b|\bEACCES\b|access is denied|not permitted"
    r"|\berrno:? ?18\b|cross-device link",
    re.IGNORECASE,
)
_WRITING = re.compile(r"\bwrit|\bcreat|\bmake\b|\bremove\b|\bdelete\b|\boutput\b", re.IGNORECASE)
_QUOTED = re.compile(r"""'((?:[^'\\\n]|\\.)+)'|"((?:[^"\\\n]|\\.)+)"|`([^`\n]+)`|‘([^’\n]+)’""")
_BARE = re.compile(r"""[^\s'"`‘’()\[\]{}<>,;=]+""")
_NO_NETWORK = re.compile(
    r"network is unreachable|name resolution|name or service not known|could not resolve"
    r"|nodename nor servname|no address associated",
    re.IGNORECASE,
)
_LONGEST_WORD = 4096
_ADVICE = re.compile(r"`(# @(?:input|writes) [^`\n]+)`")


def explained(
    failure: CellFailure, policy: Policy, confined: Confinement | None, console: bytes | None
) -> CellFailure:
    """`failure` as what the sandbox refused, if that is what it is."""
    if confined is not None:
        failure = _explained(failure, confined, console)
    return failure if policy.network else _without_network(failure)


def _explained(failure: CellFailure, confined: Confinement, console: bytes | None) -> CellFailure:
    if failure.kind is FailureKind.SANDBOX:
        verb, _, path = failure.message.partition(" ")
        return _told(failure, confined, path, verb)
    if failure.kind not in (FailureKind.EXCEPTION, FailureKind.EXIT):
        return failure
    text = f"{failure.message}\n{failure.traceback}\n{_stderr(console)}"
    lines = [line for line in text.splitlines() if _DENIED.search(line)]
    if not lines and failure.type.endswith("CalledProcessError"):
        lines = [failure.message]  # what the child said was taken by the cell
    for line in lines:
        for path in _undeclared(line, confined):
            writing = not os.path.lexists(path) or bool(_WRITING.search(line.replace(path, "")))
            return _told(failure, confined, path, "write" if writing else "read")
    if lines and failure.hint is None:
        hint = "the sandbox may have refused a file: declare what the cell reads with `# @input`"
        return replace(failure, hint=f"{hint}, what it writes with `# @writes`")
    return failure


def _without_network(failure: CellFailure) -> CellFailure:
    """`failure` of a cell that had no network, as that, if that is what it is."""
    text = f"{failure.message}\n{failure.traceback}"
    if failure.kind is not FailureKind.EXCEPTION or not _NO_NETWORK.search(text):
        return failure
    return replace(
        failure,
        kind=FailureKind.SANDBOX,
        message=f"the cell has no network: {failure.message}",
        hint="build with --network=on, or let the cell read a file instead",
    )


def advised_lines(failure: CellFailure) -> tuple[str, ...]:
    """The annotation lines that the hint of a refusal names."""
    if failure.kind is not FailureKind.SANDBOX or failure.hint is None:
        return ()
    return tuple(_ADVICE.findall(failure.hint))


def annotation(key: str, path: str, confined: Confinement) -> str | None:
    """`# @KEY PATH`, which means exactly this path; None for one that no line can name."""
    name = _shown(path, confined)
    name = re.sub(r"[*?\[]", r"[\g<0>]", name)
    if path.endswith("/"):
        name += "/"
    if not name.isprintable() or "`" in name or ('"' in name and "'" in name):
        return None
    if re.search(r"[\s,'\"]", name):
        mark = "'" if '"' in name else '"'
        name = f"{mark}{name}{mark}"
    return f"# @{key} {name}"


def swallowed(confined: Confinement | None, refused: Iterable[str]) -> tuple[str, ...]:
    """What a cell was refused that ended well all the same, each with the line that allows it.

    What it made without these files holds nowhere else, so it must not be kept.
    """
    if confined is None:
        return ()
    found = []
    for path in refused:
        line = annotation("input", path, confined)
        advice = f": add `{line}`" if line else ""
        found.append(f"{_shown(path, confined)} (refused by the sandbox{advice})")
    return tuple(found)


def _told(failure: CellFailure, confined: Confinement, path: str, verb: str) -> CellFailure:
    """The refusal of `path` in our words; the cell's own stay in the traceback."""
    shown = _shown(path, confined)
    if verb == "above":
        what = f"the sandbox refused '{shown}', which lies above the workspace"
        hint = "folders that hold the workspace can be neither listed nor added to"
        return replace(failure, kind=FailureKind.SANDBOX, message=what, hint=hint)
    if verb in ("read", "write") and _matches(path, confined):
        what = f"the sandbox refused to read back '{shown}', which the cell wrote itself"
        # No line that could be added for the user: the code has to name that folder too.
        hint = "write into a folder that is declared as a whole, such as: # @writes out/"
        return replace(failure, kind=FailureKind.SANDBOX, message=what, hint=hint)
    what = f"the sandbox refused '{shown}': the cell does not declare that it "
    what += "reads it" if verb == "read" else "writes it"
    key = "input" if verb == "read" else "writes"
    line = annotation(key, path + "/" if verb == "mkdir" else path, confined)
    hint = f"add the line `{line}` at the top of the cell" if line else "give it a plainer name"
    return replace(failure, kind=FailureKind.SANDBOX, message=what, hint=hint)


def _shown(path: str, confined: Confinement) -> str:
    """The path as the user would write it in the notebook."""
    for folder, prefix in ((confined.folder, ""), (confined.root, "//")):
        if _is_in(path, folder):
            return prefix + os.path.relpath(path, folder)
    return path


def _undeclared(line: str, confined: Confinement) -> Iterator[str]:
    """The paths in a line of text that lie in the workspace and may not be reached."""
    for word in _words(line):
        for start in (confined.folder, confined.root):
            path = os.path.normpath(os.path.join(start, word))
            if _refuses(confined, path) and (
                os.path.isfile(path) or (_is_path(word) and os.path.isdir(os.path.dirname(path)))
            ):
                yield path


def _words(line: str) -> Iterator[str]:
    """What may be a path: quoted texts first, as they may hold spaces, then bare words."""
    for groups in _QUOTED.findall(line):
        yield from (g for g in groups if g and len(g) <= _LONGEST_WORD and "\0" not in g)
    for match in _BARE.finditer(line):
        word = match[0].strip(".:!")
        if word and len(word) <= _LONGEST_WORD:
            yield word


def _is_path(word: str) -> bool:
    """Whether a word that names nothing yet looks like a file: there is a folder, and a suffix."""
    return "/" in word and bool(posixpath.splitext(word)[1])


def _refuses(confined: Confinement, path: str) -> bool:
    """Whether `path` lies in the workspace and is no declared input."""
    return (
        _is_in(path, confined.root)
        and path not in confined.read
        and not any(_is_in(path, folder) for folder in confined.open)
    )


def _is_in(path: str, folder: str | Path) -> bool:
    return path.startswith(os.path.join(folder, ""))


def _matches(path: str, confined: Confinement) -> bool:
    """Whether `path` is a declared output."""
    return path in confined.write or any(
        glob.has_magic(pattern) and Path(path).match(pattern) for pattern in confined.write
    )


def _stderr(console: bytes | None) -> str:
    """What the cell wrote to stderr, of its stored console output."""
    if console is None:
        return ""
    return "".join(text for stream, text in json.loads(console) if stream == "stderr")
