"""A Python cell: its namespace filled, its code run, its values stored.

The cell is `__main__`, as a script is: `if __name__ == "__main__"`, `__file__`, `pickle` and
`inspect` mean what they mean there. `await` may stand at the top level. When the code has run,
threads are waited for, then figures are shown, then outputs are stored: in that order, because
a thread may still change them, and a figure that pyplot has open would be opened again by whoever
loads it.
"""

from __future__ import annotations

import os
import sys

from .. import displays, figures, local_imports, observe, values
from ..definitions import Definitions
from ..inputs import Inputs, StorageFailed
from ..outputs import send_outputs
from ..process import make_main, take_out, wait_for_threads
from ..session import Failed
from ..sources import SourceLoader, Sources
from ..state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import CodeType, ModuleType
    from typing import Any

    from ..channel import Channel
    from ..inputs import StoredValue

_TOP_LEVEL_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT; importing `ast` takes 10 ms
_ONLY_AST = 0x0400  # ast.PyCF_ONLY_AST
_IS_COROUTINE = 0x0080  # inspect.CO_COROUTINE
_FUTURE_FLAGS = 0x1FE0000  # every feature of `__future__` since Python 3.0


def run(
    arguments: Mapping[str, Any], inputs: Sequence[StoredValue], channel: Channel, scratch: str
) -> Mapping[str, object]:
    """Runs the cell and sends what it shows and gives; what `done` says of its values.

    Raises `Failed` where it fails.
    """
    sources = Sources()
    main = _make_main(arguments, sources)
    namespace = vars(main)
    definitions = Definitions(arguments["modules"], arguments["own"], main, sources)
    sources.add(arguments["file"], 1 + arguments.get("line_offset", 0), arguments["source"])
    given = Inputs(inputs, lambda codec, data: values.decode(codec, data, definitions))
    definitions.inputs = given
    state = State(definitions, observe.root())
    shown = displays.Displays(channel)
    pid = os.getpid()
    try:
        sources.install_if_asked()
        _enter(main, arguments, shown, state)
        definitions.install()
        bound = _bind(arguments["bindings"], namespace, given, definitions)
        state.begin()
        _execute(_compile(arguments, definitions.early), namespace, shown)
        if os.getpid() != pid:  # the cell forked, and this is the child: see `session`
            return {}
        wait_for_threads()
        restated = state.changed()
        figures.show_open(shown)
    except StorageFailed:
        raise
    except BaseException as problem:  # noqa: BLE001 - whatever a cell raises is its failure
        from ..failures import describe

        sources.install()
        raise Failed(describe(problem, sources.files())) from None
    names = arguments["outputs"]
    told = send_outputs(names, namespace, bound, given, definitions, channel, scratch)
    return {**told, "restated": restated}


def _make_main(arguments: Mapping[str, Any], sources: Sources) -> ModuleType:
    main = make_main()
    main.__file__ = os.path.join(os.getcwd(), arguments["file_in_folder"])
    main.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
    main.__loader__ = SourceLoader(sources, arguments["file"])  # type: ignore[assignment]
    return main


def _enter(
    main: ModuleType, arguments: Mapping[str, Any], shown: displays.Displays, state: State
) -> None:
    """The interpreter looks as if it had been started for this cell."""
    sys.modules["__main__"] = main
    local_imports.install(observe.root(), state.importing)
    sys.path.insert(0, os.getcwd())
    sys.argv[:] = [arguments["file"]]
    sys.modules["builtins"].display = shown.display  # type: ignore[attr-defined]
    figures.install(shown)
    observe.begin()


def _bind(
    bindings: Mapping[str, Mapping[str, str]],
    namespace: dict[str, Any],
    given: Inputs,
    definitions: Definitions,
) -> dict[str, str]:
    """Fills the namespace; says which names were bound to which slots."""
    bound = {}
    for name, source in bindings.items():
        if "slot" not in source:
            definitions.bind(source["module"], source["name"], namespace, name)
        elif given.bind(source["slot"], namespace, name):
            bound[name] = source["slot"]
    return bound


def _execute(
    code: tuple[CodeType, CodeType | None], namespace: dict[str, Any], shown: displays.Displays
) -> None:
    body, last = code
    if _is_coroutine(body):
        value = _run_coroutine(_run_both(body, last, namespace))
    else:
        exec(body, namespace)
        value = None if last is None else eval(last, namespace)
        if last is not None and _is_coroutine(last):
            value = _run_coroutine(value)
    if value is not None:
        _show(value, shown)


def _show(value: object, shown: displays.Displays) -> None:
    """Shows the value of the last expression; a figure that is open is shown at the end."""
    figure = figures.picture(value)
    if figure is None or not figures.is_open(figure):
        shown.display(value)


def _compile(
    arguments: Mapping[str, Any], defined: Collection[str]
) -> tuple[CodeType, CodeType | None]:
    """The cell's code, and that of its last expression where it is to be shown.

    Classes in `defined` exist already; their statements are left out.
    """
    padding = "\n" * arguments.get("line_offset", 0)
    source = padding + arguments["source"].removeprefix("\ufeff")
    file = arguments["file"]
    flags = _TOP_LEVEL_AWAIT
    if not arguments["shows_last"] and not defined:
        return compile(source, file, "exec", flags, True), None
    _ast = take_out("_ast")
    tree = compile(source, file, "exec", flags | _ONLY_AST, True)
    tree.body = [s for s in tree.body if not (isinstance(s, _ast.ClassDef) and s.name in defined)]
    expression = None
    if arguments["shows_last"] and tree.body and isinstance(tree.body[-1], _ast.Expr):
        expression = _ast.Expression(tree.body.pop().value)
    body = compile(tree, file, "exec", flags, True)
    if expression is None:
        return body, None
    flags |= body.co_flags & _FUTURE_FLAGS
    return body, compile(expression, file, "eval", flags, True)


def _is_coroutine(code: CodeType) -> bool:
    return bool(code.co_flags & _IS_COROUTINE)


async def _run_both(body: CodeType, last: CodeType | None, namespace: dict[str, Any]) -> object:
    await eval(body, namespace)
    if last is None:
        return None
    value = eval(last, namespace)
    return await value if _is_coroutine(last) else value


def _run_coroutine(coroutine: Any) -> Any:
    import asyncio

    return asyncio.run(coroutine)
