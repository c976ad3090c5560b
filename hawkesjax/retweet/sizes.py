"""Forecasts of the sizes of single cascades."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False, repr=False)
class SizeForecast:
    """Sizes that cascades will have, as draws, with quantiles read off calibrated.

    Args:
        names: of the cascades.
        seen: (C,) reposts seen.
        sizes: (C, draws) simulated sizes at the horizon, those seen included.
        exploded: (C,) share of the draws that passed the cap at first and were drawn again, or
            gave their place to another draw of the cascade; those that no such draw could replace
            are counted as well, and kept at the cap.
        observed, horizon: ages, in `unit`.
        unit: of time.
        places: sorted positions that held-out cascades took among their draws, each in (0, 1);
            None where quantiles are those of the draws.
    """

    names: tuple[str, ...]
    seen: Int[np.ndarray, " cascades"]
    sizes: Float[np.ndarray, "cascades draws"]
    exploded: Float[np.ndarray, " cascades"]
    observed: float
    horizon: float
    unit: str
    places: Float[np.ndarray, " training"] | None = None

    def quantile(self, q: float) -> Float[np.ndarray, " cascades"]:
        """The size that a cascade stays below with probability q."""
        if not 0 < q < 1:
            raise ValueError(f"q is {q!r}; it must lie between 0 and 1.")
        if self.places is not None:
            q = float(np.quantile(self.places, q))
        return np.quantile(self.sizes, q, axis=1)

    def uncalibrated(self) -> SizeForecast:
        """The same with the quantiles of the draws."""
        return replace(self, places=None)

    def table(self, level: float = 0.8) -> pd.DataFrame:
        """One row per cascade: reposts seen; median, mean and interval of the size; `exploded`, the
        share of its draws that passed the cap at first and were replaced."""
        if not 0 < level < 1:
            raise ValueError(f"level is {level!r}; it must lie between 0 and 1.")
        tail = (1 - level) / 2
        return pd.DataFrame(
            {
                "seen": self.seen,
                "median": self.quantile(0.5),
                "mean": self.sizes.mean(axis=1),
                "lower": self.quantile(tail),
                "upper": self.quantile(1 - tail),
                "exploded": self.exploded,
            },
            index=pd.Index(self.names, name="post"),
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"sizes": self.table()}

    def score(self, truth: Int[np.ndarray, " cascades"], level: float = 0.8) -> dict[str, float]:
        """Median absolute percentage error of the median, and coverage of the interval.

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
        return (
            f"SizeForecast: {len(self.names):,} cascades from age {self.observed:g} to "
            f"{self.horizon:g} {self.unit}s, {self.sizes.shape[1]} draws each\n{rows}"
        )
