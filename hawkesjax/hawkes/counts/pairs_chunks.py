"""Chunks of target events of a single mark, cut on the host."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events
from hawkesjax.inputs.arrays import AnyArray

# Target events per chunk, whose arrays stay in a core's cache; and the events whose cost is that of
# visiting one more chunk. Neither matters much: 192 to 3,072 and 25 to 800 are within 13 % of each
# other (python -m benchmarks.tuning).
CHUNK, OVERHEAD = 768, 200


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Chunks:
    """Target events sorted by mark (stably) and cut into chunks of a single mark.

    Within a chunk a row of alpha is a constant, so that the excitation is a matrix-vector product
    and its gradient another one. The last chunk of a mark is padded.

    Args:
        mark: mark of each chunk.
        start: first chunk of each mark, and the number of chunks at the end.
        size: events in each chunk, without padding.
        events: position in the stream of each event of each chunk; 0 for padding.
        sequence: sequence of each event of each chunk; 0 for padding.
        place: position in the flattened chunks of each event of the stream.
        num_sequences: number of sequences.
        spread: number of partial sums for each cell (sequence, mark).
    """

    mark: Int[AnyArray, " chunks"]
    start: Int[AnyArray, " starts"]
    size: Int[AnyArray, " chunks"]
    events: Int[AnyArray, "chunks width"]
    sequence: Int[AnyArray, "chunks width"]
    place: Int[AnyArray, " events"]
    num_sequences: int = field(metadata={"static": True})
    spread: int = field(metadata={"static": True})

    @classmethod
    def from_stream(
        cls,
        stream: Stream,
        width: int | None = None,
        block: np.ndarray | None = None,
        reach: int = 1,
    ) -> Chunks:
        """Cut the events of a stream; with `block`, no chunk spans more than `reach` blocks."""
        marks = np.asarray(stream.marks)
        num_marks = stream.num_marks
        if width is None:
            width = chunk_width(np.bincount(marks, minlength=num_marks))
        place, start, size = pack(marks, num_marks, width, block, reach)
        total = max(int(start[-1]), 1)
        mark = np.repeat(np.arange(num_marks), np.diff(start))
        mark = np.concatenate([mark, np.zeros(total - mark.size)]).astype(np.int32)
        size = np.concatenate([size, np.zeros(total - size.size)])
        events = np.zeros(total * width, np.int32)
        events[place] = np.arange(marks.size)
        sequence = np.zeros(total * width, np.int32)
        sequence[place] = stream.sequence
        cells = np.asarray(stream.sequence, np.int64) * num_marks + marks
        longest = int(np.unique(cells, return_counts=True)[1].max(initial=0))
        return cls(
            mark=mark,
            start=start.astype(np.int32),
            size=size.astype(np.int32),
            events=events.reshape(total, width),
            sequence=sequence.reshape(total, width),
            place=place.astype(np.int32),
            num_sequences=stream.num_sequences,
            spread=max(1, int(np.sqrt(longest)) // 4),
        )

    @property
    def width(self) -> int:
        return self.events.shape[1]

    @property
    def num_marks(self) -> int:
        return self.start.shape[0] - 1

    def shares_baseline(self, baseline: AnyArray) -> bool:
        """Whether a whole chunk shares one baseline."""
        return baseline.ndim == 2 and self.num_sequences == 1

    def baseline(self, baseline: AnyArray) -> Float[Array, "chunks _"]:
        """The baseline of each event of each chunk, (chunks, width) or (chunks, 1)."""
        if self.shares_baseline(baseline):
            return baseline[0, self.mark][:, None]
        if baseline.ndim == 2:
            return baseline.T[self.mark[:, None], self.sequence]
        if self.place.shape[0] == 0:
            return jnp.ones(self.events.shape, baseline.dtype)
        return baseline[self.events]

    def mark_of_events(self) -> Int[Array, " events"]:
        """Mark of each event of the stream."""
        return jnp.asarray(self.mark)[self.place // self.width]

    def stream(self, gaps: Float[AnyArray, " events"]) -> Events:
        """The stream again, with its gaps."""
        return Events(gaps, self.mark_of_events(), jnp.ravel(self.sequence)[self.place])

    def baseline_gradient(self, baseline: AnyArray, weights: AnyArray) -> AnyArray:
        """Weights of the events summed over the events that share a baseline.

        `weights` is (chunks, width), or (marks,) of sums where chunks share one baseline. Sums
        by cell go through `spread` partial sums, so that long sums stay accurate in float32.
        """
        if self.shares_baseline(baseline):
            return weights[None, :]
        if baseline.ndim == 1:
            return weights.ravel()[self.place]
        cells = self.num_marks * self.num_sequences * self.spread
        cell = self.mark[:, None] * self.num_sequences + self.sequence
        column = jax.lax.broadcasted_iota(jnp.int32, self.events.shape, 1) % self.spread
        partial = jax.ops.segment_sum(weights.ravel(), (cell * self.spread + column).ravel(), cells)
        return partial.reshape(self.num_marks, self.num_sequences, self.spread).sum(2).T


def chunk_width(counts: np.ndarray) -> int:
    """Events per chunk: at most CHUNK, and chosen so that there is little padding."""
    longest = int(counts.max(initial=1))
    if longest <= 64:
        return max(longest, 1)
    widths = np.arange(64, min(CHUNK, longest + 63) + 1, 64)
    chunks = -(-counts[:, None] // widths)
    return int(widths[np.argmin(np.sum(chunks, axis=0) * (widths + OVERHEAD))])


def pack(
    kind: np.ndarray,
    num_kinds: int,
    width: int,
    block: np.ndarray | None = None,
    reach: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay items out kind by kind, in rows of a single kind.

    Args:
        kind: kind of each item, 0 .. num_kinds - 1.
        width: most items of a row.
        block: block of each item, ascending; then a row's items lie in `reach` blocks at most.

    Returns:
        place of each item; first row of each kind, and the number of rows; items of each row.
    """
    order = np.argsort(kind, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(kind, minlength=num_kinds))])
    heads, rows = [], [0]
    for first, beyond in pairwise(bounds):
        blocks = None if block is None else block[order[first:beyond]]
        head = first
        while head < beyond:
            heads.append(head)
            step = width
            if blocks is not None:
                limit = blocks[head - first] + reach
                step = min(step, int(np.searchsorted(blocks, limit)) - (head - first))
            head = min(head + step, beyond)
        rows.append(len(heads))
    head = np.array(heads, np.int64)
    size = np.diff(np.append(head, kind.size))
    place = np.empty(kind.size, np.int64)
    within = np.arange(kind.size) - np.repeat(head, size)
    place[order] = np.repeat(np.arange(head.size), size) * width + within
    return place, np.array(rows), size
