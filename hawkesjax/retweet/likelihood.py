"""The pieces of the retweet model's log-likelihood, over prepared cascades."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.scipy.special import gammaln, xlogy
from jaxtyping import Array, Float

from hawkesjax.core.cache import kept
from hawkesjax.core.hosts import summed
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.memory.kernel import THETA
from hawkesjax.retweet.memory.phases import Phases, build_phases
from hawkesjax.retweet.prepared import PreparedCascades, reach_at
from hawkesjax.retweet.swing import pair_of

Params = Mapping[str, Any]
# Of the circle of each post, for pointwise terms: at most 512 nodes per post. Relative error of a
# sum over 200,000 events: 1e-14 at S r0 = 0.9, 6e-11 at 0.99.
CELLS = 64


def swing(params: Params, data: PreparedCascades) -> tuple[Array, Array]:
    """The pair of the swing, from itself or from r0 and phi0; 0 where no post has a level."""
    if "swing" in params or not data.swinging:
        pair = jnp.asarray(params.get("swing", np.zeros(2, data.dtype)))
        return pair[0], pair[1]
    return pair_of(jnp.asarray(params["r0"]), jnp.asarray(params["phi0"]), data.period, jnp)


def exponent(model: Any, params: Params) -> Any:
    """theta, learned or fixed."""
    return params["theta"] if model.theta == "learned" else model.theta


def exposures(model: Any, params: Params, data: PreparedCascades) -> Float[Array, " posts"]:
    """L_i: the expected reposts of each post inside the window, per unit of p0."""
    u, v = swing(params, data)
    plain, real, imaginary = data.exposure.sums(params["tau"], exponent(model, params)).T
    return plain - data.sentiment * (u * imaginary + v * real)


def mean(model: Any, params: Params, data: Cascades | PreparedCascades) -> Float[Array, " posts"]:
    """The mean of each p0 before its reposts are seen."""
    if model.regression:
        slope = jnp.asarray(params["p0_slope"]) * jnp.asarray(data.sentiment)
        return jnp.exp(jnp.asarray(params["p0_level"]) + slope)
    return jnp.broadcast_to(jnp.asarray(params["p0_mean"]), data.sentiment.shape)


def of_p0(model: Any, params: Params, data: PreparedCascades) -> Float[Array, " posts"]:
    r"""The terms of p0: as given, at its best, or integrated out.

    `R log p0 - p0 L`; `R log(R / L) - R`; and, with shape a and rate b = a / mean,
    `log [b^a Gamma(a + R) / (Gamma(a) (b + L)^(a + R))]`.
    """
    exposure, reposts = exposures(model, params, data), data.reposts
    if "p0" in params:
        p0 = jnp.asarray(params["p0"])
        return xlogy(reposts, p0) - p0 * exposure
    if model.p0 == "profiled":
        safe = jnp.where(reposts > 0, exposure, 1)
        return xlogy(reposts, reposts) - reposts - reposts * jnp.log(safe)
    shape = jnp.asarray(params["p0_shape"])
    rate = shape / mean(model, params, data)
    gain = gammaln(shape + reposts) - gammaln(shape) - reposts * jnp.log(rate)
    return gain - (shape + reposts) * jnp.log1p(exposure / rate)


def by_post(model: Any, params: Params, data: PreparedCascades) -> Float[Array, " posts"]:
    """The terms of each post's reposts, all but those of the swing at each."""
    own = of_p0(model, params, data) - data.total_age / jnp.asarray(params["tau"])
    if model.theta == "learned":
        return own + reach_at(data.log_reach, params["theta"])
    return own + data.log_reach[:, 0]


def background(params: Params, data: PreparedCascades) -> Float[AnyArray, " rows"]:
    """The terms of the posts' times, one for each distinct row of features."""
    log_rate = data.features @ jnp.asarray(params["beta"])
    return data.posts * log_rate - data.durations * jnp.exp(log_rate)


def of_reposts(model: Any, params: Params, data: PreparedCascades) -> Float[Array, ""]:
    """The terms of all reposts."""
    total = jnp.sum(by_post(model, params, data))
    if not data.swinging:
        return total
    return total + jnp.sum(data.phases.terms(*swing(params, data)))


@partial(jax.jit, static_argnums=0)
def crude_level(model: Any, tau: Any, data: PreparedCascades) -> Float[Array, ""]:
    """log of the reposts per exposure at a decay time, without a swing."""
    theta = THETA if model.theta == "learned" else model.theta

    def counted(tau: Any, data: PreparedCascades) -> tuple[Array, Array]:
        return jnp.sum(data.exposure.sums(tau, theta)[:, 0]), jnp.sum(jnp.asarray(data.reposts))

    total, reposts = summed(counted, tau, data)
    return jnp.log(jnp.maximum(reposts, 0.5)) - jnp.log(jnp.where(total > 0, total, 1))


def check_values(model: Any, params: Params, data: PreparedCascades) -> None:
    """Refuse missing parameters, other shapes, and values (but traced ones) outside their support,
    with what they must be."""
    shapes = dict(model.shapes(data))
    if "p0" in params:
        shapes = {n: s for n, s in shapes.items() if not n.startswith("p0")}
        shapes["p0"] = (data.num_posts,)
    if "swing" not in params and shapes.pop("swing", None):
        shapes |= {"r0": (), "phi0": ()}
    missing = [name for name in shapes if name not in params]
    if missing:
        raise ValueError(f"Parameters {missing} are missing; needed are {list(shapes)}.")
    for name, shape in shapes.items():
        given = np.shape(params[name])
        if given != shape and (given or name == "beta"):
            raise ValueError(f"{name} has shape {given}; it must be {shape}.")
    traced = isinstance(data.bound, Tracer) or not data.swinging
    known = {name: v for name, v in params.items() if not isinstance(v, Tracer)}
    check_supports(known, float("inf") if traced else float(data.bound))


def check_supports(params: Params, bound: float) -> None:
    """Refuse values, of any leading axes, outside their support; `bound` is that of r0."""
    for name in ("tau", "theta", "p0_mean", "p0_shape"):
        value = np.asarray(params.get(name, 1.0), np.float64)
        if not np.all(value > 0):
            raise ValueError(f"{name} is {value.min()}; it must be positive.")
    p0 = np.asarray(params.get("p0", 0.0), np.float64)
    if not np.all(p0 >= 0):
        raise ValueError(f"p0 is {p0.min()}; it must be at least 0.")
    size = np.asarray(params.get("r0", 0.0), np.float64)
    if "swing" in params:
        size = np.hypot(*np.moveaxis(np.asarray(params["swing"], np.float64), -1, 0))
    if not np.all((size >= 0) & (size < bound)):
        worst = size.min() if np.any(size < 0) else size.max()
        raise ValueError(
            f"r0 is {worst:g}; it must be at least 0 and below 1 / max S = {bound:g}, or the "
            f"chance of a repost would be negative at some hour."
        )


@kept
def circles(data: Cascades, period: float, dtype: Any) -> Phases:
    """The reposts of each post on a circle of their own."""
    inside = np.asarray(data.times) >= 0
    clock = np.asarray(data.times)[inside] + np.remainder(float(data.start), period)
    post, levels = np.asarray(data.post)[inside], np.asarray(data.sentiment, np.float64)
    phases = build_phases(clock, post, levels, period, dtype, CELLS)
    with jax.ensure_compile_time_eval():
        return jax.tree.map(jnp.asarray, phases)


def swing_by_post(params: Params, data: PreparedCascades, phases: Phases) -> Float[Array, " posts"]:
    """The terms of the swing at each post's reposts."""
    waves = phases.terms(*swing(params, data))
    return jax.ops.segment_sum(waves, phases.group, data.num_posts, indices_are_sorted=True)
