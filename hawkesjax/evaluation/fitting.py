"""Penalised Poisson regression on calendars, and the spread that is left."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Real
from scipy import linalg

HOURS = 168


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
    start: Float[np.ndarray, " features"] | None = None,
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
        start: coefficients that are near; the same maximum in fewer steps.

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

    if start is None:
        level = np.full(len(rows), np.log(total.sum() / size.sum()))
        start = np.linalg.lstsq(rows, level, rcond=None)[0]
    beta = start
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
