"""What `sample` and `fit` return for the retweet model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Array

from hawkesjax.core.estimate import Estimate
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.random import generator
from hawkesjax.retweet import tables


class RetweetPosterior(Posterior, model="retweet"):
    """A `Posterior` with the field's own tables; intervals run from 2.5 to 97.5 %."""

    def rate_ratios(self) -> pd.DataFrame:
        """Rate ratios of the covariates: `retweet.tables.rate_ratios`."""
        beta = self.posterior["beta"].transpose("chain", "draw", "feature").values
        ratios = np.exp(beta.reshape(-1, beta.shape[-1]))
        low, middle, high = np.quantile(ratios, tables.QUANTILES, axis=0)
        names = [str(name) for name in self.posterior["feature"].values]
        return tables.rate_ratios(names, low, middle, high, ratios.mean(axis=0))

    def rhythm(self) -> pd.DataFrame:
        """Amplitude and phase of the daily swing: `retweet.tables.rhythm`."""
        if "r0" not in self.posterior:
            raise ValueError("Every post has S = 0: there is no swing.")
        period = float(self.constant_data["period"])
        phase = tables.around(self.posterior["phi0"].values.ravel(), period)
        size = tables.of_draws(self.posterior["r0"].values)
        return tables.rhythm(size, tables.of_draws(phase), period)

    def lifetime(self) -> pd.DataFrame:
        """Decay time, half-life and theta: `retweet.tables.lifetime`."""
        parts = [
            tables.of_draws(self.posterior[name].values) if name in self.posterior else None
            for name in ("tau", "theta")
        ]
        assert parts[0] is not None
        return tables.lifetime(parts[0], parts[1])

    def p0(self, model: Any, data: Any, *, key: Array, num_draws: int = 400) -> pd.DataFrame:
        """Each post's p0 with intervals, from `Gamma(a + R, b + L)` in each of some draws.

        Args:
            model, data: those that were sampled.
            key: PRNG key of the draws of integrated p0.
            num_draws: of the posterior's draws, evenly spaced.
        """
        rng = generator(key)
        return tables.p0_table(tables.p0_draws(self.posterior, model, data, rng, num_draws), data)


class RetweetEstimate(Estimate, model="retweet"):
    """An `Estimate` with the field's own tables; the column "mean" is the estimate."""

    def _row(self, name: str) -> list[float]:
        value = float(self.params[name])
        return [value, float(self.lower[name]), value, float(self.upper[name])]

    def rate_ratios(self) -> pd.DataFrame:
        """Rate ratios of the covariates: `retweet.tables.rate_ratios`."""
        low, value, high = (np.exp(part["beta"]) for part in (self.lower, self.params, self.upper))
        return tables.rate_ratios(self.coords["feature"], low, value, high, value)

    def lifetime(self) -> pd.DataFrame:
        """Decay time, half-life and theta: `retweet.tables.lifetime`."""
        theta = self._row("theta") if "theta" in self.params else None
        return tables.lifetime(self._row("tau"), theta)

    def rhythm(self) -> pd.DataFrame:
        """Amplitude and phase of the daily swing: `retweet.tables.rhythm`."""
        if "r0" not in self.params:
            raise ValueError("Every post has S = 0: there is no swing.")
        return tables.rhythm(self._row("r0"), self._row("phi0"), self.constants["period"])
