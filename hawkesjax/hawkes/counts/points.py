"""The form for events whose effects differ: points of a stream, with weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.hawkes.counts.rows import Baseline, Terms
from hawkesjax.hawkes.counts.underflow import is_low, unless
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PointForm:
    r"""Excitation by events that have weights, with gaps in the windows, a history and a lag.

    A point adds `weights[p, i]` to the decayed counts of its mark for target i, and events read
    them just before. With `S_k` the counts at the rates `gamma r_k`, one recursion over the points
    gives the intensities and, summed over the observed intervals between points, the children
    within the windows:

    .. math:: S \leftarrow S e^{-\gamma r_k g_p}, \qquad
              K_{ij} = \sum_k w_k \sum_{p\ seen} S_{kij} (1 - e^{-\gamma_{ij} r_k g_p})

    One step per point, D x D exponentials per step, for any D.

    Args:
        gaps: (P,) time since the point before of the same sequence; 0 for a tie.
        marks: (P,) mark whose counts the point adds to; D for none.
        first: (P,) whether it is the first of its sequence.
        seen: (P,) whether the time before it was observed.
        rows: (N,) point of each event; -1 for padding.
        own: (P,) mark of the event at each point; 0 where there is none.
        sequence: (N,) of each event.
        ratios: (K,) r.
        weights: (P, D), filled in for given parameters.
        paced: of given parameters, factors of the decay rates, (U, D, D), and the row of each
            point, (P,), where sequences differ; else None.
        num_marks: D.
    """

    gaps: Float[AnyArray, " points"]
    marks: Int[AnyArray, " points"]
    first: Bool[AnyArray, " points"]
    seen: Bool[AnyArray, " points"]
    rows: Int[AnyArray, " events"]
    own: Int[AnyArray, " points"]
    sequence: Int[AnyArray, " events"]
    ratios: Float[AnyArray, " terms"]
    num_marks: int = field(metadata={"static": True})
    weights: Float[AnyArray, "points marks"] | None = None
    paced: Any = None

    def excitation(
        self, alpha: Float[AnyArray, "marks marks"], gamma: Float[AnyArray, "..."], *mix: AnyArray
    ) -> Float[Array, " events"]:
        """What the past adds to the intensity of each event's own mark."""
        return self._along(alpha, gamma, *mix)[0]

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
        *mix: AnyArray,
    ) -> Terms:
        """`sum_n log lambda_n`, and the children of each target that events of each source have
        where they can be observed, per unit of alpha."""
        excitation, children = self._along(alpha, gamma, *mix)
        baseline = jnp.asarray(baseline, excitation.dtype)
        if baseline.ndim == 2:
            baseline = baseline[self.sequence, jnp.asarray(self.own)[self.rows]]
        real, rate = jnp.asarray(self.rows) >= 0, baseline + excitation
        low = is_low(jnp.min(jnp.where(real, rate, jnp.inf)), jnp.asarray(alpha) * gamma)
        logs = jnp.log(jnp.where(real & ~low, rate, 1))
        return unless(low, jnp.sum(logs), -jnp.inf), children

    def _along(
        self, alpha: AnyArray, gamma: AnyArray, *mix: AnyArray
    ) -> tuple[Float[Array, " events"], Float[Array, "marks marks"]]:
        weights = jnp.asarray(self.weights)
        dtype, size = weights.dtype, self.num_marks
        alpha = jnp.asarray(alpha, dtype)
        rates = jnp.broadcast_to(jnp.asarray(gamma, dtype), (size, size))
        rates = rates * jnp.asarray(self.ratios, dtype)[:, None, None]
        mixed = jnp.ones((1,), dtype) if not mix else jnp.asarray(mix[0], dtype)
        shares = mixed[:, None, None] * alpha
        paces, owner = (None, self.marks) if self.paced is None else self.paced
        eye = jnp.eye(size + 1, size, dtype=dtype)  # points without a mark use the last row

        @jax.checkpoint
        def step(carry, point):
            state, waiting, children = carry
            gap, mark, first, seen, own, owner, weight = point
            gap = jnp.where(first, 0, gap)
            arrived = state + jnp.where(gap > 0, waiting, 0)[None]
            fast = rates if paces is None else rates * paces[owner]
            lost = -jnp.expm1(-fast * gap) * arrived
            children = children + jnp.where(seen & ~first, lost, 0)
            state = jnp.where(first, 0, arrived - lost)
            waiting = jnp.where(first | (gap > 0), 0, waiting) + weight[:, None] * eye[mark][None]
            rate = jnp.sum(shares[:, own] * fast[:, own] * state[:, own])
            return (state, waiting, children), rate

        columns = (self.gaps, self.marks, self.first, self.seen, self.own, owner, weights)
        zero = jnp.zeros_like(shares * rates)
        carry, rate = jax.lax.scan(step, (zero, zero[0], zero), columns)
        return rate[self.rows], jnp.sum(mixed[:, None, None] * carry[2], axis=0)

    @property
    def num_points(self) -> int:
        """P."""
        return self.gaps.shape[0]

    def filled(self, points: int, events: int) -> PointForm:
        """Padded to these numbers of points and events; the padding has no effect and no event."""
        more, most = points - self.num_points, events - len(self.rows)

        def longer(values: AnyArray, size: int, filling: float) -> AnyArray:
            return np.pad(values, (0, size), constant_values=filling)

        return replace(
            self,
            gaps=longer(self.gaps, more, 0),
            marks=longer(self.marks, more, self.num_marks),
            first=longer(self.first, more, True),
            seen=longer(self.seen, more, False),
            own=longer(self.own, more, 0),
            rows=longer(self.rows, most, -1),
            sequence=longer(self.sequence, most, 0),
        )


def point_form(
    points: Any, own: Int[np.ndarray, " events"], ratios: AnyArray, dtype: np.dtype
) -> PointForm:
    """The form of a `Watched` panel, without its weights.

    Args:
        points: the points.
        own: (N,) mark of each event.
        ratios: of the kernel.
        dtype: floating type.
    """
    panel, rows = points.panel, points.rows
    marks = np.zeros(panel.num_events, np.int32)
    marks[rows] = own
    sequence = np.asarray(panel.sequence)
    return PointForm(
        gaps=np.asarray(panel.waits, dtype),
        marks=np.asarray(panel.marks, np.int32),
        first=np.diff(sequence, prepend=-1) != 0,
        seen=points.seen,
        rows=rows.astype(np.int32),
        own=marks,
        sequence=sequence[rows],
        ratios=np.asarray(ratios, dtype),
        num_marks=panel.num_marks,
    )
