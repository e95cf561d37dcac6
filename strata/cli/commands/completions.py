"""`strata completions`: a completion script for the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completions")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script for SHELL.

    \b
    bash:  eval "$(strata completions bash)"        in ~/.bashrc
    zsh:   eval "$(strata completions zsh)"         in ~/.zshrc
    fish:  strata completions fish | source         in ~/.config/fish/config.fish
    """
    from strata.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "strata", "_STRATA_COMPLETE").source())
