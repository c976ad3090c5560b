"""The pairwise form: each source scanned by itself, each target gathers its predecessors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from hawkesjax.ops.pairs_layout import Chunks, Sources
from hawkesjax.ops.streams import Stream


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PairForm:
    chunks: Chunks
    gaps: Float[Array, "blocks steps lanes"]
    jump: Float[Array, "blocks lanes"]
    span: Float[Array, "blocks lanes"]
    source: Int[Array, "blocks lanes"]
    slot: Int[Array, "chunks marks width"]
    lag: Float[Array, "chunks marks width"]
    end_source: Int[Array, "rows"]
    end_slot: Int[Array, "rows ends"]
    end_lag: Float[Array, "rows ends"]
    num_marks: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls,
        stream: Stream,
        dtype: Any = np.float64,
        *,
        width: int | None = None,
        steps: int | None = None,
        lanes: int | None = None,
    ) -> PairForm:
        chunks = Chunks.from_stream(stream, width)
        sources = Sources.from_stream(stream, steps, lanes)
        shape = (chunks.mark.size, stream.num_marks, chunks.width)
        slot, lag = np.empty(shape, np.int32), np.empty(shape, dtype)
        for j in range(stream.num_marks):
            slot[:, j], lag[:, j] = sources.before(j, chunks)
        end_source, end_slot, end_lag = sources.ends()
        resets = (sources.gaps < 0).any(axis=1)
        return cls(
            chunks=chunks,
            gaps=sources.gaps.astype(dtype),
            jump=sources.jump.astype(dtype),
            span=np.where(resets, -1, sources.gaps.sum(axis=1)).astype(dtype),
            source=sources.mark,
            slot=slot,
            lag=lag,
            end_source=end_source,
            end_slot=end_slot,
            end_lag=end_lag.astype(dtype),
            num_marks=stream.num_marks,
        )

    def decayed_counts(self, gamma: Float[Array, "..."]) -> Float[Array, "events marks"]:
        """R[n, j] for the row of each event's own mark, in the stream's order."""
        counts = _counts(self._rows(gamma), self)
        return jnp.swapaxes(counts, 1, 2).reshape(-1, self.num_marks)[self.chunks.place]

    def excitation(
        self, alpha: Float[Array, "marks marks"], gamma: Float[Array, "..."]
    ) -> Float[Array, "events"]:
        """`sum_j alpha[i, j] gamma[i, j] R[n, j]` with i the mark of event n."""
        rows = self._rows(gamma)
        weights = jnp.asarray(alpha, rows.dtype) * rows
        counts = _counts(rows, self)
        rates = jnp.einsum("kj,kjc->kc", weights[self.chunks.mark], counts)
        return rates.ravel()[self.chunks.place]

    def event_terms(
        self,
        baseline: Float[Array, "sequences marks"] | Float[Array, "events"],
        alpha: Float[Array, "marks marks"],
        gamma: Float[Array, "..."],
    ) -> tuple[Float[Array, ""], Float[Array, "marks marks"]]:
        """`sum_n log lambda_n`, and `E[i, j]`: counts of mark j decayed to their window's end."""
        rows = self._rows(gamma)
        baseline = jnp.asarray(baseline, rows.dtype)
        weights = jnp.asarray(alpha, rows.dtype) * rows
        total, ends = _terms(baseline, weights, rows, self)
        return total, jnp.broadcast_to(ends, (self.num_marks, self.num_marks))

    def _rows(self, gamma: Any) -> Array:
        """Distinct rows of decay rates: (marks, marks) by pair, (1, marks) otherwise."""
        gamma = jnp.asarray(gamma, self.lag.dtype)
        if gamma.ndim == 2:
            return gamma
        return jnp.broadcast_to(gamma, (1, self.num_marks))


@jax.custom_jvp
def _counts(rows: Array, form: PairForm) -> Array:
    return _loop(rows, form, _keep_counts(form, rows, False), False)[0]


@_counts.defjvp
def _counts_jvp(primals, tangents):
    rows, form = primals
    counts, weighted = _loop(rows, form, _keep_counts(form, rows, True), True)
    change = jnp.broadcast_to(tangents[0], (form.num_marks, form.num_marks))
    return counts, -weighted * change[form.chunks.mark][:, :, None]


def _keep_counts(form, rows, derivative):
    start = (jnp.zeros(form.lag.shape, rows.dtype),) * (2 if derivative else 1)

    def visit(carry, chunk, row, *values):
        return tuple(lax.dynamic_update_index_in_dim(c, v, chunk, 0) for c, v in zip(carry, values, strict=True))

    return start, visit


def _loop(rows, form, start_visit, derivative):
    """Visit every chunk with its R (and Q), by groups of targets that share decay rates."""
    carry, visit = start_visit
    chunks = form.chunks

    def one(row, bounds, carry, gamma):
        states = source_states(gamma, form, derivative)

        def step(chunk, carry):
            values = gather(form, gamma, states, chunk)
            return visit(carry, chunk, row, *values)

        return lax.fori_loop(bounds[0], bounds[1], step, carry)

    if rows.shape[0] == 1:
        return one(0, (0, chunks.mark.shape[0]), carry, rows[0])
    start = jnp.asarray(chunks.start)
    return lax.fori_loop(
        0,
        form.num_marks,
        lambda i, carry: one(i, (start[i], start[i + 1]), carry, rows[i]),
        carry,
    )


def gather(form, gamma, states, chunk):
    lag = lax.dynamic_index_in_dim(jnp.asarray(form.lag), chunk, 0, False)
    slot = lax.dynamic_index_in_dim(jnp.asarray(form.slot), chunk, 0, False)
    return decayed(jnp.exp(-gamma[:, None] * lag), lag, slot, states)


def decayed(decay, lag, slot, states):
    picked = [state.at[slot].get(mode="promise_in_bounds") for state in states]
    counts = decay * picked[0]
    if len(states) == 1:
        return (counts,)
    return counts, decay * picked[1] + lag * counts


def source_states(gamma, form, derivative):
    """S (and Q) just after each source event, one flat array each.

    Every block goes twice through its steps: from zero, which gives each lane's affine map, and
    from the lane's true start. Exponentials are taken once, and all of it stays in cache.
    """

    def block(start, x):
        gaps, span, source, jump = x
        rate = gamma[source]
        decay = lax.optimization_barrier(jnp.where(gaps < 0, 0, jnp.exp(-rate * gaps)))
        keep = jnp.where(span < 0, 0, jnp.exp(-rate * span))

        def advance(state, x):
            decay, gap = x
            counts = decay * state[0] + jump
            if not derivative:
                return (counts,)
            return counts, decay * (state[1] + gap * state[0])

        def twice(state, x):
            state = advance(state, x)
            return state, state

        zero = (jnp.zeros_like(rate),) * len(start)
        ends, _ = lax.scan(lambda state, x: (advance(state, x), None), zero, (decay, gaps))
        after = _join(keep, jnp.where(span < 0, 0, span), ends, start)
        before = tuple(
            jnp.concatenate([s[None], a[:-1]]) for s, a in zip(start, after, strict=True)
        )
        _, states = lax.scan(twice, before, (decay, gaps))
        return tuple(a[-1] for a in after), states

    zero = (jnp.zeros((), gamma.dtype),) * (2 if derivative else 1)
    parts = (form.gaps, form.span, form.source, form.jump)
    _, states = lax.scan(block, zero, jax.tree.map(jnp.asarray, parts))
    return [state.ravel() for state in states]


def _join(keep, span, ends, start):
    """State after each lane, from its affine map and the state before the first lane.

    A lane takes (S, Q) to (P S + s, P (Q + span S) + q); `keep` is P, `ends` are s and q.
    """

    def compose(a, b):
        keep, span = a[0] * b[0], a[1] + b[1]
        out = (keep, span, b[0] * a[2] + b[2])
        if len(a) == 4:
            out += (b[0] * (a[3] + b[1] * a[2]) + b[3],)
        return out

    keep, span, *ends = lax.associative_scan(compose, (keep, span, *ends))
    counts = keep * start[0] + ends[0]
    if len(ends) == 1:
        return (counts,)
    return counts, keep * (start[1] + span * start[0]) + ends[1]


@jax.custom_jvp
def _terms(baseline, weights, rows, form):
    return _terms_value(baseline, weights, rows, form, False)


@_terms.defjvp
def _terms_jvp(primals, tangents):
    baseline, weights, rows, form = primals
    total, ends, grads, weighted_ends = _terms_value(baseline, weights, rows, form, True)
    change = sum(jnp.vdot(g, t) for g, t in zip(grads, tangents[:3], strict=True))
    return (total, ends), (change, -weighted_ends * tangents[2])


def _terms_value(baseline, weights, rows, form, derivative):
    chunks, marks = form.chunks, form.num_marks
    dtype = rows.dtype
    base = chunks.baseline(baseline)
    scalar = chunks.is_scalar(baseline)
    columns = 2 + 2 * marks if derivative else 1
    sums = jnp.zeros((2, marks, columns), dtype)
    per_event = jnp.zeros(chunks.events.shape, dtype) if derivative and not scalar else None
    ends = jnp.zeros((2 if derivative else 1, *rows.shape), dtype)
    end_source = jnp.asarray(form.end_source)
    valid = jnp.arange(chunks.width)

    def visit(state, chunk, row, counts, weighted=None):
        sums, per_event = state
        mark = jnp.asarray(chunks.mark)[chunk]
        inside = valid < jnp.asarray(chunks.size)[chunk]
        rate = lax.dynamic_index_in_dim(base, chunk, 0, False) + weights[mark] @ counts
        rate = jnp.where(inside, rate, 1)
        parts = [jnp.sum(jnp.log(rate))[None]]
        if derivative:
            inverse = jnp.where(inside, 1 / rate, 0)
            parts += [jnp.sum(inverse)[None], counts @ inverse, weighted @ inverse]
            if per_event is not None:
                per_event = lax.dynamic_update_index_in_dim(per_event, inverse, chunk, 0)
        return add_to_row(sums, mark, jnp.concatenate(parts)), per_event

    def one(row, bounds, carry, gamma):
        states = source_states(gamma, form, derivative)
        state, ends = carry

        def step(chunk, state):
            return visit(state, chunk, row, *gather(form, gamma, states, chunk))

        state = lax.fori_loop(bounds[0], bounds[1], step, state)
        decay = jnp.exp(-gamma[end_source][:, None] * form.end_lag)
        values = decayed(decay, form.end_lag, form.end_slot, states)
        values = [jax.ops.segment_sum(v.sum(1), end_source, marks) for v in values]
        return state, ends.at[:, row].set(jnp.stack(values))

    carry = ((sums, per_event), ends)
    if rows.shape[0] == 1:
        carry = one(0, (0, chunks.mark.shape[0]), carry, rows[0])
    else:
        start = jnp.asarray(chunks.start)
        carry = lax.fori_loop(
            0, marks, lambda i, carry: one(i, (start[i], start[i + 1]), carry, rows[i]), carry
        )
    (sums, per_event), ends = carry
    sums = sums[0] + sums[1]
    total = jnp.sum(sums[:, 0])
    if not derivative:
        return total, ends[0]
    by_weight, by_rate = sums[:, 2 : 2 + marks], -weights * sums[:, 2 + marks :]
    if rows.shape[0] == 1:
        by_rate = by_rate.sum(0, keepdims=True)
    by_baseline = chunks.baseline_gradient(baseline, sums[:, 1] if scalar else per_event)
    return total, ends[0], (by_baseline, by_weight, by_rate), ends[1]


def add_to_row(sums, row, values):
    """Add to a row of a pair (sum, rounding error), without losing what float rounds off."""
    high, low = sums[0, row], sums[1, row]
    total = high + values
    shadow = total - high
    error = (high - (total - shadow)) + (values - shadow)
    return sums.at[:, row].set(jnp.stack([total, low + error]))
