"""Options of the katz commands, and the log of messages that they name."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from hawkesjax.cli import options as o

MESSAGES, RANKING = "The messages", "The ranking"


class Form(enum.StrEnum):
    additive = "additive"
    multiplicative = "multiplicative"


Log = Annotated[
    Path, typer.Argument(help="CSV or Parquet file, a message a row.", show_default=False)
]
Time = Annotated[
    str, o.option("Column of times: numbers, or dates and times.", metavar="NAME", panel=MESSAGES)
]
Source = Annotated[str, o.option("Column of who acts.", metavar="NAME", panel=MESSAGES)]
Target = Annotated[
    str,
    o.option("Column of whom the message names; may be empty.", metavar="NAME", panel=MESSAGES),
]
Kind = Annotated[
    str | None, o.option("Column of the messages' kinds.", metavar="NAME", panel=MESSAGES)
]
Edges = Annotated[
    str | None,
    o.option(
        "Which way attention goes: 'reposts' (who reposts listens; the default with --kind), "
        "'messages' (who receives listens), 'attention', or a list such as RT=reposts,MT=messages.",
        metavar="NAME",
        panel=MESSAGES,
    ),
]
Bin = Annotated[
    float, o.option("Length of a bin, in the unit.", "--bin", metavar="N", panel=MESSAGES)
]
Usual = Annotated[
    tuple[str, str],
    o.option(
        "Start and end of business as usual, numbers or dates; '-' for an open side.",
        metavar="A B",
        panel=MESSAGES,
    ),
]
Spike = Annotated[
    tuple[str, str] | None,
    o.option(
        "Start and end of the spike; found from the volume when left out.",
        metavar="A B",
        panel=MESSAGES,
    ),
]
Weighted = Annotated[
    bool, o.option("Weigh an edge by its number of messages.", "--weighted", panel=MESSAGES)
]
SelfLoops = Annotated[
    bool, o.option("Keep messages to oneself as edges.", "--self-loops", panel=MESSAGES)
]
Unit = Annotated[
    str | None,
    o.option(
        "Time unit: second, minute, hour, day, week; or the name of a number's unit.",
        metavar="NAME",
        panel=MESSAGES,
    ),
]
Timezone = Annotated[
    str | None,
    o.option(
        "Time zone of dates without one, such as Europe/London.", metavar="ZONE", panel=MESSAGES
    ),
]
AlphaStar = Annotated[
    float | None,
    o.option("alpha times the spectral radius, in [0, 1).", metavar="X", panel=RANKING),
]
Alpha = Annotated[
    float | None,
    o.option(
        "alpha itself, instead; a network without cycles needs it.", metavar="X", panel=RANKING
    ),
]
Stars = Annotated[
    str | None,
    o.option(
        "alpha* of the sweep, as 0,0.2,0.4; by default 0 to 0.95 in steps of 0.05.",
        "--alpha-star",
        metavar="X,X,...",
        panel=RANKING,
    ),
]
Alphas = Annotated[
    str | None,
    o.option(
        "alpha itself, instead; a network without cycles takes 0 to 2 by default.",
        "--alpha",
        metavar="X,X,...",
        panel=RANKING,
    ),
]
Level = Annotated[float, o.option("Level of the intervals.", metavar="P", panel=RANKING)]
Block = Annotated[
    int, o.option("Bins that are resampled together.", metavar="N", min=1, panel=RANKING)
]
Top = Annotated[int, o.option("Users in the ranking.", metavar="N", min=1, panel=RANKING)]
FormBy = Annotated[
    Form, o.option("Whether attention adds to a baseline or scales it.", panel=RANKING)
]


def numbers(text: str, option: str) -> list[float]:
    """A list of numbers as it was typed."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"{option} is {text!r}; give numbers with commas between them, as 0,0.2,0.4."
        ) from None


def read_log(hj: Any, file: Path, **typed: Any) -> Any:
    """`hj.read_messages` with the options as they were typed; None leaves one out."""
    given = {name: value for name, value in typed.items() if value is not None}
    for name in ("usual", "spike", "fit"):
        if isinstance(given.get(name), tuple):
            given[name] = tuple(_edge(text) for text in given[name])
    if "=" in given.get("edges", ""):
        given["edges"] = _mapping(given["edges"])
    return hj.read_messages(file, **given)


def _edge(text: str) -> float | str | None:
    if text in ("-", ""):
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _mapping(text: str) -> dict[str, str | None]:
    pairs = [part.partition("=") for part in text.split(",")]
    return {
        name.strip(): None if way.strip().lower() in ("", "none") else way.strip().lower()
        for name, _, way in pairs
    }
