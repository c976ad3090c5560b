"""Priors of the Hawkes model, by name or the user's own, and the stationarity constraint."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from numpyro.distributions import constraints
from numpyro.distributions.transforms import ComposeTransform, ExpTransform, Transform, biject_to

from hawkesjax.hawkes.perron import spectral_radius


def default_priors(rates: jax.Array) -> dict[str, dist.Distribution]:
    r"""Weakly informative priors that do not depend on the unit of time.

    With `r_i` the data's own rate of mark i per sequence and `r` their sum,

    - `mu[m, i] ~ HalfCauchy(r_i)`: sequences may differ by orders of magnitude;
    - `alpha[i, j] ~ Exponential(mean 1/D)`: about one child per event in all, with no cap at 1;
    - `gamma[i, j] ~ LogNormal(log r, 2)`: 95 % within a factor of 50 of the data's own rate, so
      that a decay without information (alpha near 0) stays proper;
    - hierarchical baseline: `mu_median[i] ~ HalfCauchy(r_i)`, `mu_spread[i] ~ HalfNormal(1)`.

    Args:
        rates: (D,) events of each mark per unit of time and sequence, positive.
    """
    return {
        "mu": dist.HalfCauchy(rates),
        "mu_median": dist.HalfCauchy(rates),
        "mu_spread": dist.HalfNormal(np.ones(rates.shape, rates.dtype)),
        "alpha": dist.Exponential(np.asarray(rates.shape[-1], rates.dtype)),
        "gamma": dist.LogNormal(jnp.log(jnp.sum(rates)), np.asarray(2.0, rates.dtype)),
    }


def o2o_priors(rates: jax.Array) -> dict[str, dist.Distribution]:
    """Priors of o2o-process 3.10: alpha ~ Beta(1, 1), mu and gamma ~ HalfCauchy(5).

    They depend on the unit of time (the package takes days). The hierarchical baseline, which
    that package does not have, keeps `default_priors`.
    """
    one, five = jnp.ones((), rates.dtype), jnp.asarray(5.0, rates.dtype)
    own = {
        "mu": dist.HalfCauchy(five),
        "alpha": dist.Beta(one, one),
        "gamma": dist.HalfCauchy(five),
    }
    return default_priors(rates) | own


def signed_effects(data: Any) -> dist.Distribution:
    """Prior of effects that may inhibit: `alpha[i, j] ~ Normal(0, 1/D)`, symmetric, with the
    standard deviation of the default prior of effects that only excite."""
    return dist.Normal(jnp.zeros((), data.dtype), jnp.asarray(1 / data.num_marks, data.dtype))


NAMED = {"default": default_priors, "o2o": o2o_priors}


class _Stationary(constraints.Constraint):
    """Positive matrices with spectral radius below one."""

    event_dim = 2

    def __call__(self, x):
        return jnp.all(x > 0, axis=(-1, -2)) & (spectral_radius(x) < 1)

    def feasible_like(self, prototype):
        return jnp.full_like(prototype, 0.5 / prototype.shape[-1])

    def tree_flatten(self):
        return (), ((), {})


stationary = _Stationary()


class PerronTransform(Transform):
    r"""Positive matrices onto those with spectral radius below one: `A = B / (1 + rho(B))`.

    The inverse is `B = A / (1 - rho(A))`; the map is radial, so its Jacobian determinant is
    `(1 + rho(B))^-(D^2 + 1)`. Smooth inside: the constraint costs NUTS no divergences.
    """

    domain = constraints.independent(constraints.positive, 2)  # pyright: ignore[reportAssignmentType]
    codomain = stationary  # pyright: ignore[reportAssignmentType]

    def __call__(self, x):
        return x / (1 + spectral_radius(x))[..., None, None]

    def _inverse(self, y):
        return y / (1 - spectral_radius(y))[..., None, None]

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        return -(x.shape[-1] ** 2 + 1) * jnp.log1p(spectral_radius(x))

    def tree_flatten(self):
        return (), ((), {})


@biject_to.register(_Stationary)
def _biject_to_stationary(_):
    return ComposeTransform([_independent_exp(), PerronTransform()])


def _independent_exp():
    return dist.transforms.IndependentTransform(ExpTransform(), 2)


class Truncated(dist.Distribution):
    """A prior on alpha truncated to spectral radius below one (density up to its constant)."""

    pytree_data_fields = ("base",)
    support = stationary  # pyright: ignore[reportAssignmentType]

    def __init__(self, base: dist.Distribution):
        self.base = base
        super().__init__(batch_shape=(), event_shape=base.shape())

    def log_prob(self, value):
        return jnp.sum(self.base.log_prob(value), axis=(-1, -2))

    def sample(self, key, sample_shape=()):
        """Exact draws, by rejection."""
        batch = (*sample_shape, *self.event_shape)

        def draw(state):
            key, kept, found = state
            key, now = jax.random.split(key)
            fresh = self.base.expand(batch).sample(now)
            kept = jnp.where(found[..., None, None], kept, fresh)
            return key, kept, found | (spectral_radius(kept) < 1)

        start = (key, jnp.zeros(batch), jnp.zeros(sample_shape, bool))
        return jax.lax.while_loop(lambda state: ~jnp.all(state[2]), draw, start)[1]
