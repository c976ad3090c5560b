"""Messages of the library at the command line: they name what can be done there, and no more."""

import ast
import functools
import re

import pytest
import typer

from hawkesjax.cli.app import app
from hawkesjax.cli.words import said
from tests.cli.driver import run_named
from tests.conftest import ROOT

# The rooms whose messages each command's users may meet.
COMMON = ("inputs", "covariates", "core", "evaluation")
ROOMS = {
    **dict.fromkeys(
        ("fit", "sample", "evaluate", "describe", "simulate", "demo"), (*COMMON, "hawkes")
    ),
    **{f"retweet {name}": (*COMMON, "retweet") for name in ("fit", "sample", "forecast")},
    **{f"retweet {name}": (*COMMON, "retweet") for name in ("evaluate", "sizes")},
    **{f"counts {name}": COMMON for name in ("fit", "forecast", "evaluate")},
    **{
        f"katz {name}": (*COMMON, "katz")
        for name in ("rank", "evaluate", "backtest", "watch", "fit", "sample")
    },
}
# Python's signs: an argument (but a kind that makes edges), a call, what lies in a module, a type.
PYTHON = re.compile(
    r"(?<![\w'-])[a-z]\w*=(?!reposts|\w+,)|\b\w+\.\w+\(|\b[a-z]\w*\(\)|\b(?:pandas|pd|jax|hj)\.\w"
    r"|\b(?:EventPanel|DataFrame|from_\w+|to_\w+|\w+_names)\b|\b(?:Cascades|Activity|Covariates)\."
)
NEVER = re.compile(
    r"^\w+_names |^Expected a pandas|^key must be|^baseline is"
)  # given in Python only


def commands(group=typer.main.get_command(app), line=""):  # noqa: B008
    """The click command of each line."""
    for name, command in getattr(group, "commands", {}).items():
        yield f"{line}{name}", command
        yield from commands(command, f"{name} ")


COMMANDS = dict(commands())


def text_of(node):
    """A string's text, 7 where it is filled in; None for other nodes."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "7" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@functools.cache
def messages(room):
    """Every message of a room's files: what is raised as it is, and remedies after a fact."""
    return list(messages_in(room))


def messages_in(room):
    for path in sorted((ROOT / "hawkesjax" / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        raised = {
            id(node.exc.args[0])
            for node in ast.walk(tree)
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args
        }
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
                  for part in node.values}  # fmt: skip
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in (each for each in ast.walk(tree) if isinstance(each, ast.expr)):
            text = None if id(node) in inside | prose else text_of(node)
            if id(node) in raised and text:
                yield f"{path.name}:{node.lineno}", text
            elif text and re.search(r"[a-z]+ [a-z].*\.$", text) and "\n" not in text:
                yield f"{path.name}:{node.lineno}", f"Column time: bad. {text.strip()}"


@pytest.mark.parametrize("name", list(ROOMS))
def test_every_message_names_what_the_command_has(name):
    command = COMMANDS[name]
    options = {each.name for each in command.params}
    flags = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    met, wrong = 0, []
    for place, message in (pair for room in ROOMS[name] for pair in messages(room)):
        if NEVER.search(message):
            continue
        words = said(message, options)
        strange = set(re.findall(r"(?<!\S)--[a-z][\w-]*", words)) - flags
        if PYTHON.search(words) or strange or re.search(r"[,:;] ?\.(?!\.)|[^.]\.\.(?!\.)", words):
            wrong.append((place, message, words))
        met += 1
    assert met > 150 and not wrong


COLUMNS = ["--id", "tweet", "--time", "at", "--followers", "f", "--repost-of", "of"]
TWEETS = "tweet,at,f,of\n1,0.5,10,\n2,1.5,20,1\n"
FILES = {
    "tabs.csv": "time;kind\n1;a\n2;b\n",
    "header.csv": "tweet,at,f,of\n",
    "orphans.csv": TWEETS + "3,2.5,5,9\n",
    "twice.csv": TWEETS + "2,2.5,5,1\n",
    "early.csv": TWEETS + "3,0.1,5,1\n",
    "carets.csv": "time^kind\n1^a\n2^b\n",
    "epochs.csv": "time\n1700000000\n1700003600\n",
    "numbers.csv": "time\n1.5\n2.5\n",
    "local.csv": "time\n31 May 2024 18:00\n1 June 2024 18:00\n",
    "log.csv": "time,source,target,kind\n0,a,b,XX\n1,b,a,YY\n",
}
SAID = {
    "another separator": (["describe", "carets.csv"], r"has no column for --time time\."),
    "a header": (["retweet", "fit", "header.csv", *COLUMNS], r"no rows\.$"),
    "an orphan": (
        ["retweet", "fit", "orphans.csv", *COLUMNS],
        r"Column 'of': .*pass --orphans drop \(or 'restore'\)\.",
    ),
    "an id twice": (
        ["retweet", "fit", "twice.csv", *COLUMNS],
        r"Column 'tweet': .*or pass --duplicates first to keep the first of each\.",
    ),
    "early": (["retweet", "fit", "early.csv", *COLUMNS], r"or pass --early drop\."),
    "epochs": (["fit", "epochs.csv", "--unit", "hour"], r"--unit hour, .*--dates seconds"),
    "a calendar of numbers": (
        ["fit", "numbers.csv", "--window", "0", "9", "--feature", "day", "--unit", "hour"],
        r"numbers\. Write the times of the file as dates, such as 2024-05-31T18:00:00Z\.$",
    ),
    "a zone of numbers": (
        ["fit", "numbers.csv", "--timezone", "UTC"],
        r"--timezone UTC has no meaning\. Leave it out\.$",
    ),
    "dates of one's own": (["fit", "local.csv", "--unit", "hour"], r"pass --dates"),
    "kinds": (
        ["katz", "rank", "log.csv", "--kind", "kind", "--usual", "0", "2"],
        r"Map them: --edges XX=reposts,\.\.\.",
    ),
    "no direction": (
        ["katz", "rank", "log.csv", "--usual", "0", "2"],
        r"--edges messages .*--kind",
    ),
}


def test_refusals_at_the_command_line(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    good = {"a separator": ["describe", "tabs.csv", "--separator", ";", "--mark", "kind"]}
    results = run_named(good | {name: line for name, (line, _) in SAID.items()}, tmp_path)
    assert results.pop("a separator")[0] == 0
    for name, (code, _, err) in results.items():
        assert code == 2 and re.search(SAID[name][1], err.strip()), (name, err)
        assert not PYTHON.search(err) and "repost_of" not in err, (name, err)
