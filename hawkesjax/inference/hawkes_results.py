"""The tables of a Hawkes posterior."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hawkesjax.inference import tables
from hawkesjax.inference.attribution import attribution
from hawkesjax.inference.posterior import Posterior


class HawkesPosterior(Posterior, model="hawkes"):
    """A `Posterior` with the field's own tables."""

    def spillover(self) -> pd.DataFrame:
        """Effects of each source on each target with intervals: `tables.spillover`."""
        return tables.spillover(self.posterior)

    def decay(self) -> pd.DataFrame:
        """Decay rates and half-lives with intervals: `tables.decay`."""
        return tables.decay(self.posterior)

    def baseline(self) -> pd.DataFrame:
        """Baselines of each sequence and mark with intervals: `tables.baseline`."""
        return tables.baseline(self.posterior)

    def rate_ratios(self) -> pd.DataFrame:
        """Rate ratios exp(beta) of the covariates with intervals: `tables.rate_ratios`."""
        return tables.rate_ratios(self.posterior)

    def shares(self, panel: Any = None, *, model: Any = None) -> pd.DataFrame:
        """Parts of each target's events due to each source, with 95 % intervals from whole draws.

        Args:
            panel: without it, the long-run shares of `tables.shares`, which are undefined (NaN,
                with the reason beside) at or above criticality; with the sampled panel, the
                shares among its own events (`hawkesjax.attribution`), which always exist.
            model: needed with a panel where it has covariates or another kernel.
        """
        if panel is not None:
            return attribution(self, panel, model=model).shares()
        return tables.shares(self.posterior)
