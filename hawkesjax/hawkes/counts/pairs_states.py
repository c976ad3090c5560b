"""The states just after each source event, block by block: what targets gather."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt

from hawkesjax.hawkes.counts.fast_exp import exp
from hawkesjax.inputs.arrays import AnyArray

Tables = tuple[Array, ...]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Sources:
    """Source events in blocks of consecutive events, each as steps x lanes of a single mark.

    Args:
        gaps: time since the previous event of the same mark and sequence; -1 resets; 0 below a
            lane's last event.
        span: sum of a lane's gaps; -1 if a sequence begins in it.
        mark: mark of each lane.
        jump: 1 for lanes with events, 0 for the others.
        linked: 1 where a lane continues the lane before it.
        begin: place in the table of each mark's last state before the block.
        held: blocks that the table holds.
    """

    gaps: Float[AnyArray, "blocks steps lanes"]
    span: Float[AnyArray, "blocks lanes"]
    mark: Int[AnyArray, "blocks lanes"]
    jump: Float[AnyArray, "blocks lanes"]
    linked: Float[AnyArray, "blocks lanes"]
    begin: UInt[AnyArray, "blocks marks"]
    held: int = field(metadata={"static": True})

    @property
    def num_blocks(self) -> int:
        return self.gaps.shape[0]

    def tables(self, parts: int, dtype: np.dtype) -> Tables:
        """Empty tables, (held, 1 + steps, lanes): the states before a block, and in it."""
        _, steps, lanes = self.gaps.shape
        return (jnp.zeros((self.held, 1 + steps, lanes), dtype),) * parts


def source_states(
    gamma: Float[AnyArray, " marks"], sources: Sources, number: Int[AnyArray, ""], tables: Tables
) -> Tables:
    """Fill a block of the tables with S (and Q / S) just after each of its source events.

    The lanes go twice through their steps: from zero, which gives each lane's affine map, and
    from the lane's true start. The tables must hold the states of the block before.
    """
    derivative = len(tables) == 2
    gaps, span, mark, jump, linked, begin = (
        lax.dynamic_index_in_dim(jnp.asarray(a), number, 0, False) for a in jax.tree.leaves(sources)
    )
    rate = gamma[mark]
    decay = lax.optimization_barrier(jnp.where(gaps < 0, 0, exp(-rate[None] * gaps)))
    place = number % sources.held
    carried = [table.ravel().at[begin].get(mode="promise_in_bounds") for table in tables]
    spare = gaps.shape[1] - begin.shape[0]
    tables = tuple(
        lax.dynamic_update_slice(table, jnp.pad(row, (0, spare))[None, None], (place, 0, 0))
        for table, row in zip(tables, carried, strict=True)
    )

    def advance(state, x):
        decay, gap = x
        counts = decay * state[0] + jump
        if not derivative:
            return (counts,)
        return counts, decay * (state[1] + gap * state[0])

    def keeping(carry, x):
        step, *x = x
        state: Any = advance(carry[0], x)
        stored = (state[0], state[1] / jnp.maximum(state[0], 1)) if derivative else state
        tables = (
            lax.dynamic_update_slice(table, row[None, None], (place, step, 0))
            for table, row in zip(carry[1], stored, strict=True)
        )
        return (state, tuple(tables)), None

    zero = (jnp.zeros_like(rate),) * len(tables)
    ends, _ = lax.scan(lambda state, x: (advance(state, x), None), zero, (decay, gaps))
    carried = [carried[0], *(carried[0] * ratio for ratio in carried[1:])]
    begin = tuple((1 - linked) * state[mark] for state in carried)
    keep, span = jnp.where(span < 0, 0, exp(-rate * span)), jnp.where(span < 0, 0, span)
    start = _starts(keep, span, linked, begin, ends)
    steps = np.arange(1, 1 + gaps.shape[0])
    (_, tables), _ = lax.scan(keeping, (start, tables), (steps, decay, gaps))
    return tables


def _starts(
    keep: AnyArray, span: AnyArray, linked: AnyArray, begin: Tables, ends: Tables
) -> Tables:
    """State before each lane: a lane takes (S, Q) to (P S + s, P (Q + span S) + q), P its decay.

    One lane after another: such a loop over a few numbers costs a CPU less than the lanes' maps
    composed in parallel.
    """

    def step(after, x):
        keep, span, linked, begin, ends = x
        start = tuple(linked * a + b for a, b in zip(after, begin, strict=True))
        counts = keep * start[0] + ends[0]
        if len(start) == 1:
            return (counts,), start
        return (counts, keep * (start[1] + span * start[0]) + ends[1]), start

    zero = (jnp.zeros((), keep.dtype),) * len(ends)
    return lax.scan(step, zero, (keep, span, linked, begin, ends))[1]
