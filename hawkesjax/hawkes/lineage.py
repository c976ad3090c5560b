"""The causes of each event, and what a cut link would have prevented."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.inputs.arrays import AnyArray

ONE = np.ones(1)


def lineage(
    stream: Stream,
    baseline: Float[AnyArray, " events"],
    alpha: Float[AnyArray, "marks marks"],
    gamma: Float[AnyArray, "..."],
    cut: Bool[AnyArray, "cuts marks marks"],
    ratios: Float[AnyArray, " terms"] = ONE,
    weights: Float[AnyArray, " terms"] = ONE,
) -> tuple[Float[Array, "events causes"], Float[Array, "events cuts"]]:
    r"""Probabilities over the ancestors of each event, given all events (stochastic declustering).

    Event n of mark i was triggered by the earlier event k with probability
    `p_nk = alpha_{i m_k} gamma_{i m_k} exp(-gamma_{i m_k} (t_n - t_k)) / lambda_i(t_n)`, and is an
    immigrant with probability `mu_i / lambda_i(t_n)`; the parents of events are independent.
    Summed over the k of one mark these are the direct causes. An event is lost with a set of cut
    links if its parent's link is cut, or if the parent itself is lost:

    .. math:: q_n = \sum_k p_{nk} \left( C_{m_n m_k} + (1 - C_{m_n m_k}) q_k \right)

    One pass over the events: the sums follow the recursion of the decayed counts, with the q_k
    as a second weight.

    Args:
        stream: the events.
        baseline: mu of each event's own sequence and mark.
        alpha: expected direct children, row = target.
        gamma: decay rates, (D, D), (D,) by source, or a scalar; 1 / unit of time.
        cut: for each question, the links (target, source) that are removed.
        ratios, weights: of a kernel `sum_k w_k gamma r_k exp(-gamma r_k t)`.

    Returns:
        By event: the probability of each direct cause, the background first and then the sources;
        and the probability of being lost, for each set of cut links.

    Source: Zhuang, Ogata and Vere-Jones (2002), J. Am. Stat. Assoc. 97, 369-380, for the parents;
    the recursion for q is ours.
    """
    num, cuts = stream.num_marks, len(cut)
    alpha = jnp.asarray(alpha)
    gamma = jnp.broadcast_to(jnp.asarray(gamma, alpha.dtype), (num, num))
    gamma = gamma * jnp.asarray(ratios, alpha.dtype)[:, None, None]
    weights = alpha * gamma * jnp.asarray(weights, alpha.dtype)[:, None, None]
    cut = jnp.asarray(cut, alpha.dtype)
    moved = (stream.gaps > 0) & ~stream.first
    eye = jnp.eye(num, dtype=alpha.dtype)

    def step(carry, event):
        # sums, whole and lost: of the past (1 + cuts, terms, D, D), of this moment (1 + cuts, D)
        state, waiting = carry
        gap, mark, first, moved, mu = event
        state = jnp.where(moved, jnp.exp(-gamma * gap) * (state + waiting[:, None, None]), state)
        waiting = jnp.where(moved | first, 0, waiting)
        state = jnp.where(first, 0, state)
        rows = jnp.maximum(jnp.sum(weights[:, mark] * state[:, :, mark], axis=1), 0)
        total = mu + jnp.sum(rows[0])
        direct = jnp.concatenate([mu[None], rows[0]]) / total
        lost = jnp.sum(cut[:, mark] * rows[0] + (1 - cut[:, mark]) * rows[1:], axis=1) / total
        waiting = waiting + jnp.concatenate([jnp.ones(1, alpha.dtype), lost])[:, None] * eye[mark]
        return (state, waiting), (direct, lost)

    events = (
        jnp.asarray(stream.gaps, alpha.dtype),
        stream.marks,
        stream.first,
        moved,
        jnp.asarray(baseline, alpha.dtype),
    )
    start = (
        jnp.zeros((1 + cuts, *weights.shape), alpha.dtype),
        jnp.zeros((1 + cuts, num), alpha.dtype),
    )
    return jax.lax.scan(step, start, events)[1]


def lineage_of_points(
    stream: Stream,
    read: Int[AnyArray, " points"],
    cause: Int[AnyArray, " points"],
    own: Int[AnyArray, " events"],
    baseline: Float[AnyArray, " events"],
    alpha: Float[AnyArray, "marks marks"],
    gamma: Float[AnyArray, "..."],
    cut: Bool[AnyArray, "cuts marks marks"],
    ratios: Float[AnyArray, " terms"],
    weights: Float[AnyArray, " terms"],
) -> tuple[Float[Array, "points causes"], Float[Array, "points cuts"]]:
    """`lineage` where effects are scaled or delayed: events act at points of a stream.

    Args:
        stream: the points, with `jumps`.
        read: (P,) event at each point; -1 for none.
        cause: (P,) event whose effect begins there; -1 for none.
        own: (N,) mark of each event.
        baseline, alpha, gamma, cut, ratios, weights: as in `lineage`; infinite baselines for
            events that count as immigrants.

    Returns:
        As `lineage`, by point; undefined at points without an event.
    """
    num, cuts = stream.num_marks, len(cut)
    alpha = jnp.asarray(alpha)
    rates = jnp.broadcast_to(jnp.asarray(gamma, alpha.dtype), (num, num))
    rates = rates * jnp.asarray(ratios, alpha.dtype)[:, None, None]
    shares = alpha * jnp.asarray(weights, alpha.dtype)[:, None, None]
    paces, owner = (None, stream.marks) if stream.paced is None else stream.paced
    cut = jnp.asarray(cut, alpha.dtype)
    moved = (stream.gaps > 0) & ~stream.first
    eye = jnp.eye(num + 1, num, dtype=alpha.dtype)
    none = len(own)
    own = jnp.concatenate([jnp.asarray(own), jnp.zeros(1, jnp.int32)])
    baseline = jnp.concatenate([jnp.asarray(baseline, alpha.dtype), jnp.ones(1, alpha.dtype)])

    def step(carry, point):
        state, waiting, known = carry
        gap, mark, first, moved, read, cause, owner, jump = point
        fast = rates if paces is None else rates * paces[owner]
        state = jnp.where(moved, jnp.exp(-fast * gap) * (state + waiting[:, None]), state)
        waiting = jnp.where(moved | first, 0, waiting)
        state = jnp.where(first, 0, state)
        mine, mu = own[read], baseline[read]
        height = shares[:, mine] * fast[:, mine]
        rows = jnp.maximum(jnp.sum(height * state[:, :, mine], axis=1), 0)
        total = mu + jnp.sum(rows[0])
        lone = jnp.isinf(mu)  # counts as an immigrant
        direct = jnp.concatenate([mu[None], rows[0]]) / total
        direct = jnp.where(lone, jnp.eye(1, num + 1, dtype=alpha.dtype)[0], direct)
        lost = jnp.sum(cut[:, mine] * rows[0] + (1 - cut[:, mine]) * rows[1:], axis=1) / total
        known = known.at[read].set(jnp.where(lone, 0, lost))
        share = jnp.concatenate([jnp.ones(1, alpha.dtype), known[cause]])
        waiting = waiting + share[:, None, None] * jump[:, None] * eye[mark][None]
        return (state, waiting, known), (direct, known[read])

    read, cause = (jnp.where(jnp.asarray(x) < 0, none, x) for x in (read, cause))
    gaps = jnp.asarray(stream.gaps, alpha.dtype)
    jumps = jnp.asarray(stream.jumps, alpha.dtype)
    points = (gaps, stream.marks, stream.first, moved, read, cause, owner, jumps)
    zero = jnp.zeros((1 + cuts, *shares.shape), alpha.dtype)
    start = (zero, zero[:, 0], jnp.zeros((none + 1, cuts), alpha.dtype))
    return jax.lax.scan(step, start, points)[1]
