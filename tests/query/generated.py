"""Generated worlds of cells, and expressions about them: text and meaning side by side."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import TypeAlias

from tests.query import reference
from tests.query.reference import Names, ToyCell, World

Meaning: TypeAlias = Callable[[], Names]
"""What an expression answers; raises `Wrong`."""
Generated: TypeAlias = tuple[str, Meaning]

PACKAGES = ("p", "q", "q/r")
VARIABLES = ("df", "model", "x")
FILES = ("p/data.csv", "q/r/raw.csv", "q/notes.txt", "elsewhere.csv")
REGEXES = ("a", "^//p:", "[bd]$", "e.t", "(?i)PYTHON", "$^", "", "%", "csv$", "3", "^$")

_NAMES = {
    "union": ("+", "union"),
    "intersect": ("^", "intersect"),
    "except": ("-", "except"),
}
_SETS: dict[str, Callable[[Names, Names], Names]] = {
    "union": frozenset.union,
    "intersect": frozenset.intersection,
    "except": frozenset.difference,
}


def world(rng: random.Random) -> World:
    """Up to ten cells. About half of the worlds have edges in any direction, so cycles too."""
    number = rng.randint(1, 10)
    names = rng.sample(["a", "b", "c", "d", "e", "f", "g", "test_h", "i_test", "j"], number)
    labels = [f"//{rng.choice(PACKAGES)}:{name}" for name in names]
    labels.sort(key=lambda label: label.partition(":")[0])  # definition order: by notebook
    cyclic = rng.random() < 0.5
    cells = [_cell(rng, labels, place, cyclic) for place in range(number)]
    return World(cells)


def _cell(rng: random.Random, labels: Sequence[str], place: int, cyclic: bool) -> ToyCell:
    near = [*(labels if cyclic else labels[:place]), "//not:loaded"]
    producers = [label for label in near if rng.random() < 2.5 / len(near)]
    rng.shuffle(producers)
    said: dict[str, str | tuple[str, ...]] = {}
    if rng.random() < 0.3:
        said["timeout"] = "60"
    if rng.random() < 0.3:
        said["input"] = ("a.csv", "b.csv")
    if rng.random() < 0.2:
        said["name"] = "shown"
    return ToyCell(
        labels[place],
        rng.choice(("python", "python", "markdown")),
        tuple(t for t in ("slow", "test", "gpu") if rng.random() < 0.2),
        rng.choice(("local", "local", "fly")),
        tuple(name for name in VARIABLES if rng.random() < 0.4),
        said,
        {p: tuple(v for v in VARIABLES if rng.random() < 0.4) for p in producers},
        tuple(path for path in FILES if rng.random() < 0.2),
    )


def seen_with(rng: random.Random, seen: World) -> World:
    """The same cells, with some other kinds of nodes shown, and with implicit edges or without."""
    flags = [rng.random() < 0.5 for _ in range(3)]
    variables, files, implicit = flags
    return replace(seen, variables=variables, files=files, implicit=implicit, down=set(), up=set())


class Expressions:
    """Expressions over one world, from one source of chance."""

    def __init__(self, rng: random.Random, about: World) -> None:
        self.rng = rng
        self.about = about

    def expression(self, depth: int, named: dict[str, Meaning] | None = None) -> Generated:
        """One that is at most `depth` levels deep, where `let` has named these."""
        named = named or {}
        if depth == 0 or self.rng.random() < 0.15:
            return self._leaf(named)
        make = self.rng.choice((self._row, self._row, self._let, self._set, *([self._call] * 6)))
        return make(depth - 1, named)

    def _leaf(self, named: dict[str, Meaning]) -> Generated:
        cells = [cell.label for cell in self.about.cells]
        if named and self.rng.random() < 0.6:
            name = self.rng.choice(sorted(named))
            return f"${name}", named[name]
        if self.rng.random() < 0.15:
            return "//...", _just(frozenset(cells))
        if self.rng.random() < 0.2:
            others = sorted(self.about.all_variables() | self.about.all_files())
            if others:
                node = self.rng.choice(others)
                return self._word(node), _just(frozenset({node}))
        if self.rng.random() < 0.2:
            package = self.rng.choice(PACKAGES)
            found = (c.label for c in self.about.cells if c.package == package)
            return self._word(f"//{package}"), _just(frozenset(found))
        label = self.rng.choice(cells)
        return self._word(label), _just(frozenset({label}))

    def _word(self, text: str) -> str:
        return self.rng.choice((text, f'"{text}"', f"'{text}'"))

    def _row(self, depth: int, named: dict[str, Meaning]) -> Generated:
        """Operators of equal rank, from left to right."""
        terms = [self.expression(depth, named) for _ in range(self.rng.randint(2, 4))]
        signs = [self.rng.choice(sorted(_SETS)) for _ in terms[1:]]
        text = self._term(terms[0][0])
        for sign, (right, _) in zip(signs, terms[1:], strict=True):
            text += f" {self.rng.choice(_NAMES[sign])} {self._term(right)}"

        def meaning() -> Names:
            values = [value() for _, value in terms]
            steps = zip(signs, values[1:], strict=True)
            return reduce(lambda found, step: _SETS[step[0]](found, step[1]), steps, values[0])

        return text, meaning

    def _term(self, text: str) -> str:
        """As one term: `let` and rows reach further than they should."""
        return f"({text})" if " " in text or self.rng.random() < 0.1 else text

    def _let(self, depth: int, named: dict[str, Meaning]) -> Generated:
        name = self.rng.choice(("v", "w", "deps"))
        value_text, value = self.expression(depth, named)
        body_text, body = self.expression(depth, {**named, name: value})

        def meaning() -> Names:
            value()
            return body()

        sign = self.rng.choice(("=", " = "))
        return f"let {name}{sign}{value_text} in {body_text}", meaning

    def _set(self, depth: int, named: dict[str, Meaning]) -> Generated:
        leaves = [self._leaf(named) for _ in range(self.rng.randint(0, 3))]
        text = f"set({' '.join(text for text, _ in leaves)})"
        return text, lambda: frozenset[str]().union(*(value() for _, value in leaves))

    def _call(self, depth: int, named: dict[str, Meaning]) -> Generated:
        a, b = self.expression(depth, named), self.expression(depth, named)
        steps = self.rng.choice((None, None, 0, 1, 2, 3))
        regex = self.rng.choice(REGEXES)
        return self.rng.choice(
            (*self._walks(a, b, steps), *self._choices(a, regex), *self._facts(a, steps))
        )

    def _walks(self, a: Generated, b: Generated, steps: int | None) -> Sequence[Generated]:
        at, bt, world, same_pkg = a[0], b[0], self.about, reference.same_pkg_direct_rdeps
        tail = "" if steps is None else f", {steps}"
        return (
            (f"deps({at}{tail})", lambda: reference.deps(world, a[1](), steps)),
            (f"rdeps({at},{bt}{tail})", lambda: reference.rdeps(world, a[1](), b[1](), steps)),
            (f"allrdeps({at}{tail})", lambda: reference.allrdeps(world, a[1](), steps)),
            (f"allpaths({at}, {bt})", lambda: reference.allpaths(world, a[1](), b[1]())),
            (f"somepath({at}, {bt})", lambda: reference.somepath(world, a[1](), b[1]())),
            (
                f"same_pkg_direct_rdeps({at})",
                lambda: same_pkg(world, a[1]()),
            ),
            (f"siblings( {at} )", lambda: reference.siblings(world, a[1]())),
        )

    def _choices(self, a: Generated, regex: str) -> Sequence[Generated]:
        at, world = a[0], self.about
        attribute = self.rng.choice(
            ("timeout", "retries", "input", "name", "kind", "package", "tags", "worker")
        )
        return (
            (f'attr({attribute}, "{regex}", {at})',
             lambda: reference.attr(world, attribute, regex, a[1]())),
            (f'kind("{regex}", {at})', lambda: reference.kind(world, regex, a[1]())),
            (f'filter("{regex}",{at})', lambda: reference.filtered(world, regex, a[1]())),
            (f'tag("{regex}", {at})', lambda: reference.tag(world, regex, a[1]())),
            (f"tests({at})", lambda: reference.tests(world, a[1]())),
        )  # fmt: skip

    def _facts(self, a: Generated, steps: int | None) -> Sequence[Generated]:
        at, world = a[0], self.about
        attribute = self.rng.choice(("needs", "reads", "defines", "srcs"))
        name, where = self.rng.choice(VARIABLES), self.rng.choice(("local", "fly", "nowhere"))
        number = 1 if steps is None else steps
        tail = "" if steps is None else f", {steps}"
        return (
            (f"labels({attribute}, {at})", lambda: reference.labels(world, attribute, a[1]())),
            (f"some({at}{tail})", lambda: reference.some(world, a[1](), number)),
            (f"vars({at})", lambda: reference.variables(world, a[1]())),
            (f"producer({name}, {at})", lambda: reference.producer(world, name, a[1]())),
            (f"worker({where}, {at})", lambda: reference.worker(world, where, a[1]())),
        )


def _just(found: Names) -> Meaning:
    return lambda: found
