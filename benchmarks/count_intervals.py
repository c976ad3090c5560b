"""How `LocalCalendar` sets its intervals: what was tried, each series scored by a choice made on
the others.

Run as ``python -m benchmarks.count_intervals``; the data are those of `benchmarks.news_counts`.

Settings: the half-life of the size of the negative binomial; the days of training before a past
forecast that calibrates; the number of such forecasts, each half a stretch before the next; the
bins that hold what they should, beside those of these forecasts. Cuts: every 15 days from day 30 in
the series of a year, every day from day 29 in those of 55 days, whose two usual cuts tell little.
The share held is that of 80 % intervals that split the probability of a whole number at their ends.

Rules: `early`: the smallest mean distance of a series' share from 80 % over the first nine cuts of
the long series and cuts of days 14 to 22 of the short ones, nothing of which is scored; `others`:
the same over all cuts of the other eight series; `default`: what is built in. Each is scored on all
cuts, and on the usual ones (days 30 and 45 of the short series).
"""

from __future__ import annotations

import argparse
import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from benchmarks.news_counts import EARLY, HOLIDAYS, ZONES, counts_of, mentions
from benchmarks.record import RESULTS, save
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation import local
from hawkesjax.evaluation.calibration import held_of
from hawkesjax.evaluation.counts import GRID
from hawkesjax.evaluation.past import Past, features_of

AHEAD, DAY = 192, 24
HALF_LIVES = (2.0, 3.0, 5.0, 7.0, 14.0, 28.0)
LEAST, ORIGINS, PRIORS = (14, 21, 28), (1, 2, 4, 8), (1.0, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0)
DEFAULT = (local.LocalCalendar().local_half_life, local.LEAST, 1, local.PRIOR)
BEFORE = (7.0, 28, 4, 384.0)  # chosen on all cuts of all series
Setting = tuple[float, int, int, float]


class Series:
    """One series, its cuts, and its laws at every cut and origin, each found once."""

    def __init__(self, counts: np.ndarray, index: Any, features: np.ndarray) -> None:
        self.counts, self.index, self.features = counts, index, features
        self.known: dict[Any, Any] = {}
        days = len(counts) // DAY
        if days > 100:
            self.usual = self.cuts = [DAY * day for day in range(30, days - 7, 15)]
            self.early = self.cuts[:EARLY]
        else:
            self.cuts = [DAY * day for day in range(29, days - 7)]
            self.usual = [DAY * 30, DAY * 45]
            self.early = [DAY * day for day in range(14, 23, 2)]

    def sides(self, cut: int, end: int) -> dict[float, tuple[np.ndarray, np.ndarray]]:
        """Probabilities of less than what came, and of at most that, for each half-life."""
        if (cut, end) not in self.known:
            past = Past(
                self.counts[:cut], self.index[:cut], self.index[cut:end],
                self.features[:cut], self.features[cut:end],
            )  # fmt: skip
            means, own, ahead = local.LocalCalendar().means(past)
            ages, seen = local.ages_of(past), self.counts[cut:end]
            found = {}
            for half in HALF_LIVES:
                size = local.likely_size(past.counts, own, means, np.exp2(-ages / half))
                found[half] = tuple(below(seen + k, means[ahead], size) for k in (0, 1))
            self.known[cut, end] = found
        return self.known[cut, end]

    def held(self, cut: int, setting: Setting) -> np.ndarray:
        """Shares of the stretch after the cut that intervals of 80 and 95 % hold, and its mean log
        score."""
        half, least, origins, prior = setting
        block = min(AHEAD, cut - DAY * least)
        shares = GRID
        if block > 0:
            starts = range(cut - block, DAY * least - 1, -max(1, block // 2))
            past = [self.sides(start, start + block)[half] for start in list(starts)[:origins]]
            low, high = (np.concatenate(part) for part in zip(*past, strict=True))
            shares = held_of(low, high, prior)
        low, high = self.sides(cut, cut + AHEAD)[half]
        step, out = np.maximum(high - low, 1e-12), []
        for level in (0.8, 0.95):
            ends = np.interp([(1 - level) / 2, (1 + level) / 2], shares, GRID)
            part = np.clip((ends[:, None] - low) / step, 0, 1).mean(axis=1)
            out.append(part[1] - part[0])
        chance = np.interp(high, GRID, shares) - np.interp(low, GRID, shares)
        return np.array([*out, np.mean(np.log(np.maximum(chance, 1e-12)))])


def below(counts: np.ndarray, means: np.ndarray, size: float) -> np.ndarray:
    """Probability of less than so many."""
    told = special.betainc(size, np.maximum(counts, 1), size / (size + np.maximum(means, 1e-12)))
    return np.where(counts > 0, told, 0.0)


def read(folder: Path) -> dict[str, Series]:
    """The three long series with their holidays, and six short ones."""
    found = {}
    for country, zone in ZONES.items():
        counts = counts_of(folder / "news_tweet_counts", country, zone)
        first, last = pd.Timestamp(counts.index[0]), pd.Timestamp(counts.index[-1])
        window: Any = first, last + pd.Timedelta(hours=1)
        days = Covariates.calendar(
            window, unit="day", timezone=zone, features=[], holidays=HOLIDAYS[country]
        )
        features, _ = features_of(days, counts.index, pd.Timedelta(hours=1))
        found[country] = Series(counts.to_numpy(), counts.index, np.asarray(features))
    for name, series in mentions(folder / "nab_twitter_volume").items():
        found[name] = Series(series.counts, series.index, np.zeros((series.num_bins, 0)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Intervals of hourly counts.")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    data = read(Path(os.environ.get("HAWKESJAX_DATA", "../shared/data")))
    grid = [*itertools.product(HALF_LIVES, LEAST, ORIGINS, PRIORS)]
    kinds = ("cuts", "usual", "early")
    table = {kind: np.zeros((len(grid), len(data), 3)) for kind in kinds}
    for place, (name, series) in enumerate(data.items()):
        for kind in kinds:
            cuts = getattr(series, kind)
            for row, setting in enumerate(grid):
                table[kind][row, place] = np.mean([series.held(c, setting) for c in cuts], axis=0)
        series.known.clear()
        print(name, flush=True)
    off = {kind: np.abs(part[..., 0] - 0.8) for kind, part in table.items()}
    early, every = int(off["early"].mean(axis=1).argmin()), np.arange(len(data))
    chosen = {
        "early": [early] * len(data),
        "others": [int(off["cuts"][:, every != p].mean(axis=1).argmin()) for p in every],
        "default": [grid.index(DEFAULT)] * len(data),
        "before": [grid.index(BEFORE)] * len(data),
    }
    rows: list[dict[str, Any]] = []
    for rule, settings in chosen.items():
        for place, (name, row) in enumerate(zip(data, settings, strict=True)):
            told = {"rule": rule, "series": name, "setting": list(grid[row])}
            for kind in ("cuts", "usual"):
                parts = ("held 80 %", "held 95 %", "log score")
                values = table[kind][row, place].tolist()
                told |= {f"{part}, {kind}": v for part, v in zip(parts, values, strict=True)}
            rows.append(told)
    order = np.argsort(off["cuts"].mean(axis=1))[:12]
    best = [
        {"setting": list(grid[r]), "mean distance": float(off["cuts"][r].mean()),
         "log score": float(table["cuts"][r, :, 2].mean())} for r in order
    ]  # fmt: skip
    frame: Any = pd.DataFrame(rows)
    for kind in ("cuts", "usual"):
        shown = frame.pivot(index="rule", columns="series", values=f"held 80 %, {kind}")
        print(f"\nheld by 80 % intervals, {kind}\n{shown[list(data)].round(3).to_string()}")
    scores = frame.groupby("rule")[["log score, cuts", "log score, usual"]].mean().round(3)
    print(scores.to_string(), "\n", frame[["rule", "setting"]].drop_duplicates("rule"))
    print(pd.DataFrame(best).round(4).to_string())
    options = {"settings": len(grid), "best of all": best}
    print(f"kept in {save('count_intervals', rows, options, given.out)}")


if __name__ == "__main__":
    main()
