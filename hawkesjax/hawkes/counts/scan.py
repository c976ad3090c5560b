"""The plain form: one event per step. Slow and simple, the reference for every other form."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.hawkes.counts.rows import Baseline, RowForm, Terms, decayed_to_end
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events, sum_of_logs
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class ScanForm(RowForm):
    r"""Decayed counts by one recursion over the events.

    For the row of each event's own mark,

    .. math:: R_{nj} = \sum_{k:\, t_k < t_n,\, m_k = j} e^{-\gamma_{m_n j} (t_n - t_k)}, \qquad
              Q_{nj} = \sum_{k:\, t_k < t_n,\, m_k = j} (t_n - t_k) e^{-\gamma_{m_n j}(t_n - t_k)}

    over events k of the same sequence. Both follow `S <- e (S + jumps)`,
    `Q <- e (Q + gap (S + jumps))` with `e = exp(-gamma gap)`; since `dR/dgamma = -Q`, the tangent
    of R needs no tape: a `custom_jvp` returns `-Q dgamma`, and reverse mode transposes that
    product. Simultaneous events wait in `jumps` until the time moves on (Ogata 1981, eq. 3.4,
    for untied times).

    Args:
        gaps, remaining, marks, first: as in `Stream`, floating arrays in the form's dtype.
        sequence: sequence of each event.
        num_marks: number of marks D.
    """

    gaps: Float[AnyArray, " events"]
    remaining: Float[AnyArray, " events"]
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    first: Bool[AnyArray, " events"]
    num_marks: int = field(metadata={"static": True})

    @classmethod
    def from_stream(cls, stream: Stream, dtype: np.dtype | type = np.float64) -> ScanForm:
        return cls(
            gaps=stream.gaps.astype(dtype),
            remaining=stream.remaining.astype(dtype),
            marks=stream.marks,
            sequence=stream.sequence,
            first=stream.first,
            num_marks=stream.num_marks,
        )

    def rows(self, gamma: Float[AnyArray, "marks marks"]) -> Float[Array, "events marks"]:
        return _counts(gamma, self)

    def event_marks(self) -> AnyArray:
        return self.marks

    def events(self) -> Events:
        return Events(self.gaps, self.marks, self.sequence)

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: counts of mark j decayed to their window's end."""
        gamma = self.by_pair(gamma)
        baseline = jnp.asarray(baseline, gamma.dtype)
        if baseline.ndim == 2:
            baseline = baseline[self.sequence, self.marks]
        weights = jnp.asarray(alpha, gamma.dtype) * gamma
        intensity = baseline + self.excitation(alpha, gamma)
        total = sum_of_logs(intensity, weights)
        return total, decayed_to_end(gamma, self.marks, self.remaining)


@jax.custom_jvp
def _counts(gamma: Float[AnyArray, "marks marks"], form: ScanForm) -> Float[Array, "events marks"]:
    return _recursion(gamma, form)[0]


@_counts.defjvp
def _counts_jvp(primals, tangents):
    gamma, form = primals
    counts, weighted = _recursion(gamma, form)
    return counts, -weighted * tangents[0][form.marks]


def _recursion(gamma, form: ScanForm):
    eye = jnp.eye(form.num_marks, dtype=gamma.dtype)
    zero = jnp.zeros_like(gamma)

    def step(carry, event):
        state, weighted, jumps = carry
        gap, mark, first = event
        gap = jnp.where(first, 0, gap)
        keep = jnp.where(first, 0, 1).astype(gamma.dtype)
        state, weighted, jumps = keep * state, keep * weighted, keep * jumps
        moved = gap > 0
        arrived = state + jnp.where(moved, jumps, 0)[None]
        decay = jnp.exp(-gamma * gap)
        weighted = decay * (weighted + gap * arrived)
        state = decay * arrived
        jumps = jnp.where(moved, 0, jumps) + eye[mark]
        return (state, weighted, jumps), (state[mark], weighted[mark])

    start = (zero, zero, jnp.zeros(form.num_marks, gamma.dtype))
    _, (counts, weighted) = jax.lax.scan(step, start, (form.gaps, form.marks, form.first))
    return counts, weighted
