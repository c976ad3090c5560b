"""Options of the katz commands, and the log of messages that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli import options as o
from hawkesjax.cli.groups import argument, group, option

RANKING = "The ranking"


@group("The messages")
class Messages:
    """The log of messages, its columns, and the stretches of time in it."""

    log: Path = argument("CSV or Parquet file, a message a row.")
    usual: tuple[str, str] = option(
        ...,
        "Start and end of business as usual, numbers or dates; '-' for an open side.",
        metavar="A B",
    )
    spike: tuple[str, str] | None = option(
        None,
        "Start and end of the spike; found from the volume when left out.",
        metavar="A B",
    )
    fit: tuple[str, str] | None = option(
        None,
        "Start and end of what is fitted; by default all after business as usual.",
        metavar="A B",
    )
    bin: float = option(1.0, "Length of a bin, in the unit.", metavar="N")
    time: str = option("time", o.TIME, metavar="NAME")
    source: str = option("source", "Column of who acts.", metavar="NAME")
    target: str = option(
        "target", "Column of whom the message names; may be empty.", metavar="NAME"
    )
    kind: str | None = option(None, "Column of the messages' kinds.", metavar="NAME")
    edges: str | None = option(
        None,
        "Which way attention goes: 'reposts' (who reposts listens; the default with --kind), "
        "'messages' (who receives listens), 'attention', or a list such as RT=reposts,MT=messages.",
        metavar="NAME",
    )
    weighted: bool = option(False, "Weigh an edge by its number of messages.", "--weighted")
    self_loops: bool = option(False, "Keep messages to oneself as edges.", "--self-loops")
    unit: str | None = option(None, o.UNIT, metavar="NAME")
    timezone: str | None = option(None, o.TIMEZONE, metavar="ZONE")

    def read(self, hj: Any, **more: Any) -> Any:
        """Network and activity; `more` are arguments in place of those typed."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        for name in ("usual", "spike", "fit"):
            if name in given:
                given[name] = tuple(_edge(text) for text in given[name])
        if "=" in given.get("edges", ""):
            given["edges"] = _mapping(given["edges"])
        return hj.read_messages(given.pop("log"), **(more | given))


@group(RANKING)
class Alpha:
    """How strongly messages spread."""

    alpha_star: float | None = option(
        None, "alpha times the spectral radius, in [0, 1).", metavar="X"
    )
    alpha: float | None = option(
        None, "alpha itself, instead; a network without cycles needs it.", metavar="X"
    )


@group(RANKING)
class Sweep:
    """The strengths that are compared."""

    alpha_star: str | None = option(
        None,
        "alpha* of the sweep, as 0,0.2,0.4; by default 0 to 0.95 in steps of 0.05.",
        metavar="X,X,...",
    )
    alpha: str | None = option(
        None,
        "alpha itself, instead; a network without cycles takes 0 to 2 by default.",
        metavar="X,X,...",
    )

    def grid(self) -> dict[str, list[float]]:
        """The numbers of each list that was typed."""
        typed = {"alpha_star": self.alpha_star, "alpha": self.alpha}
        return {name: _numbers(text, name) for name, text in typed.items() if text is not None}


@group(RANKING)
class Listed:
    """Who is in the ranking."""

    top: int = option(100, "Users in the ranking.", metavar="N", min=1)
    form: Literal["additive", "multiplicative"] = option(
        "additive", "Whether attention adds to a baseline or scales it."
    )
    order: bool = option(False, "Make sure of the order, too.", "--order")


@group(RANKING)
class Scores:
    """How the ranking is scored."""

    level: float = option(0.95, "Level of the intervals.", metavar="P")
    block: int = option(5, "Bins that are resampled together.", metavar="N", min=1)
    placebos: int = option(20, "Permuted networks.", metavar="N", min=0)


@group(o.MODEL)
class KatzModel:
    """The law of a bin."""

    link: Literal["hazard", "poisson", "clip"] = option(
        "hazard", "hazard (active or not), poisson (numbers of posts), clip."
    )
    memory: float = option(0.0, "Part of what was heard that is left a bin later.", metavar="PHI")
    volume: bool = option(False, "Let baselines follow the volume of each bin.", "--volume")

    def build(self, hj: Any, form: str) -> Any:
        """The model."""
        factor = "volume" if self.volume else None
        return hj.KatzSpike(form=form, link=self.link, memory=self.memory, common_factor=factor)


@group(o.MODEL)
class Drawn:
    """What is simulated, and where it goes."""

    params: Path = option(
        ...,
        "JSON file with alpha, and shape and mean; an estimate.json of katz fit will do.",
        metavar="FILE",
    )
    out: Path = option(..., "CSV file to write.", metavar="FILE", panel=o.RUN)
    bins: int = option(100, "Bins to draw.", metavar="N", min=1)


def _numbers(text: str, name: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--{name.replace('_', '-')} is {text!r}; give numbers with commas between them, as "
            f"0,0.2,0.4."
        ) from None


def _edge(text: str) -> float | str | None:
    return None if text in ("-", "") else o.number_or_text(text)


def _mapping(text: str) -> dict[str, str | None]:
    pairs = [part.partition("=") for part in text.split(",")]
    return {
        name.strip(): None if way.strip().lower() in ("", "none") else way.strip().lower()
        for name, _, way in pairs
    }
