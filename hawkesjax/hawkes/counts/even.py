"""Lanes that are laid out in JAX: for traced events, whose sequences may have any length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.hawkes.counts.lane_passes import PassForm, link, shift
from hawkesjax.hawkes.counts.lanes_layout import choose_steps
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class EvenForm(PassForm):
    r"""Decayed counts of few marks, by lanes that are cut without regard to sequences.

    The stream is cut into pieces of equal numbers of events, so that its layout is a transposition
    whose shape the number of events decides: all that a trace knows. The recursion of `LaneForm`
    starts again wherever a sequence does, also within a lane. A lane's own events decayed to its
    last one, and to their windows' ends, are summed in a pass backwards over the steps, D
    exponentials an event as there; simultaneous events wait in the recursion until time moves on.

    Lanes are filled up before the first event, with events without a mark.

    Args:
        gaps: time since the event before; 0 for a tie; -1 for the first of each of several
            sequences, 0 for that of one.
        marks: mark of each event, -1 before the stream's first.
        waits, remaining, sequence, kinds: gaps, times to the windows' ends, sequences and marks of
            the events as in `Stream`.
        num_marks: number of marks D.
        num_sequences: number of sequences M.
    """

    gaps: Float[AnyArray, "steps lanes"]
    marks: Int[AnyArray, "steps lanes"]
    waits: Float[AnyArray, " events"]
    remaining: Float[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    kinds: Int[AnyArray, " events"]
    num_marks: int = field(metadata={"static": True})
    num_sequences: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls, stream: Stream, dtype: np.dtype | type = np.float64, lanes: int | None = None
    ) -> EvenForm:
        """Lay a stream out; arguments as in `LaneForm.from_stream`."""
        return cls.from_columns(
            jnp.asarray(stream.gaps),
            jnp.asarray(stream.remaining),
            jnp.asarray(stream.marks),
            jnp.asarray(stream.sequence),
            jnp.asarray(stream.first),
            stream.num_marks,
            stream.num_sequences,
            dtype=dtype,
            lanes=lanes,
        )

    @classmethod
    def from_columns(
        cls,
        gaps: Float[Array, " events"],
        remaining: Float[Array, " events"],
        marks: Int[Array, " events"],
        sequence: Int[Array, " events"],
        first: Bool[Array, " events"],
        num_marks: int,
        num_sequences: int,
        *,
        dtype: np.dtype | type = np.float64,
        lanes: int | None = None,
    ) -> EvenForm:
        """Lay the columns of a `Stream` out, traced or not."""
        steps = choose_steps(np.array(gaps.shape), lanes, on_cpu=jax.default_backend() == "cpu")
        wide = max(-(-gaps.shape[0] // steps), 1)
        waits = jnp.asarray(gaps, dtype)
        cut = jnp.where(first, -1 if num_sequences > 1 else 0, waits)
        return cls(
            gaps=_laid(cut, steps, wide, 0),
            marks=_laid(marks, steps, wide, -1),
            waits=waits,
            remaining=jnp.asarray(remaining, dtype),
            sequence=sequence,
            kinds=marks,
            num_marks=num_marks,
            num_sequences=num_sequences,
        )

    @property
    def wide(self) -> int:
        """Number of lanes."""
        return self.gaps.shape[-1]

    @property
    def places(self) -> int:
        return self.sequence.shape[0]

    def event_marks(self) -> AnyArray:
        return self.kinds

    def events(self) -> Events:
        return Events(self.waits, self.kinds, self.sequence)

    def laid(self, values: Array) -> Array:
        steps, wide = self.gaps.shape
        return _laid(values, steps, wide, 0)

    def in_order(self, values: Array) -> Array:
        flat = jnp.swapaxes(values, 0, 1).reshape(-1, *values.shape[2:])
        return flat[flat.shape[0] - self.places :]

    def by_lane(self, baseline: Float[AnyArray, "sequences marks"]) -> Array | None:
        if self.num_sequences > 1:
            return None
        return jnp.broadcast_to(jnp.asarray(baseline).T, (self.num_marks, self.wide))

    def by_sequence(self, values: Array) -> Array:
        return jnp.sum(values, 1)[None]

    def by_cell(self, baseline: Float[AnyArray, "sequences marks"]) -> Array:
        return jnp.ravel(baseline)[self.sequence * self.num_marks + self.kinds]

    def steps(self) -> tuple[AnyArray, ...]:
        return (self.gaps,)

    def advance(self, gamma: Array, state: Any, mark: Array, read: Any) -> Any:
        moments, waiting = state
        gap, moved = read[0], read[0] != 0
        decay = jnp.exp(-gamma[:, :, None] * jnp.abs(gap))
        if self.num_sequences > 1:
            decay = jnp.where(gap < 0, 0, decay)
        counts = decay * (moments[0] + jnp.where(moved, waiting, 0)[None])
        waiting = jnp.where(moved, 0, waiting) + self._own(mark)
        return (counts, *(decay * q + gap * counts for q in moments[1:])), waiting

    def starts(self, gamma: Array, *, weighted: bool) -> tuple[Any, Array, Array | None]:
        pair = gamma[:, :, None]
        local, done, pending, keep, spans = self._own_sums(gamma, weighted=weighted)
        steps = self.gaps.shape[0]
        tails = self.remaining[(self.places - 1) % steps :: steps]
        decay = jnp.exp(-pair * tails)
        last = local[0] + pending[None]
        ends = decay * last
        slope = decay * (local[1] + tails * last) if weighted else None
        if done is not None:
            ends, slope = ends + done[0], slope + done[1] if weighted else None
        ends, slope = jnp.sum(ends, 2), -jnp.sum(slope, 2) if weighted else None
        # events that wait at each lane's end: those of the lanes before, where no time has passed
        same = (keep & (spans == 0)).astype(pair.dtype)
        waiting = _waiting(same, pending)
        factor = jnp.where(keep, jnp.exp(-pair * spans), 0)
        moved = factor * (jnp.where(same > 0, 0, shift(waiting, 1)))[None]
        moments = (local[0] + moved, *(q + spans * moved for q in local[1:]))
        moments = link(factor, spans, moments, self.wide)
        return (tuple(shift(s, 1) for s in moments), shift(waiting, 1)), ends, slope

    def _own(self, mark: Array) -> Array:
        """1 for each event's own mark, (D, lanes)."""
        kinds = jnp.arange(self.num_marks, dtype=mark.dtype)[:, None]
        return (mark[None] == kinds).astype(self.gaps.dtype)

    def _own_sums(self, gamma: Array, *, weighted: bool) -> tuple[Any, ...]:
        """S and Q at each lane's last event from its own earlier events of that sequence; the
        lane's other events decayed to their windows' ends; events simultaneous with the last; and
        whether the lane holds one sequence that began before it, with the time since the event
        before the lane."""
        wide, kinds, several = self.wide, range(self.num_marks), self.num_sequences > 1
        zero, parts = jnp.zeros(wide, gamma.dtype), 2 if weighted else 1
        sums = tuple(tuple((zero,) * parts for _ in kinds) for _ in kinds)

        def step(carry, row):
            lag, live, pending, local, done = carry
            gap, mark, *remaining = row
            age = jnp.where(live, lag, remaining[0]) if several else lag
            here = live & (lag > 0) if several else lag > 0
            shares = []
            for i in kinds:
                rate = jnp.full_like(lag, gamma[i, 0])
                for j in kinds[1:]:
                    rate = jnp.where(mark == j, gamma[i, j], rate)
                share = jnp.exp(-rate * age)
                shares.append((share, age * share)[:parts])

            def added(totals, where):
                return tuple(
                    tuple(
                        tuple(
                            total + jnp.where(where & (mark == j), share, 0)
                            for total, share in zip(totals[i][j], shares[i], strict=True)
                        )
                        for j in kinds
                    )
                    for i in kinds
                )

            local = added(local, here)
            done = added(done, ~live) if several else done
            pending = tuple(pending[j] + (live & ~here & (mark == j)) for j in kinds)
            live = live & (gap >= 0) if several else live
            return (lag + jnp.maximum(gap, 0), live, pending, local, done), None

        start = (zero, jnp.ones(wide, bool), (zero,) * len(kinds), sums, sums if several else None)
        rows = (self.gaps, self.marks)
        rows += (self.laid(jnp.asarray(self.remaining)),) if several else ()
        carry, _ = jax.lax.scan(step, start, rows, reverse=True)
        spans, keep, pending, local, done = carry

        def stacked(sums):
            return tuple(
                jnp.stack([jnp.stack([sums[i][j][part] for j in kinds]) for i in kinds])
                for part in range(parts)
            )

        done = stacked(done) if several else None
        return stacked(local), done, jnp.stack(pending), keep, spans


def _laid(values: Array, steps: int, wide: int, fill: float) -> Array:
    more = steps * wide - values.shape[0]
    return jnp.pad(values, (more, 0), constant_values=fill).reshape(wide, steps).T


def _waiting(same: Array, pending: Array) -> Array:
    """Events that wait at each lane's end, with those of the lane before where `same`."""

    def after(one, other):
        return one[0] * other[0], other[0] * one[1] + other[1]

    return jax.lax.associative_scan(after, (same[None] + jnp.zeros_like(pending), pending), axis=1)[
        1
    ]
