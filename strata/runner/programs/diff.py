"""What differs between pairs of stored values, as JSON: one output for each pair.

The values are decoded here, in the environment of the notebook, as a cell would get them. A value
that cannot be decoded is no failure: the answer says why.
"""

from __future__ import annotations

import os
import sys

from .. import local_imports, values
from ..definitions import Definitions
from ..inputs import InputFailed, Inputs
from ..sources import Sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..channel import Channel
    from ..inputs import StoredValue


def run(
    arguments: Mapping[str, Any], inputs: Sequence[StoredValue], channel: Channel, scratch: str
) -> None:
    """Answers for each of `arguments["pairs"]`: `name`, and the slots `old` and `new`.

    An answer has `difference` and `lines`, see `differences`; or `unread`, a reason.
    """
    main = type(sys)("__main__")
    sys.modules["__main__"] = main
    local_imports.install(os.getcwd())
    sys.path.insert(0, os.getcwd())
    definitions = Definitions((), {}, main, Sources())
    given = Inputs(inputs, lambda codec, data: values.decode(codec, data, definitions))
    definitions.inputs = given
    for pair in arguments["pairs"]:
        _send(channel, pair["name"], _answer(given, pair["old"], pair["new"]))


def _answer(given: Inputs, old: str, new: str) -> dict[str, Any]:
    from ..differences import compare, text

    found = []
    for slot, which in ((old, "old"), (new, "new")):
        try:
            found.append(given.value(slot))
        except InputFailed as problem:
            reason = problem.__cause__ or problem
            return {"unread": f"the {which} value cannot be loaded: {_one_line(reason)}"}
    difference = compare.difference(*found)
    return {"difference": difference, "lines": text.lines(difference)}


def _one_line(problem: BaseException) -> str:
    said = " ".join(str(problem).split())[:300]
    return f"{values.class_name(type(problem))}: {said}" if said else type(problem).__name__


def _send(channel: Channel, name: str, answer: Mapping[str, Any]) -> None:
    from json import dumps

    data = dumps(answer, allow_nan=False).encode()  # escaped: a lone surrogate is no UTF-8
    header: dict[str, object] = {
        "type": "output",
        "name": name,
        "codec": "json",
        "type_name": "dict",
        "summary": "",
        "path": None,
        "size": len(data),
        "needs": [],
        "unstable": "",
    }
    channel.send(header, [data])
