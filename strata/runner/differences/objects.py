"""Any other object, by the state that pickle would keep of it; and functions and classes."""

from __future__ import annotations

from .containers import compare_dicts, compare_lists
from .plain import printed
from .walk import short, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .walk import Path, Walk

_PROTOCOL = 4


def compare_definitions(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Functions, classes and modules: which one, and whether it is defined as it was."""
    if _name(old) != _name(new):
        walk.changed(path, "value", {"old": _name(old), "new": _name(new)})
    elif _definition(old) != _definition(new):
        walk.changed(path, "definition", {"name": _name(old)})


def _name(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    module = getattr(value, "__module__", None) or ""
    if not isinstance(module, str) or module in ("builtins", "__main__"):
        return str(name)
    return str(name) if module.startswith("strata_cell_") else f"{module}.{name}"


def _definition(value: Any) -> object:
    """What differs where a function or class of a cell was edited."""
    code = getattr(value, "__code__", None)
    if code is not None:
        return code.co_code, repr(code.co_consts), code.co_names
    module = getattr(value, "__module__", None)
    return module if isinstance(module, str) and module.startswith("strata_cell_") else None


def compare_objects(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Attributes first, then what the object is made from and what it contains."""
    try:
        before, after = _State(old), _State(new)
    except Exception:  # noqa: BLE001 - a class's own code, or it cannot be pickled any more
        compare_printed(walk, path, old, new)
        return
    if before.maker != after.maker:
        walk.changed(path, "value", {"old": before.maker, "new": after.maker})
    compare_attributes(walk, path, before.attributes, after.attributes)
    compare_lists(walk, (path, ".__args__"), before.arguments, after.arguments)
    compare_lists(walk, path, before.items, after.items)
    compare_dicts(walk, path, before.pairs, after.pairs)


def compare_attributes(walk: Walk, path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Attributes that came, went, or have another value. Their order does not count."""
    for name in old:
        if name not in new:
            walk.removed((path, f".{name}"), old[name])
    walk.look(((path, f".{n}"), old[n], new[n]) for n in old if n in new)
    for name in new:
        if name not in old:
            walk.added((path, f".{name}"), new[name])


class _State:
    """An object taken apart as pickle does it (`object.__reduce_ex__`)."""

    def __init__(self, value: Any) -> None:
        reduced = value.__reduce_ex__(_PROTOCOL)
        if isinstance(reduced, str):
            reduced = (reduced, ())
        maker, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        name = getattr(maker, "__name__", "")
        self.arguments = list(arguments or ())
        if name in ("__newobj__", "__newobj_ex__", "_reconstructor"):
            del self.arguments[0]
        self.maker = short(maker) if isinstance(maker, str) else _name(maker)
        self.attributes = _attributes(state)
        self.items = list(items or ())
        self.pairs = dict(pairs or ())


def _attributes(state: Any) -> dict[str, Any]:
    if state is None:
        return {}
    found: dict[str, Any] = {}
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    for part in parts:
        if part is None:
            continue
        if not isinstance(part, dict) or not all(isinstance(name, str) for name in part):
            return {"__state__": state}
        found.update(part)
    return found


def compare_printed(walk: Walk, path: Path, old: object, new: object) -> None:
    """Without structure: what is printed of them."""
    if printed(old) != printed(new):
        walk.changed(path, "value", {"old": short(old), "new": short(new)})
    else:
        walk.changed(path, "opaque", {"type": type_name(new)})
