"""Functions, classes and imports of other cells: modules built from their source.

A definitions module is known by an id, a hash of everything that it is made of. It becomes a real
module, in `sys.modules` as `strata_cell_<id>`, when something first needs it. So an instance that
is pickled in one cell is, in the next, an instance of the very class that the next cell reads:
both name the class as (module id, qualified name), never as a position in some file.

Where the specification comes from does not matter: the `run` frame tells it with true file names
and lines; an artifact carries it as normalized source, in case the frame does not.
"""

from __future__ import annotations

import sys

from .inputs import InputFailed
from .sources import SourceLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType
    from typing import Any

    from .inputs import Inputs
    from .sources import Sources

MODULE_PREFIX = "strata_cell_"
STAR = "*"
_SHORT = 12
"""Characters of an id in the name of a module."""


class Definitions:
    """The definitions modules of one run, by id.

    `own` are the definitions of the cell that runs: name to the id of the module that other cells
    will get for it. They are looked up in the namespace of `main`, the cell's own. Where an input
    holds an instance of a class that this cell defines (a loop's state), that class is needed
    before the cell runs: it is then defined in `main` ahead of time, and `early` has its name.
    """

    def __init__(
        self,
        modules: Iterable[Mapping[str, Any]],
        own: Mapping[str, str],
        main: ModuleType,
        sources: Sources,
    ) -> None:
        self._specs = {spec["id"]: spec for spec in modules}
        self._own = own
        self._main = main
        self._namespace = vars(main)
        self.early: set[str] = set()
        self._sources = sources
        self._modules: dict[str, ModuleType] = {}
        self._ids: dict[str, str] = {}
        """Module name to id."""
        self._unfinished: dict[str, list[tuple[str, str]]] = {}
        """Modules whose source is not executed yet, with the values still to be bound."""
        self.inputs: Inputs | None = None
        for spec in self._specs.values():
            for first_line, text, file in spec["chunks"]:
                sources.add(file, first_line, text)

    def adopt(self, specs: Iterable[Mapping[str, Any]]) -> None:
        """Modules that an artifact carries are known too; those known already are kept."""
        for spec in specs:
            if spec["id"] not in self._specs:
                self._specs[spec["id"]] = spec
                self._sources.add(_chunks(spec)[0][2], 1, spec["normalized"])

    def install(self) -> None:
        """From now on `import strata_cell_…` works: `pickle.loads` of the user's does that."""
        sys.meta_path.insert(0, _Finder(self))

    def imported(self, name: str) -> ModuleType:
        """The module of that name. Raises `NotAtHand`."""
        short = name[len(MODULE_PREFIX) :]
        own = self._own.values()
        for module_id in self._specs:
            if module_id[:_SHORT] == short and module_id not in own:
                return self.module(module_id)
        raise NotAtHand(name)

    def resolve(self, module_id: str, qualified_name: str) -> object:
        """The object that is called `qualified_name` in a module, built if need be.

        Raises `InputFailed`, and whatever the source of the module raises.
        """
        value: object = self.module(module_id)
        for part in qualified_name.split("."):
            value = getattr(value, part)
        return value

    def bind(self, module_id: str, name: str, namespace: dict[str, Any], local: str) -> None:
        """`namespace[local]` is what a module calls `name`.

        `*` stands for all that the star imports of a cell bring: `local` is left unbound where
        they do not bring it.
        """
        module = self.module(module_id)
        if name != STAR:
            namespace[local] = getattr(module, name)
        elif hasattr(module, local):
            namespace[local] = getattr(module, local)

    def module(self, module_id: str) -> ModuleType:
        """The module with this id; those that it uses are built before it."""
        if module_id not in self._modules:
            for needed in self.closure([module_id]):
                if needed not in self._modules:
                    self._build(needed)
        elif module_id in self._unfinished:
            self._finish(module_id)
        return self._modules[module_id]

    def closure(self, ids: Iterable[str]) -> list[str]:
        """These modules and those that they use, each after what it uses.

        Raises `InputFailed` for a module of which nothing is known.
        """
        order: dict[str, None] = {}
        waiting = [(module_id, False) for module_id in sorted(ids, reverse=True)]
        while waiting:
            module_id, ready = waiting.pop()
            if ready:
                order[module_id] = None
            elif module_id not in order:
                waiting.append((module_id, True))
                uses = {used for used, _ in self._spec(module_id)["uses"].values()}
                waiting.extend((used, False) for used in sorted(uses - set(order), reverse=True))
        return list(order)

    def portable(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """The specifications of `closure(ids)`, without what is true of one checkout only."""
        kept = ("id", "names", "normalized", "future", "uses", "values")
        return [{key: self._spec(i)[key] for key in kept} for i in self.closure(ids)]

    def mentioned(self, data: bytes) -> set[str]:
        """Ids of the modules whose names are in `data`: it may hold a pickle that the user made."""
        prefix, names = MODULE_PREFIX.encode(), set()
        at = data.find(prefix)
        while at >= 0:
            at += len(prefix)
            names.add(data[at : at + _SHORT].decode("ascii", "replace"))
            at = data.find(prefix, at)
        return {i for i in self._specs if i[:_SHORT] in names} if names else set()

    def executed(self) -> Iterator[tuple[str, ModuleType, Iterable[str]]]:
        """The modules that are there, but the cell's own: id, module, names that it defines."""
        for module_id, module in self._modules.items():
            if module is not self._main:
                yield module_id, module, self._specs[module_id]["names"]

    def knows(self, module_id: str) -> bool:
        """Whether a specification of this module is at hand."""
        return module_id in self._specs

    def reference(self, value: Any) -> tuple[str, str] | None:
        """Where other cells find this class or function: module id and qualified name, or None."""
        path = getattr(value, "__qualname__", getattr(value, "__name__", None))
        if not isinstance(path, str):
            return None
        first = path.partition(".")[0]
        if value.__module__ == "__main__":
            module_id, space = self._own.get(first), self._namespace
        else:
            module_id = self._ids.get(value.__module__)
            space = vars(self._modules[module_id]) if module_id is not None else {}
        if module_id is None or _lookup(space.get(first), path) is not value:
            return None
        return module_id, path

    def named(self) -> dict[int, tuple[str, str]]:
        """What definitions are called, by `id` of the object: for those that hide their name.

        A lambda, a class or function under another name, what a decorator made of one.
        """
        spaces = [(self._namespace, list(self._own.items()))]
        for module_id, module in self._modules.items():
            names = self._specs[module_id]["names"]
            spaces.append((vars(module), [(name, module_id) for name in names]))
        found: dict[int, tuple[str, str]] = {}
        for space, names in spaces:
            for name, module_id in names:
                if name in space and is_of_cell(space[name]):
                    found.setdefault(id(space[name]), (module_id, name))
        return found

    def _spec(self, module_id: str) -> Mapping[str, Any]:
        try:
            return self._specs[module_id]
        except KeyError:
            raise InputFailed(f"the definitions {module_id[:12]} are not at hand") from None

    def _build(self, module_id: str) -> None:
        spec = self._spec(module_id)
        if module_id in self._own.values():
            self._build_early(spec)
            return
        name = MODULE_PREFIX + module_id[:_SHORT]
        module = type(sys)(name)
        module.__file__ = _chunks(spec)[0][2]
        module.__loader__ = SourceLoader(self._sources, module.__file__)  # type: ignore[assignment]
        sys.modules[name] = self._modules[module_id] = module
        self._ids[name] = module_id
        try:
            for local, (used, used_name) in spec["uses"].items():
                self.bind(used, used_name, vars(module), local)
            begun = spec.get("begun", ())
            waiting = [item for item in spec["values"].items() if item[0] not in begun]
            self._unfinished[module_id] = waiting
            self._finish(module_id)
        except BaseException:
            self._unfinished.pop(module_id, None)
            del sys.modules[name], self._ids[name]
            self._modules.pop(module_id, None)
            raise

    def _build_early(self, spec: Mapping[str, Any]) -> None:
        if spec.get("begun"):
            raise _of_this_cell(spec)
        # Values that it reads are the cell's own, or bound for it: they are in the namespace by
        # the time that a method reads them.
        self._modules[spec["id"]] = self._main
        for local, (used, name) in spec["uses"].items():
            self.bind(used, name, self._namespace, local)
        self._execute(spec, self._namespace)
        self.early.update(spec["names"])

    def _finish(self, module_id: str) -> None:
        """Binds the values that a module reads, then executes its source.

        A value may hold an instance of a class of this very module. Loading it comes back here,
        to bind the values that are left and to execute the source: that cannot need the value,
        which was made after the class; unless a decorator puts the class into it. Values that the
        source itself begins are bound when it has been executed: what decorators did to them
        while it was is done already in the value that is bound.
        """
        spec = self._spec(module_id)
        namespace = vars(self._modules[module_id])
        waiting = self._unfinished[module_id]
        while waiting:
            self._bind_value(spec, *waiting.pop())
        if self._unfinished.pop(module_id, None) is None:
            return
        try:
            self._execute(spec, namespace)
        except NameError as problem:
            raise self._too_early(spec, problem) from None
        for local in spec.get("begun", ()):
            self._bind_value(spec, local, spec["values"][local])

    def _bind_value(self, spec: Mapping[str, Any], local: str, slot: str) -> None:
        namespace = vars(self._modules[spec["id"]])
        if "chunks" not in spec or self.inputs is None:
            raise _not_given(spec, local)
        if not self.inputs.bind(slot, namespace, local):
            raise _not_given(spec, local)

    def _too_early(self, spec: Mapping[str, Any], problem: NameError) -> Exception:
        """Why a source that is executed has no name: it wants a value that waits for itself."""
        for module_id, module in self._modules.items():
            for local in self._spec(module_id)["values"]:
                if local not in vars(module) and f"name {local!r} is not" in str(problem):
                    return _circular(spec, local)
        return problem

    def _execute(self, spec: Mapping[str, Any], namespace: dict[str, Any]) -> None:
        flags = _future_flags(spec["future"])
        for first_line, text, file in _chunks(spec):
            padded = "\n" * (first_line - 1) + text
            exec(compile(padded, file, "exec", flags, True), namespace)


class NotAtHand(ModuleNotFoundError):
    """A pickle that the user made names definitions of another cell that did not come along."""

    hint = "read the function or class that is in the pickle in this cell, by its name"

    def __init__(self, module: str) -> None:
        super().__init__(
            "this pickle names a function or class of another cell, whose definition this cell "
            "is not given",
            name=module,
        )


class _Finder:
    """Finds the modules of definitions: for code that imports them by their names."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """As PEP 451 has it; None means: not here."""
        if not name.startswith(MODULE_PREFIX):
            return None
        return sys.modules["_frozen_importlib"].ModuleSpec(name, self)

    def create_module(self, spec: Any) -> ModuleType:
        """The module, built: it is the one that everybody else gets."""
        return self._definitions.imported(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it has been executed."""


def _not_given(spec: Mapping[str, Any], local: str) -> InputFailed:
    names = ", ".join(map(repr, spec["names"]))
    return InputFailed(
        f"{names} of another cell reads {local!r}, which this cell is not given",
        f"read {spec['names'][0]!r} in this cell by its name, so that it is seen to need it",
    )


def _of_this_cell(spec: Mapping[str, Any]) -> InputFailed:
    names = ", ".join(map(repr, spec["names"]))
    return InputFailed(
        f"a value that this cell is given needs its own {names}, which fills {spec['begun'][0]!r}",
        f"define {names} and {spec['begun'][0]!r} in a cell above",
    )


def _circular(spec: Mapping[str, Any], local: str) -> InputFailed:
    names = ", ".join(map(repr, spec["names"]))
    return InputFailed(
        f"{names} of another cell cannot be made without {local!r}, which holds {names} itself",
        f"let {local!r} begin as empty in a statement of its own, such as `{local} = {{}}`, "
        "and let only decorators fill it before that; or fill it in a cell below",
    )


def _chunks(spec: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """The source to execute: first line, text, file."""
    carried = [(1, spec["normalized"], f"<definitions {spec['id'][:12]}>")]
    return spec.get("chunks") or carried


def _future_flags(features: Iterable[str]) -> int:
    if not features:
        return 0
    import __future__

    flags = 0
    for feature in features:
        flags |= getattr(__future__, feature).compiler_flag
    return flags


def _lookup(value: object, path: str) -> object:
    """What `path` leads to, where `value` is what its first name means; None where to nothing."""
    for part in path.split(".")[1:]:
        value = getattr(value, part, None)
    return value


def is_of_cell(value: object) -> bool:
    """Whether `value` says that the code of a cell made it."""
    try:
        module = value.__module__
    except Exception:  # noqa: BLE001 - a proxy of something that is gone, say
        return False
    return isinstance(module, str) and (module == "__main__" or module.startswith(MODULE_PREFIX))
