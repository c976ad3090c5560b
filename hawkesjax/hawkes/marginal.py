"""The Hawkes model whose offsets are integrated out: what `fit` of a hierarchical baseline
maximises."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.parameter import Parameter
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.prepared import over_copies
from hawkesjax.hawkes.settings import Data, Params


@dataclass(frozen=True)
class MarginalHawkes(HawkesLaw):
    r"""A Hawkes model with a hierarchical baseline, without its offsets.

    The log-likelihood is that of `Hawkes` integrated over standard normal offsets, to 1e-8 per
    sequence and mark (`hawkesjax.hawkes.offsets`).
    """

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table without the offsets."""
        return tuple(one for one in super().parameters if one.name != "mu_offset")

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """None: tables take derived quantities from the full model."""
        return {}

    @property
    def local(self) -> None:
        """None: no local parameter remains."""
        return None

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood, integrated over the offsets."""
        data = self.prepare(data)
        if data.shares is not None:
            return data.shares.sum(self.log_likelihood, params)
        if data.copies is not None:
            return over_copies(lambda one: self.log_likelihood(params, one), data)
        alpha, *rest = self.excitation_of(params)
        # Laid out with a baseline of 1: only the parts that do not depend on it are used.
        ones = jnp.ones((data.num_sequences, data.num_marks), data.dtype)
        ends = self.form_of(params, data).event_terms(ones, alpha, *rest)[1]
        children = self.children(params, data, ends)
        whole = self.offsets(params, data).log_integrals()
        return jnp.sum(whole) - jnp.sum(alpha * children)

    def log_density(self, params: Params, data: Data) -> Float[Array, ""]:
        """The same: no latent variable remains."""
        return self.log_likelihood(params, data)


def integrated(model: HawkesLaw) -> HawkesLaw:
    """The model whose likelihood `fit` maximises: for a hierarchical baseline the one integrated
    over its offsets, otherwise the model itself.

    Raises:
        ValueError: for offsets that are not standard normal.
    """
    if model.pooled:
        raise ValueError(
            "fit cannot estimate pooled effects: the joint likelihood of the groups and their "
            "spread has no maximum. Use sample, or do not pool: then each group has its own alpha."
        )
    if model.horseshoe is not None:
        raise ValueError(
            "fit maximises the likelihood and knows no priors; a Horseshoe is for sample. For "
            "estimates that are shrunk use hj.shrink."
        )
    if model.background.levels != "hierarchical":
        return model
    if model.link != "identity":
        raise ValueError(
            f"fit integrates a hierarchical baseline over its offsets only for link='identity': "
            f"with link={model.link!r}, use sample, or another baseline."
        )
    given = {} if isinstance(model.priors, str) else dict(model.priors)
    offset = given.get("mu_offset", dist.Normal(0.0, 1.0))
    standard = isinstance(offset, dist.Normal) and bool(
        np.all((np.asarray(offset.loc) == 0) & (np.asarray(offset.scale) == 1))
    )
    if not standard:
        raise ValueError(
            "fit integrates a hierarchical baseline over standard normal offsets; with another "
            "prior of mu_offset, use sample."
        )
    settings: dict[str, Any] = {one.name: getattr(model, one.name) for one in fields(HawkesLaw)}
    return MarginalHawkes(**settings)
