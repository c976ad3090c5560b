"""The `steps x lanes` form: the full recursion, many contiguous pieces of the stream at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.counts.lane_passes import PassForm, link, shift
from hawkesjax.hawkes.counts.lanes_layout import lane_layout
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events
from hawkesjax.inputs.arrays import AnyArray

SMALL = 1 << 15  # lags of a mark that are summed in one array; more of them step by step


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class LaneForm(PassForm):
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
    whole: ClassVar[int] = 8  # lanes of a vector: their number is padded to whole ones

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

    @property
    def places(self) -> int:
        return self.slots.shape[0]

    def event_marks(self) -> Int[AnyArray, " events"]:
        return jnp.reshape(self.marks, -1)[self.slots].astype(jnp.int32)

    def events(self) -> Events:
        # By step and lane, not by place in the flat array: for that, several devices would each
        # gather all lanes, and XLA would turn the arrays for it outside of the condition that
        # asks for the events, at every call (a quarter of the time of two devices).
        place = jnp.divmod(jnp.asarray(self.slots), self.wide)

        def taken(values: AnyArray, blank: int) -> Array:
            return jnp.asarray(values).at[place].get(mode="fill", fill_value=blank)

        owner = jnp.where(place[0] < self.gaps.shape[0], jnp.asarray(self.owner)[place[1]], 0)
        return Events(taken(self.gaps, 0), taken(self.marks, -1), owner)

    def laid(self, values: Array) -> Array:
        flat = jnp.zeros(self.gaps.size, values.dtype).at[self.slots]
        return flat.set(values, unique_indices=True).reshape(self.gaps.shape)

    def in_order(self, values: Array) -> Array:
        flat = values.reshape(-1, *values.shape[2:]).at[self.slots]
        return flat.get(mode="fill", fill_value=0)

    def by_lane(self, baseline: Float[AnyArray, "sequences marks"]) -> Array:
        return jnp.asarray(baseline[self.owner].T)

    def by_sequence(self, values: Array) -> Array:
        return jax.ops.segment_sum(
            values.T, self.owner, self.num_sequences, indices_are_sorted=True
        )

    def by_cell(self, baseline: Float[AnyArray, "sequences marks"]) -> Array:
        return self.events().own(baseline)

    def steps(self) -> tuple[AnyArray, ...]:
        return self.gaps, self.jumps

    def advance(self, gamma: Array, state: Any, mark: Array, read: Any) -> Any:
        moments, rest = state
        gap, jumps = read[0][None, None], read[1][None]
        decay = jnp.exp(-gamma[:, :, None] * gap)
        moved = decay * (moments[0] + jumps)
        return (moved, *(decay * q + gap * moved for q in moments[1:])), rest

    def starts(self, gamma: Array, *, weighted: bool) -> tuple[Any, Array, Array | None]:
        pair = gamma[:, :, None]
        tails, spans, linked = (part[None, None] for part in (self.tails, self.spans, self.linked))
        local, lagged = _local(gamma, self, weighted=weighted)
        decay = jnp.exp(-pair * tails)
        last = local + self.pending[None]
        ends = jnp.sum(decay * last, 2)
        slope = None
        if weighted:
            slope = -jnp.sum(decay * (lagged + tails * last), 2)
        if self.depth <= 1:
            zero = jnp.zeros_like(local)
            return ((zero, zero) if weighted else (zero,), None), ends, slope
        factor = linked * jnp.exp(-pair * spans)
        moved = factor * self.carried[None]
        local = local + moved
        if weighted:
            lagged = lagged + spans * moved
        moments = (local, lagged) if weighted else (local,)
        moments = link(factor, spans, moments, self.depth)
        return (tuple(linked * shift(s, 1) for s in moments), None), ends, slope


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
