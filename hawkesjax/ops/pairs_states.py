"""The states just after each source event, block by block: what targets gather."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from hawkesjax.ops.exponential import exp

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
        linked: 1 where a lane goes on from the lane before it.
        begin: place of the state from which the first lane of its mark in a block goes on; a
            place whose state is zero for the others.
    """

    gaps: Float[Array, "blocks steps lanes"]
    span: Float[Array, "blocks lanes"]
    mark: Int[Array, "blocks lanes"]
    jump: Float[Array, "blocks lanes"]
    linked: Float[Array, "blocks lanes"]
    begin: Int[Array, "blocks lanes"]


def source_states(
    gamma: Float[Array, "marks"], sources: Sources, number: Int[Array, ""], tables: Tables
) -> Tables:
    """Fill a block of the tables with S (and Q / S) just after each of its source events.

    The lanes go twice through their steps: from zero, which gives each lane's affine map, and
    from the lane's true start. Tables are (blocks, steps, lanes); those of the blocks before must
    be there.
    """
    derivative = len(tables) == 2
    block = jax.tree.map(
        lambda a: lax.dynamic_index_in_dim(jnp.asarray(a), number, 0, False), sources
    )
    rate = gamma[block.mark]
    decay = lax.optimization_barrier(jnp.where(block.gaps < 0, 0, exp(-rate * block.gaps)))

    def advance(state, x):
        decay, gap = x
        counts = decay * state[0] + block.jump
        if not derivative:
            return (counts,)
        return counts, decay * (state[1] + gap * state[0])

    def keeping(carry, x):
        step, *x = x
        state = advance(carry[0], x)
        told = (state[0], state[1] / jnp.maximum(state[0], 1)) if derivative else state
        tables = (
            lax.dynamic_update_slice(table, row[None, None], (number, step, 0))
            for table, row in zip(carry[1], told, strict=True)
        )
        return (state, tuple(tables)), None

    zero = (jnp.zeros_like(rate),) * len(tables)
    ends, _ = lax.scan(lambda state, x: (advance(state, x), None), zero, (decay, block.gaps))
    start = _starts(rate, block, ends, tables)
    steps = np.arange(block.gaps.shape[0])
    (_, tables), _ = lax.scan(keeping, (start, tables), (steps, decay, block.gaps))
    return tables


def _starts(rate: Array, block: Sources, ends: Tables, tables: Tables) -> Tables:
    """State before each lane: a lane takes (S, Q) to (P S + s, P (Q + span S) + q), P its decay.

    One lane after another: such a loop over a few numbers costs a CPU less than the lanes' maps
    composed in parallel.
    """
    begin = [table.ravel().at[block.begin].get(mode="promise_in_bounds") for table in tables]
    if len(begin) == 2:
        begin[1] = begin[0] * begin[1]
    keep = jnp.where(block.span < 0, 0, exp(-rate * block.span))
    span = jnp.where(block.span < 0, 0, block.span)

    def step(after, x):
        keep, span, linked, begin, ends = x
        start = tuple(linked * a + b for a, b in zip(after, begin, strict=True))
        counts = keep * start[0] + ends[0]
        if len(start) == 1:
            return (counts,), start
        return (counts, keep * (start[1] + span * start[0]) + ends[1]), start

    zero = (jnp.zeros((), rate.dtype),) * len(tables)
    return lax.scan(step, zero, (keep, span, block.linked, tuple(begin), ends))[1]
