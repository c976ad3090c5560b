"""Covariates as tables and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import counted, listed
from hawkesjax.inputs.moments import moments, shown
from hawkesjax.inputs.names import name_lines


class AsTables:
    """`Covariates` as tables and text."""

    def describe(self: Any) -> pd.DataFrame:
        """One row per feature: mean over time, smallest and largest value, share of time not 0."""
        weights = self.durations / self.durations.sum()
        return pd.DataFrame(
            {
                "feature": list(self.feature_names),
                "mean": weights @ self.values,
                "least": self.values.min(axis=0),
                "largest": self.values.max(axis=0),
                "time_not_0": weights @ (self.values != 0),
            }
        )

    def to_dataframe(self: Any) -> pd.DataFrame:
        """One row per cell: start, end, features; datetimes where there is an `origin`."""
        edges = moments(self, self.edges)
        features = dict(zip(self.feature_names, self.values.T, strict=True))
        return pd.DataFrame({"start": edges[:-1], "end": edges[1:]} | features)

    def __repr__(self: Any) -> str:
        """One screen on covariates of any size."""
        names = self.feature_names
        if not isinstance(self.edges, np.ndarray):
            return f"Covariates({listed(names)}, traced)"
        low, high = self.window
        unit = f" {self.unit}s" if self.unit else ""
        zone = f"; local time of {self.timezone}" if self.timezone else ""
        lines = [
            f"Covariates: {counted(len(names), 'feature')}, {counted(self.num_cells, 'cell')}",
            f"  window  {covered(self)}, {high - low:.6g}{unit} long{zone}",
            "  features, and their mean over time",
        ]
        lines += name_lines(names, (f"{mean:>10.4g}" for mean in self.describe()["mean"]))
        return "\n".join(lines)


def covered(covariates: Any) -> str:
    """The window in words."""
    return " to ".join(shown(covariates, covariates.window))
