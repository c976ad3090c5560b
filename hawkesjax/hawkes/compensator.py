"""The integral of the excitation from each event to the next."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.inputs.arrays import AnyArray


def excitation_increments(
    stream: Stream,
    alpha: Float[AnyArray, "marks marks"],
    gamma: Float[AnyArray, "..."],
) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
    r"""Integrate every mark's excitation over each gap of the stream.

    .. math:: I_{ni} = \int_{t_{n-1}}^{t_n} \sum_j \alpha_{ij} \gamma_{ij}
              \sum_{k:\, t_k < s,\, m_k = j} e^{-\gamma_{ij}(s - t_k)} ds
              = \sum_j \alpha_{ij} S_{ij}(t_{n-1}^+) (1 - e^{-\gamma_{ij} (t_n - t_{n-1})})

    with `t_{n-1}` the event before in the same sequence, or the start of the window.

    Args:
        stream: the events.
        alpha: expected direct children, row = target.
        gamma: decay rates, (D, D), (D,) by source, or a scalar; 1 / unit of time.

    Returns:
        The integrals up to each event, and those from each sequence's last event to the end of
        its window (0 for a sequence without events).
    """
    num = stream.num_marks
    alpha = jnp.asarray(alpha)
    gamma = jnp.broadcast_to(jnp.asarray(gamma, alpha.dtype), (num, num))
    gaps = jnp.asarray(stream.gaps, alpha.dtype)
    eye = jnp.eye(num, dtype=alpha.dtype)

    def step(state, event):
        gap, mark, first = event
        state = jnp.where(first, 0, state)
        lost = -jnp.expm1(-gamma * gap) * state
        state = state - lost + eye[mark][None]
        return state, jnp.sum(alpha * lost, axis=1)

    _, inside = jax.lax.scan(step, jnp.zeros_like(gamma), (gaps, stream.marks, stream.first))
    remaining = jnp.asarray(stream.remaining, alpha.dtype)[:, None]
    whole = alpha.T[stream.marks] * -jnp.expm1(-gamma.T[stream.marks] * remaining)
    tails = jax.ops.segment_sum(whole - inside, stream.sequence, stream.num_sequences)
    return inside, tails


def mixture_increments(
    stream: Stream,
    alpha: Float[AnyArray, "marks marks"],
    gamma: Float[AnyArray, "..."],
    ratios: Float[AnyArray, " terms"],
    weights: Float[AnyArray, " terms"],
) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
    """The same for kernels that are sums of exponentials; arguments as in `MixtureForm`."""
    alpha = jnp.asarray(alpha)
    inside = jnp.zeros((stream.num_events, stream.num_marks), alpha.dtype)
    tails = jnp.zeros((stream.num_sequences, stream.num_marks), alpha.dtype)

    def add(totals, term):
        ratio, weight = term
        parts = excitation_increments(stream, alpha * weight, jnp.asarray(gamma) * ratio)
        return jax.tree.map(jnp.add, totals, parts), None

    terms = (jnp.asarray(ratios, alpha.dtype), jnp.asarray(weights, alpha.dtype))
    return jax.lax.scan(add, (inside, tails), terms)[0]
