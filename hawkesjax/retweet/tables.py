"""Tables of a retweet model in the words of those who post: drivers, rhythm, lifetime, reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array

from hawkesjax.core.draws import thinned
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.random import generator
from hawkesjax.core.tables import statistics

Values = Posterior | Estimate


def figures(values: Values, name: str, change: Callable[[Any], Any] = np.asarray) -> dict[str, Any]:
    """Mean and quantiles of a parameter, changed first, by column; of an estimate itself and the
    ends of its interval."""
    if isinstance(values, Posterior):
        return statistics(change(values.draws()[name]))
    low, middle, high = (change(part[name]) for part in (values.lower, values.params, values.upper))
    return {"mean": middle, "2.5%": low, "50%": middle, "97.5%": high}


def rate_ratios(values: Values) -> pd.DataFrame:
    """Rate ratios `exp(beta)`: how many times the rate of posts one unit of a feature makes it.

    Of the intercept it is the rate itself, posts per unit of time where all else is 0.
    """
    names = pd.Index(values.coords["feature"], name="rate ratio of")
    return pd.DataFrame(figures(values, "beta", np.exp), index=names)


def clock_time(value: float, period: float) -> str:
    """A point of the period as a time of day: "18:30"."""
    minutes = round(float(np.mod(value / period, 1)) * 1440) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def around(draws: np.ndarray, period: float) -> np.ndarray:
    """Draws on a circle, moved into the period around their circular mean."""
    turns = np.exp(2j * np.pi * draws / period)
    centre = np.angle(turns.mean()) / (2 * np.pi) * period
    return centre + np.mod(draws - centre + period / 2, period) - period / 2


def rhythm(values: Values) -> pd.DataFrame:
    r"""The daily swing: its amplitude r0, its phase phi0 as a time, and when reposts peak.

    The chance of a repost is largest at `t = -phi0 - T / 4`, where the sine is -1.

    Raises:
        ValueError: where no post has a level of sentiment.
    """
    if "r0" not in values.draws():
        raise ValueError("Every post has S = 0: there is no swing.")
    if isinstance(values, Posterior):
        period = float(values.constant_data["period"])
        phase = figures(values, "phi0", lambda draws: around(draws, period))
    else:
        period = values.constants["period"]
        phase = figures(values, "phi0")
    peak = {name: -value - period / 4 for name, value in phase.items()}
    peak |= {"2.5%": peak["97.5%"], "97.5%": peak["2.5%"]}
    times = [
        {name: clock_time(value, period) for name, value in row.items()} for row in (phase, peak)
    ]
    rows = [figures(values, "r0"), phase, *times]
    index = pd.Index(["r0", "phi0", "phi0, time of day", "reposts peak at"], name="swing")
    return pd.DataFrame(
        [[part if isinstance(part, str) else float(part) for part in row.values()] for row in rows],
        index=index,
        columns=list(phase),
        dtype=object,
    )


def lifetime(values: Values) -> pd.DataFrame:
    """Decay time tau, the half-life `tau log 2` of the chance to be reposted, and theta."""
    tau = figures(values, "tau")
    rows = {"tau": tau, "half-life": {name: value * np.log(2) for name, value in tau.items()}}
    if "theta" in values.draws():
        rows["theta"] = figures(values, "theta")
    return pd.DataFrame.from_dict(rows, orient="index", dtype=float).rename_axis("lifetime")


def p0(values: Posterior, data: Any, key: Array, limit: int) -> pd.DataFrame:
    """One row per post: its reposts in the window, and mean and quantiles of p0."""
    draws = values.draws()
    if "p0" in draws:
        found = draws["p0"]
    else:
        model: Any = values.model
        prepared = model.prepare(data)
        names = [name for name in model.shapes(data) if name != "beta"]
        some = thinned({name: draws[name] for name in names}, limit)
        given = jax.jit(
            lambda draws, prepared: jax.lax.map(lambda one: model.p0_given(one, prepared), draws)
        )
        shape, rate = (np.asarray(part, np.float64) for part in given(some, prepared))
        found = generator(key).gamma(shape, 1 / rate)
    index = pd.Index(data.names, name="post")
    return pd.DataFrame({"reposts": np.asarray(data.counts)} | statistics(found), index=index)
