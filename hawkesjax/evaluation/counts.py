"""Forecasts of counts, and how good they were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy
from jaxtyping import Float, Real

from hawkesjax.core.kept import Kept

LEVEL = 0.8
GRID = np.linspace(0, 1, 101)  # shares of a law at which it is calibrated
QUANTILES = 100  # of a law, in its CRPS


@dataclass(frozen=True)
class CountForecast(Kept):
    """Counts to come in each bin: negative binomial about a mean, or simulated.

    Args:
        mean: (B,) mean of each bin, which Pearson's correlation scores.
        size: of the negative binomial, whose variance is `mean + mean**2 / size`; infinite for
            Poisson. A number, or one per bin.
        draws: (draws, B) simulated counts; then the negative binomial is matched to their
            variance, and `size` is not used.
        held: (101,) a calibration of the negative binomial F: the distribution is `H(F(y))`, where
            H has these values at 0, 0.01, ..., 1 and is linear between them, from 0 to 1.
            None: `H(u) = u`.
        point: (B,) the guess of a single number, which the absolute error scores; None: the mean.
    """

    mean: Float[np.ndarray, " bins"]
    size: float | Float[np.ndarray, " bins"] = np.inf
    draws: Real[np.ndarray, "draws bins"] | None = None
    held: Float[np.ndarray, " grid"] | None = None
    point: Float[np.ndarray, " bins"] | None = None

    def at(self, bins: Any) -> CountForecast:
        """The forecast of some of the bins: a mask, places or a slice."""
        part = lambda x: None if x is None else np.asarray(x)[..., bins]  # noqa: E731
        size = self.size if np.ndim(self.size) == 0 else part(self.size)
        return replace(
            self,
            mean=np.asarray(self.mean)[bins],
            size=size,
            draws=part(self.draws),
            point=part(self.point),
        )

    def table(self, starts: Any, level: float = LEVEL) -> pd.DataFrame:
        """One row per bin: its start, the point forecast, the mean, and an interval.

        Args:
            starts: (B,) the bins' starts, as in `Past.ahead`.
            level: of the interval.
        """
        low, high = self.interval(level)
        point = self.mean if self.point is None else self.point
        return pd.DataFrame(
            {"start": starts, "forecast": point, "mean": self.mean, "low": low, "high": high}
        )

    def quantile(self, p: float | np.ndarray) -> np.ndarray:
        """Least count with at least the share `p` of the distribution at or below it.

        Args:
            p: a number or (P,).

        Returns:
            (B,), or (P, B).
        """
        if self.draws is not None:
            return np.quantile(self.draws, p, axis=0, method="inverted_cdf")
        p = np.asarray(p, np.float64)
        if self.held is not None:
            p = np.interp(p, self.held, GRID)
        return self._law().ppf(p[..., None])

    def cdf(self, counts: np.ndarray) -> np.ndarray:
        """Probability of at most so many counts in each bin."""
        if self.draws is not None:
            return np.mean(self.draws <= np.asarray(counts), axis=0)
        told = self._law().cdf(counts)
        return told if self.held is None else np.interp(told, GRID, self.held)

    def interval(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Counts between which lies as nearly `level` of each bin's distribution as whole numbers
        allow.

        The lower end leaves as nearly half of the rest below it as possible; the upper end is then
        the count with which the interval holds the share nearest to `level`.
        """
        tail = (1 - level) / 2
        low = self.quantile(tail)
        below, through = self.cdf(low - 1), self.cdf(low)
        low = np.where(through - tail < tail - below, low + 1, low)
        below = self.cdf(low - 1)
        high = np.maximum(self._quantiles(np.minimum(below + level, 1 - 1e-12)), low)
        held, less = self.cdf(high) - below, self.cdf(high - 1) - below
        shorter = (held - level > level - less) & (high > low)
        return low, np.where(shorter, high - 1, high)

    def _quantiles(self, p: np.ndarray) -> np.ndarray:
        """As `quantile`, one share for each bin."""
        if self.draws is not None:
            ordered = np.sort(self.draws, axis=0)
            place = np.ceil(p * len(ordered) - 1e-9).astype(int) - 1
            return ordered[np.clip(place, 0, len(ordered) - 1), np.arange(len(p))]
        if self.held is not None:
            p = np.interp(p, self.held, GRID)
        return self._law().ppf(p)

    def crps(self, counts: np.ndarray) -> np.ndarray:
        """(B,) continuous ranked probability score: the distance of the distribution from each
        count, in counts; of a certain forecast the absolute error.

        `2 int_0^1 (1[y <= q_p] - p) (q_p - y) dp`, by the midpoints of 100 shares p.

        Source: Gneiting and Raftery (2007), JASA 102, 359-378; Laio and Tamea (2007), Hydrol. Earth
        Syst. Sci. 11, 1267-1277, for this form.
        """
        p = (np.arange(QUANTILES) + 0.5) / QUANTILES
        q, y = self.quantile(p), np.asarray(counts, np.float64)
        return 2 * np.mean(((y <= q) - p[:, None]) * (q - y), axis=0)

    def log_density(self, counts: np.ndarray) -> np.ndarray:
        """Log probability of each count, nats."""
        law, told = self._law(), np.asarray(counts, np.float64)
        log = law.logpmf(told)
        if self.held is None:
            return log
        below, through = law.cdf(told - 1), law.cdf(told)
        share = np.interp(through, GRID, self.held) - np.interp(below, GRID, self.held)
        wide = through - below > 1e-9
        # Within one cell of the grid H is linear: its slope scales the probability.
        cell = np.clip(np.ceil(through * (len(GRID) - 1)).astype(int) - 1, 0, len(GRID) - 2)
        slope = np.diff(self.held)[cell] * (len(GRID) - 1)
        inside = wide & (share > 0)
        return np.where(inside, np.log(np.where(inside, share, 1)), log + np.log(slope))

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
        return scipy.stats.nbinom(size, size / (size + mean))


def scores(counts: np.ndarray, forecast: CountForecast, level: float = LEVEL) -> dict[str, float]:
    """What the forecast of one stretch was worth.

    Args:
        counts: (B,) what was observed.
        forecast: of the same bins.
        level: nominal level of the interval.

    Returns:
        `mae` of the point forecast; `pearson` correlation of mean and counts, 0 where either is
        constant; `log_score`, mean log probability per bin, nats; `crps`, mean continuous ranked
        probability score, counts; `coverage`, share of bins whose count lies in the interval.

    Raises:
        ValueError: for other shapes, or a mean that is negative or not finite.
    """
    counts, mean = np.asarray(counts, np.float64), np.asarray(forecast.mean, np.float64)
    if counts.shape != mean.shape or counts.ndim != 1 or not len(counts):
        raise ValueError(f"counts have shape {counts.shape}, the forecast {mean.shape}.")
    point = mean if forecast.point is None else np.asarray(forecast.point, np.float64)
    for values in (mean, point):
        if not np.all(np.isfinite(values) & (values >= 0)):
            wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
            raise ValueError(
                f"The forecast is negative or not finite in {len(wrong):,} bins, first in bin "
                f"{wrong[0]} ({values[wrong[0]]:g})."
            )
    low, high = forecast.interval(level)
    return {
        "mae": float(np.mean(np.abs(counts - point))),
        "pearson": pearson(counts, mean),
        "log_score": float(np.mean(forecast.log_density(counts))),
        "crps": float(np.mean(forecast.crps(counts))),
        "coverage": float(np.mean((counts >= low) & (counts <= high))),
    }


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two stretches; 0 where one of them is constant."""
    spread = np.ptp(a) > 1e-12 * np.max(np.abs(a), initial=0), np.ptp(b) > 1e-12 * np.max(np.abs(b))
    return float(np.corrcoef(a, b)[0, 1]) if all(spread) else 0.0
