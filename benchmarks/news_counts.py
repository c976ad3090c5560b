"""Hourly posts of news accounts in three countries: forecasts of the next eight days.

Run as ``python -m benchmarks.news_counts``; the data are looked for in ``$HAWKESJAX_DATA``
(default ``../shared/data``), the table is printed and kept under ``benchmarks/results``.

Folds: trained on the first 30 days and 15 more at each fold (expanding), or on the last 30
(sliding); 8 days scored by the hour. MAE and Pearson are means over folds (a constant forecast
has Pearson 0). The clock is local time with daylight saving; `fixed` is a constant offset.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.record import RESULTS, save
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation import forecasters as b
from hawkesjax.evaluation.rolling import rolling

ZONES = {"ES": "Europe/Madrid", "UK": "Europe/London", "US": "America/New_York"}
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    folder = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data")) / "news_tweet_counts"
    rows = []
    for clock, zones in (("local", ZONES), ("fixed", OFFSETS)):
        for country, zone in zones.items():
            counts = counts_of(folder, country, zone)
            window = (counts.index[0], counts.index[-1] + pd.Timedelta(hours=1))
            events = events_of(folder, country, counts)
            calendar = {"unit": "day", "timezone": zone}
            printed = Covariates.calendar(
                window, features=["day", "halfday"], coding="numeric", **calendar
            )
            onehot = Covariates.calendar(window, **calendar)
            runs = {
                "": (None, {
                    "hour-of-week mean": b.HourOfWeek(),
                    "shrunken calendar": b.ShrunkenCalendar(),
                    "shrunken calendar, no discount": b.ShrunkenCalendar(half_life=np.inf),
                    "last value": b.LastValue(),
                    "constant": b.Constant(),
                }),
                "Poisson, paper's coding": (printed, {"": b.PoissonRegression()}),
                "Poisson, paper's coding + events": (
                    printed.join(events), {"": b.PoissonRegression()}
                ),
                "Poisson, one-hot": (onehot, {"": b.PoissonRegression()}),
                "Poisson, one-hot + events": (onehot.join(events), {"": b.PoissonRegression()}),
                "shrunken calendar + events": (events, {"": b.ShrunkenCalendar()}),
            }  # fmt: skip
            for scheme in ("expanding", "sliding"):
                for title, (covariates, forecasters) in runs.items():
                    named = {title or name: one for name, one in forecasters.items()}
                    found = rolling(counts, named, covariates=covariates, scheme=scheme)
                    table = found.summary()
                    table.columns = ["_".join(column) for column in table.columns]
                    for name, row in table.iterrows():
                        where = {"clock": clock, "country": country, "scheme": scheme}
                        where |= {"forecaster": name, "folds": len(found.cuts)}
                        rows.append(where | row.to_dict())
    table = pd.DataFrame(rows)
    shown = ["mae_mean", "mae_sd", "pearson_mean", "pearson_sd", "log_score_mean", "coverage_mean"]
    for keys, part in table.groupby(["clock", "scheme", "country"], sort=False):
        print("\n" + ", ".join(keys))
        print(part.set_index("forecaster")[shown].to_string(float_format=lambda x: f"{x:.3f}"))
    print(f"\nkept in {save('news_counts', rows, {}, given.out)}")


if __name__ == "__main__":
    main()
