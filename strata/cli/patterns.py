"""A click command whose arguments are target patterns, negative ones included.

`-//train:plot` removes a target; click would take it for an option, so these are told apart first.
"""

from __future__ import annotations

import re

import click

_NEGATIVE = re.compile(r"-(//|:|\.)")


class PatternCommand(click.Command):
    """Accepts `-//x`, `-:x` and `-./x` anywhere among the arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before, dashes, after = args, [], []
        if "--" in args:
            cut = args.index("--")
            before, dashes, after = args[:cut], ["--"], args[cut + 1 :]
        negative = [a for a in before if _NEGATIVE.match(a)]
        if negative:
            before = [a for a in before if not _NEGATIVE.match(a)]
            dashes = ["--"]
        return super().parse_args(ctx, [*before, *dashes, *after, *negative])
