"""What `sample` and `fit` return for the retweet model, with tables in the words of those who post.

Intervals run from 2.5 to 97.5 %; of an estimate the column "mean" is the estimate itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array

from hawkesjax.core.draws import thinned
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.intervals import NORMAL_975
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.random import generator
from hawkesjax.core.tables import statistics
from hawkesjax.covariates.features import quantities

AT_ONCE = (
    "All posts lie at the window's start, as those of cascades without calendar time do: beta, the "
    "rate of posts, means nothing here."
)


class _Tables:
    """The tables that an estimate and a posterior have in common."""

    def rate_ratios(self: Any) -> pd.DataFrame:
        """Rate ratios `exp(beta)`: how many times the rate of posts one unit of a feature makes it.

        Of the intercept it is the rate itself, posts per unit of time where all else is 0; the
        column `quantity` says which.

        Raises:
            ValueError: where all posts lie at the window's start.
        """
        if self._at_once:
            raise ValueError(AT_ONCE)
        names = pd.Index(self.coords["feature"], name="feature")
        columns = {"quantity": quantities(names)} | _columns(self, "beta", np.exp)
        return pd.DataFrame(columns, index=names)

    @property
    def _at_once(self: Any) -> bool:
        known = self.constant_data if isinstance(self, Posterior) else self.constants
        return float(known["last_post"]) <= 0

    def rhythm(self: Any) -> pd.DataFrame:
        r"""The daily swing: its amplitude r0, its phase phi0 as a time, and when reposts peak.

        The chance of a repost is largest at `t = -phi0 - T / 4`, where the sine is -1. Where the
        data do not exclude that there is no swing, it may be at any time of day.

        Raises:
            ValueError: where no post has a level of sentiment.
        """
        if "r0" not in self.draws():
            raise ValueError("Every post has S = 0: there is no swing.")
        if isinstance(self, Posterior):
            period = float(self.constant_data["period"])
            phase = _columns(self, "phi0", lambda draws: around(draws, period))
            untold = holds_nothing(self.draws()["swing"])
        else:
            period = self.constants["period"]
            phase = _columns(self, "phi0")
            untold = phase["97.5%"] - phase["2.5%"] > (1 - 1e-6) * period
        peak = {name: -value - period / 4 for name, value in phase.items()}
        peak |= {"2.5%": peak["97.5%"], "97.5%": peak["2.5%"]}
        numbers = [list(map(float, row.values())) for row in (_columns(self, "r0"), phase)]
        times = [
            ["any time of day" if untold else clock_time(at, period) for at in row.values()]
            for row in (phase, peak)
        ]
        index = pd.Index(["r0", "phi0", "phi0, time of day", "reposts peak at"], name="swing")
        return pd.DataFrame([*numbers, *times], index=index, columns=list(phase), dtype=object)

    def lifetime(self: Any) -> pd.DataFrame:
        """Decay time tau, the half-life `tau log 2` of the chance to be reposted, and theta."""
        tau = _columns(self, "tau")
        rows = {"tau": tau, "half-life": {name: value * np.log(2) for name, value in tau.items()}}
        if "theta" in self.draws():
            rows["theta"] = _columns(self, "theta")
        return pd.DataFrame.from_dict(rows, orient="index", dtype=float).rename_axis("lifetime")

    def tables(self: Any) -> dict[str, pd.DataFrame]:
        """Every table that needs no data beside, by name."""
        known = {"summary": self.summary()}
        known |= {} if self._at_once else {"rate_ratios": self.rate_ratios()}
        known |= {"rhythm": self.rhythm()} if "r0" in self.draws() else {}
        return known | {"lifetime": self.lifetime()}


class RetweetPosterior(_Tables, Posterior):
    """A `Posterior` with the field's own tables."""

    def p0(self, data: Any = None, *, key: Array | int, num_draws: int = 400) -> pd.DataFrame:
        """One row per post: its reposts in the window, and mean and quantiles of its p0.

        Integrated p0 is drawn from `Gamma(a + R, b + L)` in each of some draws.

        Args:
            data: the cascades that were sampled; after `load` they must be given.
            key: PRNG key of the draws of integrated p0.
            num_draws: of the posterior's draws, evenly spaced.
        """
        data, draws = self.sampled(data), self.draws()
        if "p0" in draws:
            p0 = draws["p0"]
        else:
            model: Any = self.model
            names = [name for name in model.shapes(data) if name != "beta"]
            chosen = thinned({name: draws[name] for name in names}, num_draws)
            given = jax.jit(
                lambda draws, data: jax.lax.map(lambda one: model.p0_given(one, data), draws)
            )
            parts = given(chosen, model.prepare(data))
            shape, rate = (np.asarray(part, np.float64) for part in parts)
            p0 = generator(key).gamma(shape, 1 / rate)
        index = pd.Index(data.names, name="post")
        return pd.DataFrame({"reposts": np.asarray(data.counts)} | statistics(p0), index=index)


class RetweetEstimate(_Tables, Estimate):
    """An `Estimate` with the field's own tables."""


def _columns(values: Any, name: str, change: Callable[[Any], Any] = np.asarray) -> dict[str, Any]:
    """Mean and quantiles of a parameter, changed first, by column; of an estimate itself and the
    ends of its interval."""
    if isinstance(values, Posterior):
        return statistics(change(values.draws()[name]))
    low, middle, high = (change(part[name]) for part in (values.lower, values.params, values.upper))
    return {"mean": middle, "2.5%": low, "50%": middle, "97.5%": high}


def clock_time(value: Any, period: float) -> str:
    """A point of the period as a time of day: "18:30"; "unknown" for NaN."""
    if np.isnan(value):
        return "unknown"
    minutes = round(float(np.mod(value / period, 1)) * 1440) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def around(draws: np.ndarray, period: float) -> np.ndarray:
    """Draws on a circle, moved into the period around their circular mean."""
    turns = np.exp(2j * np.pi * draws / period)
    centre = np.angle(turns.mean()) / (2 * np.pi) * period
    return centre + np.mod(draws - centre + period / 2, period) - period / 2


def holds_nothing(pairs: np.ndarray) -> bool:
    """Whether draws of pairs, (draws, 2), do not exclude (0, 0): it lies within the ellipse in
    which `retweet.swing.outline` looks."""
    middle = pairs.mean(axis=0)
    return float(middle @ np.linalg.pinv(np.cov(pairs.T)) @ middle) <= NORMAL_975**2
