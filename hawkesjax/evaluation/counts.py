"""Forecasts of counts, and how good they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from scipy import stats

LEVEL = 0.8


@dataclass(frozen=True)
class CountForecast:
    """Counts to come in each bin: negative binomial about a mean, or simulated.

    Args:
        mean: (B,) mean of each bin; this is what MAE and Pearson score.
        size: of the negative binomial, whose variance is `mean + mean**2 / size`; infinite for
            Poisson. A number, or one per bin.
        draws: (draws, B) simulated counts; then the negative binomial is matched to their
            variance, and `size` is not used.
    """

    mean: Float[np.ndarray, " bins"]
    size: float | Float[np.ndarray, " bins"] = np.inf
    draws: Real[np.ndarray, "draws bins"] | None = None

    def interval(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles that hold at least `level` of each bin's distribution."""
        tail = (1 - level) / 2
        if self.draws is not None:
            low, high = np.quantile(self.draws, (tail, 1 - tail), axis=0, method="inverted_cdf")
            return low, high
        law = self._law()
        return law.ppf(tail), law.ppf(1 - tail)

    def log_density(self, counts: np.ndarray) -> np.ndarray:
        """Log probability of each count, nats."""
        return self._law().logpmf(counts)

    def _law(self) -> Any:
        mean = np.maximum(np.asarray(self.mean, np.float64), 1e-12)
        if self.draws is None:
            size = np.broadcast_to(np.asarray(self.size, np.float64), mean.shape)
        else:
            mean = np.maximum(self.draws.mean(axis=0), 1 / (2 * len(self.draws)))
            excess = self.draws.var(axis=0) - mean
            size = np.where(excess > 0, mean**2 / np.where(excess > 0, excess, 1), np.inf)
        size = np.minimum(size, 1e8 * np.maximum(mean, 1))  # Poisson to eight digits
        size = np.maximum(size, 1e-9)  # a mean of 0 keeps a law
        return stats.nbinom(size, size / (size + mean))


def scores(counts: np.ndarray, forecast: CountForecast, level: float = LEVEL) -> dict[str, float]:
    """What the forecast of one stretch was worth.

    Args:
        counts: (B,) what was observed.
        forecast: of the same bins.
        level: nominal level of the interval.

    Returns:
        `mae` of the mean; `pearson` correlation of mean and counts, 0 where either is constant;
        `log_score`, mean log probability per bin, nats; `coverage`, share of bins whose count
        lies in the interval.

    Raises:
        ValueError: for other shapes, or a mean that is negative or not finite.
    """
    counts, mean = np.asarray(counts, np.float64), np.asarray(forecast.mean, np.float64)
    if counts.shape != mean.shape or counts.ndim != 1 or not len(counts):
        raise ValueError(f"counts have shape {counts.shape}, the forecast {mean.shape}.")
    if not np.all(np.isfinite(mean) & (mean >= 0)):
        wrong = np.flatnonzero(~(np.isfinite(mean) & (mean >= 0)))
        raise ValueError(
            f"The forecast is negative or not finite in {len(wrong):,} bins, first in bin "
            f"{wrong[0]} ({mean[wrong[0]]:g})."
        )
    low, high = forecast.interval(level)
    return {
        "mae": float(np.mean(np.abs(counts - mean))),
        "pearson": pearson(counts, mean),
        "log_score": float(np.mean(forecast.log_density(counts))),
        "coverage": float(np.mean((counts >= low) & (counts <= high))),
    }


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two stretches; 0 where one of them is constant."""
    spread = np.ptp(a) > 1e-12 * np.max(np.abs(a), initial=0), np.ptp(b) > 1e-12 * np.max(np.abs(b))
    return float(np.corrcoef(a, b)[0, 1]) if all(spread) else 0.0
