"""Rates that counts, or a forecast of counts, give to a baseline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from hawkesjax.covariates.features import INTERCEPT
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import refuse
from hawkesjax.inputs.clock import UNITS

RATE = "log_rate"


class FromCounts:
    """The constructor of `Covariates` from a series of counts."""

    @classmethod
    @checked
    def from_counts(cls, series: Any, means: Any = None, ahead: Any = None) -> Self:
        r"""The features `intercept` and `log_rate`: the log of the rate that a series of counts, or
        what was fitted to it, has in each bin.

        A log-linear background with them is :math:`e^{\beta_0} m(t)^{\beta_1}`: with
        :math:`\beta_1` fixed at 1 (`fixed={"beta": [np.nan, 1.0]}`) it follows the counts up to a
        factor that is learned; with both fixed, at 0 and 1, it is them.

        Args:
            series: a `CountSeries`, on whose clock they are.
            means: (B,) mean count of each of its bins, such as `CountRegression.means`; None: the
                counts themselves.
            ahead: (A,) mean counts of the bins that follow, such as `CountForecast.mean`, so that
                forecasts find a rate there.

        Raises:
            ValueError: for bins with a gap or a count of 0, whose rate has no logarithm, and means
                of another shape.

        Example:
            >>> hours = pd.date_range("2024-03-04", periods=3, freq="h", tz="UTC")
            >>> series = hj.CountSeries.from_series(pd.Series([2, 4, 8], index=hours))
            >>> known = hj.Covariates.from_counts(series, ahead=[6.0])
            >>> np.exp(known.values[:, 1]).round(6).tolist(), known.window
            ([2.0, 4.0, 8.0, 6.0], (0.0, 4.0))
        """
        index: Any = pd.DatetimeIndex(series.index)
        values = np.asarray(series.counts if means is None else means, np.float64)
        if values.shape != (len(index),):
            raise ValueError(
                f"means have shape {values.shape}; the series has {len(index):,} bins: one for "
                f"each."
            )
        if ahead is not None:
            more = np.asarray(ahead, np.float64)
            if more.ndim != 1:
                raise ValueError(f"ahead has shape {more.shape}; give one mean for each bin.")
            index = index.append(series.after(len(more)))
            values = np.append(values, more)
        remedy = (
            "Its logarithm is no number: give means= that were fitted, as of "
            "hj.count_regression(series).means(series)."
        )
        what = "no rate above 0"
        show = lambda row: f"{index[row].isoformat()}: {values[row]:g}"  # noqa: E731
        refuse(~(np.isfinite(values) & (values > 0)), series.name, what, remedy, show)
        width = series.width.value / UNITS[series.unit]
        edges = width * np.arange(len(values) + 1)
        log_rate = np.log(values / width)
        given: dict[str, Any] = {
            "edges": edges,
            "values": np.column_stack([np.ones(len(values)), log_rate]),
            "feature_names": (INTERCEPT, RATE),
            "unit": series.unit,
            "origin": series.origin,
            "timezone": series.timezone,
        }
        return cls(**given)
