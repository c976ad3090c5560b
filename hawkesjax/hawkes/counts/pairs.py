"""The pairwise form: each source scanned by itself, each target gathers its predecessors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt

from hawkesjax.hawkes.counts.fast_exp import exp
from hawkesjax.hawkes.counts.pairs_chunks import Chunks
from hawkesjax.hawkes.counts.pairs_places import Places
from hawkesjax.hawkes.counts.pairs_states import Sources, source_states
from hawkesjax.hawkes.counts.pairs_sums import add_chunk, finish_sums, start_sums
from hawkesjax.hawkes.counts.rows import Baseline, Terms
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events, is_low, unless
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PairForm:
    r"""Decayed counts for many marks, with 2 D exponentials per event instead of D^2.

    Let :math:`S^{ij}_p = \sum_{k \le p} e^{-\gamma_{ij} (t_p - t_k)}` over the events of mark j
    of one sequence, the state just after its p-th event, and :math:`Q^{ij}_p` the same sum
    weighted with :math:`t_p - t_k`. For an event n of mark i whose last strictly earlier event of
    mark j is p, with :math:`u = t_n - t_p`,

    .. math:: R_{nj} = e^{-\gamma_{ij} u} S^{ij}_p, \qquad
              -\partial R_{nj} / \partial \gamma_{ij} =
              Q_{nj} = e^{-\gamma_{ij} u} (Q^{ij}_p + u S^{ij}_p)

    p and u are found once on the host: simultaneous events are handled correctly by construction,
    and one forward pass gives the value and the whole gradient. Target by target, the states of all
    sources are computed (`source_states`) and the target's events read them, chunk by chunk.
    Decay rates by source, or shared, need the states once for all targets.

    The rules of differentiation are `custom_jvp`s whose gradients are computed on the way
    forward, so reverse mode transposes a dot product. Derivatives of second order are forward
    over reverse (`jax.hessian`, `jax.jvp` of `jax.grad`); reverse over reverse is refused by JAX,
    for the number of chunks of a mark is known only when the program runs.

    Positions are int32: D times the number of chunks times their width may be any number, but
    the source states, N plus at most 64 D and one block, must number fewer than 2^31. An event
    costs 4 + (4 or 8) bytes for each source.

    Args:
        chunks: target events by chunks of a single mark.
        sources: source events by blocks of time and lanes of a single mark.
        order: the chunks in the order of their last events.
        until: for each block of sources, how many chunks of this order it completes.
        until_of: the same for the chunks of each mark, counted from the very first chunk.
        slot: place among the states of each target's last strictly earlier event of each source.
        lag: time since then, 0 if there is none.
        end_source: source of each row of the next two.
        end_slot: place of the last event of a source in each sequence.
        end_lag: time from it to the end of its window.
        end_until: for each block of sources, how many of these rows it completes.
        gaps: as in `Stream`.

    Source: the pairwise recursion is Ogata (1981), IEEE Trans. Inf. Theory 27, 23-31, eq. 3.4,
    source by source; there ties cannot occur.
    """

    chunks: Chunks
    sources: Sources
    order: Int[AnyArray, " chunks"]
    until: Int[AnyArray, " edges"]
    until_of: Int[AnyArray, "marks edges"]
    slot: UInt[AnyArray, "chunks marks width"]
    lag: Float[AnyArray, "chunks marks width"]
    end_source: Int[AnyArray, " rows"]
    end_slot: UInt[AnyArray, "rows ends"]
    end_lag: Float[AnyArray, "rows ends"]
    end_until: Int[AnyArray, " edges"]
    gaps: Float[AnyArray, " events"]
    num_marks: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls,
        stream: Stream,
        dtype: Any = np.float64,
        *,
        width: int | None = None,
        steps: int | None = None,
        block: int | None = None,
    ) -> PairForm:
        """Lay the stream out.

        Args:
            stream: the events.
            dtype: floating type of the form and of all it returns.
            width: target events per chunk.
            steps: source events per lane.
            block: source events per block. These three are chosen by size if not given; they change
                the speed only.
        """
        places, chunks = Places.from_stream(stream, width, steps, block)
        shape = (chunks.mark.shape[0], stream.num_marks, chunks.width)
        slot, lag = np.empty(shape, np.uint32), np.empty(shape, dtype)
        for j in range(stream.num_marks):
            slot[:, j], lag[:, j] = places.before(j, chunks)
        end_source, end_slot, end_lag, end_until = places.ends()
        order, until, until_of = places.visits(chunks)
        return cls(
            chunks=chunks,
            sources=places.sources(dtype),
            order=order,
            until=until,
            until_of=until_of,
            slot=slot,
            lag=lag,
            end_source=end_source,
            end_slot=end_slot,
            end_lag=end_lag.astype(dtype),
            end_until=end_until,
            gaps=stream.gaps.astype(dtype),
            num_marks=stream.num_marks,
        )

    def events(self) -> Events:
        """The stream that the form was built from."""
        return self.chunks.stream(self.gaps)

    def decayed_counts(self, gamma: Float[AnyArray, "..."]) -> Float[Array, "events marks"]:
        """R[n, j] for the row of each event's own mark, in the stream's order."""
        counts = chunk_counts(self.rows(gamma), self)
        return jnp.swapaxes(counts, 1, 2).reshape(-1, self.num_marks)[self.chunks.place]

    def excitation(
        self, alpha: Float[AnyArray, "marks marks"], gamma: Float[AnyArray, "..."]
    ) -> Float[Array, " events"]:
        """`sum_j alpha[i, j] gamma[i, j] R[n, j]` with i the mark of event n."""
        rows = self.rows(gamma)
        weights = jnp.asarray(alpha, rows.dtype) * rows
        counts = chunk_counts(rows, self)
        rates = jnp.einsum("kj,kjc->kc", weights[self.chunks.mark], counts)
        return rates.ravel()[self.chunks.place]

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: counts of mark j decayed to their window's end.

        No array of size events x marks is written. Sums over events are taken chunk by chunk and
        compensated for rounding (Knuth's two-sum).
        """
        rows = self.rows(gamma)
        baseline = jnp.asarray(baseline, rows.dtype)
        weights = jnp.asarray(alpha, rows.dtype) * rows
        total, ends = _terms(baseline, weights, rows, self)
        return total, jnp.broadcast_to(ends, (self.num_marks, self.num_marks))

    def rows(self, gamma: Any) -> Float[Array, "rows marks"]:
        """Distinct rows of decay rates: D by pair, one otherwise."""
        gamma = jnp.asarray(gamma, self.lag.dtype)
        return gamma if gamma.ndim == 2 else jnp.broadcast_to(gamma, (1, self.num_marks))


@jax.custom_jvp
def chunk_counts(rows: Float[AnyArray, "rows marks"], form: PairForm) -> Array:
    """R in the layout of the chunks, (chunks, marks, width)."""
    return _chunk_counts(rows, form, False)[0]


@chunk_counts.defjvp
def _chunk_counts_jvp(primals, tangents):
    rows, form = primals
    counts, weighted = _chunk_counts(rows, form, True)
    change = jnp.broadcast_to(tangents[0], (form.num_marks, form.num_marks))
    return counts, -weighted * change[form.chunks.mark][:, :, None]


def _chunk_counts(rows: AnyArray, form: PairForm, derivative: bool) -> tuple[Array, ...]:
    def keep(arrays, chunk, values):
        return tuple(
            lax.dynamic_update_index_in_dim(array, value, chunk, 0)
            for array, value in zip(arrays, values, strict=True)
        )

    arrays = (jnp.zeros(form.lag.shape, rows.dtype),) * (2 if derivative else 1)
    return _visit(rows, form, derivative, keep, arrays)[0]


@jax.custom_jvp
def _terms(
    baseline: AnyArray, weights: AnyArray, rows: AnyArray, form: PairForm
) -> tuple[Array, Array]:
    total, _, ends = _sums(baseline, weights, rows, form, False)
    return total, ends[0]


@_terms.defjvp
def _terms_jvp(primals, tangents):
    baseline, weights, rows, form = primals
    total, (by_baseline, (by_weight, lagged)), ends = _sums(baseline, weights, rows, form, True)
    by_rate = -weights * lagged
    if rows.shape[0] == 1:
        by_rate = jnp.sum(by_rate, axis=0, keepdims=True)
    slopes = (by_baseline, by_weight, by_rate)
    change = sum(jnp.vdot(slope, t) for slope, t in zip(slopes, tangents[:3], strict=True))
    return (total, ends[0]), (change, -ends[1] * tangents[2])


def _sums(baseline: AnyArray, weights: AnyArray, rows: AnyArray, form: PairForm, derivative: bool):
    chunks = form.chunks
    by_chunk = chunks.baseline(baseline)

    def add(state, chunk, values):
        return add_chunk(state, chunk, chunks, by_chunk, weights, values, derivative)

    state = start_sums(chunks, baseline, 2, derivative)
    state, ends = _visit(rows, form, derivative, add, state)
    low = is_low(state[-1], weights)
    total, *slopes = finish_sums(state, chunks, baseline)
    return unless(low, total, -jnp.inf), unless(low, slopes, 0), ends


def _visit(rows: AnyArray, form: PairForm, derivative: bool, use: Callable, state: Any):
    """Call `state = use(state, chunk, (R,) or (R, Q))` for every chunk.

    Returns:
        the last state; E, and with `derivative` its lag-weighted twin, for each row of rates.
    """
    sources = form.sources

    def row(i, carry, until, order):
        gamma = rows[i]

        def block(number, carry):
            state, ends, tables = carry
            tables = source_states(gamma, sources, number, tables)
            states = tuple(table.ravel() for table in tables)

            def visit(place, state):
                chunk = place if order is None else order[place]
                lag = lax.dynamic_index_in_dim(jnp.asarray(form.lag), chunk, 0, False)
                slot = lax.dynamic_index_in_dim(jnp.asarray(form.slot), chunk, 0, False)
                return use(state, chunk, _decayed(gamma[:, None], lag, slot, states))

            def end(place, ends):
                lag = lax.dynamic_index_in_dim(jnp.asarray(form.end_lag), place, 0, False)
                slot = lax.dynamic_index_in_dim(jnp.asarray(form.end_slot), place, 0, False)
                source = jnp.asarray(form.end_source)[place]
                values = _decayed(gamma[source], lag, slot, states)
                return ends.at[:, i, source].add(jnp.stack([jnp.sum(v) for v in values]))

            state = lax.fori_loop(until[number], until[number + 1], visit, state)
            end_until = jnp.asarray(form.end_until)
            ends = lax.fori_loop(end_until[number], end_until[number + 1], end, ends)
            return state, ends, tables

        return lax.fori_loop(0, sources.num_blocks, block, carry)

    parts = 2 if derivative else 1
    ends = jnp.zeros((parts, *rows.shape), rows.dtype)
    carry = (state, ends, sources.tables(parts, rows.dtype))
    if rows.shape[0] == 1:
        return row(0, carry, jnp.asarray(form.until), jnp.asarray(form.order))[:2]
    until_of = jnp.asarray(form.until_of)
    return lax.fori_loop(
        0, rows.shape[0], lambda i, carry: row(i, carry, until_of[i], None), carry
    )[:2]


def _decayed(gamma: AnyArray, lag: AnyArray, slot: AnyArray, states: tuple[Array, ...]):
    """States decayed by a lag: R, and Q if its state is given."""
    picked = [state.at[slot].get(mode="promise_in_bounds") for state in states]
    counts = exp(-gamma * lag) * picked[0]
    if len(states) == 1:
        return (counts,)
    return counts, counts * (picked[1] + lag)
