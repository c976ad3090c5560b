"""Forecasts of the sizes of single cascades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import Level, checked


@dataclass(frozen=True, eq=False, repr=False)
class SizeForecast(Kept):
    """Sizes that cascades will have, as draws.

    Args:
        names: of the cascades.
        seen: (C,) reposts seen.
        sizes: (C, draws) sizes at the horizon, those seen included.
        exploded: (C,) share of the draws that passed the cap at first and were drawn again; those
            that still do after all retries are counted as well, and kept at the cap. None where
            no path was simulated.
        observed, horizon: ages, in `unit`.
        unit: of time.
        ignored: what was not known of both the cascades and those that taught the forecast
            ("followers", "time of day"), and was not used.
    """

    names: tuple[str, ...]
    seen: Int[np.ndarray, " cascades"]
    sizes: Float[np.ndarray, "cascades draws"]
    exploded: Float[np.ndarray, " cascades"] | None
    observed: float
    horizon: float
    unit: str
    ignored: tuple[str, ...] = ()

    @checked
    def quantile(self, q: Level) -> Float[np.ndarray, " cascades"]:
        """The size that a cascade stays below with probability q."""
        return np.quantile(self.sizes, q, axis=1)

    @checked
    def table(self, level: Level = 0.8) -> pd.DataFrame:
        """One row per cascade: reposts seen; median, mean and interval of the size; `exploded`, the
        share of its draws that passed the cap at first, where paths were simulated."""
        tail = (1 - level) / 2
        columns = {
            "seen": self.seen,
            "median": self.quantile(0.5),
            "mean": self.sizes.mean(axis=1),
            "lower": self.quantile(tail),
            "upper": self.quantile(1 - tail),
        }
        if self.exploded is not None:
            columns["exploded"] = self.exploded
        return pd.DataFrame(columns, index=pd.Index(self.names, name="post"))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"sizes": self.table()}

    @checked
    def score(self, truth: Int[np.ndarray, " cascades"], level: Level = 0.8) -> dict[str, float]:
        """Median and mean absolute percentage error of the median, and coverage of the interval.

        Args:
            truth: observed sizes; those of 0 have no percentage and are left out of the error.
            level: of the interval.
        """
        truth = np.asarray(truth, np.float64)
        table = self.table(level)
        reposted = truth > 0
        error = np.abs(table["median"].to_numpy()[reposted] / truth[reposted] - 1)
        inside = (truth >= table["lower"]) & (truth <= table["upper"])
        return {
            "median_ape": float(np.median(error)),
            "mean_ape": float(np.mean(error)),
            "coverage": float(np.mean(inside)),
        }

    def __repr__(self) -> str:
        rows = self.table().head(5).to_string(float_format=lambda x: f"{x:.4g}")
        without = f"; {' and '.join(self.ignored)} not known, not used" if self.ignored else ""
        return (
            f"SizeForecast: {len(self.names):,} cascades from age {self.observed:g} to "
            f"{self.horizon:g} {self.unit}s, {self.sizes.shape[1]} draws each{without}\n{rows}"
        )
