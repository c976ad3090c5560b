"""Tables of a retweet model in the words of those who post: drivers, rhythm, lifetime, reach."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pandas as pd
import xarray as xr

QUANTILES = (0.025, 0.5, 0.975)
COLUMNS = ("mean", "2.5%", "50%", "97.5%")


def rate_ratios(features: list[str], low: Any, middle: Any, high: Any, mean: Any) -> pd.DataFrame:
    """Rate ratios `exp(beta)`: how many times the rate of posts one unit of a feature makes it.

    Of the intercept it is the rate itself, posts per unit of time where all else is 0.
    """
    parts = zip(COLUMNS, (mean, low, middle, high), strict=True)
    table = pd.DataFrame({name: np.ravel(part) for name, part in parts})
    return table.set_index(pd.Index(features, name="rate ratio of"))


def clock_time(value: float, period: float) -> str:
    """A point of the period as a time of day: "18:30"."""
    minutes = round(float(np.mod(value / period, 1)) * 1440) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def around(draws: np.ndarray, period: float) -> np.ndarray:
    """Draws on a circle, moved into the period around their circular mean."""
    turns = np.exp(2j * np.pi * draws / period)
    centre = np.angle(turns.mean()) / (2 * np.pi) * period
    return centre + np.mod(draws - centre + period / 2, period) - period / 2


def of_draws(draws: np.ndarray) -> list[float]:
    """Mean and quantiles, in the order of `COLUMNS`."""
    low, middle, high = np.quantile(draws, QUANTILES)
    return [float(np.mean(draws)), float(low), float(middle), float(high)]


def rhythm(size: list[float], phase: list[float], period: float) -> pd.DataFrame:
    r"""The daily swing: its amplitude r0, its phase phi0 as a time, and when reposts peak.

    The chance of a repost is largest at `t = -phi0 - T / 4`, where the sine is -1.

    Args:
        size, phase: figures of r0 and phi0 in the order of `COLUMNS`.
        period: of the swing.
    """
    peak = [-value - period / 4 for value in phase]
    peak = [peak[0], peak[3], peak[2], peak[1]]
    times = [[clock_time(value, period) for value in row] for row in (phase, peak)]
    rows = [size, phase, *times]
    index = pd.Index(["r0", "phi0", "phi0, time of day", "reposts peak at"], name="swing")
    return pd.DataFrame(rows, index=index, columns=list(COLUMNS), dtype=object)


def lifetime(tau: list[float], theta: list[float] | None) -> pd.DataFrame:
    """Decay time tau, the half-life `tau log 2` of the chance to be reposted, and theta."""
    rows = {"tau": tau, "half-life": [value * float(np.log(2)) for value in tau]}
    rows |= {} if theta is None else {"theta": theta}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))
    return table.rename_axis("lifetime")


def p0_draws(
    posterior: xr.Dataset, model: Any, data: Any, rng: np.random.Generator, limit: int
) -> np.ndarray:
    """Draws of each post's p0 given its reposts, (draws, P)."""
    if "p0" in posterior:
        values = posterior["p0"].values
        return values.reshape(-1, values.shape[-1])
    prepared = model.prepare(data)
    names = [name for name in model.shapes(data) if name != "beta"]
    flat = {name: posterior[name].values for name in names}
    flat = {name: value.reshape(-1, *value.shape[2:]) for name, value in flat.items()}
    size = len(flat["tau"])
    chosen = np.linspace(0, size - 1, min(limit, size)).round().astype(int)
    some = {name: value[chosen] for name, value in flat.items()}
    given = jax.jit(
        lambda draws, prepared: jax.lax.map(lambda one: model.p0_given(one, prepared), draws)
    )
    shape, rate = (np.asarray(part, np.float64) for part in given(some, prepared))
    return rng.gamma(shape, 1 / rate)


def p0_table(draws: np.ndarray, data: Any) -> pd.DataFrame:
    """A row a post: its reposts in the window, and mean and quantiles of p0."""
    low, middle, high = np.quantile(draws, QUANTILES, axis=0)
    return pd.DataFrame(
        {
            "reposts": np.asarray(data.counts),
            "mean": draws.mean(axis=0),
            "2.5%": low,
            "50%": middle,
            "97.5%": high,
        },
        index=pd.Index(data.names, name="post"),
    )
