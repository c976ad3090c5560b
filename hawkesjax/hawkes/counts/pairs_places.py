"""Where the pairwise form lays its source events out, and where each target finds its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hawkesjax.hawkes.counts.pairs_chunks import Chunks, chunk_width, pack
from hawkesjax.hawkes.counts.pairs_states import Sources
from hawkesjax.hawkes.counts.stream import Stream

# Source events per lane, at most: the steps of the recursion (16 and 256 take 1.2 and 1.3 times as
# long). Source events per block: the states of two fit a core's cache (1 to 1.02 from 12,500 to
# 50,000, 1.3 at 6,000 and 1.4 at 100,000). How many more chunks a shorter table may cost, as a
# ratio. All by python -m benchmarks.tuning, D = 20.
LANE, BLOCK, PADDING = 64, 25_000, 1.1


@dataclass(frozen=True, eq=False)
class Places:
    """The places of the states in a table that holds the last few blocks (host, NumPy only).

    The stream is cut into blocks of consecutive events, and the events of a mark in a block into
    lanes of `steps`. A block's part of the table is (1 + steps) x lanes: a row with the states of
    all marks before the block, and then the states just after the events. The first row's last
    column is zero: what has no predecessor points there.

    Args:
        slot: place of each event's state.
        block: block of each event.
        shape: blocks, steps, lanes.
        held: blocks that the table holds; no chunk of targets spans more.
        clock: time of each event on one clock that runs through all sequences.
        stream: the stream.
    """

    slot: np.ndarray
    block: np.ndarray
    shape: tuple[int, int, int]
    held: int
    clock: np.ndarray
    stream: Stream

    @classmethod
    def from_stream(
        cls,
        stream: Stream,
        width: int | None = None,
        steps: int | None = None,
        block: int | None = None,
    ) -> tuple[Places, Chunks]:
        """Lay the sources out and cut the targets' chunks."""
        marks, num_events = np.asarray(stream.marks, np.int64), stream.num_events
        if steps is None:
            steps = lane_length(num_events)
        blocks = max(1, -(-num_events // (BLOCK if block is None else block)))
        # Blocks of equal size; simultaneous events share one, as each needs the states before all.
        number = _opening(stream) * blocks // max(num_events, 1)
        chunks, held = _chunks(stream, width, number, blocks)

        kind = number * stream.num_marks + marks
        counts = np.bincount(kind, minlength=blocks * stream.num_marks)
        needed = (-(-counts // steps)).reshape(blocks, stream.num_marks)
        before = (np.cumsum(needed, axis=1) - needed).ravel()
        lanes = max(int(needed.sum(axis=1).max()), stream.num_marks + 1)
        order = np.argsort(kind, kind="stable")
        within = np.arange(num_events) - np.repeat(np.cumsum(counts) - counts, counts)
        row = (number[order] % held) * (1 + steps) + 1 + within % steps
        slot = np.empty(num_events, np.int64)
        slot[order] = row * lanes + before[kind[order]] + within // steps
        # Sums of the gaps in extended precision where the machine has it, so that a lag between
        # two neighbours keeps the digits of the gaps between them.
        clock = np.cumsum(np.where(stream.first, 0.0, stream.gaps), dtype=np.longdouble)
        return cls(slot, number, (blocks, steps, lanes), held, clock, stream), chunks

    @property
    def empty(self) -> int:
        """Place of a state that is zero."""
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
        number, lane = self.block[order], self.slot[order] % lanes
        mark = np.zeros((blocks, lanes), np.int32)
        mark[number, lane] = marks[order]
        used = np.zeros((blocks, lanes), bool)
        used[number, lane] = True
        gaps = np.where(used[:, None, :], np.zeros((1, steps, 1)), -1.0)
        gaps[number, self.slot[order] // lanes % (1 + steps) - 1, lane] = own
        linked = np.zeros((blocks, lanes))
        linked[:, 1:] = used[:, 1:] & used[:, :-1] & (mark[:, 1:] == mark[:, :-1])
        return Sources(
            gaps=gaps.astype(dtype),
            span=np.where((gaps < 0).any(axis=1), -1, gaps.sum(axis=1)).astype(dtype),
            mark=mark,
            jump=used.astype(dtype),
            linked=linked.astype(dtype),
            begin=self._begin(),
            held=self.held,
        )

    def _begin(self) -> np.ndarray:
        """Place of each mark's last state before each block, (blocks, marks): in the block before,
        or in its first row, where it stands for an older one."""
        blocks, marks = self.shape[0], self.stream.num_marks
        begin = np.full((blocks, marks), self.empty, np.uint32)
        last = np.full((blocks, marks), -1)
        last[self.block, self.stream.marks] = np.arange(self.stream.num_events)  # the last one wins
        row = np.array([self._first_row(b) for b in range(blocks)])
        inherited = row[:-1, None] + np.arange(marks)
        begin[1:] = np.where(last[:-1] >= 0, self.slot[last[:-1]], inherited) if blocks > 1 else 0
        return begin

    def _first_row(self, number: Any) -> Any:
        return number % self.held * (1 + self.shape[1]) * self.shape[2]

    def visits(self, chunks: Chunks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which chunks have all their predecessors once a block's states are known.

        Returns:
            the chunks by their last events; how many of them each block completes, (blocks + 1,);
            and, mark by mark, the first chunk that each block does not complete.
        """
        edges = np.arange(self.shape[0] + 1)
        real = int(chunks.start[-1])
        last = chunks.events[np.arange(real), chunks.size[:real] - 1]
        order = np.argsort(last, kind="stable")
        spare = np.arange(real, chunks.mark.size)
        done = self.block[last]
        until = np.searchsorted(done[order], edges)
        parts = [a + np.searchsorted(done[a:b], edges) for a, b in pairwise(chunks.start)]
        order = np.concatenate([order, spare])
        return order.astype(np.int32), until.astype(np.int32), np.array(parts, np.int32)

    def before(self, source: int, chunks: Chunks) -> tuple[np.ndarray, np.ndarray]:
        """Slot and lag of the last strictly earlier event of a source, (chunks, width) both.

        Strictly earlier means before the first event at the same time, whose position follows from
        the gaps; where the sequence has none yet, the slot is the empty one and the lag is 0.
        """
        stream = self.stream
        own = np.flatnonzero(stream.marks == source)
        earlier = np.zeros(stream.num_events + 1, np.int64)
        earlier[own + 1] = 1
        earlier = np.cumsum(earlier)
        last = earlier[_opening(stream)] - 1
        if own.size == 0:
            own = np.zeros(1, np.int64)
            last[:] = -1
        k = own[np.maximum(last, 0)]
        found = (last >= 0) & (stream.sequence[k] == stream.sequence)
        here = self.block[k] == self.block
        place = np.where(here, self.slot[k], self._first_row(self.block) + source)
        slot = np.full(chunks.events.size, self.empty, np.uint32)
        lag = np.zeros(chunks.events.size)
        slot[chunks.place] = np.where(found, place, self.empty)
        lag[chunks.place] = np.where(found, self.clock - self.clock[k], 0)
        return slot.reshape(chunks.events.shape), lag.reshape(chunks.events.shape)

    def ends(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Last event of each (source, sequence) that has any, in rows of a block and a source.

        Returns:
            source of each row; slot and time to the window's end, (rows, width); padding has the
            empty slot and 0; how many rows each block completes, (blocks + 1,).
        """
        stream, blocks, marks = self.stream, self.shape[0], self.stream.num_marks
        cells = np.asarray(stream.marks, np.int64) * stream.num_sequences + stream.sequence
        last = np.full(marks * stream.num_sequences, -1)
        last[cells] = np.arange(cells.size)  # the last one wins
        last = last[last >= 0]
        kind = self.block[last] * marks + stream.marks[last]
        counts = np.bincount(kind, minlength=blocks * marks)
        width = min(1024, chunk_width(counts[counts > 0]))
        place, start, _ = pack(kind, blocks * marks, width)
        slot = np.full(max(int(start[-1]), 1) * width, self.empty, np.uint32)
        lag = np.zeros(slot.size)
        slot[place] = self.slot[last]
        lag[place] = stream.remaining[last]
        row = np.repeat(np.arange(blocks * marks) % marks, np.diff(start)).astype(np.int32)
        row = row if row.size else np.zeros(1, np.int32)
        return row, slot.reshape(-1, width), lag.reshape(-1, width), start[::marks].astype(np.int32)


def _opening(stream: Stream) -> np.ndarray:
    """Position of the first event at the time of each event, in its sequence."""
    opens = stream.first | (stream.gaps > 0)
    return np.maximum.accumulate(np.where(opens, np.arange(stream.num_events), 0))


def _chunks(
    stream: Stream, width: int | None, block: np.ndarray, blocks: int
) -> tuple[Chunks, int]:
    """The targets' chunks, and the fewest blocks to hold such that few chunks are cut short."""
    whole = Chunks.from_stream(stream, width)
    held = 2
    while held < blocks:
        chunks = Chunks.from_stream(stream, whole.width, block, held)
        if chunks.mark.size <= PADDING * whole.mark.size:
            return chunks, held
        held *= 2
    return whole, blocks


def lane_length(num_events: int) -> int:
    """Steps of the recursion over the sources' events."""
    return int(min(LANE, max(1, 2 ** int(np.log2(max(num_events, 1)) / 2))))
