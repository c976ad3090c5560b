"""Quantiles against their law."""

from __future__ import annotations

from typing import Any

import numpy as np

from hawkesjax.plotting import style

EXPECTED = "waiting time expected if the model is right (unit exponential quantile)"
RESCALED = "rescaled waiting time\n(expected events)"


def exponential_quantiles(axis: Any, sample: np.ndarray, name: str, points: int) -> None:
    """Quantiles of a sample of residuals against those of the unit exponential, with a 95 % band;
    about `points` of them at most, the largest ones always. NaN are left out."""
    from scipy import stats

    sample = np.sort(sample[~np.isnan(sample)])
    count = len(sample)
    ranks = np.arange(1, count + 1)
    if count > points:
        keep = np.linspace(0, count - 1, points // 2).astype(int)
        keep = np.union1d(keep, np.arange(count - points // 2, count))
        sample, ranks = sample[keep], ranks[keep]
    expected = -np.log1p(-(ranks - 0.5) / max(count, 1))
    edges = stats.beta.ppf([[0.025], [0.975]], ranks, count - ranks + 1)
    band = -np.log1p(-edges)
    axis.fill_between(expected, *band, color=style.grey(0.8), linewidth=0)
    limit = max(expected.max(initial=1.0), sample.max(initial=1.0))
    line = np.linspace(0, expected.max(initial=1.0) * 1.03, 200)  # bent on other scales
    axis.plot(line, line, color=style.grey(0.35), linewidth=0.8)
    axis.plot(expected, sample, ".", markersize=2.5, color=style.colour(0))
    shown = f", {len(sample):,} drawn" if len(sample) < count else ""
    axis.set_title(f"{name} ({count:,} events{shown})", loc="left")
    axis.set_xlim(0, expected.max(initial=1.0) * 1.03)
    axis.set_ylim(0, limit * 1.03)
