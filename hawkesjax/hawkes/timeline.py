"""The walk along a panel's events for rates with a link (`hawkesjax.hawkes.links`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes import links
from hawkesjax.hawkes.background import absolute, pieces
from hawkesjax.hawkes.counts.lanes_layout import rung
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.watched import Watched
from hawkesjax.inputs.arrays import AnyArray

# Numbers held by one step of the walk: 2^18 in float64 are 2 MB, which stay in a CPU's cache; and
# the moments in a step. 2^14 to 2^20 are within 3 %, steps of 16 to 128 moments within 28 %, in no
# order (python -m benchmarks.tuning).
HELD = 2**18
SHORTEST, LONGEST = 16, 64


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Timeline:
    """Moments at which something changes, sequence after sequence: events (tied ones are one
    moment), the edges of gaps and of covariates' cells, the windows' ends. A known history comes
    before each window. Padded to a ladder of sizes with moments at which nothing happens.

    Args:
        gap: (P,) time since the previous moment.
        first: (P,) whether the moment is the first of its sequence.
        seen: (P,) whether the time since the previous moment was observed.
        own: (P,) whether the events here belong to the window, not to its history.
        events: (P, D) number of events of each mark at the moment.
        sequence: (P,) of each moment.
        before, at: (P,) cell of the covariates in the time since, and at the moment itself.
        owner: (P,) event of the panel to which the time since is assigned; N + m for the silence
            at the end of sequence m.
        of_event: (N,) moment of each event of the panel.
        cells: (C, F) the covariates' cells; None without covariates.
        num_sequences: M.
    """

    gap: Float[AnyArray, " moments"]
    first: Bool[AnyArray, " moments"]
    seen: Bool[AnyArray, " moments"]
    own: Bool[AnyArray, " moments"]
    events: Float[AnyArray, "moments marks"]
    sequence: Int[AnyArray, " moments"]
    before: Int[AnyArray, " moments"]
    at: Int[AnyArray, " moments"]
    owner: Int[AnyArray, " moments"]
    of_event: Int[AnyArray, " events"]
    cells: Float[AnyArray, "cells features"] | None
    num_sequences: int = field(metadata={"static": True})

    @classmethod
    def of(cls, panel: EventPanel, covariates: Covariates | None, dtype: Any) -> Timeline:
        """The moments of a panel.

        Raises:
            ValueError: if the covariates use a different clock.
        """
        watched = Watched.of(panel)
        filled, size, num = watched.panel, watched.panel.num_events, panel.num_sequences
        if covariates is None:
            last = np.asarray(panel.duration, float).copy()
            ends = np.flatnonzero(np.diff(filled.sequence, append=num))
            last[filled.sequence[ends]] = filled.remaining[ends]
            point, length = np.arange(size + num), np.concatenate([filled.waits, last])
            row, cells = np.zeros(size + num, int), None
        else:
            parts = pieces(covariates, filled)
            point, length, row, cells = parts.owner, parts.length, parts.row, parts.rows
        sequence = np.concatenate([filled.sequence, np.arange(num)])
        order = np.lexsort((point, sequence[point]))
        point, length, row = point[order], length[order], row[order]
        sequence = sequence[point]

        fresh = np.diff(sequence, prepend=-1) != 0
        starts = fresh | (length > 0)
        moment = np.cumsum(starts) - 1
        starts = np.flatnonzero(starts)
        real = (np.diff(point, append=-1) != 0) & (point < size)  # a point at the piece's end
        real[real] = filled.marks[point[real]] < panel.num_marks
        mine = np.zeros(len(point), bool)
        mine[real] = filled.times[point[real]] >= 0
        count = len(starts)
        events = np.zeros((count, panel.num_marks))
        np.add.at(events, (moment[real], filled.marks[point[real]]), 1)
        own = np.zeros(count, bool)
        own[moment[mine]] = True
        of_event = np.zeros(panel.num_events, int)
        of_event[watched.owner[point[mine]]] = moment[mine]
        at = np.zeros(count, int)
        if covariates is not None:
            at[of_event] = covariates.aligned(panel).locate(absolute(panel))
        owner = np.concatenate([watched.owner, panel.num_events + np.arange(num)])
        seen = np.concatenate([watched.seen, np.ones(num, bool)])
        return cls(
            gap=length[starts].astype(dtype),
            first=fresh[starts],
            seen=seen[point[starts]],
            own=own,
            events=events.astype(dtype),
            sequence=sequence[starts].astype(np.int32),
            before=row[starts].astype(np.int32),
            at=at.astype(np.int32),
            owner=owner[point[starts]].astype(np.int32),
            of_event=of_event.astype(np.int32),
            cells=None if cells is None else np.asarray(cells, dtype),
            num_sequences=num,
        ).filled(int(rung(count, count)))

    def filled(self, size: int) -> Timeline:
        """Padded to `size` moments; nothing happens at those added at the end."""
        more = size - len(self.gap)
        longer = {
            one.name: np.pad(
                getattr(self, one.name),
                ((0, more), *[(0, 0)] * (np.ndim(getattr(self, one.name)) - 1)),
            )
            for one in fields(self)
            if one.name not in ("cells", "of_event", "num_sequences")
        }
        return replace(self, **longer)

    def walk(
        self,
        link: links.Link,
        background: Any,
        params: Mapping[str, Any],
        known: tuple[Array, Array, Array, Array],
        *,
        keep: bool = False,
    ) -> Any:
        r"""The log-likelihood; or, with `keep`, log rates at the moments and integrals before them.

        Steps of up to `LONGEST` moments: within one, the decayed sums follow from
        :math:`S_n = e^{-\rho g_n} S_{n-1} + J_n` in a parallel scan, and the integrals with them;
        only the sums pass from one step to the next. A gradient computes each step twice, and
        stores the sums at its start: with T terms (the kernel's; for decays by source or pair times
        D), `P T D` numbers over the moments of a step.

        Args:
            link: name of the link.
            background: the baseline (`hawkesjax.hawkes.baselines`).
            params: the parameters.
            known: alpha, gamma, and ratios and weights of the kernel's terms.

        Returns:
            The log-likelihood; or (P, D) and (P, D), NaN-free, minus infinity for a rate of 0.
        """
        rates, weights, arrivals = _terms(*known)
        level, cells = self._levels(background, params, known[0])
        marks, terms = weights.shape
        width = links.NODES if link == "softplus" else links.PANELS + 1
        width = 4 if link == "rectified" and terms == 1 else width
        step = int(np.clip(HELD // (marks * terms * width), SHORTEST, LONGEST))
        step = min(step, len(self.gap))
        count = -(-len(self.gap) // step)

        def parted(values: Any) -> Array:
            values = jnp.asarray(values)
            more = [(0, count * step - len(values)), *[(0, 0)] * (values.ndim - 1)]
            return jnp.pad(values, more).reshape(count, step, *values.shape[1:])

        names = ("gap", "first", "seen", "own", "events", "sequence", "before", "at")
        along = {name: parted(getattr(self, name)) for name in names}
        dtype = weights.dtype

        def advance(state, x):
            # Sums just after each moment, each from the previous one: x -> a x + b.
            gap = jnp.where(x["first"], 0, x["gap"]).astype(dtype)
            kept = jnp.where(x["first"], 0, 1)[:, None, None]
            decay = jnp.exp(-rates * gap[:, None, None])
            arrived = arrivals(x["events"].astype(dtype))
            shape = jnp.broadcast_shapes(decay.shape, arrived.shape, (step, *state.shape))
            carried = jnp.broadcast_to(kept * decay, shape)
            fed = jnp.broadcast_to(arrived, shape).at[0].add(carried[0] * state)
            after = jax.lax.associative_scan(_compose, (carried, fed))[1]
            begun = kept * jnp.concatenate([state[None], after[:-1]])
            base = level[x["sequence"]]
            own, here = base * cells[x["before"]], base * cells[x["at"]]
            inner = here + jnp.sum(weights * begun * decay, axis=-1)
            logs = links.log_rate(link, inner, here)
            held = x["seen"].astype(bool)
            length = jnp.where(held, x["gap"], 0).astype(dtype)
            whole = links.integral(link, own, weights * begun, rates, length)
            whole = jnp.where(held[:, None], whole, 0)
            if keep:
                return after[-1], (logs, whole)
            number = x["events"] * x["own"][:, None]
            told = jnp.where(number > 0, number * logs, 0)
            return after[-1], jnp.sum(told) - jnp.sum(whole)

        rows = max(rates.shape[0], arrivals(jnp.zeros((1, marks), dtype)).shape[1])
        begin = jnp.zeros((rows, terms), dtype)
        _, found = jax.lax.scan(jax.checkpoint(advance), begin, along)
        if keep:
            return tuple(part.reshape(-1, marks)[: len(self.gap)] for part in found)
        return jnp.sum(found)

    def _levels(self, background: Any, params: Mapping[str, Any], like: Any) -> tuple[Array, Array]:
        """Level of each sequence and mark, and the factor of each cell of the covariates."""
        marks = self.events.shape[1]
        level = jnp.asarray(background.level(params), like.dtype)
        level = jnp.broadcast_to(level, (self.num_sequences, marks))
        if self.cells is None:
            return level, jnp.ones((1, marks), like.dtype)
        beta = jnp.asarray(params["beta"], like.dtype)
        return level, jnp.exp(jnp.asarray(self.cells, like.dtype) @ beta.T)

    def gathered(self, whole: Array) -> tuple[Array, Array]:
        """Integrals before moments summed to those before the panel's events, and those of the
        silences at the ends of its sequences."""
        size = len(self.of_event)
        sums = jax.ops.segment_sum(whole, self.owner, size + self.num_sequences)
        return sums[:size], sums[size:]


def _compose(one: Any, two: Any) -> Any:
    """The composition of two affine steps."""
    return one[0] * two[0], two[0] * one[1] + two[1]


def _terms(alpha: Any, gamma: Any, ratios: Any, shares: Any) -> tuple[Array, Array, Any]:
    """Decays (D or 1, T) of the sums that are carried, their weights (D, T) in the inner sum of
    each target, and what events (P, D) add to them (P, D or 1, T).

    With one decay for all pairs the sums of each target are carried, one per term of the kernel;
    otherwise those of the events of each source.
    """
    alpha = jnp.asarray(alpha)
    gamma, ratios, shares = (jnp.asarray(x, alpha.dtype) for x in (gamma, ratios, shares))
    marks, kinds = len(alpha), len(ratios)
    if gamma.ndim == 0:
        rates = (gamma * ratios)[None]
        size = rates * shares
        return (
            rates,
            jnp.ones((marks, kinds), alpha.dtype),
            lambda n: (n @ alpha.T)[..., None] * size,
        )
    rates = jnp.atleast_2d(gamma)[:, None] * ratios[:, None]
    weights = alpha[:, None] * rates * shares[:, None]
    rates, weights = (x.reshape(len(x), kinds * marks) for x in (rates, weights))
    return rates, weights, lambda n: jnp.tile(n, kinds)[:, None]
