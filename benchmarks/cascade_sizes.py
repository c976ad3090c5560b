"""Final size of a cascade from its first minutes and hours, beside TiDeH on the same cascades.

Run as ``python -m benchmarks.cascade_sizes``; the data (``tideh_retweets``, 591 cascades of more
than 2,000 reposts) are looked for in ``$HAWKESJAX_DATA`` (default ``../shared/data``). Every
cascade is forecast by a population that was learned on the other half. The table is printed and
kept under ``benchmarks/results``.

TiDeH is written here from its paper: the infectious rate in windows of 4 hours, one each hour;
p0 by least squares with r0 = 0.424, phi0 = 0.125 d and a decay of 2 days (its authors'
defaults), or p0 and the decay; the mean of the self-consistent intensity with the mean followers
of the reposters, at most 1 / 0.001424. A multiple of the size so far (the median of the other
half) is the simplest forecast of all.

Source: Kobayashi and Lambiotte (2016), TiDeH, ICWSM, 191-200.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from benchmarks.record import RESULTS, save

WEEK = 168.0
OBSERVED = {"10 min": 1 / 6, "1 h": 1.0, "6 h": 6.0, "12 h": 12.0, "24 h": 24.0}
R0, PHI0, TAU, MOST = 0.424, 0.125, 2.0, 1 / 0.001424


def read(hj: Any, folder: Path) -> Any:
    """All cascades, times in hours since each post, of which the time of day is known."""
    parts = [pd.read_parquet(folder / f"events_{number}.parquet") for number in (1, 2)]
    events, posts = pd.concat(parts), pd.read_csv(folder / "cascades.csv")
    start = pd.Series(24 * posts["start_day"].to_numpy(), index=posts["cascade_id"])
    return hj.Cascades.from_cascades(
        events.assign(hours=events["time_s"] / 3600), cascade="cascade_id", time="hours",
        followers="followers", start=start, window=(0, 24 * 25), horizon=WEEK, unit="hour",
    )  # fmt: skip


def tideh(cascades: Any, observed: float, *, decay: bool) -> np.ndarray:
    """Size at a week of each cascade by TiDeH's estimator."""
    from hawkesjax.retweet.memory import volterra as mv
    from hawkesjax.retweet.memory.kernel import kernel_integral

    theta, s0 = 0.242, 1 / 12
    after = np.concatenate([np.arange(observed, WEEK - 1e-9, 0.25), [WEEK]])
    ahead = after - observed
    within = mv.transfer(ahead, ahead, theta, s0)
    begin = np.arange(0, int(observed) - 4 + 1)
    out = np.zeros(cascades.num_posts)
    ends = np.searchsorted(np.asarray(cascades.post), np.arange(cascades.num_posts + 1))
    for i in range(cascades.num_posts):
        ages = np.asarray(cascades.ages)[ends[i] : ends[i + 1]]
        early = ages < observed
        ages = ages[early]
        d = np.asarray(cascades.followers)[ends[i] : ends[i + 1]][early]
        times, weights = np.append(0.0, ages), np.append(cascades.post_followers[i], d)
        start = float(cascades.post_times[i])

        def shape(t, days, start=start):
            swing = 1 - R0 * np.sin(2 * np.pi * ((t + start) / 24 + PHI0))
            return swing * np.exp(-t / (24 * days))

        seen = np.array([np.sum((ages > t) & (ages <= t + 4)) for t in begin])
        high = kernel_integral(np.maximum(begin + 4 - times[:, None], 0), theta, s0)
        low = kernel_integral(np.maximum(begin - times[:, None], 0), theta, s0)
        rates = seen / (weights @ (high - low))
        middle = begin + 2.0
        days = TAU
        if decay:
            found = optimize.least_squares(
                lambda x, m=middle, r=rates, f=shape: 1e3 * (x[0] * 1e-3 * f(m, np.exp(x[1])) - r),
                [1e3 * rates.mean(), np.log(TAU)], bounds=([0, np.log(0.05)], [np.inf, np.log(50)]),
            )  # fmt: skip
            p0, days = found.x[0] * 1e-3, np.exp(found.x[1])
        else:
            p0 = np.sum(rates * shape(middle, days)) / np.sum(shape(middle, days) ** 2)
        reach = mv.known_reach(
            ahead, observed - times, weights, np.zeros(len(times), int), 1, theta, s0
        )
        rate = p0 * shape((after[1:] + after[:-1]) / 2, days)
        dbar = np.array([min(d.mean(), MOST) if len(d) else 0.0])
        mean, _ = mv.mean_reposts(rate[None], reach, dbar, within)
        out[i] = len(ages) + mean.sum()
    return out


def error(guess: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Median and mean absolute percentage error."""
    off = np.abs(guess / truth - 1)
    return {"median_ape": float(np.median(off)), "mean_ape": float(np.mean(off))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="only so many cascades")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj
    from hawkesjax.retweet.ages import sizes_at
    from hawkesjax.retweet.population import CascadePopulation

    folder = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data")) / "tideh_retweets"
    cascades = read(hj, folder)
    if given.limit is not None:
        cascades = cascades.select(range(given.limit))
    print(cascades)
    truth = sizes_at(cascades, WEEK)
    order = np.random.default_rng(given.seed).permutation(cascades.num_posts)
    halves = order[::2], order[1::2]
    populations = [CascadePopulation.learn(cascades.select(half)) for half in halves]
    rows = []
    for name, observed in OBSERVED.items():
        begin = time.perf_counter()
        frames, ratio = [], np.zeros(cascades.num_posts)
        seen = sizes_at(cascades, observed)
        for half, others, population in zip(halves, halves[::-1], populations[::-1], strict=True):
            told = population.forecast(
                cascades.select(half), observed=observed, horizon=WEEK,
                key=jax.random.key(given.seed), draws=given.draws,
            )  # fmt: skip
            plain = told.uncalibrated()
            frame = told.table().assign(
                truth=truth[half], plain=plain.quantile(0.5),
                plain_lower=plain.quantile(0.1), plain_upper=plain.quantile(0.9),
            )  # fmt: skip
            frames.append(frame)
            ratio[half] = (seen[half] + 1) * np.median(truth[others] / (seen[others] + 1))
        table = pd.concat(frames)
        known = table["truth"].to_numpy()
        seconds = time.perf_counter() - begin
        inside = (known >= table["lower"]) & (known <= table["upper"])
        finite = bool(np.isfinite(table.to_numpy(float)).all())
        row = error(table["median"].to_numpy(), known)
        row |= {"coverage_80": float(inside.mean()), "finite": finite, "seconds": seconds}
        row |= {"exploded": float(table["exploded"].mean())}
        rows.append({"observed": name, "forecast": "population", **row})
        inside = (known >= table["plain_lower"]) & (known <= table["plain_upper"])
        row = error(table["plain"].to_numpy(), known) | {"coverage_80": float(inside.mean())}
        rows.append({"observed": name, "forecast": "population, not calibrated", **row})
        rows.append({"observed": name, "forecast": "multiple of the size", **error(ratio, truth)})
        if observed >= 6:
            for decay in (False, True):
                title = "TiDeH, p0 and decay" if decay else "TiDeH, p0"
                guess = tideh(cascades, observed, decay=decay)
                rows.append({"observed": name, "forecast": title, **error(guess, truth)})
        print(pd.DataFrame(rows).query("observed == @name").to_string(index=False), flush=True)
    options = {"draws": given.draws, "seed": given.seed, "cascades": cascades.num_posts}
    print(f"kept in {save('cascade_sizes', rows, options, given.out)}")


if __name__ == "__main__":
    main()
