"""What `sample` and `fit` return for the retweet model."""

from __future__ import annotations

from typing import Any

import pandas as pd
from jaxtyping import Array

from hawkesjax.core.estimate import Estimate
from hawkesjax.core.posterior import Posterior
from hawkesjax.retweet import tables


class _Tables:
    """The tables that an estimate and a posterior have in common."""

    def rate_ratios(self: Any) -> pd.DataFrame:
        """Rate ratios of the covariates: `retweet.tables.rate_ratios`."""
        return tables.rate_ratios(self)

    def rhythm(self: Any) -> pd.DataFrame:
        """Amplitude and phase of the daily swing: `retweet.tables.rhythm`."""
        return tables.rhythm(self)

    def lifetime(self: Any) -> pd.DataFrame:
        """Decay time, half-life and theta: `retweet.tables.lifetime`."""
        return tables.lifetime(self)

    def tables(self: Any) -> dict[str, pd.DataFrame]:
        """Every table that needs no data beside, by name."""
        known = {"summary": self.summary(), "rate_ratios": self.rate_ratios()}
        known |= {"rhythm": self.rhythm()} if "r0" in self.draws() else {}
        return known | {"lifetime": self.lifetime()}


class RetweetPosterior(_Tables, Posterior):
    """A `Posterior` with the field's own tables; intervals run from 2.5 to 97.5 %."""

    def p0(self, data: Any = None, *, key: Array, num_draws: int = 400) -> pd.DataFrame:
        """Each post's p0 with intervals, from `Gamma(a + R, b + L)` in each of some draws.

        Args:
            data: the cascades that were sampled; after `load` they must be given.
            key: PRNG key of the draws of integrated p0.
            num_draws: of the posterior's draws, evenly spaced.
        """
        return tables.p0(self, self.sampled(data), key, num_draws)


class RetweetEstimate(_Tables, Estimate):
    """An `Estimate` with the field's own tables; the column "mean" is the estimate."""
