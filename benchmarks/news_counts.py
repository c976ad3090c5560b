"""Hourly posts of news accounts in three countries, and mentions of six companies: forecasts of the
next eight days.

Run as ``python -m benchmarks.news_counts``; the data are looked for in ``$HAWKESJAX_DATA``
(default ``../shared/data``), the tables are printed and kept under ``benchmarks/results``.

Folds: trained on the first 30 days and 15 more at each fold (expanding), or on the last 30
(sliding); 8 days scored by the hour. Scores are means over folds (a constant forecast has Pearson
0); `relative` is the MAE over that of the hour-of-week mean, `early` the same over the first nine
folds, on which the settings of `LocalCalendar` were chosen. The clock is local time with daylight
saving; `fixed` is a constant offset. `coverage` is that of 80 % intervals.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from benchmarks.record import RESULTS, save
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation import forecasters as b
from hawkesjax.evaluation.past import Forecaster
from hawkesjax.evaluation.rolling import rolling
from hawkesjax.evaluation.series import CountSeries

Scheme = Literal["expanding", "sliding"]

ZONES = {"ES": "Europe/Madrid", "UK": "Europe/London", "US": "America/New_York"}
HOLIDAYS = {"ES": "ES", "UK": "GB", "US": "US"}
EARLY = 9  # folds
SHOWN = [
    "mae_mean",
    "relative",
    "early",
    "mae_of last value",
    "pearson_mean",
    "log_score_mean",
    "crps_mean",
    "coverage_mean",
]
OFFSETS = {"ES": "Etc/GMT-1", "UK": "UTC", "US": "Etc/GMT+5"}


def counts_of(folder: Path, country: str, zone: str) -> pd.Series:
    """Hourly totals on the local clock."""
    table = pd.read_csv(folder / f"hourly_{country}.csv")
    index = pd.DatetimeIndex(pd.to_datetime(table["hour_utc"], utc=True)).tz_convert(zone)
    return pd.Series(table["total"].to_numpy(float), index=index, name=country)


def events_of(folder: Path, country: str, counts: pd.Series) -> Covariates:
    """Indicators of the listed events, whole local days."""
    table = pd.read_csv(folder / "events.csv").query("country == @country")
    zone = str(counts.index.tz)
    first = pd.to_datetime(table["first_day"])
    last = pd.to_datetime(table["last_day"]) + pd.Timedelta(days=1)
    frame = pd.DataFrame({"start": first, "end": last, "kind": table["kind"]})
    start, end = counts.index[0], counts.index[-1] + pd.Timedelta(hours=1)
    return Covariates.intervals(
        frame, start="start", end="end", kind="kind", window=(start, end), unit="day",
        timezone=zone,
    )  # fmt: skip


def mentions(folder: Path) -> dict[str, CountSeries]:
    """Mentions of each company by the hour, in UTC; the source counts every five minutes."""
    table = pd.read_csv(folder / "counts_5min.csv")
    return {
        name: CountSeries.from_dataframe(
            part, time="time_utc", count="mentions", bin="1h", timezone="UTC"
        )
        for name, part in table.groupby("ticker")
    }


def simple() -> dict[str, Forecaster]:
    """Forecasters that need no features."""
    return {
        "hour-of-week mean": b.HourOfWeek(),
        "local calendar": b.LocalCalendar(),
        "shrunken calendar": b.ShrunkenCalendar(),
        "last value": b.LastValue(),
        "constant": b.Constant(),
    }


def runs_of(folder: Path, country: str, zone: str, counts: pd.Series) -> dict[str, Any]:
    """Features and forecasters by title; "" for those with names of their own."""
    window = (counts.index[0], counts.index[-1] + pd.Timedelta(hours=1))
    events = events_of(folder, country, counts)
    calendar = {"unit": "day", "timezone": zone}
    printed = Covariates.calendar(window, features=["day", "halfday"], coding="numeric", **calendar)
    onehot = Covariates.calendar(window, **calendar)
    days = Covariates.calendar(window, features=[], holidays=HOLIDAYS[country], **calendar)
    regression = {"": b.PoissonRegression()}
    return {
        "": (None, simple()),
        "local calendar + holidays": (days, {"": b.LocalCalendar()}),
        "Poisson, paper's coding": (printed, regression),
        "Poisson, paper's coding + events": (printed.join(events), regression),
        "Poisson, one-hot": (onehot, regression),
        "shrunken calendar + events": (events, {"": b.ShrunkenCalendar()}),
    }


def scored(counts: Any, runs: dict[str, Any], scheme: Scheme, where: dict[str, str]) -> list[Any]:
    """Print the table of one series, and return its rows."""
    tables, early, folds = [], {}, 0
    for title, (covariates, forecasters) in runs.items():
        named = {title or name: one for name, one in forecasters.items()}
        found = rolling(counts, named, covariates=covariates, scheme=scheme)
        table, folds = found.summary(), len(found.cuts)
        table.columns = ["_".join(column) for column in table.columns]
        tables.append(table)
        first = found.folds[found.folds["fold"] < EARLY]
        early |= first.groupby("forecaster")["mae"].mean().to_dict()
    table = pd.concat(tables)
    reference = "hour-of-week mean"
    table["relative"] = table["mae_mean"] / table.loc[reference, "mae_mean"]
    table["early"] = pd.Series(early) / early[reference]
    print("\n" + ", ".join(where.values()), f"({folds} folds)")
    print(table[SHOWN].to_string(float_format=lambda x: f"{x:.3f}"), flush=True)
    return [
        where | {"forecaster": name, "folds": folds} | row.to_dict()
        for name, row in table.iterrows()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    data = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data"))
    folder, rows = data / "news_tweet_counts", []
    plan: tuple[tuple[str, dict[str, str], Scheme], ...] = (
        ("local", ZONES, "expanding"),
        ("local", ZONES, "sliding"),
        ("fixed", OFFSETS, "expanding"),
    )
    for clock, zones, scheme in plan:
        for country, zone in zones.items():
            counts = counts_of(folder, country, zone)
            where = {"clock": clock, "scheme": scheme, "series": country}
            rows += scored(counts, runs_of(folder, country, zone, counts), scheme, where)
    for name, series in mentions(data / "nab_twitter_volume").items():
        where = {"clock": "UTC", "scheme": "expanding", "series": name}
        rows += scored(series, {"": (None, simple())}, "expanding", where)
    print(f"\nkept in {save('news_counts', rows, {}, given.out)}")


if __name__ == "__main__":
    main()
