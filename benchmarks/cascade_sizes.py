"""Final size of a cascade from its first minutes and hours, beside simple forecasts and TiDeH.

Run as ``python -m benchmarks.cascade_sizes``; the data (``tideh_retweets``: 591 cascades of more
than 2,000 reposts with followers; ``auspol_cascades``: 1,667 of which half have none;
``weibo_sample``: 30 without followers) are looked for in ``$HAWKESJAX_DATA`` (default
``../shared/data``). Every cascade is forecast by a population that was learned, and calibrated, on
the other nine tenths; and those of the last five days by one of the ten days before. The table is
printed and kept under ``benchmarks/results``.

TiDeH is written here from its paper and from what its authors' program does: the infectious rate
in windows of 4 hours, one each hour; p0 by least squares with r0 = 0.424, phi0 = 0.125 d and a
decay of 2 days; the self-consistent intensity by the trapezoidal rule in steps of 0.1 h, with the
mean followers of the reposters, at most 1 / 0.001424 (its default) or at most 1 / (p0 (1 + r0)),
which its training sets.

SEISMIC is written here from its paper, with the settings of its authors' R package: the chance p of
a repost from a window of half the cascade's age (5 minutes to 2 hours, five reposts at least) that
weighs the last reposts most (eq. 7 and 8), and R + p (N - N^e) / (1 - p n*) (eq. 9), infinite from
p n* = 1 on, where n* is 100. Its factors alpha_t and gamma_t, which its authors fitted to their own
tweets, are 1.

Source: Kobayashi and Lambiotte (2016), TiDeH, ICWSM, 191-200; Zhao, Erdogdu, He, Rajaraman and
Leskovec (2015), SEISMIC, KDD, 1513-1522.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record import RESULTS, save

WEEK = 168.0
OBSERVED = {"10 min": 1 / 6, "1 h": 1.0, "6 h": 6.0, "12 h": 12.0, "24 h": 24.0}
R0, PHI0, TAU, P_MAX, STEP = 0.424, 0.125, 2.0, 0.001424, 0.1
LEAST, DEGREE = 5, 100.0  # of SEISMIC
FIRST_DAYS = 10
NAMES = {value: name for name, value in OBSERVED.items()}


def read(hj: Any, folder: Path) -> Any:
    """All cascades, times in hours since each post, of which the time of day is known."""
    parts = [pd.read_parquet(folder / f"events_{number}.parquet") for number in (1, 2)]
    events, posts = pd.concat(parts), pd.read_csv(folder / "cascades.csv")
    start = pd.Series(24 * posts["start_day"].to_numpy(), index=posts["cascade_id"])
    return hj.Cascades.from_cascades(
        events.assign(hours=events["time_s"] / 3600), cascade="cascade_id", time="hours",
        followers="followers", start=start, window=(0, 24 * 25), horizon=WEEK, unit="hour",
    )  # fmt: skip


def read_small(hj: Any, file: Path, followers: str | None, horizon: float) -> Any:
    """Cascades without calendar time."""
    events = pd.read_csv(file)
    return hj.Cascades.from_cascades(
        events.assign(hours=events["time_s"] / 3600), cascade="cascade_id", time="hours",
        followers=followers, window=(0, horizon), late="drop", unit="hour",
    )  # fmt: skip


def tideh(cascades: Any, observed: float) -> dict[str, np.ndarray]:
    """Size at a week of each cascade by TiDeH, with each of two bounds of the followers."""
    from hawkesjax.retweet.memory.kernel import kernel_integral, scale

    theta, s0 = 0.242, 1 / 12
    grid = np.arange(observed, WEEK, STEP)
    begin = np.arange(0, int(observed) - 4 + 1)

    def shape(t: np.ndarray, start: float) -> np.ndarray:
        swing = 1 - R0 * np.sin(2 * np.pi * ((t + start) / 24 + PHI0))
        return swing * np.exp(-t / (24 * TAU))

    def kernel(s: np.ndarray) -> np.ndarray:
        return scale(theta, s0) * (np.maximum(s, s0) / s0) ** -(1 + theta)

    num = cascades.num_posts
    ends = np.searchsorted(np.asarray(cascades.post), np.arange(num + 1))
    direct, rate = np.zeros((2, num, len(grid)))
    p0, followers, seen = np.zeros((3, num))
    for i in range(num):
        ages = np.asarray(cascades.ages)[ends[i] : ends[i + 1]]
        early = ages < observed
        ages, d = ages[early], np.asarray(cascades.followers)[ends[i] : ends[i + 1]][early]
        times, weights = np.append(0.0, ages), np.append(cascades.post_followers[i], d)
        start = float(cascades.post_times[i])
        count = np.array([np.sum((ages > t) & (ages <= t + 4)) for t in begin])
        high = kernel_integral(np.maximum(begin + 4 - times[:, None], 0), theta, s0)
        low = kernel_integral(np.maximum(begin - times[:, None], 0), theta, s0)
        known = shape(begin + 2.0, start)
        p0[i] = np.sum(count / (weights @ (high - low)) * known) / np.sum(known**2)
        rate[i] = p0[i] * shape(grid, start)
        direct[i] = rate[i] * (weights @ kernel(grid - times[:, None]))
        followers[i], seen[i] = d.mean() if len(d) else 0.0, len(ages)
    bounds = {"TiDeH": np.full(num, 1 / P_MAX), "TiDeH, subcritical": 1 / (p0 * (1 + R0))}
    lags = kernel(STEP * np.arange(len(grid)))
    out = {}
    for name, bound in bounds.items():
        gain = np.minimum(followers, bound)[:, None] * rate * STEP
        reposts = np.zeros_like(direct)
        reposts[:, 0] = direct[:, 0]
        for k in range(1, len(grid)):
            past = reposts[:, 0] * lags[k] / 2 + reposts[:, 1:k] @ lags[k - 1 : 0 : -1]
            own = 1 - gain[:, k] * lags[0] / 2
            reposts[:, k] = (direct[:, k] + gain[:, k] * past) / own
        out[name] = seen + STEP * reposts.sum(axis=1)
    return out


def seismic(cascades: Any, observed: float) -> np.ndarray:
    """Final size of each cascade by SEISMIC."""
    from hawkesjax.retweet.memory.kernel import kernel_integral

    theta, s0, nodes = 0.242, 1 / 12, 64
    num, out = cascades.num_posts, np.zeros(cascades.num_posts)
    ends = np.searchsorted(np.asarray(cascades.post), np.arange(num + 1))
    ages, reach = np.asarray(cascades.ages), np.asarray(cascades.followers)
    for i in range(num):
        early = ages[ends[i] : ends[i + 1]] < observed
        seen = ages[ends[i] : ends[i + 1]][early]
        times = np.append(0.0, seen)
        weights = np.append(cascades.post_followers[i], reach[ends[i] : ends[i + 1]][early])
        window = np.clip(observed / 2, 1 / 12, 2.0)
        if np.sum(times >= observed - window) < LEAST:
            window = observed - times[max(len(times) - LEAST - 1, 0)]
        inside = times[times >= observed - window]
        told = np.sum(1 - (observed - inside) / window)
        # int K phi = Phi(T) - int Phi(s) ds / window, by midpoints: Phi is smooth
        at = observed - window * (np.arange(nodes) + 0.5) / nodes
        mean = np.zeros(len(times))
        for s in at:
            mean += kernel_integral(np.maximum(s - times, 0), theta, s0) / nodes
        whole = kernel_integral(observed - times, theta, s0)
        p = told / (weights @ (whole - mean))
        rest = p * (weights @ (1 - whole))
        out[i] = len(seen) + rest / (1 - p * DEGREE) if p * DEGREE < 1 else np.inf
    return out


def by_seismic(cascades: Any, truth: np.ndarray) -> list[dict[str, Any]]:
    """Its median error at each age; a forecast without end is off by more than any."""
    rows = []
    for name, observed in OBSERVED.items():
        guess = seismic(cascades, observed)
        row = {"observed": name, "forecast": "SEISMIC", "data": "large"}
        row["median_ape"] = float(np.median(np.abs(guess / truth - 1)))
        rows.append(row | {"infinite": float(np.mean(np.isinf(guess)))})
    return rows


def named(table: pd.DataFrame, data: str, seconds: float = np.nan) -> list[dict[str, Any]]:
    """Rows of the record from a table of scores."""
    frame = table.reset_index()
    frame["observed"] = [NAMES.get(age, f"{age:g} h") for age in frame["observed"]]
    rows = frame.assign(data=data, seconds=seconds).to_dict("records")
    return [{k: v for k, v in row.items() if not pd.isna(v)} for row in rows]


def later(hj: Any, jax: Any, cascades: Any, seed: int) -> list[dict[str, Any]]:
    """The last days, forecast by a population of those before."""
    from hawkesjax.retweet.ages import sizes_at
    from hawkesjax.retweet.size_scores import errors, held_by

    early = np.asarray(cascades.post_times) < 24 * FIRST_DAYS
    population = hj.CascadePopulation.learn(cascades.select(early))
    last = cascades.select(~early)
    truth, rows = sizes_at(last, WEEK), []
    for name, observed in OBSERVED.items():
        told = population.forecast(last, observed=observed, key=jax.random.key(seed))
        parts = held_by(told, truth)
        shares = {k: float(v.mean()) for k, v in parts.items() if k.startswith("coverage")}
        total = {"total": float(parts["mean"].sum() / truth.sum())}
        row = {"observed": name, "forecast": "population", "data": "last days"}
        rows.append(row | errors(parts["median"], truth) | shares | total)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Final sizes of cascades.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="only so many cascades")
    parser.add_argument("--seismic", action="store_true", help="SEISMIC alone")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj
    from hawkesjax.retweet.ages import sizes_at
    from hawkesjax.retweet.size_scores import errors

    folder = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data"))
    if given.seismic:
        large = read(hj, folder / "tideh_retweets")
        rows: list[dict[str, Any]] = by_seismic(large, sizes_at(large, WEEK))
        print(pd.DataFrame(rows).round(3).to_string(index=False))
        print(f"kept in {save('cascade_sizes_seismic', rows, {}, given.out)}")
        return
    weibo = read_small(hj, folder / "weibo_sample" / "events.csv", None, 24.0)
    auspol = read_small(hj, folder / "auspol_cascades" / "events.csv", "followers", WEEK)
    large = read(hj, folder / "tideh_retweets")
    if given.limit is not None:
        large, auspol = (each.select(range(given.limit)) for each in (large, auspol))
    rows = []
    for data, cascades, ages in (
        ("large", large, list(OBSERVED.values())),
        ("small", auspol, [1.0, 6.0, 24.0]),
        ("thirty", weibo, [1.0, 6.0]),
    ):
        population = hj.CascadePopulation.learn(cascades)
        print(f"{data}: {population}")
        for age in ages:
            begin = time.perf_counter()
            table = population.evaluate(age, key=jax.random.key(given.seed))
            rows += named(table, data, time.perf_counter() - begin)
            print(table.round(3).to_string(), flush=True)
    rows += later(hj, jax, large, given.seed)
    truth = sizes_at(large, WEEK)
    rows += by_seismic(large, truth)
    for name, observed in OBSERVED.items():
        if observed >= 6:
            for title, guess in tideh(large, observed).items():
                row = {"observed": name, "forecast": title, "data": "large"}
                rows.append(row | errors(guess, truth))
    print(pd.DataFrame(rows).iloc[-16:].round(3).to_string(index=False))
    options = {"seed": given.seed, "cascades": large.num_posts}
    print(f"kept in {save('cascade_sizes', rows, options, given.out)}")


if __name__ == "__main__":
    main()
