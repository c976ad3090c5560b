"""Intervals that hold what past forecasts held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hawkesjax.evaluation.counts import GRID, CountForecast


def held_shares(
    told: Sequence[CountForecast], seen: Sequence[np.ndarray], prior: float
) -> Float[np.ndarray, " grid"]:
    r"""The share of counts at or below each quantile of their forecasts, for `CountForecast.held`.

    .. math:: H(u) = \frac{c u + \sum_h [G_h(u) + 1 - G_h(1 - u)] / 2}{c + n}, \quad
              G_h(u) = \mathrm{clip}\left(\frac{u - F_h(y_h - 1)}{F_h(y_h) - F_h(y_h - 1)}, 0,
              1\right)

    G is the distribution of the probability transform of a count that is spread over its step. H is
    symmetric: intervals become wider or narrower, and the median stays, because a few stretches
    tell less of a shift, which the next need not have.

    Args:
        told: forecasts, not calibrated.
        seen: the counts of their bins.
        prior: c, bins that hold what they should.
    """
    below = [forecast.cdf(counts - 1) for forecast, counts in zip(told, seen, strict=True)]
    through = [forecast.cdf(counts) for forecast, counts in zip(told, seen, strict=True)]
    return held_of(np.concatenate([*below, []]), np.concatenate([*through, []]), prior)


def held_of(
    below: Float[np.ndarray, " seen"], through: Float[np.ndarray, " seen"], prior: float
) -> Float[np.ndarray, " grid"]:
    """H of `held_shares`, from the probabilities of less than was seen, and of at most that."""
    step = np.maximum(through - below, 1e-12)
    part = np.clip((GRID[:, None] - below) / step, 0, 1).sum(axis=1)
    held = (prior * GRID + (part + len(below) - part[::-1]) / 2) / (prior + len(below))
    held[[0, -1]] = 0.0, 1.0
    return held
