"""The log-likelihood of the Katz spike model, with baselines given or integrated out."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln, logsumexp
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.katz.blocks import Block
from hawkesjax.katz.grid import gamma_grid
from hawkesjax.katz.prepared import PreparedActivity


def log_terms(link: str, eta: Float[AnyArray, "..."], silent: AnyArray) -> Float[AnyArray, "..."]:
    r"""Log probability of an active or a silent bin of rate eta, once `-eta` is set apart.

    hazard: `log expm1(eta)`; poisson: `log eta` (a post); both have nothing to add for a silent
    bin. clip: `log min(eta, 1)` and `log(1 - min(eta, 1))`, with nothing set apart.
    """
    if link == "clip":
        certain = eta >= 1
        inside = jnp.where(certain, 0.5, eta)
        value = jnp.log(jnp.where(silent, 1 - inside, inside))
        return jnp.where(certain, jnp.where(silent, -jnp.inf, 0.0), value)
    if link == "poisson":
        return jnp.log(eta)
    # log expm1(eta) without overflow: eta + log(1 - exp(-eta))
    return eta + jnp.log(-jnp.expm1(-eta))


def rate(form: str, base: AnyArray, alpha: AnyArray, heard: AnyArray, factor: AnyArray) -> AnyArray:
    """eta of the baseline, messages heard and common factor."""
    if form == "multiplicative":
        return factor * base * (1 + alpha * heard)
    return factor * base + alpha * heard


def free_log_likelihood(
    link: str, form: str, alpha: AnyArray, b: Float[AnyArray, " users"], data: PreparedActivity
) -> Float[Array, ""]:
    """With a baseline for each user."""
    eta = rate(form, b[data.row_user], alpha, data.row_heard, data.row_factor)
    total = jnp.sum(data.row_count * log_terms(link, eta, data.row_silent)) + data.constant
    if link == "clip":
        return total
    if form == "multiplicative":
        return total - jnp.sum(b * (data.exposure + alpha * data.heard_by_user))
    return total - data.exposure * jnp.sum(b) - alpha * data.heard


def integrals(
    link: str, form: str, params: Any, data: PreparedActivity
) -> tuple[list[Float[Array, " groups"]], Float[Array, " kinds"]]:
    r"""log of each group's integral over its baseline, by block, and of the quiet kinds.

    .. math:: \int_0^\infty \mathrm{Gamma}(b; a, a / m)\, e^{-b (G + \alpha R)}
              \prod_e f(\eta_e(b))\, db

    The additive form's common factor `exp(-alpha R_i)` is left out.
    """
    shape, mean = jnp.asarray(params["shape"]), jnp.asarray(params["mean"])
    constant = shape * jnp.log(shape / mean) - gammaln(shape)
    parts = []
    for block in data.blocks:
        _, logs = node_terms(link, form, params, data, block)
        parts.append(constant + logsumexp(logs, axis=1))
    closed = -shape * jnp.log1p((data.exposure + params["alpha"] * data.quiet_heard) * mean / shape)
    return parts, closed


def node_terms(
    link: str, form: str, params: Any, data: PreparedActivity, block: Block
) -> tuple[Float[Array, "classes nodes"], Float[Array, "groups nodes"]]:
    """log b at each class's nodes, and each group's log integrand there, with the nodes' weights
    and without the constant of the gamma density."""
    alpha = jnp.asarray(params["alpha"], data.dtype)
    shape, mean = jnp.asarray(params["shape"], data.dtype), jnp.asarray(params["mean"], data.dtype)
    inverse = shape / mean
    scale = inverse + data.exposure + (alpha * block.heard if form == "multiplicative" else 0)
    scale = jnp.broadcast_to(scale, block.class_grid.shape)[:, None]
    log_y, log_weight = gamma_grid(shape + block.low, shape + block.high, block.nodes)
    log_y, log_weight, y = (
        part[block.class_grid] for part in _kept((log_y, log_weight, jnp.exp(log_y)), data)
    )
    log_b, b = log_y - jnp.log(scale), y / scale
    # With the clipped link the silent bins' exp(-b G) is not part of the integrand.
    decay = inverse * b if link == "clip" else y
    base = shape * log_b - decay + log_weight
    b, base = _kept((b, base), data)
    tiny = jnp.finfo(data.dtype).tiny
    eta = rate(
        form,
        jnp.maximum(b, tiny)[block.cell_class],
        alpha,
        block.cell_heard[:, None],
        block.cell_factor[:, None],
    )
    cells = _kept(log_terms(link, eta, block.cell_silent[:, None]), data)
    terms = block.term_count[:, None] * cells[block.term_cell]
    sums = jax.ops.segment_sum(
        terms, block.term_group, block.group_users.shape[0], indices_are_sorted=True
    )
    logs = base[block.group_class] + sums
    if form == "multiplicative" and link != "clip":
        logs = logs - alpha * block.group_heard[:, None] * b[block.group_class]
    return log_b, logs


def _kept(values: Any, data: PreparedActivity) -> Any:
    """The same values, kept in memory.

    XLA fuses what it can, and would take logarithms again for every gather that reads them (on
    CPUs also across an `optimization_barrier`): twice the time. It does not fuse across a
    condition, here one that always holds.
    """
    zeros = lambda leaves: jax.tree.map(jnp.zeros_like, leaves)  # noqa: E731
    return jax.lax.cond(data.exposure > 0, lambda leaves: leaves, zeros, values)


def integrated_log_likelihood(
    link: str, form: str, params: Any, data: PreparedActivity
) -> Float[Array, ""]:
    """With the baselines integrated out."""
    parts, closed = integrals(link, form, params, data)
    total = jnp.sum(data.quiet_users * closed) + data.constant
    for block, values in zip(data.blocks, parts, strict=True):
        total = total + jnp.sum(block.group_users * values)
    if form == "additive" and link != "clip":
        total = total - params["alpha"] * data.heard
    return total
