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

    def shares(self, panel: Any = None) -> pd.DataFrame:
        """Parts of each target's events due to each source, with 95 % intervals from whole draws.

        Args:
            panel: without it, the long-run shares of `tables.shares`, which need draws below
                criticality; with the sampled panel, the shares among its own events
                (`hawkesjax.attribution`), which need nothing.
        """
        if panel is not None:
            return attribution(self, panel).shares()
        return tables.shares(self.posterior)
