"""A question from the command line: cells recalled or loaded, the expression answered.

Nothing is run and no environment is made; what a question needs beside the graph of cells is looked
up when it is asked for.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from strata.cli import graph_memory
from strata.cli.facts import Facts
from strata.core.dataclass import dataclass, field
from strata.core.errors import LabelError, StrataError
from strata.core.label import TargetPattern
from strata.query.arguments import EVERYTHING
from strata.query.checking import check
from strata.query.evaluation import evaluate
from strata.query.expression import words
from strata.query.graph import QueryGraph
from strata.query.mistakes import nearest
from strata.query.nodes import Kind, Node, Nodes, Variable
from strata.query.parsing import parse

if TYPE_CHECKING:
    from strata.analysis.targets import CellNames
    from strata.cli.graph_memory import Memory
    from strata.cli.invocation import Cells, Opened, PassOver
    from strata.cli.proving import Proof
    from strata.cli.stamp import Found
    from strata.query.expression import Expression


Keep: TypeAlias = Callable[[str], None]
"""Takes what was said in answer, to be said again as long as nothing has changed."""


class _NeedsMore(StrataError):
    """A question asks for what is not in the graph that is remembered."""


@dataclass(frozen=True, slots=True)
class Question:
    """An expression, and how it is meant."""

    text: str
    shown: Collection[Kind] = (Kind.CELL,)
    """The kinds of nodes that walks answer with."""
    implicit: bool = True
    """Edges that only order cells count."""
    keep_going: bool = False
    """A pattern that means nothing is a warning; else it is a `LabelError`."""

    def parsed(self) -> Expression:
        """Raises `UsageError` with a caret under the place that is wrong."""
        return _parsed(self.text)

    def patterns(self) -> list[str]:
        """The words that say what is loaded; `package(pandas)` alone is about everything."""
        return words(self.parsed()) or [EVERYTHING]


@cache
def _parsed(text: str) -> Expression:
    # Asked for at every step, of the one text that a command is given.
    parsed = parse(text)
    check(parsed, text)
    return parsed


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was answered. `missing` are the patterns that meant nothing."""

    graph: QueryGraph
    nodes: Nodes
    load: Callable[[], tuple[Opened, Cells]] = field(repr=False)
    missing: Sequence[str] = ()
    notices: Sequence[tuple[str, str]] = ()
    """Level and message of what was said when the cells were loaded, and is not said yet."""

    @property
    def opened(self) -> Opened:
        """The workspace that was asked about."""
        return self.load()[0]

    @property
    def cells(self) -> Cells:
        """Its cells, as far as the question speaks of them."""
        return self.load()[1]


@contextlib.contextmanager
def asking(question: Question, found: Found | None) -> Iterator[tuple[Asked, Keep]]:
    """The answer, and what keeps it.

    Where an earlier command in this folder left the graph of cells, only notebooks that changed
    since are loaded. `found` is None where nothing is to be kept.
    """
    memory = None if found is None else graph_memory.recall(found.asked[1], os.environ)
    with contextlib.ExitStack() as closing:
        if found is not None and memory is not None:
            answer = recalled(question, found, memory, closing)
            if answer is not None:
                _say(answer[0].notices)
                yield answer
                return
        yield closing.enter_context(_asking(question, found, memory, closing))


@contextlib.contextmanager
def _asking(
    question: Question,
    found: Found | None,
    memory: Memory | None,
    closing: contextlib.ExitStack,
) -> Iterator[tuple[Asked, Keep]]:
    """The same, with notebooks loaded."""
    from strata.cli.graph_keeping import forget_graph, keep_graph
    from strata.cli.proving import proving

    given = question.patterns()
    # Before anything is watched: what is looked at here is for no notebook.
    earlier = memory.found() if memory is not None and EVERYTHING in given else None
    with proving(found) as proof:
        if proof is not None:
            proof.found = earlier
        asked, opened, cells = _asked(question, proof, memory, closing)

        def keep(said: str) -> None:
            is_narrowed = proof is not None and proof.narrowed is not None
            if proof is None or (is_narrowed and proof.is_in_doubt):
                return
            looked = proof.keep_words(opened, said, of_results=False)
            if looked is None and is_narrowed:
                forget_graph(opened)
            if looked is not None and EVERYTHING in given:
                unchanged = memory.packages if memory is not None and is_narrowed else {}
                keep_graph(proof, opened, cells, looked, unchanged)

        yield asked, keep


def _asked(
    question: Question,
    proof: Proof | None,
    memory: Memory | None,
    closing: contextlib.ExitStack,
) -> tuple[Asked, Opened, Cells]:
    """The answer, the workspace, and the cells that were loaded: without those of notebooks in the
    `memory` that did not change since, as the `proof` has found."""
    from pathlib import Path

    from strata.cli.invocation import load_cells, open_workspace, pattern_of
    from strata.cli.output import say_notice
    from strata.cli.proving import heard
    from strata.core.events import Notice

    parsed = question.parsed()
    opened = open_workspace(Path.cwd(), heard(proof, say_notice), proof=proof)
    missing: dict[str, None] = {}

    def pass_over(pattern: TargetPattern, problem: LabelError) -> None:
        if not question.keep_going:
            raise problem
        if pattern.text not in missing:
            missing[pattern.text] = None
            advice = f"; {problem.hint}" if problem.hint else ""
            opened.emit(Notice("warning", f"{problem.message}{advice}"))

    patterns = {word: pattern_of(opened, word) for word in question.patterns()}
    everything = patterns.get(EVERYTHING)
    narrowed = None
    if proof is not None and everything is not None:
        narrowed = proof.narrow([everything], opened.emit)
    if memory is None or everything is None or narrowed is None:
        cells = load_cells(opened, patterns.values(), pass_over=pass_over)
        graph, names = cells.graph, cells.names
    else:
        cells = load_cells(opened, [everything], narrowed.packages)
        graph, names = graph_memory.completed(memory, cells.graph, cells.names)

    @cache
    def load() -> tuple[Opened, Cells]:
        if narrowed is None:
            return opened, cells
        opened.leave_no_stamp()  # what is looked at from now on is not looked at for anybody
        return _loaded_again(patterns.values())

    facts = closing.enter_context(contextlib.closing(Facts(load)))
    walked = QueryGraph(graph, facts, facts, facts, question.shown, question.implicit)
    resolve = _resolver(walked, names, patterns, pass_over)
    nodes = evaluate(parsed, walked, resolve, question.text)
    return Asked(walked, nodes, load, tuple(missing)), opened, cells


def recalled(
    question: Question,
    found: Found,
    memory: Memory,
    closing: contextlib.ExitStack,
    *,
    may_load: bool = True,
) -> tuple[Asked, Keep] | None:
    """The answer from the graph that is remembered, and what keeps it, if it holds and every
    pattern means something in it; without `may_load` only if it needs no more than that. What is
    opened on the way is open until `closing` is closed."""
    parsed = question.parsed()
    loaded: list[tuple[Opened, Cells]] = []

    def load() -> tuple[Opened, Cells]:
        if not may_load:
            raise _NeedsMore("more than what is remembered is needed")
        if not loaded:
            loaded.append(_loaded_again(patterns.values()))
        return loaded[0]

    def give_up(pattern: TargetPattern, problem: LabelError) -> None:
        raise problem

    facts = closing.enter_context(contextlib.closing(Facts(load)))
    try:
        patterns = graph_memory.patterns_in(memory, found.asked[1], question.patterns())
        known = graph_memory.known(memory, patterns.values())
        if known is None or len(patterns) < len({*question.patterns()}):
            return None
        graph = QueryGraph(known.graph, facts, facts, facts, question.shown, question.implicit)
        resolve = _resolver(graph, known.names, patterns, give_up)
        nodes = evaluate(parsed, graph, resolve, question.text)
    except (LabelError, _NeedsMore):
        return None  # loading says it, with all that there is to say before

    def keep(said: str) -> None:
        if not loaded and not known.notices:
            graph_memory.keep_answer(known, found.asked, said)

    return Asked(graph, nodes, load, notices=known.notices), keep


def _loaded_again(patterns: Iterable[TargetPattern]) -> tuple[Opened, Cells]:
    """The cells that patterns mean, without what was said of them already."""
    from pathlib import Path

    from strata.cli.invocation import load_cells, open_workspace
    from strata.cli.output import say_notice
    from strata.core.dataclass import replace
    from strata.core.events import unheard

    opened = open_workspace(Path.cwd(), unheard)
    cells = load_cells(opened, patterns)
    return replace(opened, emit=say_notice), cells


def _say(notices: Iterable[tuple[str, str]]) -> None:
    if notices:
        from strata.cli.output import say_notice
        from strata.core.events import Notice

        for level, message in notices:
            say_notice(Notice(level, message))


def _resolver(
    graph: QueryGraph, names: CellNames, patterns: Mapping[str, TargetPattern], pass_over: PassOver
) -> Callable[[str], Iterable[Node]]:
    """What gives the nodes that a word of an expression means."""

    def resolve(word: str) -> Iterable[Node]:
        try:
            return list(_nodes(graph, names, patterns[word]))
        except LabelError as problem:
            pass_over(patterns[word], problem)
            return ()

    return resolve


def _nodes(graph: QueryGraph, names: CellNames, pattern: TargetPattern) -> Iterator[Node]:
    """What a pattern means in a question: cells, or the one variable that it names with `%`. Raises
    `LabelError`."""
    for target in names.expand([pattern]):
        if pattern.variable is None or pattern.negative:
            yield target.label
            continue
        known = list(graph.variables(target.label))
        if pattern.variable not in known:
            hint = nearest(pattern.variable, known) if known else "it defines nothing for others"
            raise LabelError(f"{target.label} defines no '{pattern.variable}'", hint=hint)
        yield Variable(target.label, pattern.variable)
