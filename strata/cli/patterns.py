"""A click command whose arguments are target patterns, negative ones included.

`-//train:plot` removes a target; click would take it for an option, so these are told apart first.
"""

from __future__ import annotations

import re

import click

_NEGATIVE = re.compile(r"-(//|:|\.)")


_MARK = "\0"
"""Before what is no option; no argument of a process can hold it."""


class PatternCommand(click.Command):
    """Accepts `-//x`, `-:x` and `-./x` anywhere among the arguments, which keep their order."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        marked = [f"{_MARK}{a}" if _NEGATIVE.match(a) else a for a in args[:end]]
        rest = super().parse_args(ctx, [*marked, *args[end:]])
        for name, value in ctx.params.items():
            if isinstance(value, tuple):
                ctx.params[name] = tuple(word.removeprefix(_MARK) for word in value)
        return rest
