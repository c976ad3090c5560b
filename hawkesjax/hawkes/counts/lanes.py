"""The `steps x lanes` form: the full recursion, many contiguous pieces of the stream at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.counts.lanes_layout import lane_layout
from hawkesjax.hawkes.counts.rows import Baseline, RowForm, Terms
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events, is_low, unless
from hawkesjax.inputs.arrays import AnyArray

SMALL = 1 << 15  # lags of a mark that are summed in one array; more of them step by step


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class LaneForm(RowForm):
    r"""Decayed counts of few marks, by one recursion over many pieces of the stream at once.

    The stream is cut into contiguous pieces of `steps` events, the lanes; no lane holds events of
    two sequences. With `c` the counts by mark at the last earlier moment with events (so that ties
    are handled correctly),

    .. math:: S \leftarrow e (S + c), \qquad Q \leftarrow e Q + g S, \qquad e = e^{-\gamma g}

    runs over the steps for all lanes together, `g` the gap. Each lane's starting state follows from
    the lanes before it: `S1 = P S0 + s`, `Q1 = P (Q0 + span S0) + q`, with `P = exp(-gamma span)`,
    and `s`, `q` direct sums over the lane's own events. One event costs D exponentials for the
    starts and D^2 for the recursion. Since `dR/dgamma = -Q`, the gradient of `event_terms` comes
    out of the same forward pass, without a tape; reverse mode only transposes a product.

    A negative intensity gives nan.

    Args:
        gaps: time since the event before; 0 for a tie and for the first of a sequence.
        jumps: events by mark at the last moment before this event; 0 for a tie.
        marks: mark of each event, -1 below a lane's last event.
        lags: for each mark, time from the lane's events of that mark to the lane's last event,
            without those simultaneous with it; -1 below the last.
        spans: time from the last event of the lane before to the lane's own last event.
        linked: 1 where the lane continues the sequence of the lane before, 0 where it begins one.
        carried: events by mark at the end of the lanes before that act first inside this lane.
        pending: the lane's own events by mark at the moment of its last event.
        tails: time from the lane's last event to the end of its window.
        owner: sequence of each lane.
        slots: place of each event, `step * lanes + lane`.
        num_marks: number of marks D.
        num_sequences: number of sequences M.
        depth: most lanes of one sequence.
    """

    along: ClassVar[int] = -1  # devices share the lanes

    gaps: Float[AnyArray, "steps lanes"]
    jumps: Float[AnyArray, "steps marks lanes"]
    marks: Int[AnyArray, "steps lanes"]
    lags: tuple[Float[AnyArray, "_ lanes"], ...]
    spans: Float[AnyArray, " lanes"]
    linked: Float[AnyArray, " lanes"]
    carried: Float[AnyArray, "marks lanes"]
    pending: Float[AnyArray, "marks lanes"]
    tails: Float[AnyArray, " lanes"]
    owner: Int[AnyArray, " lanes"]
    slots: Int[AnyArray, " events"]
    num_marks: int = field(metadata={"static": True})
    num_sequences: int = field(metadata={"static": True})
    depth: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls, stream: Stream, dtype: np.dtype | type = np.float64, lanes: int | None = None
    ) -> LaneForm:
        """Lay a stream out on the host.

        Args:
            stream: the events.
            dtype: float32 or float64.
            lanes: about how many lanes; None chooses by the lengths of the sequences.
        """
        return cls(**lane_layout(stream, np.dtype(dtype), lanes))

    @property
    def wide(self) -> int:
        """Number of lanes."""
        return self.spans.shape[-1]

    def rows(self, gamma: Float[AnyArray, "marks marks"]) -> Float[Array, "events marks"]:
        return _counts(gamma, self)

    def event_marks(self) -> Int[AnyArray, " events"]:
        return jnp.reshape(self.marks, -1)[self.slots].astype(jnp.int32)

    def events(self) -> Events:
        def taken(values: AnyArray, blank: int) -> Array:
            flat = jnp.broadcast_to(values, self.gaps.shape).reshape(-1)
            return flat.at[self.slots].get(mode="fill", fill_value=blank)

        return Events(taken(self.gaps, 0), taken(self.marks, -1), taken(self.owner, 0))

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: counts of mark j decayed to their window's end."""
        gamma = self.by_pair(gamma)
        alpha = jnp.asarray(alpha, gamma.dtype)
        baseline = jnp.asarray(baseline, gamma.dtype)
        if not self.slots.shape[0]:
            return jnp.zeros((), gamma.dtype), jnp.zeros_like(gamma)
        return _terms(baseline, alpha, gamma, self)


# ---------------------------------------------------------------- decayed counts


@jax.custom_jvp
def _counts(gamma, form: LaneForm):
    return _recursion(gamma, form, weighted=False)[0]


@_counts.defjvp
def _counts_jvp(primals, tangents):
    gamma, form = primals
    counts, weighted = _recursion(gamma, form, weighted=True)
    return counts, -weighted * tangents[0][form.event_marks()]


def _recursion(gamma, form: LaneForm, *, weighted: bool):
    """R, and Q if `weighted`, of every event, in the stream's order."""
    start = _starts(gamma, form, weighted=weighted)[0]

    def step(carry, row):
        gap, jumps, mark = row
        carry = _advance(gamma, carry, gap, jumps)
        own = mark[None] == jnp.arange(form.num_marks, dtype=mark.dtype)[:, None]
        return carry, jax.tree.map(lambda a: jnp.sum(jnp.where(own[:, None], a, 0), 0), carry)

    _, rows = jax.lax.scan(step, start, (form.gaps, form.jumps, form.marks))
    return jax.tree.map(
        lambda a: jnp.moveaxis(a, 1, 2).reshape(-1, form.num_marks)[form.slots], rows
    )


# ---------------------------------------------------------------- event terms


@jax.custom_jvp
def _terms(baseline, alpha, gamma, form: LaneForm):
    return _pass(baseline, alpha, gamma, form, weighted=False)[:2]


@_terms.defjvp
def _terms_jvp(primals, tangents):
    total, ends, slopes = _fused(*primals)
    return (total, ends), _along(slopes, tangents)


@jax.custom_jvp
def _fused(baseline, alpha, gamma, form: LaneForm):
    """The terms and their slopes in `baseline`, `alpha` and `gamma`, from one forward pass."""
    return _pass(baseline, alpha, gamma, form, weighted=True)


@_fused.defjvp
def _fused_jvp(primals, tangents):
    *parameters, form = primals

    def fused(baseline, alpha, gamma):
        total, ends, slopes = _pass(baseline, alpha, gamma, form, weighted=True)
        return slopes, (total, ends)

    slopes, d_slopes, (total, ends) = jax.jvp(
        fused, tuple(parameters), tuple(tangents[:3]), has_aux=True
    )
    return (total, ends, slopes), (*_along(slopes, tangents), d_slopes)


def _along(slopes, tangents):
    """The terms' tangents: a product that reverse mode transposes."""
    of_total, of_ends = slopes
    d_total = sum(jnp.sum(s * t) for s, t in zip(of_total, tangents[:3], strict=True))
    return d_total, of_ends * tangents[2]


def _pass(baseline, alpha, gamma, form: LaneForm, *, weighted: bool):
    dtype = gamma.dtype
    num_marks, num_lanes = form.num_marks, form.spans.shape[0]
    by_event = baseline.ndim == 1
    weights = alpha * gamma
    start, ends, ends_slope = _starts(gamma, form, weighted=weighted)
    rows = (form.gaps, form.jumps, form.marks)
    if by_event:
        flat = jnp.zeros(form.gaps.size, dtype).at[form.slots].set(baseline, unique_indices=True)
        rows += (flat.reshape(form.gaps.shape),)
    else:
        per_lane = baseline[form.owner].T

    def step(carry, row):
        state, product, sums = carry
        gap, jumps, mark = row[:3]
        state = _advance(gamma, state, gap, jumps)
        rate = jnp.ones_like(gap)
        for i in range(num_marks):
            own = sum(weights[i, j] * state[0][i, j] for j in range(num_marks))
            rate = jnp.where(mark == i, own + (row[3] if by_event else per_lane[i]), rate)
        out = None
        if weighted:
            marks = jnp.arange(num_marks, dtype=mark.dtype)[:, None]
            inverse = jnp.where(mark[None] == marks, 1 / rate[None], 0)
            sums = tuple(a + b * inverse[:, None] for a, b in zip(sums, state, strict=False)) + (
                () if by_event else (sums[-1] + inverse,)
            )
            if by_event:
                out = jnp.sum(inverse, 0)
        return (state, _multiply(product, rate), sums), out

    sums: Any = ()
    inverses: Any
    if weighted:
        zero = jnp.zeros((num_marks, num_marks, num_lanes), dtype)
        sums = (zero, zero) + (() if by_event else (zero[0],))
    carry, inverses = jax.lax.scan(step, (start, _unit(num_lanes, dtype), sums), rows)
    _, product, sums = carry
    low = is_low(jnp.min(product[2]), weights)
    total = unless(low, _log_product(product, form.gaps.shape[0]), -jnp.inf)
    if not weighted:
        return total, ends, None
    counts, lagged = jnp.sum(sums[0], 2), jnp.sum(sums[1], 2)
    if by_event:
        slope = inverses.reshape(-1).at[form.slots].get(mode="fill", fill_value=0)
    else:
        slope = jax.ops.segment_sum(
            sums[2].T, form.owner, form.num_sequences, indices_are_sorted=True
        )
    slopes = slope, gamma * counts, alpha * (counts - gamma * lagged)
    return total, ends, (unless(low, slopes, 0), ends_slope)


# A sum of logarithms is computed as the logarithm of a product, kept as a mantissa in [1, 2) and an
# integer exponent. That costs a few integer operations per event, where a logarithm costs as much
# as four exponentials, and its rounding error does not grow with the sum.


def _unit(num_lanes: int, dtype):
    one = jnp.ones(num_lanes, dtype)
    return one, jnp.zeros(num_lanes, _FORMATS[dtype.name][0]), one


def _multiply(product, rate):
    mantissa, exponent, least = product
    integer, width, _ = _FORMATS[rate.dtype.name]
    bits = jax.lax.bitcast_convert_type(mantissa * rate, integer)
    one = np.ones((), rate.dtype).view(integer)
    mantissa = jax.lax.bitcast_convert_type((bits & integer((1 << width) - 1)) | one, rate.dtype)
    return mantissa, exponent + (bits >> width), jnp.minimum(least, rate)


def _log_product(product, steps: int):
    mantissa, exponent, least = product
    dtype = mantissa.dtype
    _, _, bias = _FORMATS[dtype.name]
    whole = jnp.sum(exponent - steps * bias).astype(dtype)
    total = jnp.sum(jnp.log(mantissa)) + whole * dtype.type(np.log(2))
    least = jnp.min(least)
    return jnp.where(least >= 0, total, jnp.nan)


_FORMATS = {"float32": (np.int32, 23, 127), "float64": (np.int64, 52, 1023)}


def _advance(gamma, state, gap, jumps):
    """One step of the recursion for all lanes: S, and Q where it is carried."""
    gap = gap[None, None]
    decay = jnp.exp(-gamma[:, :, None] * gap)
    moved = decay * (state[0] + jumps[None])
    return (moved,) if len(state) == 1 else (moved, decay * state[1] + gap * moved)


# ---------------------------------------------------------------- the lanes' starts


def _starts(gamma, form: LaneForm, *, weighted: bool):
    """S and Q at each lane's start, and E with its weighted twin (None unless `weighted`)."""
    pair = gamma[:, :, None]
    tails, spans, linked = (part[None, None] for part in (form.tails, form.spans, form.linked))
    local, lagged = _local(gamma, form, weighted=weighted)
    decay = jnp.exp(-pair * tails)
    last = local + form.pending[None]
    ends = jnp.sum(decay * last, 2)
    slope = None
    if weighted:
        slope = -jnp.sum(decay * (lagged + tails * last), 2)
    if form.depth <= 1:
        zero = jnp.zeros_like(local)
        return (zero, zero) if weighted else (zero,), ends, slope
    factor = linked * jnp.exp(-pair * spans)
    moved = factor * form.carried[None]
    local = local + moved
    if weighted:
        lagged = lagged + spans * moved
    state = (local, lagged) if weighted else (local,)
    state = _link(factor, spans, state, form.depth)
    return tuple(linked * _shift(s, 1) for s in state), ends, slope


def _link(factor, span, state, depth: int):
    """States at the lanes' ends: each lane's affine map applied to the lane before it.

    `S1 = P S0 + s` and `Q1 = P (Q0 + span S0) + q`, composed over 1, 2, 4, ... lanes. One stacked
    array per round: otherwise the compiler would evaluate every round again inside the next.
    """
    span = jnp.broadcast_to(span, factor.shape)
    stacked = jnp.stack((factor, span, *state) if len(state) == 2 else (factor, *state))
    distance = 1
    while distance < depth:
        before = _shift(stacked, distance)
        if len(state) == 2:
            factor, span, counts, lagged = stacked
            rows = (
                factor * before[0],
                span + before[1],
                counts + factor * before[2],
                lagged + factor * (before[3] + span * before[2]),
            )
        else:
            factor, counts = stacked
            rows = (factor * before[0], counts + factor * before[1])
        stacked = jax.lax.optimization_barrier(jnp.stack(rows))
        distance *= 2
    return tuple(stacked[-len(state) :])


def _local(gamma, form: LaneForm, *, weighted: bool) -> tuple[Any, Any]:
    """S and Q at each lane's last event from the lane's own events: D exponentials each."""
    columns = [_mark_sums(gamma[:, j], form.lags[j], weighted) for j in range(form.num_marks)]
    state, lagged = zip(*columns, strict=True)
    return jnp.stack(state, 1), jnp.stack(lagged, 1) if weighted else None


def _mark_sums(gamma, lags, weighted: bool):
    def terms(lag):
        decay = jnp.where(lag >= 0, jnp.exp(jnp.multiply.outer(-gamma, lag)), 0)
        return (decay, lag[None] * decay) if weighted else (decay,)

    if lags.size <= SMALL:
        sums = jax.tree.map(lambda a: jnp.sum(a, 1), terms(lags))
    else:
        zero = jnp.zeros((gamma.shape[0], lags.shape[1]), lags.dtype)
        start = (zero, zero) if weighted else (zero,)
        sums, _ = jax.lax.scan(
            lambda c, lag: (jax.tree.map(jnp.add, c, terms(lag)), None), start, lags
        )
    return sums if weighted else (sums[0], None)


def _shift(array, distance: int):
    """Each lane's value `distance` lanes earlier; zero where there is none."""
    head = jnp.zeros((*array.shape[:-1], min(distance, array.shape[-1])), array.dtype)
    return jnp.concatenate([head, array[..., :-distance]], -1)
