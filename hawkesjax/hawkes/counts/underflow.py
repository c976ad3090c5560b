"""Intensities below the smallest floating-point number, through their logarithms.

For these the forms' own sums give minus infinity, with gradients of 0. That is enough for searches
and chains, whose baselines are above 0. `exact` computes the sum again, at the cost of about a
second of compilation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.inputs.arrays import AnyArray

# The recursions set to 0 whatever is below the smallest normal number. Those may be terms of an
# intensity, each standing for up to this many events. Intensities far above their sum keep all
# digits.
SUMMED = 2.0**20


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Events:
    """The stream as a form holds it: gaps as in `Stream`; marks are -1 for padding."""

    gaps: Float[AnyArray, " events"]
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]

    def own(self, baseline: Float[AnyArray, "..."]) -> Float[Array, " events"]:
        """The baseline of each event's own mark, from one by event or by sequence and mark."""
        by_event = baseline if baseline.ndim == 1 else baseline[self.sequence, self.marks]
        return jnp.asarray(by_event)

    def by_cell(
        self, values: Float[AnyArray, " events"], baseline: Float[AnyArray, "..."]
    ) -> Float[Array, "..."]:
        """Values of the events summed over those that share an entry of the baseline."""
        values = jnp.where(jnp.asarray(self.marks) >= 0, values, 0)
        if baseline.ndim == 1:
            return values
        return jnp.zeros_like(baseline).at[self.sequence, self.marks].add(values)


def is_low(
    least: Float[AnyArray, ""], weights: Float[AnyArray, "*terms marks marks"]
) -> Bool[AnyArray, ""]:
    """Whether the smallest intensity may have lost digits to underflow, or become 0."""
    number = jnp.finfo(weights.dtype)
    lost = SUMMED * float(number.tiny / number.eps) * weights.shape[-1]
    return (least >= 0) & (least < jnp.maximum(lost * jnp.max(weights, initial=0), number.tiny))


def unless(low: Bool[AnyArray, ""], values: Any, else_: float) -> Any:
    """The values, or `else_` in place of each where `low`."""
    return jax.tree.map(lambda value: jnp.where(low, else_, value), values)


def only_if(needed: Bool[AnyArray, ""], value: Callable[[], Any], else_: Any) -> Any:
    """`value()` where it is needed: a condition of which `vmap` does not compute both branches."""
    zero = jax.tree.map(jnp.asarray, else_)
    done = jnp.zeros_like(needed)
    return lax.while_loop(lambda state: state[0], lambda _: (done, value()), (needed, zero))[1]


def log_sums(
    baseline: Float[AnyArray, "..."],
    weights: Float[AnyArray, "terms marks marks"],
    rates: Float[AnyArray, "terms marks marks"],
    events: Events,
) -> tuple[Array, tuple[Array, Array, Array]]:
    """`sum_n log lambda_n`, and its slopes in the baseline, the weights and the rates.

    See `log_intensities`. A slope too large for a number is replaced by a large one of its sign:
    2^30 of these can be added up, and their product with 0 is defined.
    """
    logs, inverse, by_weight, by_rate = log_intensities(
        events.own(baseline), weights, rates, events
    )
    return jnp.sum(logs), (events.by_cell(inverse, baseline), by_weight, by_rate)


def log_intensities(
    baseline: Float[AnyArray, " events"],
    weights: Float[AnyArray, "terms marks marks"],
    rates: Float[AnyArray, "terms marks marks"],
    events: Events,
) -> tuple[Array, Array, Array, Array]:
    r"""log lambda of each event, 1 / lambda, and the slopes of their sum in weights and rates.

    .. math:: \lambda_n = \mu_n + \sum_{kj} w_{kij} e^{-\rho_{kij} u_j} S_{kij}, \qquad i = m_n

    `S` is the decayed count of source j at the last moment before event n that has such an event:
    1 or more, so that its logarithm always exists; `u` is the time since. The largest term is
    factored out of the sum. Events one after another, D^2 exponentials each: slow, rarely needed.
    """
    dtype = weights.dtype
    most = float(jnp.finfo(dtype).max)
    reach, bound = math.log(most) - 1, most * 2.0**-30
    marks = jnp.asarray(events.marks)
    first = jnp.diff(jnp.asarray(events.sequence), prepend=-1) != 0
    zero = jnp.zeros_like(weights)
    lone = jnp.zeros((1, 1, weights.shape[-1]), dtype)
    kinds = jnp.arange(weights.shape[-1], dtype=marks.dtype)

    def step(carry, event):
        count, lagged, since, waiting, slopes = carry
        own, gap, mark, begins = event
        # What waited since the previous moment is added there, and then time moves on.
        arrives = (waiting > 0) & (gap > 0)
        kept = jnp.exp(-rates * since) * count
        now = kept + waiting
        lag = kept * (lagged + since) / jnp.maximum(now, 1)
        count = jnp.where(begins, 0, jnp.where(arrives, now, count))
        lagged = jnp.where(arrives, lag, lagged)
        since = jnp.where(arrives, 0, since) + gap
        mine = kinds == mark
        waiting = jnp.where(begins | (gap > 0), 0, waiting) + mine[None, None].astype(dtype)
        # The event's row, with its largest term at 1.
        mine = mine[None, :, None]
        seen = mine & (count > 0)
        logs = jnp.where(seen, jnp.log(jnp.maximum(count, 1)) - rates * since, -jnp.inf)
        alone = jnp.where(own > 0, jnp.log(jnp.where(own > 0, own, 1)), -jnp.inf)
        top = jnp.maximum(alone, jnp.max(jnp.where(weights > 0, logs, -jnp.inf)))
        top = lax.stop_gradient(jnp.where(top > -jnp.inf, top, 0))
        counts = jnp.exp(jnp.minimum(logs - top, reach))
        unit = jnp.exp(jnp.minimum(-top, reach))
        rate = jnp.maximum(own * unit + jnp.sum(weights * counts), 0)
        inverse = jnp.minimum(1 / rate, bound)
        by_weight = slopes[0] + jnp.minimum(counts * inverse, bound)
        by_rate = slopes[1] - weights * counts * inverse * (lagged + since)
        out = top + jnp.log(rate), jnp.minimum(unit * inverse, bound)
        return (count, lagged, since, waiting, (by_weight, by_rate)), out

    carry = (zero, zero, lone, lone, (zero, zero))
    columns = (baseline, jnp.asarray(events.gaps), marks, first)
    carry, (logs, inverse) = lax.scan(step, carry, columns)
    return jnp.where(marks >= 0, logs, 0), inverse, *carry[-1]


def sum_of_logs(
    intensity: Float[AnyArray, " events"], weights: Float[AnyArray, "*terms marks marks"]
) -> Float[Array, ""]:
    """`sum_n log lambda_n` directly: minus infinity, with slopes of 0, where one is low."""
    low = is_low(jnp.min(intensity, initial=jnp.inf), weights)
    return unless(low, jnp.sum(jnp.log(jnp.where(low, 1, intensity))), -jnp.inf)


def exact(
    total: Float[AnyArray, ""],
    baseline: Float[AnyArray, "..."],
    form: Any,
    *known: AnyArray,
) -> Float[Array, ""]:
    """A form's plain sum of logs, or the sum through logarithms where that is minus infinity."""
    low = total == -jnp.inf
    if not isinstance(low, Tracer) and not low:
        return jnp.asarray(total)  # known to be right: the fallback need not be compiled
    weights, rates = terms_of(form, *(jnp.asarray(part, total.dtype) for part in known))
    baseline = jnp.asarray(baseline, total.dtype)
    return unless(low, total, 0) + _where_low(baseline, weights, rates, form, low)


def terms_of(
    form: Any, alpha: AnyArray, gamma: AnyArray, *weights: AnyArray
) -> tuple[Float[AnyArray, "terms marks marks"], Float[AnyArray, "terms marks marks"]]:
    """What each term of a kernel adds to an intensity right after an event, and its decay rate."""
    if weights:
        return form.terms(alpha, gamma, *weights)
    gamma = jnp.broadcast_to(gamma, alpha.shape)[None]
    return alpha[None] * gamma, gamma


@jax.custom_jvp
def _where_low(baseline, weights, rates, form, low):
    zero = jnp.zeros((), weights.dtype)
    return only_if(low, lambda: log_sums(baseline, weights, rates, form.events())[0], zero)


@_where_low.defjvp
def _where_low_jvp(primals, tangents):
    baseline, weights, rates, form, low = primals
    zero = jax.tree.map(jnp.zeros_like, (weights[0, 0, 0], (baseline, weights, rates)))
    # The stream inside: outside it would be gathered at every call.
    total, slopes = only_if(low, lambda: log_sums(baseline, weights, rates, form.events()), zero)
    return total, sum(jnp.vdot(s, t) for s, t in zip(slopes, tangents[:3], strict=True))


def log_of(
    intensity: Float[AnyArray, " events"],
    baseline: Float[AnyArray, " events"],
    form: Any,
    *known: AnyArray,
) -> Float[Array, " events"]:
    """log lambda of each event, from intensities that may be too small."""
    weights, rates = terms_of(form, *(jnp.asarray(part, intensity.dtype) for part in known))
    low = is_low(jnp.min(intensity, initial=jnp.inf), weights)
    if not isinstance(low, Tracer) and not low:
        return jnp.log(intensity)
    return lax.cond(
        low,
        lambda: log_intensities(baseline, weights, rates, form.events())[0],
        lambda: jnp.log(jnp.where(low, 1, intensity)),
    )
