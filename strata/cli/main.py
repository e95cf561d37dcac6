"""The entry point: a click group that loads a command's module only when it is called.

`strata --help` lists commands without importing them; the one-line helps stand here for that.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from strata import __version__
from strata.core.errors import ExitCode, StrataError

if TYPE_CHECKING:
    from strata.cli.stamp import Found

COMMANDS = {
    "build": "Build cells and everything they need.",
    "run": "Build every cell of one notebook.",
    "status": "Say what is up to date and what is not, without running anything.",
    "accept": "Say that an edit of a cell does not change its result.",
    "query": "Ask about the graph of cells, without running anything.",
    "aquery": "Show the actions of cells: their keys, and what is in them.",
    "graph": "Draw cells as one picture, coloured by state.",
    "explain": "Say why a cell ran or did not, from what is recorded.",
    "log": "Show the console output and the error of a cell's last run.",
    "show": "Show a cell's values and displays.",
    "profile": "Say what cost most time in a build, and what would help.",
    "diff": "Show what changed in a cell's values.",
    "names": "Say what cell sources bind, read and mutate.",
    "new": "Make a new notebook.",
    "clean": "Remove the cache, and what the workspace remembers.",
    "info": "Say which workspace, cache and interpreter are in use.",
    "completions": "Print a completion script for bash, zsh or fish.",
}

EPILOG = """\b
Exit codes:
  0    everything that was asked for is done
  1    a cell failed
  2    the command line or a file you wrote is wrong
  3    a check was not met
  4    a cache or worker that is needed cannot be used
  130  interrupted
"""


class LazyGroup(click.Group):
    """Finds `strata.cli.commands.NAME` when NAME is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        import importlib

        module = importlib.import_module(f"strata.cli.commands.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end with 1
            _let_reader_go()
            return ExitCode.OK

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=2)
            advice = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"no command '{args[0]}'.{advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", message="strata %(version)s")
def cli() -> None:
    """An incremental build engine for data and ML notebooks.

    A notebook is a folder with notebook.toml and one file a cell. What nobody touched is not run
    again.
    """


def main(argv: list[str] | None = None, found: Found | None = None) -> NoReturn:
    """Runs the command line and ends the process with one of `ExitCode`.

    `found` is the stamp for it, held against the disk already.
    """
    # Values that refer to each other in a circle are rare here, and looking for them after every
    # 700 new ones takes a sixth of the time.
    gc.set_threshold(100_000, 50, 100)
    sys.exit(run(argv, found))


def run(argv: list[str] | None = None, found: Found | None = None) -> int:
    """Runs the command line; returns the exit code. No traceback leaves here for a user's error."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 shows an escape for what it cannot.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        answer: Any = cli.main(args=argv, prog_name="strata", standalone_mode=False, obj=found)
        _flush()
        return int(answer) if isinstance(answer, int) else ExitCode.OK
    except click.exceptions.Exit as wanted:
        return wanted.exit_code
    except click.ClickException as problem:
        problem.show()
        return ExitCode.USAGE
    except click.Abort:
        return ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except StrataError as problem:
        say_error(problem)
        return problem.exit_code
    except BrokenPipeError:
        _let_reader_go()
        return ExitCode.OK
    except OSError as problem:
        if problem.filename is None and problem.errno is None:
            raise
        where = f"{problem.filename}: " if problem.filename else ""
        click.echo(f"error: {where}{problem.strerror or problem}", err=True)
        return ExitCode.INFRASTRUCTURE


def say_error(problem: StrataError) -> None:
    """Prints one error: place, cause, advice."""
    click.echo(f"error: {problem.message}", err=True)
    if problem.hint:
        click.echo(f"  {problem.hint}", err=True)


def _let_reader_go() -> None:
    """What is still to be said is said to nobody: the reader went away (`strata query … | head`),
    and Python would complain of it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
