"""The log-likelihood of the Katz spike model, with baselines given or integrated out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln, logsumexp
from jaxtyping import Array, Float

from hawkesjax.katz.blocks import Block
from hawkesjax.katz.grid import gamma_grid
from hawkesjax.katz.own_past import recent_terms
from hawkesjax.katz.prepared import PreparedActivity
from hawkesjax.katz.rules import Form, Link

Params = Mapping[str, Any]


def free_terms(
    link: Link, form: Form, params: Params, data: PreparedActivity
) -> tuple[Float[Array, " rows"], Float[Array, " users"] | float]:
    """Terms of the rows, and of each user, with a baseline for each user."""
    alpha, b, rows = jnp.asarray(params["alpha"]), jnp.asarray(params["b"]), data.rows
    eta = form.rate(rows.factor * b[rows.user], alpha, rows.heard)
    terms = rows.count * link.log_terms(eta, rows.silent)
    if link.silence:
        return terms, 0.0
    return terms, -data.exposure * b - form.set_off(alpha, data.heard_by_user, b)


def free_log_likelihood(
    link: Link, form: Form, params: Params, data: PreparedActivity
) -> Float[Array, ""]:
    """With a baseline for each user."""
    terms, users = free_terms(link, form, params, data)
    return jnp.sum(terms) + jnp.sum(jnp.asarray(users)) + data.constant


def recent_log_likelihood(
    link: Link, form: Form, params: Params, data: PreparedActivity
) -> Float[Array, ""]:
    """With baselines that are weighted by recency."""
    assert data.own is not None
    events, users = recent_terms(link, form, params, data.own, data.num_users)
    return jnp.sum(events) + jnp.sum(users) + data.constant


def recent_by_user(
    link: Link, form: Form, params: Params, data: PreparedActivity
) -> Float[Array, " users"]:
    """The same by user, without the constants."""
    assert data.own is not None
    events, users = recent_terms(link, form, params, data.own, data.num_users)
    return users + jax.ops.segment_sum(events, data.own.events.user, data.num_users)


def integrals(
    link: Link, form: Form, params: Params, data: PreparedActivity
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
    link: Link, form: Form, params: Params, data: PreparedActivity, block: Block
) -> tuple[Float[Array, "classes nodes"], Float[Array, "groups nodes"]]:
    """log b at each class's nodes, and each group's log integrand there, with the nodes' weights
    and without the constant of the gamma density."""
    alpha = jnp.asarray(params["alpha"], data.dtype)
    shape, mean = jnp.asarray(params["shape"], data.dtype), jnp.asarray(params["mean"], data.dtype)
    inverse = shape / mean
    scale = inverse + data.exposure + (alpha * block.heard if form.multiplies else 0)
    scale = jnp.broadcast_to(scale, block.class_grid.shape)[:, None]
    log_y, log_weight = gamma_grid(shape + block.low, shape + block.high, block.nodes)
    log_y, log_weight, y = (
        part[block.class_grid] for part in _kept((log_y, log_weight, jnp.exp(log_y)), data)
    )
    log_b, b = log_y - jnp.log(scale), y / scale
    # With the clipped link the silent bins' exp(-b G) is not part of the integrand.
    decay = inverse * b if link.silence else y
    base = shape * log_b - decay + log_weight
    b, base = _kept((b, base), data)
    tiny = jnp.finfo(data.dtype).tiny
    own = block.cell_factor[:, None] * jnp.maximum(b, tiny)[block.cell_class]
    eta = form.rate(own, alpha, block.cell_heard[:, None])
    cells = _kept(link.log_terms(eta, block.cell_silent[:, None]), data)
    terms = block.term_count[:, None] * cells[block.term_cell]
    sums = jax.ops.segment_sum(
        terms, block.term_group, block.group_users.shape[0], indices_are_sorted=True
    )
    logs = base[block.group_class] + sums
    if form.multiplies and not link.silence:
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
    link: Link, form: Form, params: Params, data: PreparedActivity
) -> Float[Array, ""]:
    """With the baselines integrated out."""
    parts, closed = integrals(link, form, params, data)
    total = jnp.sum(data.quiet_users * closed) + data.constant
    for block, values in zip(data.blocks, parts, strict=True):
        total = total + jnp.sum(block.group_users * values)
    return total if link.silence else total - form.apart(params["alpha"], data.heard)
