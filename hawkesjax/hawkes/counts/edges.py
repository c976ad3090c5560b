"""The form for a known network: only its edges cost anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.counts.fast_exp import exp
from hawkesjax.hawkes.counts.rows import Baseline, Terms
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events, sum_of_logs
from hawkesjax.inputs.arrays import AnyArray

STEPS = 256  # of a lane of the recursion


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class EdgeForm:
    r"""Excitation along the edges of a network, for decays that are shared or by source.

    With :math:`S_{kp}` the state of a source just after its event p, for term k of the kernel, and
    p the last event of source j strictly before event n of mark i,

    .. math:: \lambda_n = \mu_n + \sum_{j \to i} \alpha_{ij} \sum_k w_k \gamma_j r_k
              e^{-\gamma_j r_k (t_n - t_p)} S_{kp}

    Each event costs as much as its mark has edges, and none is spent on other pairs; their alpha
    must be 0.

    Args:
        chain: position in the stream of each event, source by source, in the order of time.
        since: time since the one before it in its source and sequence; -1 for the first.
        event, slot, lag: of each edge into each event: the event, the place of p among `chain`, and
            the time since; sources without an earlier event are left out.
        gaps, remaining, marks, sequence: as in `Stream`.
        ratios: rate of each term, relative to gamma.
        num_marks: D.
    """

    chain: Int[AnyArray, " events"]
    since: Float[AnyArray, " events"]
    event: Int[AnyArray, " pairs"]
    slot: Int[AnyArray, " pairs"]
    lag: Float[AnyArray, " pairs"]
    gaps: Float[AnyArray, " events"]
    remaining: Float[AnyArray, " events"]
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    ratios: Float[AnyArray, " terms"]
    num_marks: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls, stream: Stream, edges: np.ndarray, dtype: Any = np.float64, ratios: Any = (1.0,)
    ) -> EdgeForm:
        """Lay the stream out for these edges, a mask (target, source)."""
        marks, sequence, events = stream.marks, stream.sequence, stream.num_events
        new = stream.first | (stream.gaps > 0)
        moment = np.cumsum(new)  # of simultaneous events, ascending through all sequences
        opens = np.append(moment[stream.first], 0)
        opened = opens[np.cumsum(stream.first) - 1] if events else moment
        chain = np.argsort(marks, kind="stable")
        bounds = np.searchsorted(marks[chain], np.arange(stream.num_marks + 1))
        left = stream.remaining[chain]
        since = np.append(-1.0, left[:-1] - left[1:])[:events]
        fresh = (np.diff(marks[chain], prepend=-1) != 0) | (
            np.diff(sequence[chain], prepend=-1) != 0
        )
        since[fresh] = -1
        found = []
        for i in range(stream.num_marks):
            mine = chain[bounds[i] : bounds[i + 1]]
            for j in np.flatnonzero(edges[i]) if len(mine) else ():
                theirs = moment[chain[bounds[j] : bounds[j + 1]]]
                last = np.searchsorted(theirs, moment[mine]) - 1
                known = last >= 0
                known[known] = theirs[last[known]] >= opened[mine[known]]
                found.append((mine[known], bounds[j] + last[known]))
        nothing = (np.zeros(0, np.int64),) * 2
        event, slot = (np.concatenate(x) for x in zip(nothing, *found, strict=True))
        order = np.argsort(event, kind="stable")
        event, slot = event[order], slot[order]
        return cls(
            chain=chain.astype(np.int32),
            since=np.where(fresh, -1, np.maximum(since, 0)).astype(dtype),
            event=event.astype(np.int32),
            slot=slot.astype(np.int32),
            lag=(stream.remaining[chain[slot]] - stream.remaining[event]).astype(dtype),
            gaps=stream.gaps.astype(dtype),
            remaining=stream.remaining.astype(dtype),
            marks=marks,
            sequence=sequence,
            ratios=np.asarray(ratios, dtype),
            num_marks=stream.num_marks,
        )

    def events(self) -> Events:
        """The stream that the form was built from."""
        return Events(self.gaps, self.marks, self.sequence)

    def excitation(
        self, alpha: Float[AnyArray, "marks marks"], gamma: Any, *weights: Any
    ) -> Float[Array, " events"]:
        """The excitation of each event of the stream."""
        rates, shares = self._terms(gamma, *weights)
        source = jnp.asarray(self.marks)[self.chain]
        by_place = rates[:, source]
        states = _states(by_place, self)
        heights = shares[:, None] * by_place
        alpha = jnp.asarray(alpha, rates.dtype)
        effect = alpha[jnp.asarray(self.marks)[self.event], source[self.slot]]
        total = jnp.zeros(self.event.shape, rates.dtype)
        for k in range(len(self.ratios)):
            decay = exp(-by_place[k][self.slot] * self.lag)
            total = total + (heights[k] * states[k])[self.slot] * decay
        found = jax.ops.segment_sum(effect * total, self.event, len(self.marks), True)
        return jnp.maximum(found, 0)  # terms of both signs cancel but for rounding

    def event_terms(
        self, baseline: Baseline, alpha: Float[AnyArray, "marks marks"], gamma: Any, *weights: Any
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: expected share of the children of each mark's events
        that would come after their window's end, summed over the events."""
        rates, shares = self._terms(gamma, *weights)
        baseline = jnp.asarray(baseline, rates.dtype)
        if baseline.ndim == 2:
            baseline = baseline[self.sequence, self.marks]
        intensity = baseline + self.excitation(alpha, gamma, *weights)
        total = sum_of_logs(intensity, self.terms(alpha, gamma, *weights)[0])
        late = jnp.sum(shares[:, None] * jnp.exp(-rates[:, self.marks] * self.remaining), axis=0)
        late = late + (1 - jnp.sum(shares))
        ends = jax.ops.segment_sum(late, self.marks, self.num_marks)
        return total, jnp.broadcast_to(ends, (self.num_marks,) * 2)

    def terms(
        self, alpha: Float[AnyArray, "marks marks"], gamma: Any, *weights: Any
    ) -> tuple[Float[Array, "terms marks marks"], Float[Array, "terms marks marks"]]:
        """What each term adds to an intensity right after an event, and its decay rate."""
        rates, shares = self._terms(gamma, *weights)
        alpha = jnp.asarray(alpha, rates.dtype)[None]
        whole = jnp.broadcast_to(rates[:, None], (len(rates), *alpha.shape[1:]))
        return shares[:, None, None] * alpha * whole, whole

    def _terms(self, gamma: Any, *weights: Any) -> tuple[Array, Array]:
        """Rates by term and source, and the share of each term."""
        by_source = jnp.broadcast_to(jnp.asarray(gamma, self.lag.dtype), (self.num_marks,))
        ratios = jnp.asarray(self.ratios)
        shares = jnp.asarray(weights[0], ratios.dtype) if weights else jnp.ones_like(ratios)
        return ratios[:, None] * by_source, shares


@jax.custom_jvp
def _states(rates: Float[AnyArray, "terms events"], form: EdgeForm) -> Array:
    """S just after each event of the chains, by term; `rates` are those of their sources."""
    return _recursion(rates, form)[0]


@_states.defjvp
def _states_jvp(primals, tangents):
    counts, lagged = _recursion(*primals)
    return counts, -lagged * tangents[0]


def _recursion(rates, form: EdgeForm):
    """S and Q just after each event: lanes of STEPS consecutive events from zero, one lane after
    another, and then each event from its lane's true start."""
    terms, events = rates.shape
    more = -events % STEPS

    def laned(values, filling=0.0):
        padded = jnp.pad(values, ((0, 0), (0, more)), constant_values=filling)
        return jnp.moveaxis(padded.reshape(len(values), -1, STEPS), 2, 0)

    since, rates = laned(jnp.asarray(form.since)[None], -1.0), laned(rates)
    span = jnp.maximum(since, 0)
    keep = jnp.where(since < 0, 0, exp(-rates * span))

    def along(state, x):
        keep, span = x
        product, counts, lagged, passed = state
        state = keep * product, keep * counts, keep * (lagged + span * counts), passed + span
        state = (state[0], state[1] + 1, *state[2:])
        return state, state

    zero = jnp.zeros(keep.shape[1:], keep.dtype)
    own = lax.scan(along, (zero + 1, zero, zero, zero[:1]), (keep, span))[1]
    ends = tuple(jnp.moveaxis(one[-1], 1, 0) for one in own)

    def onward(state, x):
        product, counts, lagged, passed = x
        moved = product * state[0] + counts
        return (moved, product * (state[1] + passed * state[0]) + lagged), state

    start = (jnp.zeros(terms, keep.dtype),) * 2
    begin = tuple(one.T for one in lax.scan(onward, start, ends)[1])  # (terms, lanes)
    product, counts, lagged, passed = own
    counts = product * begin[0] + counts
    lagged = product * (begin[1] + passed * begin[0]) + lagged
    flat = tuple(jnp.moveaxis(one, 0, 2).reshape(terms, -1) for one in (counts, lagged))
    return tuple(one[:, :events] for one in flat)
