"""The tables of what `sample` and `fit` return for the Hawkes model."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from hawkesjax.core.estimate import Estimate
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.verbs import attribution
from hawkesjax.covariates.features import quantities
from hawkesjax.hawkes import tables
from hawkesjax.hawkes.evidence import bayes_factors


class HawkesPosterior(Posterior):
    """A `Posterior` with the field's own tables."""

    spillover = tables.spillover
    decay = tables.decay
    baseline = tables.baseline
    rate_ratios = tables.rate_ratios
    group_effects = tables.group_effects
    contrast = tables.contrast
    bayes_factors = bayes_factors

    def shares(self, panel: Any = None) -> pd.DataFrame:
        """Shares of each target's events due to each source, with 95 % intervals from whole draws.

        Args:
            panel: without it, the long-run shares of `tables.shares`, which are undefined (NaN,
                with the reason given) at or above criticality; with the sampled panel, the
                shares among its own events (`hawkesjax.attribution`), which always exist.
        """
        if panel is not None:
            return attribution(self, panel).shares()
        return tables.shares(self)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that needs only the draws, by name."""
        known = {"summary": self.summary(), "spillover": self.spillover()}
        if "gamma" in self.posterior:
            known["decay"] = self.decay()
        known |= {"baseline": self.baseline(), "shares": self.shares()}
        if "alpha_group" in self.posterior:
            known["groups"] = self.group_effects()
        return known | ({"rate_ratios": self.rate_ratios()} if "beta" in self.posterior else {})


class HawkesEstimate(Estimate):
    """An `Estimate` with the field's own tables."""

    def rate_ratios(self) -> pd.DataFrame:
        """Rate ratios exp(beta) of the covariates with 95 % intervals, one row per mark and
        feature; the intercept's row is the rate per unit of time where all features are 0 (column
        `quantity`).

        Raises:
            ValueError: when the model has no covariates.
        """
        if "beta" not in self.params:
            raise ValueError("The model has no covariates; there is no beta.")
        dims = self.dims["beta"]
        index = pd.MultiIndex.from_product([self.coords[dim] for dim in dims], names=dims)
        parts = {"estimate": self.params, "2.5%": self.lower, "97.5%": self.upper}
        columns = {n: np.exp(part["beta"]).ravel() for n, part in parts.items()}
        return pd.DataFrame(
            {"quantity": quantities(index.get_level_values("feature"))} | columns, index
        )

    def contrast(
        self, first: str, second: str, *, of: Literal["alpha", "gamma"] = "alpha"
    ) -> pd.DataFrame:
        """How many more events the events of one group trigger than those of another, or how much
        faster.

        Args:
            first, second: names of groups, as in `alpha_group`, that differ in one feature.
            of: `"gamma"` for the decay rates of a model with `gamma_effects`.

        Returns:
            One row per effect: the ratio of the first group's alpha (or gamma) to the second's, and
            its 95 % interval.

        Raises:
            ValueError: for an unknown group, decay rates that are common to all, and groups that
                differ in several features: their ratio needs a posterior (`sample`), or a fit with
                one of them as the reference.
        """
        known = getattr(self.model, "alpha_effects", None)
        if known is None or "alpha_effect" not in self.params:
            raise ValueError("The model has no groups of its own: it has no alpha_effects.")
        if f"{of}_effect" not in self.params:
            raise ValueError(tables.COMMON_DECAYS)
        for name in (first, second):
            if name not in known.labels:
                shown = ", ".join(known.labels)
                raise ValueError(f"There is no group {name!r}; there are {shown}.")
        step = known.rows[known.labels.index(first)] - known.rows[known.labels.index(second)]
        if np.count_nonzero(step) != 1:
            raise ValueError(
                f"{first} and {second} differ in {np.count_nonzero(step)} features: use a "
                f"posterior's contrast, or fit with one of them as the reference (the first "
                f"category of its column)."
            )
        place = int(np.flatnonzero(step)[0])
        parts = {"ratio": self.params, "2.5%": self.lower, "97.5%": self.upper}
        columns = {n: np.exp(step[place] * p[f"{of}_effect"][..., place]) for n, p in parts.items()}
        if step[place] < 0:
            columns["2.5%"], columns["97.5%"] = columns["97.5%"], columns["2.5%"]
        dims = self.dims[f"{of}_effect"][:-1]
        index = tables.effects_of({dim: self.coords[dim] for dim in dims})
        return pd.DataFrame({name: column.ravel() for name, column in columns.items()}, index)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that needs only the estimate, by name."""
        known = super().tables()
        return known | ({"rate_ratios": self.rate_ratios()} if "beta" in self.params else {})
