"""Where the pairwise form keeps its events: chunks of targets, lanes of sources (host, NumPy)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.ops.pairs_states import Sources
from hawkesjax.ops.streams import Stream

CHUNK = 768  # target events a chunk: its arrays stay in a core's cache
OVERHEAD = 200  # events whose cost is that of visiting one more chunk
LANE = 64  # source events a lane
BLOCK = 25_000  # source events a block: its states stay in a core's cache


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Chunks:
    """Target events sorted by mark (stably) and cut into chunks of a single mark.

    Within a chunk a row of alpha is a constant, so that the excitation is a matrix-vector product
    and its gradient another one. The last chunk of a mark is padded.

    Args:
        mark: mark of each chunk.
        start: first chunk of each mark, and the number of chunks at the end.
        size: events in each chunk, padding apart.
        events: position in the stream of each event of each chunk; 0 for padding.
        sequence: sequence of each event of each chunk; 0 for padding.
        place: position in the flattened chunks of each event of the stream.
        num_sequences: number of sequences.
        spread: number of partial sums for each cell (sequence, mark).
    """

    mark: Int[Array, "chunks"]
    start: Int[Array, "marks+1"]
    size: Int[Array, "chunks"]
    events: Int[Array, "chunks width"]
    sequence: Int[Array, "chunks width"]
    place: Int[Array, "events"]
    num_sequences: int = field(metadata={"static": True})
    spread: int = field(metadata={"static": True})

    @classmethod
    def from_stream(cls, stream: Stream, width: int | None = None) -> Chunks:
        marks = np.asarray(stream.marks)
        num_marks = stream.num_marks
        counts = np.bincount(marks, minlength=num_marks)
        if width is None:
            width = chunk_width(counts)
        place, start = _pack(marks, counts, width)
        total = max(int(start[-1]), 1)
        mark = np.repeat(np.arange(num_marks), np.diff(start))
        mark = np.concatenate([mark, np.zeros(total - mark.size)]).astype(np.int32)
        size = counts[mark] - width * (np.arange(total) - start[mark])
        events = np.zeros(total * width, np.int32)
        events[place] = np.arange(marks.size)
        sequence = np.zeros(total * width, np.int32)
        sequence[place] = stream.sequence
        cells = np.asarray(stream.sequence, np.int64) * num_marks + marks
        longest = int(np.unique(cells, return_counts=True)[1].max(initial=0))
        return cls(
            mark=mark,
            start=start.astype(np.int32),
            size=np.clip(size, 0, width).astype(np.int32),
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

    def shares_baseline(self, baseline: Array) -> bool:
        """Whether a whole chunk shares one baseline."""
        return baseline.ndim == 2 and self.num_sequences == 1

    def baseline(self, baseline: Array) -> Float[Array, "chunks _"]:
        """The baseline of each event of each chunk, (chunks, width) or (chunks, 1)."""
        if self.shares_baseline(baseline):
            return baseline[0, self.mark][:, None]
        if baseline.ndim == 2:
            return baseline.T[self.mark[:, None], self.sequence]
        if self.place.shape[0] == 0:
            return jnp.ones(self.events.shape, baseline.dtype)
        return baseline[self.events]

    def mark_of_events(self) -> Int[Array, "events"]:
        """Mark of each event of the stream."""
        return jnp.asarray(self.mark)[self.place // self.width]

    def baseline_gradient(self, baseline: Array, weights: Array) -> Array:
        """Weights of the events summed over the events that share a baseline.

        `weights` is (chunks, width), or (marks,) of sums where chunks share one baseline. Sums
        by cell go through `spread` partial sums, so that float32 loses nothing to long sums.
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


@dataclass(frozen=True, eq=False)
class Places:
    """Where the source events are laid out, and where each target finds its own (host only).

    The stream is cut into blocks of consecutive events, and the events of a mark in a block into
    lanes of `steps`; a block's arrays are steps x lanes. The last lane of a block has no events,
    so that its states are zero: what has no predecessor points there.

    Args:
        slot: position of each event's state, (blocks, steps, lanes) flattened.
        block: block of each event.
        shape: blocks, steps, lanes.
        clock: time of each event on one clock that runs through all sequences.
        stream: the stream.
    """

    slot: np.ndarray
    block: np.ndarray
    shape: tuple[int, int, int]
    clock: np.ndarray
    stream: Stream

    @classmethod
    def from_stream(
        cls, stream: Stream, steps: int | None = None, block: int | None = None
    ) -> Places:
        marks, num_events = np.asarray(stream.marks, np.int64), stream.num_events
        if steps is None:
            steps = lane_length(num_events)
        blocks = max(1, -(-num_events // (BLOCK if block is None else block)))
        number = np.arange(num_events) * blocks // max(num_events, 1)  # even blocks
        kind = number * stream.num_marks + marks
        counts = np.bincount(kind, minlength=blocks * stream.num_marks)
        needed = -(-counts // steps).reshape(blocks, stream.num_marks)
        before = (np.cumsum(needed, axis=1) - needed).ravel()
        lanes = int(needed.sum(axis=1).max()) + 1
        order = np.argsort(kind, kind="stable")
        within = np.arange(num_events) - np.repeat(np.cumsum(counts) - counts, counts)
        slot = np.empty(num_events, np.int64)
        lane = before[kind[order]] + within // steps
        slot[order] = (number[order] * steps + within % steps) * lanes + lane
        # Sums of the gaps in extended precision where the machine has it, so that a lag between
        # two neighbours keeps the digits of the gaps between them.
        clock = np.cumsum(np.where(stream.first, 0.0, stream.gaps), dtype=np.longdouble)
        return cls(slot, number, (blocks, steps, lanes), clock, stream)

    @property
    def empty(self) -> int:
        """Position of a state that is zero."""
        return self.shape[2] - 1

    def sources(self, dtype: Any) -> Sources:
        """The arrays of the sources' recursion."""
        blocks, steps, lanes = self.shape
        marks, sequence = np.asarray(self.stream.marks), np.asarray(self.stream.sequence)
        order = np.argsort(marks, kind="stable")
        own = np.diff(self.clock[order], prepend=0).astype(np.float64)
        same = marks[order][1:] == marks[order][:-1]
        own[1:][~same | (sequence[order][1:] != sequence[order][:-1])] = -1
        own[:1] = -1
        slot = self.slot[order]
        lane = slot // (steps * lanes) * lanes + slot % lanes  # counted through all blocks
        used = np.zeros(blocks * lanes, bool)
        used[lane] = True
        mark = np.zeros(blocks * lanes, np.int32)
        mark[lane] = marks[order]
        gaps = np.where(used.reshape(blocks, 1, lanes), np.zeros((1, steps, 1)), -1.0)
        gaps.ravel()[slot] = own
        resets = (gaps < 0).any(axis=1)
        # A lane goes on from the lane before it, or from its mark's last state in earlier blocks.
        linked = np.zeros(blocks * lanes)
        linked[1:] = used[1:] & used[:-1] & (mark[1:] == mark[:-1])
        linked.reshape(blocks, lanes)[:, 0] = 0
        begin = np.full(blocks * lanes, self.empty, np.uint32)
        opens = np.flatnonzero(same & (lane[1:] != lane[:-1])) + 1
        opens = opens[linked[lane[opens]] == 0]
        begin[lane[opens]] = slot[opens - 1]
        return Sources(
            gaps=gaps.astype(dtype),
            span=np.where(resets, -1, gaps.sum(axis=1)).astype(dtype),
            mark=mark.reshape(blocks, lanes),
            jump=used.reshape(blocks, lanes).astype(dtype),
            linked=linked.reshape(blocks, lanes).astype(dtype),
            begin=begin.reshape(blocks, lanes),
        )

    def visits(self, chunks: Chunks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which chunks have all their predecessors once a block's states are known.

        Returns:
            the chunks by their last events; how many of them each block completes, (blocks + 1,);
            and, mark by mark, the first chunk that each block does not complete.
        """
        blocks = self.shape[0]
        real = int(chunks.start[-1])
        last = chunks.events[np.arange(real), chunks.size[:real] - 1]
        order = np.argsort(last, kind="stable")
        done = self.block[last]
        until = np.searchsorted(done[order], np.arange(blocks + 1))
        parts = [
            np.searchsorted(done[a:b], np.arange(blocks + 1)) for a, b in pairwise(chunks.start)
        ]
        until_of = np.array(parts).reshape(-1, blocks + 1) + chunks.start[:-1, None]
        return order.astype(np.int32), until.astype(np.int32), until_of.astype(np.int32)

    def before(self, source: int, chunks: Chunks) -> tuple[np.ndarray, np.ndarray]:
        """Slot and lag of the last strictly earlier event of a source, (chunks, width) both.

        Strictly earlier means before the first event at the same time, whose position the gaps
        tell; where the sequence has none yet, the slot is the empty lane's and the lag is 0.
        """
        stream = self.stream
        own = np.flatnonzero(stream.marks == source)
        earlier = np.zeros(stream.num_events + 1, np.int64)
        earlier[own + 1] = 1
        earlier = np.cumsum(earlier)
        opens = stream.first | (stream.gaps > 0)
        opening = np.maximum.accumulate(np.where(opens, np.arange(stream.num_events), 0))
        last = earlier[opening] - 1
        if own.size == 0:
            own = np.zeros(1, np.int64)
            last[:] = -1
        k = own[np.maximum(last, 0)]
        found = (last >= 0) & (stream.sequence[k] == stream.sequence)
        slot = np.full(chunks.events.size, self.empty, np.uint32)
        lag = np.zeros(chunks.events.size)
        slot[chunks.place] = np.where(found, self.slot[k], self.empty)
        lag[chunks.place] = np.where(found, self.clock - self.clock[k], 0)
        return slot.reshape(chunks.events.shape), lag.reshape(chunks.events.shape)

    def ends(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Last event of each (source, sequence) that has any, in rows of a single source.

        Returns:
            source of each row; slot and time to the window's end, (rows, width); padding has the
            empty slot and 0.
        """
        stream = self.stream
        cells = np.asarray(stream.marks, np.int64) * stream.num_sequences + stream.sequence
        last = np.full(stream.num_marks * stream.num_sequences, -1)
        last[cells] = np.arange(cells.size)  # the last one stays
        kind = np.flatnonzero(last >= 0) // stream.num_sequences
        last = last[last >= 0]
        counts = np.bincount(kind, minlength=stream.num_marks)
        width = min(1024, chunk_width(counts))
        place, start = _pack(kind, counts, width)
        slot = np.full(max(int(start[-1]), 1) * width, self.empty, np.uint32)
        lag = np.zeros(slot.size)
        slot[place] = self.slot[last]
        lag[place] = stream.remaining[last]
        row = np.repeat(np.arange(stream.num_marks), np.diff(start)).astype(np.int32)
        if row.size == 0:
            row = np.zeros(1, np.int32)
        return row, slot.reshape(-1, width), lag.reshape(-1, width)


def chunk_width(counts: np.ndarray) -> int:
    """Events a chunk: CHUNK at most, and such that little is padded."""
    longest = int(counts.max(initial=1))
    if longest <= 64:
        return max(longest, 1)
    widths = np.arange(64, min(CHUNK, longest + 63) + 1, 64)
    chunks = -(-counts[:, None] // widths)
    return int(widths[np.argmin(np.sum(chunks, axis=0) * (widths + OVERHEAD))])


def lane_length(num_events: int) -> int:
    """Steps of the recursion over the sources' events."""
    return int(min(LANE, max(1, 2 ** int(np.log2(max(num_events, 1)) / 2))))


def _pack(kind: np.ndarray, counts: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Place of each item when kinds are laid one after another, each padded to full rows."""
    start = np.concatenate([[0], np.cumsum(-(-counts // width))])
    order = np.argsort(kind, kind="stable")
    within = np.arange(kind.size) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.empty(kind.size, np.int64)
    place[order] = start[kind[order]] * width + within
    return place, start
