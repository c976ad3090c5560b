"""What gaps of the record take from the compensator: nothing can be expected to be seen in them."""

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

    With :math:`S_{ij}(g)` the events of mark j decayed to the start of gap g at the rate for
    target i, and :math:`\ell_g` its length, they are, per unit of alpha,

    .. math:: \sum_g S_{ij}(g) (1 - e^{-\gamma_{ij} \ell_g}), \qquad
              S(g) = e^{-\gamma (s_g - s_{g-1})} S(g-1) + \sum_n e^{-\gamma (s_g - t_n)}

    over the events n between the starts of the gap before and of this one, in its sequence.

    Args:
        gap: (n,) first gap that begins at or after each event (of the history, too) before a
            sequence's last gap.
        marks: (n,) of these events.
        left: (n,) time from each to the start of that gap.
        step: (G,) time since the start of the gap before.
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
        """What a panel's gaps ask for; None without gaps."""
        gaps = panel.gaps
        if not len(gaps):
            return None
        past = panel.history
        owner = np.concatenate([past.sequence, panel.sequence])
        times = np.concatenate([-past.age, panel.times])
        marks = np.concatenate([past.marks, panel.marks])
        ends = np.searchsorted(gaps.sequence, np.arange(panel.num_sequences + 1))
        place = ends[owner + 1].astype(np.int64)  # none ahead
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
    """A panel whose time is cut at the ends of its gaps, and begins with its history.

    Args:
        panel: the panel, its history among its events, with points of no mark (D) at the ends of
            its gaps and at the starts of windows with a history.
        owner: (K,) event of the panel with gaps that the time before each point goes to; N + m for
            the time after the last event of sequence m.
        seen: (K,) whether that time was watched.
        events: N.
    """

    panel: EventPanel
    owner: Int[np.ndarray, " points"]
    seen: Bool[np.ndarray, " points"]
    events: int

    @classmethod
    def of(cls, panel: EventPanel) -> Watched:
        """The points of a panel."""
        gaps, events = panel.gaps, panel.num_events
        heads = np.unique(panel.history.sequence)  # their windows' starts
        panel, rows = with_history(panel)
        size, extra = panel.num_events, 2 * len(gaps) + len(heads)
        owner = np.concatenate([panel.sequence, gaps.sequence, gaps.sequence, heads])
        times = np.concatenate([panel.times, gaps.start, gaps.end, np.zeros(len(heads))])
        marks = np.concatenate([panel.marks, np.full(extra, panel.num_marks)])
        # Events at the ends of gaps were seen; the time before `early` points was not.
        sizes = [size, len(gaps), len(gaps), len(heads)]
        kind, early = np.repeat([0, 1, -1, -1], sizes), np.repeat([False, False, True, True], sizes)
        early[:size] = panel.times < 0
        order = np.lexsort((kind, times, owner))
        owner, times, early = owner[order], times[order], early[order]
        fresh, own = np.diff(owner, prepend=-1) != 0, order < size
        given, rest = (
            np.concatenate([x, np.zeros(extra)])[order] for x in (panel.waits, panel.remaining)
        )
        plain = own & (fresh | np.roll(own, 1))  # as exact as they were given
        filled = replace(
            panel,
            times=times,
            waits=np.where(plain, given, np.where(fresh, times, np.diff(times, prepend=0.0))),
            remaining=np.where(own, rest, np.asarray(panel.duration)[owner] - times),
            marks=marks[order].astype(np.int32),
            sequence=owner.astype(np.int32),
            gaps=type(gaps).none(),
        )
        # The event at or after each point: the next one of its sequence, or the silence at its end.
        mine = np.full(size + extra, events)
        mine[rows] = np.arange(events)
        place = np.flip(np.minimum.accumulate(np.flip(mine[order])))
        late = place >= events
        late |= panel.sequence[rows][np.where(late, 0, place)] != owner if events else True
        return cls(filled, np.where(late, events + owner, place), ~early, events)

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
    waits[rows[again]] = panel.waits[again]  # as exact as they were given
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
    )
    return whole, rows
