"""The application: commands, errors on one line, exit codes."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from hawkesjax._version import __version__
from hawkesjax.cli import counts, hawkes, katz, rankings, retweet, watching
from hawkesjax.cli.files import compare, describe, report_page, simulate, summary
from hawkesjax.cli.words import ASKED, here

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
# typer bundles its own copy of click or uses the installed one; this is the base class either way.
UsageProblem: Any = typer.BadParameter.__mro__[2]


NAMES = {"report_page": "report"}


def _typer(commands: list[Callable[..., None]], **settings: Any) -> typer.Typer:
    application = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", **settings)
    for command in commands:
        application.command(NAMES.get(command.__name__))(command)
    return application


app = _typer(
    [
        hawkes.demo,
        hawkes.fit,
        hawkes.sample,
        hawkes.evaluate,
        simulate,
        describe,
        summary,
        compare,
        report_page,
    ],
    name="hawkesjax",
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
spikes = _typer(
    [
        rankings.rank,
        rankings.evaluate,
        rankings.backtest,
        watching.watch,
        katz.fit,
        katz.sample,
        katz.simulate,
    ],
    help="A network that spreads a spike: who will be active, and whether the network helps.",
)
posts = _typer(
    [retweet.fit, retweet.sample, retweet.forecast, retweet.evaluate, retweet.sizes],
    help="Posts and reposts: what drives posting, how long posts live, what comes next.",
)
hours = _typer(
    [counts.fit, counts.forecast, counts.evaluate],
    help="Counts by the hour: what drives them, what comes next, how good such forecasts were.",
)
app.add_typer(spikes, name="katz")
app.add_typer(posts, name="retweet")
app.add_typer(hours, name="counts")


def _version(asked: bool) -> None:
    if asked:
        print(f"hawkesjax {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 the run failed or did not converge, 2 bad usage or bad input, "
    "130 interrupted."
)
def root(
    version: Annotated[
        bool | None,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = None,
) -> None:
    """Hawkes processes on event data: who did what, when, and which events triggered which others.

    Start with `hawkesjax demo`; then point `fit` and `sample` at a table of your own.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    ASKED.set(frozenset())
    warnings.showwarning = lambda message, *_, **__: _say("warning", message)
    try:
        code = app(args=arguments, prog_name="hawkesjax", standalone_mode=False)
        sys.stdout.flush()
    except UsageProblem as problem:
        # Without any arguments, print the help text.
        if type(problem).__name__ == "NoArgsIsHelpError":
            print(problem.format_message())
        else:
            _say("error", problem.format_message() + _left_over(problem, arguments or sys.argv))
        code = BAD_INPUT
    except (KeyboardInterrupt, typer.Abort) as stop:
        _say("error", str(stop) or "interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except (ValueError, OSError, ImportError) as problem:
        _say("error", problem)
        code = BAD_INPUT
    except (RuntimeError, MemoryError) as problem:
        _say("error", problem if str(problem) else type(problem).__name__)
        code = FAILED
    sys.exit(code if isinstance(code, int) else OK)


def _left_over(problem: Any, words: list[str]) -> str:
    """What to look at where a word is left over: `--window A,B` takes the next word for its end."""
    if "--window" in words and "unexpected extra" in problem.format_message():
        return ": --window takes two words, as in --window 0 365."
    return ""


def _say(what: str, message: object) -> None:
    print(f"{what}: {' '.join(here(message).split())}", file=sys.stderr)
