"""What a forecaster of counts is given, and the features of bins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation.counts import CountForecast
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.checks import refuse


@dataclass(frozen=True, eq=False)
class Past:
    """What is known at a cut: the counts before it, and the features on both sides.

    Args:
        counts: (T,) of the training bins; those in gaps of the record are left out, so that
            neighbours may lie further apart than a bin.
        index: the training bins' starts.
        ahead: the starts of the bins to forecast, without a gap.
        features: (T, F) of the training bins, without a column for F = 0.
        features_ahead: (B, F) of the bins to forecast.
        feature_names: F names.
        data: the source of the counts cut at the same ends, where `rolling` was given one.
    """

    counts: Float[np.ndarray, " bins"]
    index: pd.DatetimeIndex
    ahead: pd.DatetimeIndex
    features: Float[np.ndarray, "bins features"]
    features_ahead: Float[np.ndarray, "ahead features"]
    feature_names: tuple[str, ...] = ()
    data: Any = None


Forecaster = Callable[[Past], CountForecast]


def features_of(
    covariates: Covariates | None, index: pd.DatetimeIndex, width: pd.Timedelta
) -> tuple[AnyArray, tuple[str, ...]]:
    """Features of bins and their names.

    Raises:
        ValueError: for features that change within a bin, or do not reach over all.
    """
    if covariates is None:
        return np.zeros((len(index), 0)), ()
    features = covariates.at(index)
    changes = np.any(features != covariates.at(index + width * (1 - 1e-6)), axis=1)
    remedy = (
        "Use narrower bins, covariates whose cells end where bins end, or their means over the "
        "bins (Covariates.averaged)."
    )
    what = "features that change within the bin"
    refuse(changes, "counts", what, remedy, lambda row: str(index[row]))
    return features, covariates.feature_names
