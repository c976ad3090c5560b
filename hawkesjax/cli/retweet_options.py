"""Options of the commands on posts and reposts, and the data that they name."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hawkesjax.cli import covariates as c
from hawkesjax.cli import options as o


class Orphans(enum.StrEnum):
    error = "error"
    drop = "drop"


class Missing(enum.StrEnum):
    error = "error"
    zero = "zero"
    median = "median"


class Drop(enum.StrEnum):
    error = "error"
    drop = "drop"


class P0(enum.StrEnum):
    integrated = "integrated"
    profiled = "profiled"
    free = "free"


File = Annotated[
    Path, typer.Argument(help="CSV or Parquet file, a post or repost a row.", show_default=False)
]
Id = Annotated[str, o.option("Column of identifiers.", "--id", metavar="NAME", panel=o.DATA)]
Time = Annotated[
    str, o.option("Column of times: numbers, or dates and times.", metavar="NAME", panel=o.DATA)
]
Followers = Annotated[
    str, o.option("Column of the authors' numbers of followers.", metavar="NAME", panel=o.DATA)
]
RepostOf = Annotated[
    str,
    o.option("Column of the identifier that a row reposts; empty: a post.", metavar="NAME",
             panel=o.DATA),
]  # fmt: skip
Sentiment = Annotated[
    str | None,
    o.option("Column of the posts' levels; 1 for all when left out.", metavar="NAME",
             panel=o.DATA),
]  # fmt: skip
Horizon = Annotated[
    float | None,
    o.option("For how long after each post its reposts were collected.", metavar="LENGTH",
             panel=o.DATA),
]  # fmt: skip
OnOrphans = Annotated[
    Orphans, o.option("Reposts whose post is not there.", "--orphans", panel=o.DATA)
]
OnMissing = Annotated[
    Missing, o.option("Missing numbers of followers.", "--missing-followers", panel=o.DATA)
]
OnLate = Annotated[Drop, o.option("Rows after the window.", "--late", panel=o.DATA)]
OfP0 = Annotated[P0, o.option("How the posts' infectivity is treated.", "--p0", panel=o.MODEL)]
Ahead = Annotated[
    float, o.option("How far to forecast, in the unit of time.", metavar="LENGTH", panel=o.MODEL)
]
Continuations = Annotated[
    int, o.option("Simulated continuations.", metavar="N", min=1, panel=o.SAMPLING)
]


@dataclass(frozen=True)
class Where:
    """The file and its columns, as typed."""

    file: Path
    id: str
    time: str
    followers: str
    repost_of: str
    sentiment: str | None
    window: tuple[str, str] | None
    horizon: float | None
    unit: str | None
    timezone: str | None
    orphans: Orphans
    missing_followers: Missing
    late: Drop
    covariates: Path | None
    features: list[c.Feature] | None
    events: Path | None

    def read(self, hj: Any, ahead: float = 0.0) -> Any:
        """The cascades, with covariates that reach `ahead` beyond the window."""
        named = ("sentiment", "horizon", "unit", "timezone")
        given = {n: getattr(self, n) for n in named if getattr(self, n) is not None}
        if self.window is not None:
            given["window"] = tuple(_number(edge) for edge in self.window)
        data = hj.read_cascades(
            self.file, id=self.id, time=self.time, followers=self.followers,
            repost_of=self.repost_of, orphans=self.orphans.value,
            missing_followers=self.missing_followers.value, late=self.late.value, **given,
        )  # fmt: skip
        start, end = data.window
        found = c.read(
            hj, data, (start, end + ahead), timezone=self.timezone, table=self.covariates,
            features=self.features, events=self.events,
        )  # fmt: skip
        return data if found is None else data.with_covariates(found)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
