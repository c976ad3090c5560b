"""What gaps of the record remove from the compensator: no event can be observed in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Missed:
    r"""The children that fall into gaps.

    With :math:`S_{ij}(g)` the counts of mark j decayed to the start of gap g at the rate for
    target i, and :math:`\ell_g` its length, they are, per unit of alpha,

    .. math:: \sum_g S_{ij}(g) (1 - e^{-\gamma_{ij} \ell_g}), \qquad
              S(g) = e^{-\gamma (s_g - s_{g-1})} S(g-1) + \sum_n e^{-\gamma (s_g - t_n)}

    over the events n between the starts of the previous gap and of this one, in its sequence.

    Args:
        gap: (n,) first gap that begins at or after each event (of the history, too) before a
            sequence's last gap.
        marks: (n,) of these events.
        left: (n,) time from each to the start of that gap.
        step: (G,) time since the start of the previous gap.
        first: (G,) whether the gap is the first of its sequence.
        length: (G,) of each gap.
    """

    gap: Int[AnyArray, " before"]
    marks: Int[AnyArray, " before"]
    left: Float[AnyArray, " before"]
    step: Float[AnyArray, " stretches"]
    first: Bool[AnyArray, " stretches"]
    length: Float[AnyArray, " stretches"]

    @classmethod
    def of(cls, panel: EventPanel, dtype: Any) -> Missed | None:
        """The quantities for a panel's gaps; None without gaps."""
        gaps = panel.gaps
        if not len(gaps):
            return None
        past = panel.history
        owner = np.concatenate([past.sequence, panel.sequence])
        times = np.concatenate([-past.age, panel.times])
        marks = np.concatenate([past.marks, panel.marks])
        ends = np.searchsorted(gaps.sequence, np.arange(panel.num_sequences + 1))
        place = ends[owner + 1].astype(np.int64)  # where no gap follows
        for one in np.unique(gaps.sequence):
            own, mine = owner == one, slice(ends[one], ends[one + 1])
            place[own] = ends[one] + np.searchsorted(gaps.start[mine], times[own], side="left")
        before = place < ends[owner + 1]
        place = place[before]
        first = np.diff(gaps.sequence, prepend=-1) != 0
        return cls(
            gap=place.astype(np.int32),
            marks=marks[before],
            left=(gaps.start[place] - times[before]).astype(dtype),
            step=np.where(first, 0, np.diff(gaps.start, prepend=0.0)).astype(dtype),
            first=first,
            length=gaps.length.astype(dtype),
        )

    def children(
        self,
        gamma: Float[AnyArray, "marks marks"],
        ratios: Float[AnyArray, " terms"],
        weights: Float[AnyArray, " terms"],
    ) -> Float[Array, "marks marks"]:
        """Children of each target, of all events of each source, that come within gaps, per unit of
        alpha; of a kernel `sum_k w_k gamma r_k exp(-gamma r_k t)`."""
        size, count = gamma.shape[0], self.length.shape[0]

        def add(total, term):
            ratio, weight = term
            rates = gamma * ratio
            decayed = jnp.exp(-rates.T[self.marks] * self.left[:, None])
            cells = self.gap * size + self.marks
            sums = jax.ops.segment_sum(decayed, cells, count * size)
            arrived = jnp.swapaxes(sums.reshape(count, size, size), 1, 2)

            def step(state, gap):
                here, since, first, length = gap
                state = jnp.where(first, 0, jnp.exp(-rates * since) * state) + here
                return state, -jnp.expm1(-rates * length) * state

            along = (arrived, self.step, self.first, self.length)
            lost = jax.lax.scan(step, jnp.zeros_like(rates), along)[1]
            return total + weight * jnp.sum(lost, axis=0), None

        gamma = jnp.asarray(gamma)
        terms = (jnp.asarray(ratios, gamma.dtype), jnp.asarray(weights, gamma.dtype))
        return jax.lax.scan(add, jnp.zeros_like(gamma), terms)[0]


@dataclass(frozen=True, eq=False)
class Watched:
    """A panel whose time is cut at the ends of its gaps, and which begins with its history.

    Args:
        panel: the panel with its history among its events, and points without a mark (D) at the
            ends of its gaps, at the starts of windows with a history, and on request at the
            windows' ends; with a lag its events have no mark, and points with their marks follow
            after the lag.
        owner: (K,) event of the panel with gaps to which the time before each point is assigned;
            N + m for the time after the last event of sequence m.
        seen: (K,) whether that time was observed.
        cause: (K,) event of the panel with its history whose effect begins at each point; -1 for
            none.
        events_at: (K,) event of the panel with its history at each point; -1 for none.
        rows: (N,) point of each of the panel's own events.
        events: N.
    """

    panel: EventPanel
    owner: Int[np.ndarray, " points"]
    seen: Bool[np.ndarray, " points"]
    cause: Int[np.ndarray, " points"]
    events_at: Int[np.ndarray, " points"]
    rows: Int[np.ndarray, " events"]
    events: int

    @classmethod
    def of(cls, panel: EventPanel, *, lag: float = 0.0, ends: bool = False) -> Watched:
        """The points of a panel, with effects that begin a lag after their events; with `ends`, one
        at each window's end."""
        gaps, events = panel.gaps, panel.num_events
        heads = np.unique(panel.history.sequence)  # their windows' starts
        stops = np.arange(panel.num_sequences if ends else 0)
        panel, rows = with_history(panel)
        size, none = panel.num_events, panel.num_marks
        # Effects that begin too late are put at their window's end: the same number for every lag.
        length = panel.duration[panel.sequence]
        late = np.minimum(panel.times + lag, length)
        later = np.arange(size if lag else 0)
        hidden = (late < 0) | gaps.holds(late, panel.sequence) if lag else np.zeros(size, bool)
        parts = [
            # sequence, time, mark, order among ties, whether the time before was unobserved
            (panel.sequence, panel.times, none if lag else panel.marks, 0, panel.times < 0),
            # Events at the ends of gaps were observed.
            (gaps.sequence, gaps.start, none, 1, False),
            (gaps.sequence, gaps.end, none, -1, True),
            (heads, np.zeros(len(heads)), none, -1, True),
            (panel.sequence[later], late[later], panel.marks[later], 2, hidden[later]),
            (stops, panel.duration[stops], none, 2, False),
        ]
        owner, times, marks, kind, early = (
            np.concatenate([np.broadcast_to(part[k], part[1].shape) for part in parts])
            for k in range(5)
        )
        extra = len(times) - size
        cause = np.full(len(times), -1)
        if lag:
            cause[size + 2 * len(gaps) + len(heads) :][:size] = np.where(late < length, later, -1)
        else:
            cause[:size] = np.arange(size)
        order = np.lexsort((kind, times, owner))
        owner, times, early = owner[order], times[order], early[order]
        fresh, own = np.diff(owner, prepend=-1) != 0, order < size
        given, rest = (
            np.concatenate([x, np.zeros(extra)])[order] for x in (panel.waits, panel.remaining)
        )
        plain = own & (fresh | np.roll(own, 1))  # keep the exact given values
        filled = replace(
            panel,
            times=times,
            waits=np.where(plain, given, np.where(fresh, times, np.diff(times, prepend=0.0))),
            remaining=np.where(own, rest, np.asarray(panel.duration)[owner] - times),
            marks=marks[order].astype(np.int32),
            sequence=owner.astype(np.int32),
            gaps=type(gaps).none(),
            magnitude=None,
        )
        # The event at or after each point: the next one of its sequence, or the silence at its end.
        mine = np.full(size + extra, events)
        mine[rows] = np.arange(events)
        place = np.flip(np.minimum.accumulate(np.flip(mine[order])))
        after = place >= events
        after |= panel.sequence[rows][np.where(after, 0, place)] != owner if events else True
        own = np.flatnonzero(mine[order] < events)
        owner = np.where(after, events + owner, place)
        at = np.where(order < size, order, -1)
        return cls(filled, owner, ~early, cause[order], at, own, events)

    def gathered(
        self, inside: Float[AnyArray, "points marks"], tails: Float[AnyArray, "sequences marks"]
    ) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
        """Increments of the points as those of the events and of the silences at the end."""
        size = self.events
        kept = jnp.where(self.seen[:, None], inside, 0)
        whole = jax.ops.segment_sum(kept, self.owner, size + tails.shape[0])
        return whole[:size], jnp.asarray(tails) + whole[size:]


def with_history(panel: EventPanel) -> tuple[EventPanel, Int[np.ndarray, " events"]]:
    """The panel with its history among its events, at times below 0; and the rows of its own."""
    past = panel.history
    if not len(past):
        return panel, np.arange(panel.num_events)
    owner = np.concatenate([past.sequence, panel.sequence]).astype(np.int32)
    order = np.argsort(owner, kind="stable")
    times = np.concatenate([-past.age, panel.times])[order]
    marks, owner = np.concatenate([past.marks, panel.marks])[order], owner[order]
    fresh = np.diff(owner, prepend=-1) != 0
    rows = np.flatnonzero(order >= len(past))
    waits = np.where(fresh, np.maximum(times, 0), np.diff(times, prepend=0.0))
    again = np.diff(panel.sequence, prepend=-1) == 0
    waits[rows[again]] = panel.waits[again]  # the exact given values
    remaining = panel.duration[owner] - times
    remaining[rows] = panel.remaining
    whole = replace(
        panel,
        times=times,
        waits=waits,
        remaining=remaining,
        marks=marks.astype(np.int32),
        sequence=owner,
        history=type(past).none(),
        magnitude=None
        if panel.magnitude is None or past.magnitude is None
        else np.concatenate([past.magnitude, panel.magnitude])[order],
    )
    return whole, rows
