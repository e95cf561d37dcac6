"""Expressions about a world, spelled for Strata and for Bazel side by side.

Where the two differ on purpose, this is where one is translated into the other; the docstring of
`benchmarks.bazel_answers` lists it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.answers.worlds import World

FUNCTIONS = (
    *("deps", "rdeps", "allrdeps", "allpaths", "somepath", "same_pkg_direct_rdeps", "siblings"),
    *("kind", "filter", "attr", "labels", "some", "tests", "set"),
)
OPERATORS = {"union": "+", "intersect": "^", "except": "-"}
OUTER = (*FUNCTIONS, "let", *OPERATORS, "a pattern", "somepath", "some", "a mistake")
"""What the outermost level of expressions is, in turn."""

_LABELS = (
    "a",
    "^//p",
    "[bd]$",
    ":(a|clean)",
    "(?i)total",
    "^//:",
    "q/r",
    "^$",
    "mod.l",
    "//[^:]*:x",
)
_TAGS = (
    "slow",
    r"\bgpu\b",
    r"^\[\]$",
    r"^\[gpu, ",
    "test|nightly",
    ".",
    "^$",
)
_CELL_NAMES = ("^a$", "load", "[a-d]", "_test$", "x1|Total", "^$")
_KINDS = {
    "python": "filegroup|sh_test",
    "^python$": "^(filegroup|sh_test) rule$",
    "markdown": "page",
    "o": "rule",
    "python|markdown": "rule",
    "^$": "^$",
}
_SETS = ("{x}", "{x}", "{x}", "{x}, 0", "{x}, 1", "{x}, 2", "{x}, 3")


class Agreement(Enum):
    """When two answers are the same."""

    SAME = "the same cells"
    A_WAY = "both are a way from the first to the last, or there is none"
    ONE_OF = "one of what Bazel has for the argument"


@dataclass(frozen=True)
class Spelled:
    """One expression in both languages, and what of the language is in it."""

    ours: str
    theirs: str
    uses: frozenset[str] = frozenset()

    def within(self, ours: str, theirs: str | None = None, use: str = "") -> Spelled:
        """A larger one, where `{x}` is this."""
        uses = self.uses | {use} if use else self.uses
        other = ours if theirs is None else theirs
        return Spelled(ours.replace("{x}", self.ours), other.replace("{x}", self.theirs), uses)


@dataclass(frozen=True)
class Case:
    """What is asked, and when the answers agree. `argument` is what Bazel is asked of, too."""

    asked: Spelled
    agreement: Agreement = Agreement.SAME
    argument: Spelled | None = None
    ends: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    """Where a way may begin and end."""


class Expressions:
    """Expressions over one world, from one source of chance."""

    def __init__(self, rng: random.Random, about: World) -> None:
        self.rng = rng
        self.about = about

    def case(self, outer: str) -> Case:
        """One whose outermost level is `outer`, one of `OUTER`."""
        match outer:
            case "a pattern":
                return Case(self._pattern()[0])
            case "a mistake":
                return Case(self._mistake())
            case "some" if self.rng.random() < 0.7:
                argument = self.expression(1, {})
                asked = argument.within("some({x})", use="some")
                return Case(asked, Agreement.ONE_OF, argument)
            case "somepath" if self.rng.random() < 0.7:
                (first, begins), (last, ends) = self._pattern(), self._pattern()
                if self.rng.random() < 0.5:
                    below = self.rng.choice(self.about.below(self.rng.choice(sorted(begins))))
                    last, ends = self._word(below, below), frozenset({below})
                asked = _two("somepath({x}, {y})", first, last, "somepath")
                return Case(asked, Agreement.A_WAY, ends=(begins, ends))
            case _:
                return Case(self._made(outer, 2, {}))

    def expression(self, depth: int, named: Mapping[str, Spelled]) -> Spelled:
        """One that is at most `depth` levels deep, where `let` has given these names."""
        if named and self.rng.random() < 0.4:
            name = self.rng.choice(sorted(named))
            return Spelled(f"${name}", f"${name}", named[name].uses)
        if depth == 0 or self.rng.random() < 0.15:
            return self._pattern()[0]
        return self._made(self.rng.choice((*FUNCTIONS, "let", *OPERATORS)), depth, named)

    def _made(self, what: str, depth: int, named: Mapping[str, Spelled]) -> Spelled:
        def inner() -> Spelled:
            return self.expression(depth - 1, named)

        if what in OPERATORS:
            return self._row(what, inner)
        if what == "let":
            return self._let(inner(), depth, named)
        return self._call(what, inner)

    def _call(self, name: str, inner: Callable[[], Spelled]) -> Spelled:
        match name:
            case "deps" | "allrdeps":
                return inner().within(f"{name}({self.rng.choice(_SETS)})", use=name)
            case "rdeps":
                end = self.rng.choice(_SETS).replace("{x}", "{y}")
                universe = inner() if self.rng.random() < 0.5 else Spelled("//...", "//...")
                return _two(f"rdeps({{x}}, {end})", universe, inner(), name)
            case "allpaths":
                first, last = self._ends() if self.rng.random() < 0.5 else (inner(), inner())
                return _two("allpaths({x}, {y})", first, last, name)
            case "somepath":
                return self._only_way()
            case "siblings":
                # In Bazel the BUILD file is one of them.
                return inner().within("siblings({x})", "kind(rule, siblings({x}))", name)
            case "some":
                label = self.rng.choice(self.about.labels)
                return self._word(label, label).within("some({x})", use=name)
            case "set":
                return self._set()
            case _:
                return self._chosen(name, inner())

    def _chosen(self, name: str, start: Spelled) -> Spelled:
        match name:
            case "kind":
                ours = self.rng.choice(sorted(_KINDS))
                return start.within(
                    f'kind("{ours}", {{x}})', f'kind("{_KINDS[ours]}", {{x}})', name
                )
            case "filter":
                return start.within(f"filter('{self.rng.choice(_LABELS)}', {{x}})", use=name)
            case "attr":
                of = self.rng.choice(("name", "tags", "tags"))
                wanted = self.rng.choice(_TAGS if of == "tags" else _CELL_NAMES)
                return start.within(f'attr({of}, "{wanted}", {{x}})', use=name)
            case "labels":
                return start.within("labels(needs, {x})", "labels(srcs, {x})", name)
            case _:
                return start.within(f"{name}({{x}})", use=name)

    def _only_way(self) -> Spelled:
        """`somepath` where there is one way at most, so that it is known which."""
        labels = self.about.labels
        first = self.rng.choice(labels)
        lasts = labels if self.rng.random() < 0.3 else self.about.below(first)
        last = self.rng.choice([label for label in lasts if self.about.ways(first, label) < 2])
        text = f"somepath({first}, {last})"
        return Spelled(text, text, frozenset({"somepath"}))

    def _ends(self) -> tuple[Spelled, Spelled]:
        """Two cells with a way from the first to the last."""
        first = self.rng.choice(self.about.labels)
        last = self.rng.choice(self.about.below(first))
        return self._word(first, first), self._word(last, last)

    def _row(self, operator: str, inner: Callable[[], Spelled]) -> Spelled:
        """Two to four terms; all operators have one rank."""
        row = self._term(inner())
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            written = self.rng.choice((operator, OPERATORS[operator]))
            row = _two(f"{{x}} {written} {{y}}", row, self._term(inner()), operator)
            operator = self.rng.choice(sorted(OPERATORS))
        return row

    def _term(self, one: Spelled) -> Spelled:
        """As a term: `let` and rows reach further than they should."""
        is_plain = " " not in one.ours and self.rng.random() < 0.9
        return one if is_plain else one.within("({x})")

    def _let(self, value: Spelled, depth: int, named: Mapping[str, Spelled]) -> Spelled:
        name = self.rng.choice(("v", "w_1", "deps", "X"))
        body = self.expression(depth - 1, {**named, name: value})
        return _two(f"let {name} = {{x}} in {{y}}", value, body, "let")

    def _set(self) -> Spelled:
        words = [self._pattern()[0] for _ in range(self.rng.randint(0, 4))]
        uses = frozenset({"set"}).union(*(word.uses for word in words))
        ours, theirs = (
            " ".join(side) for side in ([w.ours for w in words], [w.theirs for w in words])
        )
        return Spelled(f"set({ours})", f"set({theirs})", uses)

    def _pattern(self) -> tuple[Spelled, frozenset[str]]:
        """A target pattern, and what it means."""
        labels = self.about.labels
        package = self.rng.choice(self.about.packages)
        of_package = frozenset(n for n in labels if n.startswith(f"//{package}:"))
        if self.rng.random() < 0.6:
            label = self.rng.choice(labels)
            return self._word(label, label), frozenset({label})
        if self.rng.random() < 0.25:
            return self._word("//...", "//...", "//..."), frozenset(labels)
        if package and self.rng.random() < 0.4:
            below = frozenset(n for n in labels if n.startswith(f"//{package}/")) | of_package
            return self._word(f"//{package}/...", f"//{package}/...", "//p/..."), below
        form = self.rng.choice(("//p", "//p:all", "//p:*"))
        # In Bazel //p is the target //p:p, and //p:* has files in it.
        ours = form.replace("p", package, 1)
        return self._word(ours, f"//{package}:all", form), of_package

    def _word(self, ours: str, theirs: str, use: str = "//p:a") -> Spelled:
        quote = self.rng.choice(("", "", '"', "'"))
        return Spelled(f"{quote}{ours}{quote}", f"{quote}{theirs}{quote}", frozenset({use}))

    def _mistake(self) -> Spelled:
        """What both refuse."""
        start = self._pattern()[0]
        forms: Sequence[str] = (
            *("deps({x}", "{x})", "depps({x})", "deps()", "deps({x}, 1, 1)", "deps({x}, two)"),
            *("$v", "let v = {x} in $w", "let v {x} in $v", "{x} +", "{x} {x}", "+ {x}", "()"),
            *("//p:there_is_no_such", "//there/is/no/such/...", "some(set())", "'//...", ""),
            *("filter('(', {x})", "rdeps({x})", "deps({x} except)", "set({x}", "({x}"),
        )
        return start.within(self.rng.choice(forms), use="a mistake")


def _two(form: str, x: Spelled, y: Spelled, use: str) -> Spelled:
    """`form` with two inside."""
    begin, _, end = form.partition("{y}")
    left = x.within(begin, use=use)
    return Spelled(left.ours + y.ours + end, left.theirs + y.theirs + end, left.uses | y.uses)
