"""Sums over chunks of target events: the log-intensities and, with them, the whole gradient."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.counts.fast_log import log_sum
from hawkesjax.hawkes.counts.pairs_chunks import Chunks
from hawkesjax.inputs.arrays import AnyArray

State = tuple[Array, Array | None, Array]


def start_sums(chunks: Chunks, baseline: AnyArray, parts: int, derivative: bool) -> State:
    """Empty sums: (sum, rounding error) x marks x columns, 1 / lambda by event if needed, and the
    smallest lambda.

    Columns are `sum log lambda` and, for a gradient, `sum 1 / lambda` and for each of `parts`
    arrays of (marks, width) its product with 1 / lambda.
    """
    columns = 2 + parts * chunks.num_marks if derivative else 1
    sums = jnp.zeros((2, chunks.num_marks, columns), baseline.dtype)
    by_event = None
    if derivative and not chunks.shares_baseline(baseline):
        by_event = jnp.zeros(chunks.events.shape, baseline.dtype)
    return sums, by_event, jnp.ones((), baseline.dtype)


def add_chunk(
    state: State,
    chunk: Int[AnyArray, ""],
    chunks: Chunks,
    baseline: Float[AnyArray, "chunks _"],
    weights: Float[AnyArray, "marks marks"],
    values: tuple[Float[AnyArray, "marks width"], ...],
    derivative: bool,
) -> State:
    """Add the events of one chunk, whose intensity is `baseline + weights[mark] @ values[0]`."""
    sums, by_event, least = state
    mark = jnp.asarray(chunks.mark)[chunk]
    size = jnp.asarray(chunks.size)[chunk]
    inside = jnp.arange(chunks.width, dtype=size.dtype) < size
    rate = lax.dynamic_index_in_dim(baseline, chunk, 0, False) + weights[mark] @ values[0]
    rate = jnp.where(inside, rate, 1)
    parts = [log_sum(rate)[None]]
    if derivative:
        inverse = jnp.where(inside, 1 / rate, 0)
        parts += [jnp.sum(inverse)[None], *(value @ inverse for value in values)]
        if by_event is not None:
            by_event = lax.dynamic_update_index_in_dim(by_event, inverse, chunk, 0)
    least = jnp.minimum(least, jnp.min(rate))
    return _add_to_row(sums, mark, jnp.concatenate(parts)), by_event, least


def finish_sums(
    state: State, chunks: Chunks, baseline: AnyArray
) -> tuple[Array, AnyArray, list[Array]]:
    """The sum of logs, its gradient in the baseline, and (marks, marks) sums of each part."""
    sums, by_event, _ = state
    total = sums[0] + sums[1]
    if total.shape[1] == 1:
        return jnp.sum(total), jnp.zeros_like(baseline), []
    by_baseline = chunks.baseline_gradient(baseline, total[:, 1] if by_event is None else by_event)
    parts = total[:, 2:].reshape(chunks.num_marks, -1, chunks.num_marks)
    return jnp.sum(total[:, 0]), by_baseline, list(jnp.moveaxis(parts, 1, 0))


def _add_to_row(sums: Array, row: AnyArray, values: AnyArray) -> Array:
    """Add to a row of a pair (sum, rounding error): Knuth's two-sum, whose rounding error is exact;
    an infinite sum stays infinite."""
    high, low = sums[0, row], sums[1, row]
    total = high + values
    shadow = total - high
    error = (high - (total - shadow)) + (values - shadow)
    error = jnp.where(jnp.isinf(total), 0, error)
    return sums.at[:, row].set(jnp.stack([total, low + error]))
