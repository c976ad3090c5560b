"""The form for decay rates that are known: the decayed counts are data, computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from hawkesjax.hawkes.counts.pairs import PairForm, chunk_counts
from hawkesjax.hawkes.counts.pairs_chunks import Chunks
from hawkesjax.hawkes.counts.pairs_sums import add_chunk, finish_sums, start_sums
from hawkesjax.hawkes.counts.rows import Baseline, Terms
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events, is_low, unless
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class FixedForm:
    r"""Decayed counts for a given gamma, so that evaluating it is matrix-vector work.

    With `G[n, j] = gamma[i, j] R[n, j]`, i the mark of event n, the intensity at event n is
    `baseline_n + alpha[i] . G[n]`, linear in the parameters; the log-likelihood is concave in
    them. Events are kept in chunks of a single mark (`Chunks`): one pass over G gives the value
    and the whole gradient, and no other array of G's size is written.

    The rates belong to the form: its methods take no gamma, or ignore it, so that a model calls
    every form in the same way. The derivative in gamma is zero; to learn gamma use another form.

    Args:
        chunks: events by chunks.
        rates: G, chunk by chunk.
        gamma: the decay rates, by pair.
        ends: E[i, j], counts of mark j decayed at gamma[i, j] to their window's end.
        gaps: as in `Stream`.

    Source: the precomputed weights of tick's `ModelHawkesExpKernLogLik` (Bacry et al. 2018,
    JMLR 18(214)), there source by source; the derivation is Ogata (1981), section 3.
    """

    chunks: Chunks
    rates: Float[AnyArray, "chunks marks width"]
    gamma: Float[AnyArray, "marks marks"]
    ends: Float[AnyArray, "marks marks"]
    gaps: Float[AnyArray, " events"]
    num_marks: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls,
        stream: Stream,
        dtype: Any = np.float64,
        gamma: Any = None,
        *,
        width: int | None = None,
    ) -> FixedForm:
        """Compute the decayed counts once, by the pairwise form, in `dtype`.

        Args:
            stream: the events.
            dtype: floating type of the form and of all it returns.
            gamma: (D, D) by pair, (D,) by source, or () shared; per unit of the stream's time.
            width: events per chunk; chosen by size if not given.

        Raises:
            ValueError: if gamma is missing.
        """
        if gamma is None:
            raise ValueError("FixedForm needs gamma: the decay rates are part of its data.")
        form = jax.device_put(
            PairForm.from_stream(stream, dtype, width=width, block=max(stream.num_events, 1))
        )
        marks = stream.num_marks
        rates, ends = jax.jit(_fixed)(jnp.asarray(gamma, dtype), form)
        return cls(
            chunks=jax.tree.map(np.asarray, form.chunks),
            rates=np.asarray(rates),
            gamma=np.broadcast_to(np.asarray(gamma, dtype), (marks, marks)),
            ends=np.asarray(ends),
            gaps=stream.gaps.astype(dtype),
            num_marks=marks,
        )

    def events(self) -> Events:
        """The stream that the form was built from."""
        return self.chunks.stream(self.gaps)

    def decayed_counts(self, gamma: Any = None) -> Float[Array, "events marks"]:
        """R[n, j] for the row of each event's own mark, in the stream's order."""
        counts = jnp.swapaxes(self.rates, 1, 2).reshape(-1, self.num_marks)[self.chunks.place]
        return counts / self.gamma[self.chunks.mark_of_events()]

    def excitation(
        self, alpha: Float[AnyArray, "marks marks"], gamma: Any = None
    ) -> Float[Array, " events"]:
        """`sum_j alpha[i, j] gamma[i, j] R[n, j]` with i the mark of event n."""
        alpha = jnp.asarray(alpha, self.rates.dtype)
        rates = jnp.einsum("kj,kjc->kc", alpha[self.chunks.mark], self.rates)
        return rates.ravel()[self.chunks.place]

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Any = None,
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: counts of mark j decayed to their window's end."""
        dtype = self.rates.dtype
        total = _total(jnp.asarray(baseline, dtype), jnp.asarray(alpha, dtype), self)
        return total, jnp.asarray(self.ends)


def _fixed(gamma: AnyArray, form: PairForm) -> tuple[Array, Array]:
    rows = form.rows(gamma)
    counts = chunk_counts(rows, form)
    baseline = jnp.ones((form.chunks.num_sequences, form.num_marks), rows.dtype)
    ends = form.event_terms(baseline, jnp.zeros((form.num_marks,) * 2, rows.dtype), gamma)[1]
    by_mark = jnp.broadcast_to(rows, (form.num_marks, form.num_marks))[form.chunks.mark]
    return counts * by_mark[:, :, None], ends


@jax.custom_jvp
def _total(baseline: AnyArray, alpha: AnyArray, form: FixedForm) -> Array:
    return _sums(baseline, alpha, form, False)[0]


@_total.defjvp
def _total_jvp(primals, tangents):
    baseline, alpha, form = primals
    total, (by_baseline, (by_alpha,)) = _sums(baseline, alpha, form, True)
    return total, jnp.vdot(by_baseline, tangents[0]) + jnp.vdot(by_alpha, tangents[1])


def _sums(baseline: AnyArray, alpha: AnyArray, form: FixedForm, derivative: bool):
    chunks = form.chunks
    by_chunk = chunks.baseline(baseline)

    def step(state, x):
        chunk, rates = x
        return add_chunk(state, chunk, chunks, by_chunk, alpha, (rates,), derivative), None

    state = start_sums(chunks, baseline, 1, derivative)
    order = jnp.arange(chunks.mark.shape[0])
    state, _ = lax.scan(step, state, (order, jnp.asarray(form.rates)))
    total, *slopes = finish_sums(state, chunks, baseline)
    low = is_low(state[-1], alpha * jnp.asarray(form.gamma))
    return unless(low, total, -jnp.inf), unless(low, slopes, 0)
