"""The values of annotations: text to value, or `Malformed`. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping

from strata.core.quantities import parse_size
from strata.loading.model import LoopSpec, MountSpec
from strata.loading.suggest import did_you_mean


class Malformed(Exception):
    """A value that cannot be understood; `what` goes into the message, `hint` is the advice."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


_WORD = re.compile(r'"([^"]*)"|\'([^\']*)\'|(\S+)')


def words(value: str) -> tuple[str, ...]:
    """The words of `value`; quotes keep spaces together, a comma after a word does not count."""
    found = []
    for double, single, bare in _WORD.findall(value):
        word = double or single or bare.rstrip(",")
        if word:
            found.append(word)
    return tuple(found)


def one_or_more_words(value: str, hint: str) -> tuple[str, ...]:
    """The words of `value`, at least one."""
    found = words(value)
    if not found:
        raise Malformed("needs a value", hint)
    return found


def files_in_workspace(value: str, hint: str) -> tuple[str, ...]:
    """The file patterns of `value`, at least one, none of them absolute."""
    found = one_or_more_words(value, hint)
    for pattern in found:
        if pattern.startswith("/") and not pattern.startswith("//"):
            relative = "write it relative to the notebook, or with // relative to the workspace"
            raise Malformed(f"cannot be '{pattern}'", relative)
    return found


def some_text(value: str, hint: str) -> str:
    """`value`, not empty."""
    if not value:
        raise Malformed("needs a value", hint)
    return value


def identifiers(names: Iterable[str], hint: str) -> tuple[str, ...]:
    """`names`, each of which can be a variable; at least one."""
    names = tuple(names)
    if not names:
        raise Malformed("names no variable", hint)
    for name in names:
        if not is_variable(name):
            raise Malformed(f"cannot have '{name}' as a variable", hint)
    return names


def variables(value: str, hint: str) -> tuple[str, ...]:
    """The variables named in `value`, separated by spaces or commas; at least one."""
    return identifiers(value.replace(",", " ").split(), hint)


def is_variable(name: str) -> bool:
    """Whether Python lets a variable have this name."""
    return name.isidentifier() and not keyword.iskeyword(name)


def number(value: str, least: float, most: float, hint: str) -> float:
    """`value` as a number above `least` and up to `most`."""
    try:
        found = float(value)
    except ValueError:
        raise Malformed(f"needs a number, not '{value}'", hint) from None
    if not least < found <= most:
        raise Malformed(f"cannot be {value}", hint)
    return found


def whole_number(value: str, least: int, most: int, hint: str) -> int:
    """`value` as a whole number from `least` to `most`."""
    if not value.isascii() or not value.removeprefix("-").isdigit() or len(value) > 18:
        raise Malformed(f"needs a whole number, not '{value}'", hint)
    found = int(value)
    if not least <= found <= most:
        raise Malformed(f"cannot be {value}", hint)
    return found


def one_of(value: str, choices: tuple[str, ...]) -> str:
    """`value`, which is one of `choices`."""
    if value not in choices:
        raise Malformed(f"cannot be '{value}'", f"write {' or '.join(choices)}")
    return value


def switched_on(value: str) -> bool:
    """Whether a flag such as `@nocache` is set; only `off`, `false`, `no` and `0` unset it."""
    return value.lower() not in ("off", "false", "no", "0")


_SECRET_WORDS = ("KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL", "CREDENTIALS")


def secret_like(name: str) -> bool:
    """Whether an environment variable of this name holds a secret, and so is written blank."""
    upper = name.upper()
    return upper.endswith(_SECRET_WORDS) or any(w in _SECRET_WORDS for w in upper.split("_"))


_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def environment_variable(value: str) -> tuple[str, str | None]:
    """`KEY=value`, or `KEY` with None: the value comes from the caller's environment."""
    hint = "write KEY=value, or KEY alone to take it from your environment"
    name, equals, text = value.partition("=")
    name = name.strip()
    if _VARIABLE_NAME.fullmatch(name) is None:
        raise Malformed(f"cannot have '{name}' as a variable" if name else "needs a value", hint)
    return name, variable_value(name, text.strip()) if equals else None


def variable_value(name: str, text: str) -> str | None:
    """`text` as the value of an environment variable: a secret written blank comes from outside."""
    return None if not text and secret_like(name) else text


_RESOURCES = ("cpu", "mem", "gpu")


def resources(value: str) -> Mapping[str, float]:
    """`cpu=4 mem=8GiB gpu=1`: cores, bytes, devices."""
    hint = "write for instance: cpu=4 mem=8GiB gpu=1"
    found: dict[str, float] = {}
    for word in one_or_more_words(value, hint):
        name, equals, amount = word.partition("=")
        if name not in _RESOURCES:
            raise Malformed(f"knows no '{name}'", did_you_mean(name, _RESOURCES) or hint)
        if not equals:
            raise Malformed(f"has no amount of '{name}'", hint)
        found[name] = _amount(name, amount, hint)
    return found


def _amount(name: str, amount: str, hint: str) -> float:
    if name == "cpu":
        return number(amount, 0, 4096, hint)
    if name == "gpu":
        return float(whole_number(amount, 0, 4096, hint))
    try:
        return float(parse_size(amount))
    except ValueError:
        raise Malformed(f"cannot have '{amount}' as a size", hint) from None


def mount(value: str) -> MountSpec:
    """`name uri [ro|rw] [credential=NAME] [pin=TEXT]`."""
    hint = "write for instance: raw s3://bucket/prefix ro"
    name, *rest = one_or_more_words(value, hint)
    identifiers([name], hint)
    if not rest:
        raise Malformed(f"says not where '{name}' is", hint)
    mode, options = "ro", {"credential": "", "pin": ""}
    for word in rest[1:]:
        key, equals, text = word.partition("=")
        if equals and key in options:
            options[key] = text
        else:
            mode = one_of(word, ("ro", "rw"))
    return MountSpec(name, rest[0], mode, options["pin"] or None, options["credential"] or None)


_LOOP = re.compile(r"(?:^|(?<=\s))(max_iter|carry|start_from|until)\s*=(?!=)\s*")
_ITERATION = re.compile(r"\S.*@iter=[0-9]+")
_LOOP_HINT = "write for instance: max_iter=10 carry=state until=state.done"


def loop(value: str) -> LoopSpec:
    """`max_iter=N carry=a,b [start_from=cell@iter=k] [until=EXPR]`, in any order."""
    options = _loop_options(value)
    for key in ("max_iter", "carry"):
        if key not in options:
            raise Malformed(f"has no {key}", _LOOP_HINT)
    start_from = options.get("start_from")
    if start_from is not None and _ITERATION.fullmatch(start_from) is None:
        raise Malformed(
            f"cannot start from '{start_from}'", "write for instance: start_from=fit@iter=3"
        )
    return LoopSpec(
        max_iter=whole_number(options["max_iter"], 1, 10**9, _LOOP_HINT),
        carry=variables(options["carry"], _LOOP_HINT),
        start_from=start_from,
        until=expression(options["until"]) if "until" in options else None,
    )


def _loop_options(value: str) -> dict[str, str]:
    """The options of `@loop`: each goes up to the next one that is not inside brackets."""
    starts: list[re.Match[str]] = []
    for match in _LOOP.finditer(value):
        if not starts or _balanced(value[starts[-1].end() : match.start()]):
            starts.append(match)
    before = value[: starts[0].start()] if starts else value
    if before.strip():
        raise Malformed(f"cannot be '{before.strip()}'", _LOOP_HINT)
    options: dict[str, str] = {}
    end = len(value)
    for match in reversed(starts):
        if match[1] in options:
            raise Malformed(f"has two {match[1]}", _LOOP_HINT)
        options[match[1]] = value[match.end() : end].strip()
        end = match.start()
    return options


def _balanced(text: str) -> bool:
    return sum(text.count(c) for c in "([{") == sum(text.count(c) for c in ")]}")


def expression(value: str) -> str:
    """`value`, which is a Python expression; one that is wholly in quotes loses them."""
    hint = "write a Python expression over the cell's variables, such as loss < 0.01"
    quoted = _text_constant(some_text(value, hint), hint)
    if quoted is None:
        return value
    # A text is always true, and nobody wants a loop that stops at once: they quoted it.
    if _text_constant(some_text(quoted, hint), hint) is not None:
        raise Malformed(f"cannot be '{value}': a text is always true", hint)
    return quoted


def _text_constant(value: str, hint: str) -> str | None:
    """The text that the expression `value` is, or None if it is any other expression."""
    import ast  # 8 ms, and only loops need it

    try:
        tree = ast.parse(value, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise Malformed(f"cannot be '{value}': not an expression", hint) from problem
    constant = isinstance(tree, ast.Constant) and isinstance(tree.value, str)
    return str(ast.literal_eval(tree)).strip() if constant else None
