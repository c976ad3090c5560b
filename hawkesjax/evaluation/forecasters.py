"""Simple forecasters of counts, to be beaten; and a calendar whose effects are shrunk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Real
from scipy import linalg

from hawkesjax.evaluation.counts import CountForecast
from hawkesjax.evaluation.past import Past

HOURS = 168


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
        design = np.concatenate([calendar_of(hour_of_week(past.index)), past.features[:, varies]], axis=1)
        after = np.concatenate([calendar_of(hour_of_week(past.ahead)), past.features_ahead[:, varies]], axis=1)
        sds = np.repeat(
            [np.inf, self.day_sd, self.hour_sd, self.cell_sd, self.feature_sd],
            [1, 7, 24, HOURS, int(varies.sum())],
        )
        ages = np.asarray((past.index[-1] - past.index) / pd.Timedelta(days=1), np.float64)
        weights = np.exp2(-ages / self.half_life)
        beta = poisson_map(design, past.counts, precision=sds**-2.0, weights=weights)
        fitted, mean = np.exp(design @ beta), np.exp(after @ beta)
        return CountForecast(mean, size_of(past.counts, fitted, 0, weights))


def calendar_of(hours: np.ndarray) -> np.ndarray:
    """Intercept, 7 days, 24 hours and 168 hours of the week as columns, by hour of the week."""
    ones = np.ones((len(hours), 1))
    return np.concatenate(
        [ones, np.eye(7)[hours // 24], np.eye(24)[hours % 24], np.eye(HOURS)[hours]], axis=1
    )


def hour_of_week(index) -> np.ndarray:
    """0 (Monday, midnight to one) to 167, on the index's own clock."""
    return np.asarray(index.day_of_week * 24 + index.hour)


def poisson_map(
    features: Float[np.ndarray, "bins features"],
    counts: Real[np.ndarray, " bins"],
    *,
    precision: Float[np.ndarray, " features"] | None = None,
    weights: Float[np.ndarray, " bins"] | None = None,
    exposure: Float[np.ndarray, " bins"] | None = None,
) -> Float[np.ndarray, " features"]:
    r"""Coefficients that maximise `sum_h w_h (y_h x_h . b - e_h exp(x_h . b)) - b . P b / 2`.

    Newton's method with halved steps on the distinct rows of `features`; where the curvature is
    singular, the shortest step.

    Args:
        features: x, the intercept among them.
        counts: y, at least 0.
        precision: of independent normal priors about 0; 0 for none.
        weights: w of each bin; 1 by default.
        exposure: e, length of each bin; 1 by default.

    Raises:
        ValueError: without any count above 0, whose rate has no logarithm.
    """
    counts = np.asarray(counts, np.float64)
    if not counts.sum() > 0:
        raise ValueError("All training counts are 0: there is no level to learn from them.")
    ones = np.ones(len(counts))
    weights = ones if weights is None else np.asarray(weights, np.float64)
    exposure = ones if exposure is None else np.asarray(exposure, np.float64)
    rows, inverse = _distinct(np.asarray(features, np.float64))
    total = np.bincount(inverse, weights * counts, len(rows))
    size = np.bincount(inverse, weights * exposure, len(rows))
    prior = np.zeros(rows.shape[1]) if precision is None else np.asarray(precision, np.float64)

    def objective(beta):
        eta = rows @ beta
        with np.errstate(over="ignore"):
            return total @ eta - size @ np.exp(eta) - 0.5 * prior @ beta**2

    level = np.log(total.sum() / size.sum())
    beta = np.linalg.lstsq(rows, np.full(len(rows), level), rcond=None)[0]
    value = objective(beta)
    for _ in range(100):
        rate = size * np.exp(rows @ beta)
        slope = rows.T @ (total - rate) - prior * beta
        curvature = (rows * rate[:, None]).T @ rows + np.diag(prior)
        step = _solve(curvature, slope)
        gain = slope @ step
        if gain < 1e-10 * (1 + abs(value)) * 1e-3:
            break
        scale = min(1.0, 4.0 / max(np.abs(rows @ step).max(), 1e-300))
        while not objective(beta + scale * step) > value and scale > 1e-10:
            scale /= 2
        beta = beta + scale * step
        value = objective(beta)
    return beta


def _distinct(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that differ, and which of them each row is; equal rows have equal sums of any kind."""
    mixed = features @ np.random.default_rng(0).standard_normal(features.shape[1])
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    if np.array_equal(features[first][inverse], features):
        return features[first], inverse
    return features, np.arange(len(features))


def _solve(curvature: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The Newton step; the shortest one where the curvature is singular."""
    scale = np.sqrt(np.maximum(np.diag(curvature), 1e-300))
    scaled = curvature / np.outer(scale, scale)
    try:
        factor = linalg.cho_factor(scaled + 1e-13 * np.eye(len(scale)))
        if np.min(np.abs(np.diag(factor[0]))) > 1e-5:
            return linalg.cho_solve(factor, slope / scale) / scale
    except linalg.LinAlgError:
        pass
    return np.linalg.lstsq(curvature, slope, rcond=1e-11)[0]


def size_of(
    counts: np.ndarray,
    means: np.ndarray,
    parameters: int | np.integer,
    weights: np.ndarray | None = None,
) -> float:
    """Size of the negative binomial whose variance the residuals have; infinite for Poisson.

    Args:
        counts, means: of the training bins.
        parameters: degrees of freedom that the means used.
        weights: of the bins.
    """
    weights = np.ones(len(counts)) if weights is None else weights
    spare = max(len(counts) - parameters, 1) / len(counts)
    excess = weights @ ((counts - means) ** 2 / spare - means)
    return float(weights @ means**2 / excess) if excess > 0 else np.inf
