"""The integral of the excitation from each event to the next, and to the windows' ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.hawkes.counts.lanes_layout import rung
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import only_if
from hawkesjax.inputs.arrays import AnyArray

# Below x = SMALL, 1 - exp(-x) is summed as a series whose first omitted term is 1e-16 of it.
SMALL, ORDER = 1 / 16, 9
CHUNK = 4096  # events whose powers are in memory at once


def powers_of(remaining: Any, marks: Any, num_marks: int) -> tuple[Any, Any]:
    """`sum_n (r_n / longest)^k` over the events n of each mark, (ORDER, D) for k = 1, 2, ..., with
    r the time to the window's end; and `longest`, the largest r. In float64 where not traced."""
    orders = range(1, ORDER + 1)
    if isinstance(remaining, np.ndarray):
        longest = np.max(remaining, initial=0)
        unit = remaining / np.where(longest > 0, longest, 1)
        sums = [np.bincount(marks, weights=unit**k, minlength=num_marks) for k in orders]
        return np.stack(sums), longest
    longest = jnp.max(remaining, initial=0)
    scale = jnp.where(longest > 0, longest, 1)
    chunks = min(CHUNK, max(len(remaining), 1))
    more = -len(remaining) % chunks
    rows = jnp.pad(remaining, (0, more)), jnp.pad(marks, (0, more))

    def add(sums, row):
        powers = jnp.stack([(row[0] / scale) ** k for k in orders], 1)
        return sums + jax.ops.segment_sum(powers, row[1], num_marks), None

    start = jnp.zeros((num_marks, ORDER), longest.dtype)
    return jax.lax.scan(add, start, [row.reshape(-1, chunks) for row in rows])[0].T, longest


def children_within(
    counted: Float[Array, "marks marks"],
    gamma: Float[AnyArray, "marks marks"],
    ratios: Float[AnyArray, " terms"],
    weights: Float[AnyArray, " terms"],
    powers: Float[AnyArray, "orders marks"] | Callable[[], Float[AnyArray, "orders marks"]],
    longest: Float[AnyArray, ""],
) -> Float[Array, "marks marks"]:
    r"""Children that the events of a source have within their windows, per unit of alpha.

    .. math:: K_{ij} = \sum_{n:\, m_n = j} \sum_k w_k (1 - e^{-\gamma_{ij} r_k (T - t_n)})

    `counted` is the same quantity as a difference of counts, which loses digits where gamma times
    the time is small; there a series in gamma replaces it, from the output of `powers_of`, or from
    a function that finds it where it is needed.
    """
    dtype = counted.dtype
    gamma, ratios, weights = (jnp.asarray(x, dtype) for x in (gamma, ratios, weights))
    largest = jnp.max(ratios)
    most = gamma * jnp.asarray(longest, dtype) * largest
    small = most < SMALL
    none = jnp.zeros((ORDER, counted.shape[1]), dtype)
    sums = only_if(jnp.any(small), powers, none) if callable(powers) else powers
    x = jnp.where(small, most, 0)
    series = jnp.zeros_like(counted)
    for k in range(ORDER, 0, -1):  # Horner's rule
        part = jnp.sum(weights * (ratios / largest) ** k) * jnp.asarray(sums[k - 1], dtype)
        series = x * ((-1) ** (k + 1) / math.factorial(k) * part[None] + series)
    return jnp.where(small, series, counted)


def excitation_increments(
    stream: Stream,
    alpha: Float[AnyArray, "marks marks"],
    gamma: Float[AnyArray, "..."],
) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
    r"""Integrate every mark's excitation over each gap of the stream.

    .. math:: I_{ni} = \int_{t_{n-1}}^{t_n} \sum_j \alpha_{ij} \gamma_{ij}
              \sum_{k:\, t_k < s,\, m_k = j} e^{-\gamma_{ij}(s - t_k)} ds
              = \sum_j \alpha_{ij} S_{ij}(t_{n-1}^+) (1 - e^{-\gamma_{ij} (t_n - t_{n-1})})

    with `t_{n-1}` the previous event of the same sequence, or the start of the window.

    Args:
        stream: the events, and points without a mark (`num_marks`) at which integrals are cut.
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
    eye = jnp.eye(num + 1, num, dtype=alpha.dtype)  # points without a mark use the last row

    paces, owner = (None, stream.marks) if stream.paced is None else stream.paced

    def step(state, event):
        gap, mark, first, owner, *jump = event
        state = jnp.where(first, 0, state)
        rates = gamma if paces is None else gamma * paces[owner]
        lost = -jnp.expm1(-rates * gap) * state
        added = eye[mark][None] if not jump else jump[0][:, None] * eye[mark][None]
        state = state - lost + added
        return state, jnp.sum(alpha * lost, axis=1)

    jumps = () if stream.jumps is None else (jnp.asarray(stream.jumps, alpha.dtype),)
    columns = (gaps, stream.marks, stream.first, owner, *jumps)
    _, inside = jax.lax.scan(step, jnp.zeros_like(gamma), columns)
    remaining = jnp.asarray(stream.remaining, alpha.dtype)[:, None]
    effects = jnp.concatenate([alpha.T, jnp.zeros_like(alpha[:1])])[stream.marks]
    effects = effects * jumps[0] if jumps else effects
    sources = jnp.minimum(stream.marks, num - 1)
    rates = gamma.T[sources] if paces is None else gamma.T[sources] * paces[owner, :, sources]
    whole = effects * -jnp.expm1(-rates * remaining)
    tails = jax.ops.segment_sum(whole - inside, stream.sequence, stream.num_sequences)
    return inside, tails


def mixture_increments(
    stream: Stream,
    alpha: Float[AnyArray, "marks marks"],
    gamma: Float[AnyArray, "..."],
    ratios: Float[AnyArray, " terms"],
    weights: Float[AnyArray, " terms"],
) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
    """The same for kernels that are sums of exponentials; arguments as in `MixtureForm`. Streams of
    similar length share a compilation."""
    inside, tails = _mixture(on_ladder(stream), alpha, gamma, ratios, weights)
    return inside[: stream.num_events], tails[: stream.num_sequences]


def on_ladder(stream: Stream) -> Stream:
    """The stream padded with events of an extra sequence of zero length."""
    events = stream.num_events
    more = int(rung(events, events)) - events
    return replace(
        stream,
        **{
            name: np.pad(getattr(stream, name), (0, more))
            for name in ("gaps", "remaining", "marks")
        },
        jumps=None if stream.jumps is None else jnp.pad(stream.jumps, ((0, more), (0, 0))),
        paced=stream.paced and (stream.paced[0], jnp.pad(stream.paced[1], (0, more))),
        sequence=np.pad(stream.sequence, (0, more), constant_values=stream.num_sequences),
        first=np.pad(stream.first, (0, more), constant_values=True),
        num_sequences=stream.num_sequences + 1,
    )


@jax.jit
def _mixture(stream: Stream, alpha: Any, gamma: Any, ratios: Any, weights: Any) -> Any:
    alpha = jnp.asarray(alpha)
    inside = jnp.zeros((stream.num_events, stream.num_marks), alpha.dtype)
    tails = jnp.zeros((stream.num_sequences, stream.num_marks), alpha.dtype)

    def add(totals, term):
        ratio, weight = term
        parts = excitation_increments(stream, alpha * weight, jnp.asarray(gamma) * ratio)
        return jax.tree.map(jnp.add, totals, parts), None

    terms = (jnp.asarray(ratios, alpha.dtype), jnp.asarray(weights, alpha.dtype))
    return jax.lax.scan(add, (inside, tails), terms)[0]
