"""Covariates as tables and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import counted, listed
from hawkesjax.inputs.moments import moments, shown
from hawkesjax.inputs.names import name_lines


def describe(covariates: Any) -> pd.DataFrame:
    """See `Covariates.describe`."""
    weights = covariates.durations / covariates.durations.sum()
    return pd.DataFrame(
        {
            "feature": list(covariates.feature_names),
            "mean": weights @ covariates.values,
            "least": covariates.values.min(axis=0),
            "largest": covariates.values.max(axis=0),
            "time_not_0": weights @ (covariates.values != 0),
        }
    )


def to_dataframe(covariates: Any) -> pd.DataFrame:
    """See `Covariates.to_dataframe`."""
    edges = moments(covariates, covariates.edges)
    features = dict(zip(covariates.feature_names, covariates.values.T, strict=True))
    return pd.DataFrame({"start": edges[:-1], "end": edges[1:]} | features)


def text(covariates: Any) -> str:
    """One screen on covariates of any size."""
    names = covariates.feature_names
    if not isinstance(covariates.edges, np.ndarray):
        return f"Covariates({listed(names)}, traced)"
    low, high = covariates.window
    unit = f" {covariates.unit}s" if covariates.unit else ""
    zone = f"; local time of {covariates.timezone}" if covariates.timezone else ""
    lines = [
        f"Covariates: {counted(len(names), 'feature')}, {counted(covariates.num_cells, 'cell')}",
        f"  window  {covered(covariates)}, {high - low:.6g}{unit} long{zone}",
        "  features, and their mean over time",
    ]
    lines += name_lines(names, (f"{mean:>10.4g}" for mean in describe(covariates)["mean"]))
    return "\n".join(lines)


def covered(covariates: Any) -> str:
    """The window in words."""
    return " to ".join(shown(covariates, covariates.window))
