"""A prior under which most effects are nearly 0 and a few are not."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float
from numpyro.distributions import constraints

from hawkesjax.core.parameter import Parameter
from hawkesjax.inputs.arguments import ABOVE_0, number
from hawkesjax.inputs.arrays import AnyArray

SCALE = "alpha_scale"
TERMS = 30  # of the series, below 2: the last is 2^30 / (30 30!) = 1e-25
DEPTH = 40  # of the continued fraction, from 2 on: 1e-14 off


@dataclass(frozen=True)
class Horseshoe:
    r"""A regularised horseshoe prior of alpha: `hj.Hawkes(priors={"alpha": hj.Horseshoe(20)})`.

    .. math:: \alpha_{ij} \sim \mathrm{HalfNormal}(\tau \tilde\lambda_{ij}), \qquad
              \tilde\lambda_{ij}^2 = \frac{c^2 \lambda_{ij}^2}{c^2 + \tau^2 \lambda_{ij}^2}, \qquad
              \lambda_{ij} \sim \mathrm{HalfCauchy}(1), \qquad
              \tau \sim \mathrm{HalfCauchy}(\tau_0)

    with :math:`\lambda` tilted by :math:`(1 + \tau^2 \lambda^2 / c^2)^{-1/2}`, which matters only
    beyond c: the density of alpha given :math:`\tau` is then known,

    .. math:: p(\alpha \mid \tau) = \frac{\sqrt 2 \, e^{u} E_1(u) \, e^{-\alpha^2 / 2 c^2}}
              {\pi^{3/2} \, \tau \, Z(\tau / c)}, \quad u = \frac{\alpha^2}{2 \tau^2}, \quad
              Z(k) = \frac{2 \arccos k}{\pi \sqrt{1 - k^2}}

    so that chains move over alpha and the one new parameter `alpha_scale`, :math:`\tau`, without
    the D^2 local scales and the funnels between them and alpha.

    With m effects expected among P, :math:`\tau_0 = \frac{m}{P - m} s`, where s is the standard
    error of a typical effect, the median of :math:`\sqrt{2 r_i / (N_j \gamma)}`: r_i the rate of
    mark i, N_j the events of mark j, and gamma known or, where it is learned, the rate of all
    events (the centre of its default prior). It is for `sample`; `fit` knows no priors.

    Args:
        effects: m, how many effects are expected to stand out; above 0, below the number of pairs
            whose effect is learned.
        slab: c, the standard deviation of effects that stand out, expected children.

    Raises:
        ValueError: for numbers that are not above 0.

    Source: Piironen and Vehtari (2017), Electron. J. Stat. 11, 5018-5051, equations 2.8 and 3.12,
    there for effects of both signs and with lambda as it is; the tilt: Nishimura and Suchard
    (2023), Bayesian Anal. 18, 367-390; the density: Carvalho, Polson and Scott (2010), Biometrika
    97, 465-480.

    Example:
        >>> model = hj.Hawkes(decay="shared", priors={"alpha": hj.Horseshoe(effects=20)})
        >>> [one.name for one in model.parameters]
        ['mu', 'alpha_scale', 'alpha', 'gamma']
    """

    effects: float
    slab: float = 1.0

    def __post_init__(self) -> None:
        for name in ("effects", "slab"):
            object.__setattr__(self, name, float(number(getattr(self, name), name, ABOVE_0)))

    def config(self) -> str:
        """As text, from which `restored` makes it again."""
        return repr(self)

    @classmethod
    def restored(cls, config: Any) -> Any:
        """A prior's configuration, as a `Horseshoe` if it is one."""
        if not (isinstance(config, str) and config.startswith(f"{cls.__name__}(")):
            return config
        call: Any = ast.parse(config, mode="eval").body
        return cls(**{word.arg: ast.literal_eval(word.value) for word in call.keywords})

    def parameter(self, gamma: Any, possible: Any) -> Parameter:
        """The common scale; `possible(data)` is P."""

        def guess(data: Any) -> Array:
            rates = jnp.asarray(data.rates)
            counts = jnp.maximum(jnp.sum(jnp.asarray(data.counts), axis=0), 0.5)
            decay = jnp.sum(rates) if gamma is None else jnp.mean(jnp.asarray(gamma, data.dtype))
            error = jnp.sqrt(2 * rates[:, None] / (counts * decay))
            return self.effects / (possible(data) - self.effects) * jnp.median(error)

        return Parameter(SCALE, lambda data: dist.HalfCauchy(guess(data)), (), guess, None, ABOVE_0)

    def given(self, data: Any) -> HalfHorseshoe:
        """The prior of alpha, whose scale `HalfHorseshoe.at` sets."""
        shape = (data.num_marks,) * 2
        return HalfHorseshoe(jnp.ones(shape, data.dtype), np.asarray(self.slab, data.dtype))


class HalfHorseshoe(dist.Distribution):
    """The density of `Horseshoe`, given its scale."""

    arg_constraints = {"scale": constraints.positive, "slab": constraints.positive}  # noqa: RUF012
    support: Any = constraints.positive

    def __init__(self, scale: Any, slab: Any, *, validate_args: bool | None = None) -> None:
        self.scale, self.slab = jnp.asarray(scale), jnp.asarray(slab)
        shape = jnp.broadcast_shapes(self.scale.shape, self.slab.shape)
        super().__init__(shape, validate_args=validate_args)

    def at(self, params: Mapping[str, Any]) -> HalfHorseshoe:
        """With the scale among given parameters, which may have axes of draws."""
        if SCALE not in params:
            return self
        scale = jnp.asarray(params[SCALE])
        shape = (*scale.shape, *self.batch_shape)
        return HalfHorseshoe(jnp.broadcast_to(scale[..., None, None], shape), self.slab)

    def log_prob(self, value: AnyArray) -> Array:
        scale, slab = self.scale, self.slab
        log_u = 2 * (jnp.log(value) - jnp.log(scale)) - math.log(2)
        plain = jnp.log(_scaled_integral(log_u)) - jnp.log(scale) + 0.5 * math.log(2 / math.pi**3)
        return plain - 0.5 * jnp.square(value / slab) - jnp.log(_share(scale / slab))

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Array:
        """Exact draws: local scales by rejection, then the half-normal."""
        shape = (*sample_shape, *self.batch_shape)
        ratio = self.scale / self.slab
        dtype = jnp.result_type(ratio)
        last, key = jax.random.split(key)

        def draw(state: Any) -> Any:
            key, kept, found = state
            key, one, two = jax.random.split(key, 3)
            local = jnp.abs(jax.random.cauchy(one, shape, dtype))
            taken = jax.random.uniform(two, shape, dtype) < 1 / jnp.hypot(1.0, ratio * local)
            return key, jnp.where(found, kept, local), found | taken

        start = (key, jnp.ones(shape, dtype), jnp.zeros(shape, bool))
        local = jax.lax.while_loop(lambda state: ~jnp.all(state[2]), draw, start)[1]
        spread = self.scale * local / jnp.hypot(1.0, ratio * local)
        return spread * jnp.abs(jax.random.normal(last, shape, dtype))


def _scaled_integral(log_u: Float[AnyArray, "..."]) -> Float[Array, "..."]:
    r""":math:`e^u E_1(u)`: the series below 2, the continued fraction beyond."""
    few = log_u < math.log(2)
    u = jnp.exp(jnp.where(few, log_u, 0))
    series = jnp.zeros_like(u)
    for k in range(TERMS, 0, -1):
        series = (series + 1 / (k * math.factorial(k)) * (-1) ** k) * u
    below = jnp.exp(u) * (-np.euler_gamma - jnp.where(few, log_u, 0) - series)
    u = jnp.exp(jnp.where(few, math.log(2), log_u))
    rest = u + (2 * DEPTH + 1)
    for k in range(DEPTH, 0, -1):
        rest = u + (2 * k - 1) - k**2 / rest
    return jnp.where(few, below, 1 / rest)


def _share(k: Float[AnyArray, "..."]) -> Float[Array, "..."]:
    """Z of `Horseshoe`: the mean over local scales of the tilt."""
    near, below = jnp.abs(k - 1) < 1e-3, k < 1
    d = jnp.where(near, k - 1, 0)
    inside, beyond = jnp.where(~near & below, k, 0.5), jnp.where(~near & ~below, k, 2.0)
    found = jnp.where(
        below,
        jnp.arccos(inside) / jnp.sqrt(1 - inside**2),
        jnp.arccosh(beyond) / jnp.sqrt(beyond**2 - 1),
    )
    series = 1 - d / 3 + 2 * d**2 / 15 - 2 * d**3 / 35
    return 2 / math.pi * jnp.where(near, series, found)
