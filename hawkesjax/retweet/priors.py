"""Priors of the retweet model: the disc on which the daily swing lives, and weak defaults."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from numpyro.distributions import constraints
from numpyro.distributions.transforms import Transform, biject_to

from hawkesjax.retweet.prepared import THETAS, PreparedCascades


class Disc(constraints.Constraint):
    """Pairs within a circle around 0."""

    event_dim = 1

    def __init__(self, radius: Any) -> None:
        self.radius = radius

    def __call__(self, x):
        return jnp.sum(x**2, axis=-1) < self.radius**2

    def feasible_like(self, prototype):
        return jnp.zeros_like(prototype)

    def tree_flatten(self):
        return (self.radius,), (("radius",), {})


class DiscTransform(Transform):
    r"""The plane onto a disc, `y = radius x / sqrt(1 + |x|^2)`; smooth at 0, without a seam.

    A phase as an angle would jump where its circle is cut open, and have no meaning at
    amplitude 0; the pair (amplitude cosine, amplitude sine) has neither trouble.
    """

    domain = constraints.real_vector  # pyright: ignore[reportAssignmentType]
    codomain = constraints.real_vector  # pyright: ignore[reportAssignmentType]

    def __init__(self, radius: Any) -> None:
        self.radius = radius

    def __call__(self, x):
        return self.radius * x / jnp.sqrt(1 + jnp.sum(x**2, axis=-1, keepdims=True))

    def _inverse(self, y):
        y = y / self.radius
        return y / jnp.sqrt(1 - jnp.sum(y**2, axis=-1, keepdims=True))

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        return 2 * jnp.log(self.radius) - 2 * jnp.log1p(jnp.sum(x**2, axis=-1))

    def tree_flatten(self):
        return (self.radius,), (("radius",), {})


@biject_to.register(Disc)
def _biject_to_disc(constraint: Disc) -> DiscTransform:
    return DiscTransform(constraint.radius)


class UniformDisc(dist.Distribution):
    """Uniform within a circle around 0: no time of day is preferred."""

    arg_constraints = {"radius": constraints.positive}  # noqa: RUF012
    reparametrized_params = ["radius"]  # noqa: RUF012
    pytree_data_fields = ("radius",)

    def __init__(self, radius: Any = 1.0):
        self.radius = jnp.asarray(radius)
        super().__init__(batch_shape=(), event_shape=(2,))

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self):
        return Disc(self.radius)

    def log_prob(self, value):
        return -jnp.log(np.pi * self.radius**2) + jnp.zeros(value.shape[:-1], value.dtype)

    def sample(self, key, sample_shape=()):
        distance, angle = jax.random.uniform(key, (2, *sample_shape))
        size = self.radius * jnp.sqrt(distance)
        turn = 2 * np.pi * angle
        return jnp.stack([size * jnp.cos(turn), size * jnp.sin(turn)], axis=-1)


def default_priors(data: PreparedCascades) -> dict[str, dist.Distribution]:
    r"""Weakly informative priors that do not depend on the unit of time.

    - `beta ~ Normal(0, 2.5)`, the intercept's around the log of the data's own rate of posts: an
      effect beyond a factor of 150 is not expected of an indicator;
    - `swing` uniform on the disc `r0 < 1 / max S`: no time of day is preferred;
    - `tau ~ LogNormal(log(2 periods), 2)`: 95 % from an hour to 100 days;
    - `theta ~ Uniform(0.05, 1)`, where it is learned;
    - `p0_mean ~ LogNormal(log p, 2)` with p the data's own reposts per exposure, `p0_shape ~
      LogNormal(0, 1.5)`; free `p0 ~ LogNormal(log p, 2)` each;
    - `p0_level ~ Normal(log p, 2)`, `p0_slope ~ Normal(0, 1)`: the regression on sentiment.
    """
    real = data.dtype

    def number(value: Any) -> Any:
        return jnp.asarray(value, real)

    return {
        "beta": dist.Normal(data.intercept * jnp.log(data.rate), number(2.5)),
        "swing": UniformDisc(data.bound),
        "tau": dist.LogNormal(number(np.log(2 * data.period)), number(2.0)),
        "theta": dist.Uniform(number(THETAS[0]), number(THETAS[1])),
        "p0": dist.LogNormal(data.guess, number(2.0)),
        "p0_mean": dist.LogNormal(data.guess, number(2.0)),
        "p0_shape": dist.LogNormal(number(0.0), number(1.5)),
        "p0_level": dist.Normal(data.guess, number(2.0)),
        "p0_slope": dist.Normal(number(0.0), number(1.0)),
    }
