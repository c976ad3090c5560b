"""Options of the commands on posts and reposts, and the data that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli import options as o
from hawkesjax.cli.covariates import Covariates
from hawkesjax.cli.groups import argument, group, option


@group(o.DATA)
class Posts:
    """The file of posts and reposts, and its columns."""

    file: Path = argument("CSV or Parquet file, a post or repost a row.")
    id: str = option("id", "Column of identifiers.", metavar="NAME")
    time: str = option("time", o.TIME, metavar="NAME")
    followers: str = option(
        "followers", "Column of the authors' numbers of followers.", metavar="NAME"
    )
    repost_of: str = option(
        "repost_of",
        "Column of the identifier that a row reposts; empty: a post.",
        metavar="NAME",
    )
    sentiment: str | None = option(
        None, "Column of the posts' levels; 1 for all when left out.", metavar="NAME"
    )
    window: tuple[str, str] | None = option(
        None,
        "Start and end of observation, numbers or dates; the first and last event when left out.",
        metavar="A B",
    )
    horizon: float | None = option(
        None, "For how long after each post its reposts were collected.", metavar="LENGTH"
    )
    unit: str | None = option(None, o.UNIT, metavar="NAME")
    timezone: str | None = option(None, o.TIMEZONE, metavar="ZONE")
    orphans: Literal["error", "drop"] = option("error", "Reposts whose post is not there.")
    missing_followers: Literal["error", "zero", "median"] = option(
        "error", "Missing numbers of followers."
    )
    late: Literal["error", "drop"] = option("error", "Rows after the window.")

    def read(self, hj: Any, covariates: Covariates, ahead: float = 0.0) -> Any:
        """The cascades, with covariates that reach `ahead` beyond the window."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.window is not None:
            given["window"] = tuple(o.number_or_text(edge) for edge in self.window)
        data = hj.read_cascades(given.pop("file"), **given)
        start, end = data.window
        known = covariates.read(hj, data, (start, end + ahead), self.timezone)
        return data if known is None else data.with_covariates(known)


@group(o.MODEL)
class RetweetModel:
    """How the model treats the posts."""

    p0: Literal["integrated", "profiled", "free"] = option(
        "integrated", "How the posts' infectivity is treated."
    )


@group(o.MODEL)
class Future:
    """The time to come, and from what it is drawn."""

    ahead: float = option(..., "How far to forecast, in the unit of time.", metavar="LENGTH")
    posterior: Any = option(
        None,
        "posterior.nc of `retweet sample`; without it a fit is made.",
        metavar="FILE",
        parser=str,
    )
    draws: int = option(200, "Simulated continuations.", metavar="N", min=1, panel=o.SAMPLING)


@group(o.MODEL)
class Folds:
    """The cuts of a rolling origin."""

    first: str = option("30D", "Length of the first training stretch.", metavar="LENGTH")
    step: str = option("15D", "From cut to cut.", metavar="LENGTH")
    scored: str = option("8D", "Length that is scored after each cut.", metavar="LENGTH")
    sliding: bool = option(False, "Train on the last stretch only.", "--sliding")
    draws: int = option(100, "Simulated continuations.", metavar="N", min=1, panel=o.SAMPLING)
