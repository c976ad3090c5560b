"""Forecasters of counts: simple ones, to be beaten, and a calendar whose effects are shrunk.

`LocalCalendar` is the one to use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hawkesjax.evaluation.counts import CountForecast
from hawkesjax.evaluation.fitting import HOURS, calendar_of, hour_of_week, poisson_map, size_of
from hawkesjax.evaluation.local import LocalCalendar
from hawkesjax.evaluation.past import Past

__all__ = [
    "Constant",
    "HourOfWeek",
    "LastValue",
    "LocalCalendar",
    "PoissonRegression",
    "ShrunkenCalendar",
]


@dataclass(frozen=True)
class Constant:
    """The mean of the training bins, everywhere."""

    def __call__(self, past: Past) -> CountForecast:
        mean = np.full(len(past.ahead), past.counts.mean())
        return CountForecast(mean, size_of(past.counts, np.full(len(past.counts), mean[0]), 1))


@dataclass(frozen=True)
class LastValue:
    """The last count before the cut, everywhere; its spread is that of the same guess in training.

    Args:
        bins: use the mean of this many last bins.
    """

    bins: int = 1

    def __call__(self, past: Past) -> CountForecast:
        last = float(past.counts[-self.bins :].mean())
        size = size_of(past.counts, np.full(len(past.counts), last), 0)
        return CountForecast(np.full(len(past.ahead), last), size)


@dataclass(frozen=True)
class HourOfWeek:
    """The mean of the same hour of the week (local clock) over the training bins.

    An hour of the week that was not seen gets the mean of all bins.
    """

    def __call__(self, past: Past) -> CountForecast:
        own, ahead = hour_of_week(past.index), hour_of_week(past.ahead)
        seen = np.bincount(own, minlength=HOURS)
        sums = np.bincount(own, past.counts, HOURS)
        means = np.where(seen > 0, sums / np.maximum(seen, 1), past.counts.mean())
        return CountForecast(means[ahead], size_of(past.counts, means[own], HOURS))


@dataclass(frozen=True)
class PoissonRegression:
    r"""`y_h ~ Poisson(exp(beta . C_h))` by maximum likelihood; the forecast is its mean.

    A feature that does not vary in training has no effect that could be learned: its coefficient
    is 0 (of several that are collinear, the smallest coefficients are taken).
    """

    def __call__(self, past: Past) -> CountForecast:
        beta = poisson_map(past.features, past.counts)
        fitted = np.exp(past.features @ beta)
        ahead = np.exp(past.features_ahead @ beta)
        rank = np.linalg.matrix_rank(past.features)
        return CountForecast(ahead, size_of(past.counts, fitted, rank))


@dataclass(frozen=True)
class ShrunkenCalendar:
    r"""Day and hour, what single hours of the week add, features, and a level that may move.

    .. math:: \log E[y_h] = \beta_0 + a_{day} + b_{hour} + c_{day, hour} + \gamma \cdot C_h

    with normal priors: wide for days and hours, narrow for c, so that an hour of the week leaves
    the sum of its day and hour as far as the data insist (partial pooling). The log-likelihood
    of a bin counts `2 ** (-age / half_life)`: what was long ago says less about the next days.
    Bins are negative binomial about the maximum a posteriori.

    Args:
        half_life: in days; infinite: all bins count alike.
        day_sd, hour_sd, cell_sd, feature_sd: prior standard deviations of the log effects.

    Source: discounting: West and Harrison (1997), Bayesian Forecasting and Dynamic Models, 6.3.
    """

    half_life: float = 28.0
    day_sd: float = 1.0
    hour_sd: float = 1.0
    cell_sd: float = 0.1
    feature_sd: float = 0.5

    def __call__(self, past: Past) -> CountForecast:
        varies = np.ptp(past.features, axis=0) > 0
        design = np.concatenate(
            [calendar_of(hour_of_week(past.index)), past.features[:, varies]], axis=1
        )
        after = np.concatenate(
            [calendar_of(hour_of_week(past.ahead)), past.features_ahead[:, varies]], axis=1
        )
        sds = np.repeat(
            [np.inf, self.day_sd, self.hour_sd, self.cell_sd, self.feature_sd],
            [1, 7, 24, HOURS, int(varies.sum())],
        )
        ages = np.asarray((past.index[-1] - past.index) / pd.Timedelta(days=1), np.float64)
        weights = np.exp2(-ages / self.half_life)
        beta = poisson_map(design, past.counts, precision=sds**-2.0, weights=weights)
        fitted, mean = np.exp(design @ beta), np.exp(after @ beta)
        return CountForecast(mean, size_of(past.counts, fitted, 0, weights))
