"""Means and quantiles of draws, the same in every table."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from hawkesjax.inputs.arrays import HostArray

QUANTILES = (0.025, 0.5, 0.975)
NAMES = ("2.5%", "50%", "97.5%")


def statistics(
    draws: Any,
    *,
    sd: bool = False,
    median: bool = True,
    method: Literal["linear", "inverted_cdf"] = "linear",
) -> dict[str, HostArray]:
    """Mean and 2.5, 50 and 97.5 % of draws along their first axis, by column name.

    Args:
        draws: (draws, ...).
        sd: whether to add the standard deviation after the mean.
        median: whether to include the 50 % column.
        method: as in `numpy.quantile`; "inverted_cdf" if draws may be infinite.
    """
    draws = np.asarray(draws)
    columns = {"mean": draws.mean(axis=0)}
    if sd:
        columns["sd"] = draws.std(axis=0)
    columns |= dict(zip(NAMES, np.quantile(draws, QUANTILES, axis=0, method=method), strict=True))
    if not median:
        del columns["50%"]
    return columns
