"""The recency-weighted baseline of the Katz spike model: the likelihood, linear in the log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.core.cache import kept
from hawkesjax.inputs.arrays import AnyArray, Scalar
from hawkesjax.katz.counts import counts_of, factor_of, senders_of, target_bins
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.recency import watched_before
from hawkesjax.katz.heard import heard_at, heard_everywhere
from hawkesjax.katz.rules import Form, Link, Settings

LOG2 = float(np.log(2))


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Lookups:
    """Places (user, bin) at which users' own past is asked for.

    Args:
        user: i.
        last: the user's pair before the bin; 0 where `none`.
        none: whether the user has not posted before.
        age: watched bins since that pair's own.
        past: watched bins before the bin.
        heard: r_i[k].
        factor: g_k.
        count: active bins (or posts) there.
    """

    user: Int[AnyArray, " places"]
    last: Int[AnyArray, " places"]
    none: Bool[AnyArray, " places"]
    age: Float[AnyArray, " places"]
    past: Float[AnyArray, " places"]
    heard: Float[AnyArray, " places"]
    factor: Float[AnyArray, " places"]
    count: Float[AnyArray, " places"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class OwnPast:
    """Who was active when, for weights by age that are differentiable in the half-life.

    Args:
        user, bin, sent: (P,) of each pair of user and bin before the fit's end, sorted by user.
        step: watched bins from the user's pair before to this one; 0 where `fresh`.
        fresh: whether it is the user's first.
        watched: (K,) 1 where the bin was watched from end to end, else 0.
        past: (K,) watched bins before each bin.
        factor: (K,) g_k in the bins of the fit, else 0.
        events: active pairs inside the fit.
        audience: pairs that heard something (multiplicative form), else none.
        heard_in_all: sum of what each user heard (times g_k, in the multiplicative form).
        span: watched bins before the fit's end.
    """

    user: Int[AnyArray, " pairs"]
    bin: Int[AnyArray, " pairs"]
    sent: Float[AnyArray, " pairs"]
    step: Float[AnyArray, " pairs"]
    fresh: Bool[AnyArray, " pairs"]
    watched: Float[AnyArray, " bins"]
    past: Float[AnyArray, " bins"]
    factor: Float[AnyArray, " bins"]
    events: Lookups
    audience: Lookups
    heard_in_all: Float[AnyArray, " users"]
    span: Float[Scalar, ""]


@kept
def own_past(data: Activity, settings: Settings) -> OwnPast:
    """Lay out what the recency-weighted baseline needs, on the host."""
    first, last = target_bins(data)
    posts, multiplies = settings.link_rule.posts, settings.form_rule.multiplies
    counts = counts_of(data, settings)
    heard_senders = senders_of(data, posts=posts, memory=settings.memory)
    own = senders_of(data, posts=posts, memory=0.0)
    inside = own.bin < last
    user, bin, sent = own.user[inside], own.bin[inside], own.sent[inside]
    past = watched_before(data, last)
    factor = np.zeros(last)
    factor[first:] = factor_of(data, settings.common_factor, posts=posts)

    def lookups(at_user, at_bin, heard, count) -> Lookups:
        place = np.searchsorted(user * last + bin, at_user * last + at_bin) - 1
        known = np.maximum(place, 0)
        none = (place < 0) | (user[known] != at_user) if len(user) else np.ones(len(place), bool)
        age = past[at_bin] - past[bin[known] + 1] if len(user) else np.zeros(len(place))
        return Lookups(
            at_user.astype(np.int32),
            np.where(none, 0, known).astype(np.int32),
            none,
            np.where(none, 0.0, age),
            past[at_bin].astype(float),
            heard,
            factor[at_bin],
            count,
        )

    event = bin >= first
    heard = heard_at(data.matrix, heard_senders, user[event], bin[event] - 1)
    events = lookups(user[event], bin[event], heard, sent[event])
    who, when, amount = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    if multiplies:
        who, when, amount = heard_everywhere(data.matrix, heard_senders, first - 1, last - 1)
        when = when + 1
    audience = lookups(who, when, amount, np.ones(len(who)))
    there = ~audience.none
    audience = jax.tree.map(lambda leaf: leaf[there], audience)
    fresh = np.r_[True, user[1:] != user[:-1]] if len(user) else np.zeros(0, bool)
    step = past[bin + 1] - past[np.r_[0, bin[:-1]] + 1] if len(user) else np.zeros(0)
    return OwnPast(
        user=user.astype(np.int32),
        bin=bin.astype(np.int32),
        sent=sent,
        step=np.where(fresh, 0.0, step),
        fresh=fresh,
        watched=np.diff(past).astype(float),
        past=past[:-1].astype(float),
        factor=factor,
        events=events,
        audience=audience,
        heard_in_all=counts.heard_in_all,
        span=np.float64(past[-1]),
    )


def total_weight(past: Any, half_life: Any) -> Any:
    r"""The sum of the weights of `past` watched bins, :math:`\sum_{a < n} 2^{-a / h}`."""
    return jnp.expm1(-LOG2 / half_life * past) / jnp.expm1(-LOG2 / half_life)


def _decayed(keep: Array, add: Array) -> Array:
    """`x[n] = keep[n] x[n - 1] + add[n]`: in rows side by side, then from row to row.

    Of 50,000 numbers an associative scan takes as long, but 30 s to compile with its second
    derivatives.
    """
    size = keep.shape[0]
    width = max(1, math.isqrt(size))
    rows = -(-size // width)
    room = (0, rows * width - size)
    keep, add = (jnp.pad(x, room).reshape(rows, width).T for x in (keep, add))

    def along(before: Any, one: Any) -> Any:
        after = before[0] * one[0], one[0] * before[1] + one[1]
        return after, after

    none = jnp.ones(rows, add.dtype), jnp.zeros(rows, add.dtype)
    ends, (kept, sums) = jax.lax.scan(along, none, (keep, add))

    def across(state: Any, row: Any) -> Any:
        return row[0] * state + row[1], state

    _, begins = jax.lax.scan(across, jnp.zeros((), add.dtype), ends)
    return (sums + kept * begins).T.ravel()[:size]


def _averages(half_life: Array, own: OwnPast, at: Lookups) -> Array:
    """Each place's own posts, averaged with weights by age; 0 before anything was watched."""
    if not at.user.shape[0] or not own.user.shape[0]:
        return jnp.zeros_like(at.heard)
    keep = jnp.where(own.fresh, 0, jnp.exp2(-own.step / half_life))
    state = _decayed(keep, own.sent)
    sums = jnp.where(at.none, 0, jnp.exp2(-at.age / half_life) * state[at.last])
    seen = at.past > 0
    return jnp.where(seen, sums / total_weight(jnp.where(seen, at.past, 1), half_life), 0)


def _base(params: Mapping[str, Any], own: OwnPast, at: Lookups) -> Array:
    floor, weight, half_life = (jnp.asarray(params[n]) for n in ("floor", "weight", "half_life"))
    return floor + weight * _averages(half_life, own, at)


def recent_terms(
    link: Link, form: Form, params: Mapping[str, Any], own: OwnPast, num_users: int
) -> tuple[Float[Array, " events"], Float[Array, " users"]]:
    """Terms of the events, and of each user's compensator."""
    alpha, floor, weight, half_life = (
        jnp.asarray(params[name]) for name in ("alpha", "floor", "weight", "half_life")
    )
    eta = form.rate(own.events.factor * _base(params, own, own.events), alpha, own.events.heard)
    terms = own.events.count * link.log_terms(eta, False)
    # What a post of bin l adds to all later bins of the fit, by a recursion from the end.
    seen = own.past > 0
    share = jnp.where(seen, own.factor / total_weight(jnp.where(seen, own.past, 1), half_life), 0)
    keep = jnp.where(own.watched > 0, jnp.exp2(-1 / half_life), 1.0)
    after = jnp.append(_decayed(keep[::-1], share[::-1])[::-1][1:], 0)
    echo = jax.ops.segment_sum(own.sent * after[own.bin], own.user, num_users)
    total = floor * jnp.sum(own.factor) + weight * echo
    if not form.multiplies:
        return terms, -total - alpha * own.heard_in_all
    at = own.audience
    set_off = jax.ops.segment_sum(
        at.factor * at.heard * _averages(half_life, own, at), at.user, num_users
    )
    return terms, -total - alpha * (floor * own.heard_in_all + weight * set_off)
