"""A grid on which gamma-distributed rates integrate out."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray

TAIL = 16.0  # nats (of a square root) that the grid reaches into the left tail
REACH = 5.0  # ten standard deviations of the root of a gamma variable
SPACING = 0.35  # of nodes in t, for an error below 1e-10
LEAST = 32  # nodes


def gamma_grid(
    low: Float[AnyArray, " classes"], high: Float[AnyArray, " classes"], nodes: int
) -> tuple[Float[Array, "classes nodes"], Float[Array, "classes nodes"]]:
    r"""Nodes and weights for `int_0^inf f(y) dy / y`, f like a gamma density with a shape between
    `low` and `high`: `y^low exp(-y)` at the left, at most `y^high exp(-y)` at the right.

    The root of a gamma variable has a standard deviation of 1/2 whatever its shape, so nodes are
    even in the root `z = y^(1/2)`; towards 0, where `y^low` may be all that makes the integral
    finite, they spread out double exponentially: `z = log(1 + exp(t - exp(-t)))`, trapezoids in t
    (their error falls exponentially with the number of nodes).

    Args:
        low, high: shapes, one pair per class of integrals.
        nodes: nodes of each.

    Returns:
        log y and log weight. No derivative passes through where the nodes lie.

    Source: the substitution: Takahasi and Mori (1974), Publ. RIMS 9, 721-741.
    """
    low, high = jax.lax.stop_gradient((low, high))
    begin, end = bounds(low, high, jnp)
    step = (end - begin) / (nodes - 1)
    t = begin[:, None] + step[:, None] * jnp.arange(nodes, dtype=step.dtype)[None]
    x = t - jnp.exp(-t)
    far = x < -30
    log_z = jnp.where(far, x, jnp.log(jax.nn.softplus(jnp.where(far, 0, x))))
    # dy/y = 2 dz/z and dz/dt = sigmoid(x) (1 + exp(-t))
    log_slope = jax.nn.log_sigmoid(x) + jnp.log1p(jnp.exp(-t)) - log_z
    return 2 * log_z, jnp.log(2 * step)[:, None] + log_slope


def bounds(low, high, np_=np):
    """Where the grid begins and ends, in t."""
    left = np_.log(low / TAIL)
    begin = np_.where(low < TAIL, left, np_.maximum(left, np_.sqrt(low) - REACH))
    return begin, np_.sqrt(high) + REACH


def nodes_needed(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Nodes of each class for an error below 1e-10: 32, 64, 128, ..."""
    begin, end = bounds(np.maximum(low, 0.05), high)
    doublings = np.ceil(np.log2((end - begin) / SPACING / LEAST))
    return LEAST * 2 ** np.maximum(doublings, 0).astype(np.int64)
